"""What a suite file says: rows, seeds, scale, protocol, reference. Its reader is `read_suite`."""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from deblurkit.evaluation.rows import Given
from deblurkit.printable import unprintable


def _one_line(text: str) -> str:
    if hidden := unprintable(text):
        raise ValueError(f"it has {hidden}; valid: one line of text")
    return text


def _folded(text: str) -> str:
    """Lines of a summary as one."""
    return _one_line(" ".join(re.split(r"[ \t\r\n]+", text)).strip(" "))


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Text = Annotated[str, AfterValidator(_one_line)]


def _once(values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    if values and len(set(values)) < len(values):
        twice = next(v for v in values if values.count(v) > 1)
        raise ValueError(f"{twice} is there twice")
    return values


class Section(BaseModel):
    """A part of a suite: unknown keys refused, values frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SuiteRow(Section):
    """One row of the table: a recipe with overrides."""

    name: Name = Field(description="of the row; also that of its run directories")
    title: Text = Field("", description="in tables; by default the name")
    recipe: Text = Field(description="a bundled recipe's name, or a path from the suite's folder")
    set: dict[str, Any] = Field(default_factory=dict, description="recipe key -> value")
    seeds: tuple[Seed, ...] | None = Field(None, min_length=1, description="by default the suite's")
    also: tuple[Given, ...] = Field((), description="further rows from the same weights")
    group: Text = Field("", description="heading in the table; rows of one group stand together")
    reference: str | None = Field(
        None, description="the row that this one is compared with; by default the suite's"
    )

    @field_validator("seeds", "also")
    @classmethod
    def _each_once(cls, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        return _once(values)

    @property
    def shown(self) -> str:
        """The row's title."""
        return self.title or self.name


class Suite(Section):
    """A suite, as its file says it."""

    name: Name
    summary: Annotated[str, AfterValidator(_folded)] = ""
    scale: Text = Field("quick", description="lowest layer of every row's recipe")
    seeds: tuple[Seed, ...] = Field((0,), min_length=1)
    protocol: Text = "deblurkit"
    reference: str = Field(description="the row that differences are taken to")
    set: dict[str, Any] = Field(default_factory=dict, description="recipe key -> value, all rows")
    rows: tuple[SuiteRow, ...] = Field(min_length=1)

    @field_validator("seeds")
    @classmethod
    def _each_once(cls, values: tuple[int, ...]) -> tuple[Any, ...] | None:
        return _once(values)

    @model_validator(mode="after")
    def _names(self) -> Self:
        names = [row.name for row in self.rows]
        if twice := sorted({n for n in names if names.count(n) > 1}):
            raise ValueError(f"rows share a name: {', '.join(twice)}")
        for asked in (self.reference, *(row.reference for row in self.rows)):
            if asked is not None and asked not in names:
                raise ValueError(f"the reference '{asked}' is no row; rows: {', '.join(names)}")
        return self

    def seeds_of(self, row: SuiteRow) -> tuple[int, ...]:
        """The seeds of a row."""
        return row.seeds or self.seeds

    def reference_of(self, row: SuiteRow) -> str:
        """The name of the row that a row is compared with."""
        return row.reference or self.reference

    def overrides_of(self, row: SuiteRow) -> tuple[str, ...]:
        """Overrides for `load_recipe`: the suite's, then the row's."""
        return tuple(f"{k}={json.dumps(v)}" for k, v in {**self.set, **row.set}.items())
