"""The component under test: its spec vetted, its parameters validated, its findings worded."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from deblurkit import API_VERSION
from deblurkit.discovery import UNKNOWN
from deblurkit.errors import DeblurkitError
from deblurkit.hookspecs import hookimpl
from deblurkit.registry import Registered
from deblurkit.specs import Spec
from deblurkit.vetting import HOOKS, vet

SpecT = TypeVar("SpecT", bound=Spec)
Component = Registered | Spec
"""What the suites take: a spec as a hook returns it, or a component of the registry."""


class Subject(Generic[SpecT]):
    """A component under test.

    Args:
        component: A spec or a registered component.
        kind: The class its spec must be of.
        params: Its parameters by name; the rest take their defaults.

    Raises:
        AssertionError: the spec breaks the contract, is of another kind, or the parameters do
            not fit its model.
    """

    def __init__(self, component: Component, kind: type[SpecT], params: Mapping[str, Any]) -> None:
        spec = component.spec if isinstance(component, Registered) else component
        self._name = f"{getattr(spec, 'kind', 'component')} '{getattr(spec, 'name', spec)}'"
        self.require(
            isinstance(spec, kind),
            f"it is a {type(spec).__name__}",
            f"this suite is for {kind.__name__}",
        )
        self.spec = cast(SpecT, spec)
        self._vet()
        self._origin = (
            component
            if isinstance(component, Registered)
            else Registered(self.spec, "under-test", UNKNOWN, UNKNOWN)
        )
        self.params = self.validated(params)
        self._check_constructor()

    def require(self, ok: bool, wrong: str, mend: str) -> None:
        """Raise AssertionError with what is wrong and how to mend it, unless `ok`."""
        if not ok:
            raise self.failure(wrong, mend)

    def failure(self, wrong: str, mend: str) -> AssertionError:
        """An AssertionError that says what is wrong and how to mend it."""
        return AssertionError(f"{self._name}: {wrong}\n  mend: {mend}")

    def validated(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters as its model accepts them, defaults filled in."""
        try:
            return self.spec.params.model_validate(dict(params)).model_dump()
        except ValidationError as error:
            raise self.failure(
                f"its parameter model refuses {dict(params) or 'its own defaults'}:\n{error}",
                "give every parameter a default, or hand required ones to this suite by name",
            ) from error

    def build(self, **more: Any) -> Any:
        """Make the component; keyword arguments replace parameters."""
        try:
            return self._origin.build(**{**self.params, **more})
        except DeblurkitError as error:
            raise self.failure(
                f"it cannot be built: {error}",
                "build='package.module:Object' must name a class or function that takes the "
                "parameters as keyword arguments",
            ) from error

    def load(self, reference: str, what: str) -> Any:
        """What another "package.module:Object" of the spec names, called without arguments."""
        try:
            return self._origin.load(reference)()
        except Exception as error:
            raise self.failure(
                f"its {what}, '{reference}', cannot be made: {error}",
                f"{what}='package.module:Object' must name a class without arguments",
            ) from error

    def pickled(self, thing: Any, why: str) -> Any:
        """A copy made by pickling; `why` says what needs it."""
        try:
            return pickle.loads(pickle.dumps(thing))  # noqa: S301 - our own bytes
        except Exception as error:  # pickling raises whatever an object's own code does
            raise self.failure(
                f"it cannot be pickled: {error}",
                f"{why}: keep functions and classes at module level, and no open files or "
                "generators in attributes",
            ) from error

    def _check_constructor(self) -> None:
        """The parameter model and what is built must not say two things about a parameter."""
        try:
            made = self._origin.load()
            found = inspect.signature(made).parameters
        except (DeblurkitError, TypeError, ValueError):  # said when it is built; or not to be had
            return
        if any(p.kind is p.VAR_KEYWORD for p in found.values()):
            return
        fields = self.spec.params.model_fields
        missing = sorted(set(fields) - set(found))
        self.require(
            not missing,
            f"{made.__qualname__} takes no {', '.join(missing)}, which its parameter model has",
            f"give it these keyword arguments, or take them out of {self.spec.params.__name__}",
        )
        for name, field in fields.items():
            ours = field.get_default(call_default_factory=True)
            theirs = found[name].default
            if field.is_required() or theirs in (found[name].empty, None):
                continue
            self.require(
                _plain(ours) == _plain(theirs),
                f"the default of {name} is {ours!r} in its parameter model and {theirs!r} in "
                f"{made.__qualname__}",
                "give both the same default: recipes use the one, Python the other",
            )

    def _vet(self) -> None:
        plugin = ModuleType("plugin_under_test")
        hook = next(name for name, kind in HOOKS.items() if kind == self.spec.kind)
        plugin.__dict__["DEBLURKIT_API"] = API_VERSION
        plugin.__dict__[hook] = hookimpl(lambda: [self.spec])
        try:
            vet(plugin, "under-test")
        except DeblurkitError as error:
            raise self.failure(
                f"its spec breaks the contract: {error}", "see deblurkit.specs"
            ) from error


def _plain(value: Any) -> Any:
    """A default that compares as what it says: lists and tuples alike."""
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return value
