"""What recipes differ in, key by key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deblurkit.recipe import Recipe

NAMES = frozenset({"name", "summary", "seed"})
"""Keys that say which run it is, not what it does."""


@dataclass(frozen=True)
class Difference:
    """A key with its value in two recipes.

    Attributes:
        key: With dots: `training.middle.steps`.
        before: In the reference; None where it has no such key.
        after: In the recipe; None where it has no such key.
    """

    key: str
    before: str | None
    after: str | None


def differences(recipe: Recipe, reference: Recipe) -> tuple[Difference, ...]:
    """The keys in which a resolved recipe differs from another, in the recipe's order.

    Name, summary and seed are left out: they say which run it is.
    """
    ours, theirs = flat(recipe), flat(reference)
    keys = [*ours, *(key for key in theirs if key not in ours)]
    return tuple(
        Difference(key, theirs.get(key), ours.get(key))
        for key in keys
        if ours.get(key) != theirs.get(key) and key not in NAMES
    )


def flat(recipe: Recipe) -> dict[str, str]:
    """A resolved recipe as `a.b.c` -> value, values as JSON writes them."""
    return dict(_leaves(recipe.model_dump(mode="json"), ""))


def _leaves(values: Mapping[str, Any], above: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class Setting:
    """A fact of the environment.

    Attributes:
        name: With dots: `packages.torch`.
        values: Value -> titles of the rows that have it; one value where all agree.
    """

    name: str
    values: Mapping[str, tuple[str, ...]]


def settings(environments: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[Setting, ...]:
    """Environments of several rows, (title, environment) each, as one list.

    Facts that differ come first, as they are what a reader must know.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for title, environment in environments:
        for name, value in _leaves(environment, ""):
            found.setdefault(name, {}).setdefault(value, []).append(title)
    listed = [
        Setting(name, {value: tuple(titles) for value, titles in values.items()})
        for name, values in found.items()
    ]
    return tuple(sorted(listed, key=lambda setting: len(setting.values) == 1))
