"""A validator's findings in plain words."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from deblurkit.errors import nearest
from deblurkit.recipe.located import KeyPath, path_text
from deblurkit.recipe.schema import Architecture, Component, Term

LONGEST = 60

_MAPPINGS: dict[type[BaseModel], str] = {
    Component: ", such as {name: NAME}",
    Architecture: ", such as {name: NAME}",
    Term: ", such as {} or {weight: 0.5}",
}
_PATTERNS = {
    r"^[a-z0-9][a-z0-9._-]*$": "must be lower case letters, digits, '.', '_', '-' and begin with a "
    "letter or digit"
}
_SAYS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "int_type": lambda _: "must be a whole number",
    "int_from_float": lambda _: "must be a whole number",
    "int_parsing": lambda _: "must be a whole number",
    "float_type": lambda _: "must be a number",
    "float_parsing": lambda _: "must be a number",
    "finite_number": lambda _: "must be a finite number",
    "bool_type": lambda _: "must be true or false",
    "bool_parsing": lambda _: "must be true or false",
    "string_type": lambda _: "must be text",
    "path_type": lambda _: "must be a path",
    "dict_type": lambda _: "must be a mapping",
    "model_type": lambda _: "must be a mapping",
    "model_attributes_type": lambda _: "must be a mapping",
    "list_type": lambda _: "must be a list",
    "tuple_type": lambda _: "must be a list",
    "set_type": lambda _: "must be a list",
    "greater_than": lambda c: f"must be more than {_number(c['gt'])}",
    "greater_than_equal": lambda c: f"must be at least {_number(c['ge'])}",
    "less_than": lambda c: f"must be less than {_number(c['lt'])}",
    "less_than_equal": lambda c: f"must be at most {_number(c['le'])}",
    "multiple_of": lambda c: f"must be a multiple of {c['multiple_of']}",
    "literal_error": lambda c: f"must be {c['expected']}",
    "enum": lambda c: f"must be {c['expected']}",
    "too_short": lambda c: f"must have at least {_items(c['min_length'])}",
    "too_long": lambda c: f"must have at most {_items(c['max_length'])}",
    "string_too_short": lambda c: f"must have at least {c['min_length']} characters",
    "string_too_long": lambda c: f"must have at most {c['max_length']} characters",
    "string_pattern_mismatch": lambda c: _PATTERNS.get(
        c["pattern"], f"must match the pattern {c['pattern']}"
    ),
}


def show_value(value: Any) -> str:
    """A value as a recipe would say it, shortened."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            text = "[" + ", ".join(show_value(item) for item in value) + "]"
        case _:
            text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def explain(
    error: ErrorDetails, model: type[BaseModel], above: KeyPath = (), *, settable: bool = True
) -> str:
    """Say what one finding of pydantic means.

    Args:
        error: The finding.
        model: The model that was validated.
        above: The keys above the validated mapping, to name a missing key in full.
        settable: Whether a missing key can be given by --set.

    Returns:
        What is wrong, without "got VALUE", which only some findings have; see `got`.
    """
    kind, path = error["type"], tuple(error["loc"])
    if kind == "extra_forbidden":
        owner = _model_at(model, path[:-1])
        choices = nearest(str(path[-1]), owner.model_fields if owner else ())
        return f"there is no such key; {choices}"
    if kind == "missing":
        if isinstance(path[-1], int):
            return f"must have more items, at least {path[-1] + 1}"
        return _missing(model, path, (*above, *path), settable)
    context = error.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if kind == "string_pattern_mismatch" and model.__name__ == "Recipe" and path == ("name",):
        return "must be letters, digits, '.', '_' and '-' and begin with a letter or digit"
    if kind in _SAYS:
        text = _SAYS[kind](context)
    else:
        text = error["msg"].replace("Input should be", "must be")
    if kind in ("model_type", "model_attributes_type"):
        owner = _model_at(model, path)
        text += _MAPPINGS.get(owner, "") if owner else ""
    return text


def got(error: ErrorDetails) -> str | None:
    """The value that a finding is about, None where it is about a key."""
    if error["type"] == "extra_forbidden":
        return None
    if error["type"] == "missing" and not isinstance(error["loc"][-1], int):
        return None
    if error["type"] in ("value_error", "assertion_error") and isinstance(error["input"], Mapping):
        return None  # about several values at once
    return show_value(error["input"])


def _missing(model: type[BaseModel], path: KeyPath, full: KeyPath, settable: bool) -> str:
    owner = _model_at(model, path[:-1])
    field = owner.model_fields.get(str(path[-1])) if owner else None
    text = "the key is missing"
    if field is None:
        return text
    if field.description:
        text += f"; valid: {field.description}"
    word = _placeholder(field) if settable else None
    if word is None:
        return text
    name = ".name" if _is_component(field.annotation) else ""
    return f"{text}; give it in the recipe or by --set {path_text(full)}{name}={word}"


def _placeholder(field: FieldInfo) -> str | None:
    """What to write in place of a missing value; None for mappings, which are not typed so."""
    kinds = _alternatives(field.annotation)
    if any(isinstance(k, type) and issubclass(k, PurePath) for k in kinds):
        words = (field.description or "").lower()
        return "PATH" if "file" in words else "FOLDER"
    if _is_component(field.annotation) or str in kinds:
        return "NAME"
    if any(isinstance(k, type) and issubclass(k, BaseModel) for k in kinds):
        return None
    return "NUMBER" if int in kinds or float in kinds else "VALUE"


def _is_component(annotation: Any) -> bool:
    return bool({Component, Architecture} & set(_alternatives(annotation)))


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    """The types that an annotation allows, without None and without metadata."""
    if hasattr(annotation, "__metadata__"):
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(
            k for a in get_args(annotation) if a is not type(None) for k in _alternatives(a)
        )
    return (annotation,)


def _model_at(model: type[BaseModel], path: KeyPath) -> type[BaseModel] | None:
    """The model that a path inside another model leads to."""
    current: tuple[Any, ...] = (model,)
    for part in path:
        below: list[Any] = []
        for kind in current:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                if field := kind.model_fields.get(str(part)):
                    below += _alternatives(field.annotation)
            elif arguments := [a for a in get_args(kind) if a is not Ellipsis]:
                # A mapping's values come last; of a tuple, the position or the one type.
                fits = isinstance(part, int) and get_origin(kind) is tuple
                index = part if fits and isinstance(part, int) and part < len(arguments) else -1
                below += _alternatives(arguments[index])
        current = tuple(below)
    models = [k for k in current if isinstance(k, type) and issubclass(k, BaseModel)]
    return models[0] if models else None


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
