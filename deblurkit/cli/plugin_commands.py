"""Commands that other packages add to `deblurkit`, by entry points of their own.

    [project.entry-points."deblurkit.commands"]
    my-command = "my_package.cli:my_command"

The object is a `click.Command`; its module is imported when the command is used, or its help is
asked for. No hook of `deblurkit.hookspecs` gives commands: `deblurkit --help` would have to
import every plugin, and one that fails to load would take its commands away.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from importlib import metadata

import click

from deblurkit.errors import PluginError

GROUP = "deblurkit.commands"


@cache
def points() -> dict[str, list[metadata.EntryPoint]]:
    """Name of a command -> who offers it, by name."""
    found: dict[str, list[metadata.EntryPoint]] = {}
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda p: (p.name, _origin(p))):
        found.setdefault(point.name, []).append(point)
    return found


def described(own: Collection[str]) -> list[tuple[str, str]]:
    """The commands with where they come from; those that cannot be used say why.

    Args:
        own: Names that deblurkit has itself.
    """
    lines = []
    for name, offers in points().items():
        whose = " and ".join(_origin(point) for point in offers)
        if name in own:
            whose = f"of {whose}; not usable: deblurkit has a command of this name"
        elif len(offers) > 1:
            whose = f"of {whose}; not usable: uninstall one of them"
        else:
            whose = f"of {whose}"
        lines.append((name, whose))
    return lines


def load(name: str) -> click.Command:
    """Import a command that another package adds.

    Raises:
        PluginError: several packages offer it, its module cannot be imported, or it is no
            command; says which package and version.
    """
    offers = points()[name]
    whose = " and ".join(_origin(point) for point in offers)
    where = f"command '{name}' of {whose}"
    if len(offers) > 1:
        raise PluginError("two packages offer it", where=where, hint="uninstall one of them")
    try:
        found = offers[0].load()
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"it cannot be imported: {type(error).__name__}: {error}",
            where=where,
            hint="update or uninstall the package, or tell its authors; mend it if it is yours",
        ) from error
    if not isinstance(found, click.Command):
        raise PluginError(
            f"'{offers[0].value}' is a {type(found).__name__}",
            where=where,
            valid="a click.Command: a function under @click.command()",
            hint="tell its authors, or mend it if it is yours",
        )
    return found


def _origin(point: metadata.EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "a package unknown"
