"""Parameter models in words."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Optional

import pytest
from annotated_types import Gt, Interval, Len
from pydantic import Field, PositiveInt, create_model

from deblurkit.parameters import Parameter, as_text, describe
from deblurkit.specs import NoParams, Params


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Inner(Params):
    x: int = 1


def one(annotation: Any, field: Any = ...) -> Parameter:
    (parameter,) = describe(create_model("Made", __base__=Params, p=(annotation, field)))
    return parameter


@pytest.mark.parametrize(
    ("annotation", "field", "text"),
    [
        (int, ..., "integer"),
        (float, Field(gt=0, le=1), "number > 0 and <= 1"),
        (int, Field(ge=0, lt=8, multiple_of=2), "integer >= 0 and < 8 and a multiple of 2"),
        (PositiveInt, ..., "integer > 0"),
        (Annotated[float, Interval(ge=0, lt=1)], ..., "number >= 0 and < 1"),
        (bool, ..., "true or false"),
        (str, Field(min_length=1, pattern="^a"), "text at least 1 long and matching ^a"),
        (Path, ..., "path"),
        (Any, ..., "anything"),
        (Literal["a", "b", 3] | None, ..., "a | b | 3 | null"),
        (Path | None, ..., "path | null"),
        (Optional[int], Field(ge=1), "integer | null >= 1"),  # noqa: UP045 - the other spelling
        (tuple[int, float], ..., "[integer, number]"),
        (
            tuple[Annotated[float, Field(ge=0)], ...],
            Field(min_length=1),
            "list of number >= 0 (at least 1 long)",
        ),
        (
            Annotated[list[Annotated[int, Gt(0)]], Len(1, 3)],
            ...,
            "list of integer > 0 (at least 1 long and at most 3 long)",
        ),
        (Sequence[str], ..., "list of text"),
        (Mapping[str, int], ..., "mapping of text to integer"),
        (dict[str, list[int]], ..., "mapping of text to list of integer"),
        (Colour, ..., "red | blue"),
        (Inner, ..., "Inner"),
    ],
)
def test_types_in_words(annotation, field, text):
    assert one(annotation, field).type == text


@pytest.mark.parametrize(
    ("annotation", "field", "default"),
    [
        (int, 3, 3),
        (float | None, None, None),
        (tuple[float, ...], (1.0, 2.5), [1.0, 2.5]),
        (Path, Path("a/b"), "a/b"),
        (Colour, Colour.RED, "red"),
        (Inner, Inner(), {"x": 1}),
        (list[int], Field(default_factory=lambda: [1, 2]), [1, 2]),
        (int, Field(default_factory=lambda data: 0), "computed from the other parameters"),
    ],
)
def test_defaults_are_what_json_can_say(annotation, field, default):
    parameter = one(annotation, field)
    assert parameter.default == default
    assert not parameter.required


def test_a_required_parameter_has_no_default():
    parameter = one(int, Field(description="how\n   many"))
    assert parameter == Parameter("p", "integer", None, required=True, help="how many")


def test_order_and_absence():
    class Two(Params):
        b: int = 1
        a: int = 2

    assert [p.name for p in describe(Two)] == ["b", "a"]
    assert describe(NoParams) == ()


@pytest.mark.parametrize(
    ("value", "text"),
    [("bare", "bare"), ("", '""'), (None, "null"), (True, "true"), ([1, [2.5]], "[1, [2.5]]")],
)
def test_values_as_a_recipe_says_them(value, text):
    assert as_text(value) == text
