"""Finding installed plugins and loading each so that its failure is its own.

Whatever goes wrong in one plugin, at import or in a hook, ends as a reason in its
`PluginInfo`; nothing of that plugin is registered and the others go on.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Literal

from deblurkit.errors import PluginError, nearest
from deblurkit.hookspecs import GROUP
from deblurkit.specs import Spec
from deblurkit.vetting import vet

ALLOW = "DEBLURKIT_PLUGINS"
"""Environment variable: the plugins that may be loaded, by name, with commas; empty for all."""

STRICT = "DEBLURKIT_STRICT"
"""Environment variable: set to 1, a plugin that fails to load is an error, for all that is done."""

UNKNOWN = "unknown"
"""Distribution or version of a plugin that no installed distribution declares."""


@dataclass(frozen=True)
class PluginInfo:
    """A plugin as it was found.

    Attributes:
        name: The entry point's name, the `owner` of its components.
        module: What the entry point names, "package.module".
        distribution: The distribution it was installed with, or "unknown".
        version: That distribution's version, or "unknown".
        status: `ok`, or `failed`: nothing of it can be used.
        reason: Why it failed, one line; None where it is ok.
    """

    name: str
    module: str
    distribution: str
    version: str
    status: Literal["ok", "failed"] = "ok"
    reason: str | None = None


@dataclass(frozen=True)
class Plugin:
    """A plugin with the specs of its components; none where it failed."""

    info: PluginInfo
    specs: tuple[Spec, ...] = ()


def installed() -> tuple[Plugin, ...]:
    """Load every installed plugin that $DEBLURKIT_PLUGINS allows, by name.

    Raises:
        PluginError: $DEBLURKIT_PLUGINS names a plugin that is not installed; or one failed, and
            $DEBLURKIT_STRICT is set.
    """
    points = sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name)
    allowed = _allowed({point.name for point in points})
    points = [point for point in points if point.name in allowed]
    count = Counter(point.name for point in points)
    found = tuple(
        _load_point(point) if count[point.name] == 1 else _clash(point, points) for point in points
    )
    failed = [plugin.info for plugin in found if plugin.info.status == "failed"]
    if failed and os.environ.get(STRICT, "") not in ("", "0"):
        raise PluginError(
            "; ".join(f"'{i.name}' ({i.distribution} {i.version}): {i.reason}" for i in failed),
            where=f"${STRICT}, plugins that failed to load",
            hint=f"mend or uninstall them, leave them out with {ALLOW}, or unset {STRICT}",
        )
    return found


def load(
    name: str,
    find: Callable[[], Any],
    *,
    module: str,
    distribution: str = UNKNOWN,
    version: str = UNKNOWN,
) -> Plugin:
    """Import one plugin and take its specs; a failure becomes its reason.

    Args:
        name: The plugin's name.
        find: Gives the plugin's module; may raise anything.
        module: What the plugin's entry point names.
        distribution: Where it comes from.
        version: The distribution's version.
    """
    try:
        # What a plugin prints at import must not end up in the output of `--json`.
        with redirect_stdout(sys.stderr):
            specs = vet(find(), name)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - kept as the plugin's reason
        info = PluginInfo(name, module, distribution, version, "failed", plain_reason(error))
        return Plugin(info)
    return Plugin(PluginInfo(name, module, distribution, version), specs)


def plain_reason(error: BaseException) -> str:
    """An exception in one line: its type and message, without a traceback."""
    parts = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, PluginError):
        return "; ".join(parts)
    text = " ".join([f"{type(error).__name__}:" if parts else type(error).__name__, *parts])
    return "; ".join([text, *getattr(error, "__notes__", ())])


def _allowed(names: set[str]) -> set[str]:
    wanted = {name.strip() for name in os.environ.get(ALLOW, "").split(",")} - {""}
    if unknown := sorted(wanted - names):
        raise PluginError(
            f"no plugin '{unknown[0]}' is installed",
            where=f"${ALLOW}",
            valid=nearest(unknown[0], names),
            hint=f"install it, or take the name out of {ALLOW}",
        )
    return wanted or names


def _load_point(point: metadata.EntryPoint) -> Plugin:
    def find() -> Any:
        if not point.pattern.match(point.value):
            raise PluginError(f"its entry point is '{point.value}'", valid="'package.module'")
        return point.load()

    distribution, version = _origin(point)
    return load(point.name, find, module=point.value, distribution=distribution, version=version)


def _clash(point: metadata.EntryPoint, points: Iterable[metadata.EntryPoint]) -> Plugin:
    """A plugin whose name another one has too: `owner:name` could mean either."""
    rivals = [p for p in points if p.name == point.name and p is not point]
    others = ", ".join("{1} {2} ({0})".format(p.value, *_origin(p)) for p in rivals)
    reason = f"another plugin is called '{point.name}' too: {others}; uninstall one of them"
    return Plugin(PluginInfo(point.name, point.value, *_origin(point), "failed", reason))


def _origin(point: metadata.EntryPoint) -> tuple[str, str]:
    """Name and version of the distribution; damaged metadata must not stop the listing."""
    try:
        found = point.dist.metadata if point.dist else None
        return (found["Name"] or UNKNOWN, found["Version"] or UNKNOWN) if found else (UNKNOWN,) * 2
    except (KeyError, OSError, ValueError):
        return UNKNOWN, UNKNOWN
