"""A component's parameters as people read them: type, limits, default, meaning."""

from __future__ import annotations

import json
import types
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from deblurkit.specs import Params

WORDS: Mapping[Any, str] = {
    int: "integer",
    float: "number",
    bool: "true or false",
    str: "text",
    Path: "path",
    type(None): "null",
    Any: "anything",
}
"""Types as a recipe's author knows them from YAML."""

LIMITS: Mapping[str, str] = {
    "gt": "> {}",
    "ge": ">= {}",
    "lt": "< {}",
    "le": "<= {}",
    "multiple_of": "a multiple of {}",
    "min_length": "at least {} long",
    "max_length": "at most {} long",
    "pattern": "matching {}",
}
"""The constraints that pydantic and annotated-types attach to a type, in words."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a component.

    Attributes:
        name: The key in a recipe.
        type: Its type with its limits: "integer > 0", "l1 | squared".
        default: What a recipe that leaves it out gets, as JSON can say it; None where required.
        required: Whether a recipe must say it.
        help: What it means, with its unit.
    """

    name: str
    type: str
    default: Any
    required: bool
    help: str


def describe(params: type[Params]) -> tuple[Parameter, ...]:
    """The parameters of a parameter model, in its order."""
    return tuple(_describe(name, field) for name, field in params.model_fields.items())


def as_text(value: Any) -> str:
    """A value as one writes it in a recipe: text bare, everything else as in JSON."""
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def plain(value: Any) -> Any:
    """A value with nothing but what JSON has in it; what JSON has no word for becomes text."""
    return to_jsonable_python(value, fallback=str, inf_nan_mode="strings")


def _describe(name: str, field: FieldInfo) -> Parameter:
    required = field.is_required()
    default = None
    if not required:
        # A factory that computes from other parameters has no single default to show.
        default = (
            "computed from the other parameters"
            if field.default_factory is not None and field.default_factory_takes_validated_data
            else plain(field.get_default(call_default_factory=True))
        )
    text = _type_text(field.annotation, field.metadata)
    return Parameter(name, text, default, required, " ".join((field.description or "").split()))


def _type_text(annotation: Any, metadata: Iterable[Any] = ()) -> str:
    """The type in words, its limits behind it."""
    limits = list(_limits(metadata))
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type_text(args[0], (*args[1:], *metadata))
    if origin in (Union, types.UnionType):
        # The limits are those of the members that have any; null and the like ignore them.
        text = " | ".join(_type_text(arg) for arg in args)
    elif origin is Literal:
        text = " | ".join(as_text(plain(arg)) for arg in args)
    elif origin is tuple and len(args) > 0 and args[-1] is not Ellipsis:
        text = "[" + ", ".join(_type_text(arg) for arg in args) + "]"
    elif isinstance(origin, type) and issubclass(origin, Mapping) and len(args) == 2:
        text = f"mapping of {_type_text(args[0])} to {_type_text(args[1])}"
    elif isinstance(origin, type) and issubclass(origin, Collection) and args:
        text = f"list of {_type_text(args[0])}"
        return f"{text} ({' and '.join(limits)})" if limits else text
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        text = " | ".join(as_text(plain(member.value)) for member in annotation)
    else:
        text = WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))
    return f"{text} {' and '.join(limits)}" if limits else text


def _limits(metadata: Iterable[Any]) -> Iterable[str]:
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _limits(item.metadata)
        for attribute, text in LIMITS.items():
            value = getattr(item, attribute, None)
            # A FieldInfo keeps its limits in its metadata; others have them as attributes.
            if value is not None and not isinstance(item, FieldInfo):
                yield text.format(value)
