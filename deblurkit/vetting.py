"""Whether a plugin keeps the contract of `hookspecs`, decided before anything of it counts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, get_args, get_type_hints

import pluggy
from pydantic import TypeAdapter, ValidationError

import deblurkit
from deblurkit import hookspecs
from deblurkit.errors import PluginError, nearest
from deblurkit.specs import SPECS, ArchitectureSpec, Kind, Params, Spec

HOOKS: Mapping[str, Kind] = {
    name: get_args(get_type_hints(hook)["return"])[0].kind
    for name, hook in vars(hookspecs).items()
    if hasattr(hook, f"{hookspecs.GROUP}_spec")
}
"""The hooks, and the kind of component that each returns specs of."""

RESERVED: Mapping[Kind, frozenset[str]] = {
    "loss": frozenset({"weight"}),
    "family": frozenset({"name"}),
    "architecture": frozenset({"name", "inputs", "middle", "core", "outer"}),
    "schedule": frozenset({"name"}),
    "ordering": frozenset({"name"}),
    "dataset": frozenset({"name"}),
    "metric": frozenset(),
    "importer": frozenset(),
}
"""Keys that a recipe says beside a component's parameters: no parameter can be called so."""

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\+*")
BUILD = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def vet(plugin: Any, name: str) -> tuple[Spec, ...]:
    """Call every hook of a plugin and check what comes back.

    Args:
        plugin: The plugin: a module, or any object with the hooks as attributes.
        name: Its entry point's name, for pluggy's messages.

    Returns:
        The specs of all its hooks.

    Raises:
        PluginError: it was written for another version of the contract, has a hook that does
            not exist or is not marked, returns something else than specs, or a spec is bad.
        Exception: whatever a hook raises, with a note that names the hook.
    """
    _check_version(plugin)
    specs: list[Spec] = []
    for hook, function in _implementations(plugin, name):
        try:
            returned = function()
        except Exception as error:
            error.add_note(f"raised by {hook}()")
            raise
        for spec in _sequence(hook, returned):
            _check_spec(hook, spec)
            if any((s.kind, s.name) == (spec.kind, spec.name) for s in specs):
                raise PluginError(f"two components are called {spec.kind} '{spec.name}'")
            specs.append(spec)
    return tuple(specs)


def _check_version(plugin: Any) -> None:
    ours = deblurkit.API_VERSION
    theirs = getattr(plugin, "DEBLURKIT_API", None)
    here = f"DEBLURKIT_API = {ours}, the plugin contract of deblurkit {deblurkit.__version__}"
    if theirs is None:
        raise PluginError("it does not say DEBLURKIT_API", valid=here)
    if type(theirs) is not int:
        raise PluginError(f"DEBLURKIT_API is {theirs!r}", valid=here)
    if theirs != ours:
        older = "deblurkit" if theirs > ours else "the plugin"
        raise PluginError(f"DEBLURKIT_API is {theirs}", valid=here, hint=f"update {older}")


def _implementations(plugin: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The plugin's hooks by name, in the order of `HOOKS`."""
    # A manager of its own for each plugin: one that fails halfway leaves nothing behind.
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name=name)
    callers = {caller.name: caller for caller in manager.get_hookcallers(plugin) or ()}
    for caller in callers.values():
        if not caller.has_spec() and not all(i.optionalhook for i in caller.get_hookimpls()):
            raise PluginError(
                f"there is no hook '{caller.name}'", valid=nearest(caller.name, HOOKS)
            )
    for hook in HOOKS:
        if hook in callers:
            # Called directly: pluggy's own call drops a None, which is a mistake here.
            for implementation in callers[hook].get_hookimpls():
                yield hook, implementation.function
        elif callable(getattr(plugin, hook, None)):
            raise PluginError(
                f"{hook} is not marked as a hook",
                hint="put @hookimpl of deblurkit.hookspecs above it",
            )


def _sequence(hook: str, returned: Any) -> Sequence[Any]:
    if not isinstance(returned, list | tuple):
        raise PluginError(
            f"{hook}() returned {_a(returned)}", valid=f"a list of {SPECS[HOOKS[hook]].__name__}"
        )
    return returned


def _check_spec(hook: str, spec: Any) -> None:
    kind = HOOKS[hook]
    wanted = SPECS[kind]
    if not isinstance(spec, wanted):
        raise PluginError(f"{hook}() returned {_a(spec)} in its list", valid=wanted.__name__)
    where = f"{kind} {spec.name!r}"
    for field, adapter in _field_types(kind).items():
        value = getattr(spec, field)
        try:
            # Strict: "yes" is no bool. But a mapping need not be a dict, which strict asks for.
            adapter.validate_python(value, strict=not isinstance(value, Mapping))
        except ValidationError as error:
            raise PluginError(f"{field}: {_first(error)}", where=where) from None
    if not NAME.fullmatch(spec.name):
        raise PluginError(
            "the name is not one that recipes can say",
            where=where,
            valid="lower case letters, digits and single hyphens between them, e.g. my-loss",
        )
    if not spec.summary.strip() or "\n" in spec.summary:
        raise PluginError("the summary is empty or has several lines", where=where, valid="a line")
    if not BUILD.fullmatch(spec.build):
        raise PluginError(f"build: {spec.build!r}", where=where, valid="'package.module:Object'")
    if taken := sorted(RESERVED[kind] & set(spec.params.model_fields)):
        raise PluginError(
            f"no parameter can be called {', '.join(map(repr, taken))}: recipes mean another thing",
            where=where,
            hint="give it another name",
        )
    if isinstance(spec, ArchitectureSpec):
        for role, values in spec.roles.items():
            _check_some(spec.params, f"roles, {role}", values, where)
        _check_some(spec.params, "first_weights", spec.first_weights, where)


def _check_some(params: type[Params], what: str, values: Mapping[str, Any], where: str) -> None:
    """Check some parameters; required ones may be left to the recipe."""
    try:
        params.model_validate(dict(values))
    except ValidationError as error:
        if any(e["type"] != "missing" or len(e["loc"]) > 1 for e in error.errors()):
            raise PluginError(f"{what}: {_first(error)}", where=where) from None


@cache
def _field_types(kind: Kind) -> Mapping[str, TypeAdapter[Any]]:
    """A validator of each field's declared type."""
    types = get_type_hints(SPECS[kind])
    return {field.name: TypeAdapter(types[field.name]) for field in fields(SPECS[kind])}


def _first(error: ValidationError) -> str:
    """The first thing a validator found that is not just a missing key, with its place."""
    found = error.errors(include_url=False)
    first = next((e for e in found if e["type"] != "missing"), found[0])
    place = ".".join(map(str, first["loc"]))
    text = f"{first['msg']}, not {first['input']!r}"
    return f"{place}: {text}" if place else text


def _a(value: Any) -> str:
    """What a value is, shortly, for a message."""
    return "None" if value is None else f"a value of type {type(value).__name__}"
