"""Which components there are, and how a name in a recipe becomes one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from types import ModuleType
from typing import Any

from deblurkit import discovery
from deblurkit.discovery import Plugin, PluginInfo, plain_reason
from deblurkit.errors import DeblurkitError, PluginError, nearest
from deblurkit.specs import KINDS, Kind, Spec

__all__ = ["PluginInfo", "Registered", "Registry", "get_registry"]


@dataclass(frozen=True)
class Registered:
    """A component and where it comes from.

    Attributes:
        spec: What the plugin returned.
        owner: Name of the plugin.
        distribution: The distribution the plugin came with.
        version: That distribution's version.
    """

    spec: Spec
    owner: str
    distribution: str
    version: str

    @property
    def qualified(self) -> str:
        """`owner:name`, which always means this component."""
        return f"{self.owner}:{self.spec.name}"

    def load(self, reference: str | None = None) -> Any:
        """Import what `build` names: a class or a function that makes the component.

        Args:
            reference: Another "package.module:Object" of the spec, in the place of `build`.

        Raises:
            PluginError: its module cannot be imported, has no such object, or the object
                cannot be called.
        """
        reference = reference or self.spec.build
        module_name, _, path = reference.partition(":")
        try:
            found: Any = import_module(module_name)
            for attribute in path.split("."):
                found = getattr(found, attribute)
        except ModuleNotFoundError as error:
            missing = error.name or "the library"
            # Its own module missing is a broken plugin; any other a library not installed.
            own = module_name == missing or module_name.startswith(f"{missing}.")
            install = f"install the library that has the module '{missing}'"
            raise self._broken(error, None if own else install, reference) from error
        except (Exception, SystemExit) as error:
            raise self._broken(error, None, reference) from error
        if not callable(found):
            kind = type(found).__name__
            wrong = TypeError(f"its type is {kind}, not a class or function")
            raise self._broken(wrong, None, reference)
        return found

    def build(self, **params: Any) -> Any:
        """Make the component from parameters that its parameter model has accepted.

        Raises:
            PluginError: as `load`, or the component does not accept these parameters.
            DeblurkitError: what the component itself has to say, for instance about its data.
        """
        make = self.load()
        try:
            return make(**params)
        except DeblurkitError:
            raise
        except Exception as error:
            given = ", ".join(f"{key}={value!r}" for key, value in params.items()) or "none"
            raise self._broken(error, f"check its parameters: {given}") from error

    def _broken(
        self, error: BaseException, first: str | None = None, reference: str | None = None
    ) -> PluginError:
        update = (
            f"update {self.distribution} or tell its authors; mend it if it is yours"
            if self.distribution != discovery.UNKNOWN
            else "mend the plugin"
        )
        return PluginError(
            f"{self.spec.kind} '{self.spec.name}' of plugin '{self.owner}' "
            f"({self.distribution} {self.version}) does not work: "
            f"{reference or self.spec.build}: {plain_reason(error)}",
            hint=f"{first}; else {update}" if first else update,
        )


class Registry:
    """The plugins found and the components of those that are ok.

    Args:
        plugins: The plugins, loaded; see `installed` and `from_modules`.
    """

    def __init__(self, plugins: Iterable[Plugin]) -> None:
        self._plugins = tuple(sorted(plugins, key=lambda p: p.info.name))
        found = (
            Registered(spec, p.info.name, p.info.distribution, p.info.version)
            for p in self._plugins
            for spec in p.specs
        )
        self._components = tuple(
            sorted(found, key=lambda r: (KINDS.index(r.spec.kind), r.spec.name, r.owner))
        )

    @classmethod
    def installed(cls) -> Registry:
        """The installed plugins, those that $DEBLURKIT_PLUGINS allows."""
        return cls(discovery.installed())

    @classmethod
    def from_modules(cls, modules: Mapping[str, ModuleType | str]) -> Registry:
        """Just these plugins: a name and its module, or the module's name, for each."""
        return cls(
            discovery.load(name, partial(import_module, m), module=m)
            if isinstance(m, str)
            else discovery.load(name, partial(_same, m), module=m.__name__)
            for name, m in modules.items()
        )

    def plugins(self) -> tuple[PluginInfo, ...]:
        """All plugins by name, the failed ones with their reason."""
        return tuple(p.info for p in self._plugins)

    def specs(self, kind: Kind | None = None) -> tuple[Registered, ...]:
        """All components, or those of a kind, by kind and name."""
        return tuple(r for r in self._components if kind in (None, r.spec.kind))

    def resolve(self, kind: Kind, name: str) -> Registered:
        """The component that a recipe means by `name` or `owner:name`.

        Raises:
            PluginError: nobody or more than one plugin has it, or the owner failed to load.
        """
        owner, colon, bare = name.rpartition(":")
        if colon:
            self._check_owner(owner, kind, name)
        pool = [r for r in self.specs(kind) if not colon or r.owner == owner]
        matches = [r for r in pool if r.spec.name == bare]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise PluginError(
                f"{kind} '{bare}' is in more than one plugin: "
                + ", ".join(f"{r.owner} ({r.distribution} {r.version})" for r in matches),
                valid=" or ".join(r.qualified for r in matches),
                hint="say which plugin's you mean, as owner:name",
            )
        raise PluginError(
            f"there is no {kind} '{bare}'" + (f" in plugin '{owner}'" if colon else ""),
            valid=nearest(bare, {r.spec.name for r in pool}),
            hint=self._why_unknown(kind, bare, failed=not colon),
        )

    def _check_owner(self, owner: str, kind: Kind, name: str) -> None:
        infos = [info for info in self.plugins() if info.name == owner]
        if not infos:
            raise PluginError(
                f"there is no plugin '{owner}', the owner of {kind} '{name}'",
                valid=nearest(owner, {info.name for info in self.plugins()}),
                hint="install it; if it is, see that $DEBLURKIT_PLUGINS allows it",
            )
        if infos[0].status == "failed":
            raise PluginError(
                f"{kind} '{name}' cannot be used: plugin '{owner}' "
                f"({infos[0].distribution} {infos[0].version}) failed to load: {infos[0].reason}",
                hint=f"mend or update {owner}, then try again",
            )

    def _why_unknown(self, kind: Kind, name: str, *, failed: bool) -> str | None:
        """What else may explain an unknown name: another kind, or a plugin that failed."""
        notes = [
            f"'{name}' is a {r.spec.kind} of plugin '{r.owner}', not a {kind}"
            for r in self.specs()
            if r.spec.name == name
        ]
        if failed:
            notes += [
                f"it may be of plugin '{i.name}', which failed to load: {i.reason}"
                for i in self.plugins()
                if i.status == "failed"
            ]
        return "\n        ".join(notes) or None


@cache
def get_registry() -> Registry:
    """The installed plugins, found once a process; `get_registry.cache_clear()` forgets them."""
    return Registry.installed()


def _same(module: ModuleType) -> ModuleType:
    return module
