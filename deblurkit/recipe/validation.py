"""Validating located values against a model, each finding at its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from deblurkit.recipe.located import KeyPath, Leaf, Node, Place, find, key_place
from deblurkit.recipe.problems import Problems
from deblurkit.recipe.wording import explain, got

ModelT = TypeVar("ModelT", bound=BaseModel)


def validate(
    model: type[ModelT],
    values: Any,
    tree: Node,
    problems: Problems,
    path: KeyPath = (),
    *,
    settable: bool = True,
) -> ModelT | None:
    """Validate plain values strictly: no text for numbers, no numbers for text.

    Args:
        model: What they must fit.
        values: What JSON can say.
        tree: The same values with their places.
        problems: Receives each finding, in plain words.
        path: The keys above these values.
        settable: Whether a missing key can be given by --set.

    Returns:
        The model, or None where anything was found.
    """
    try:
        # JSON mode is strict about types and yet takes lists for tuples and text for paths.
        return model.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        found: dict[tuple[Place, KeyPath], list[tuple[str, str | None]]] = {}
        for detail in error.errors(include_url=False):
            if _only_seems_short(detail):
                continue
            place, reached = _where(tree, tuple(detail["loc"]), detail["type"])
            if place is not None:
                said = (explain(detail, model, path, settable=settable), got(detail))
                found.setdefault((place, (*path, *reached)), []).append(said)
        for (place, at), said_there in found.items():
            # A value that fits none of several types is found wrong once for each.
            text = " or ".join(dict.fromkeys(text for text, _ in said_there))
            value = said_there[0][1]
            problems.add(place, at, text if value is None else f"{text}, got {value}")
        return None


def _only_seems_short(detail: ErrorDetails) -> bool:
    """Whether a list is found too short only because items of it are wrong by themselves."""
    value = detail["input"]
    short = detail["type"] == "too_short" and isinstance(value, list | tuple)
    return short and len(value) >= detail["ctx"]["min_length"]


def _where(tree: Node, path: KeyPath, kind: str) -> tuple[Place | None, KeyPath]:
    """The place and path of a finding; no place for a value already reported as unreadable."""
    if kind == "missing":
        node, reached = find(tree, path)
        # An item that a list lacks is the list's problem.
        at = reached if isinstance(path[-1], int) else path
        return (None, path) if _broken(node) else (node.place, at)
    if kind == "extra_forbidden":
        return key_place(tree, path), path
    node, reached = find(tree, path)
    # A union's finding goes on with the type's name, which is no key.
    return (None, path) if _broken(node) else (node.place, reached)


def _broken(node: Node) -> bool:
    return isinstance(node, Leaf) and node.broken


def dumped(model: BaseModel, tree: Node) -> dict[str, Any]:
    """A validated model as JSON values, its relative paths made absolute.

    A path starts from the folder of the file that says it; one from the command line or a
    default from the working directory.
    """
    values = _absolute(model.model_dump(), model.model_dump(mode="json"), tree)
    assert isinstance(values, dict)
    return values


def _absolute(value: Any, json_value: Any, node: Node | None) -> Any:
    if isinstance(value, PurePath):
        base = node.place.origin.base if node is not None else Path.cwd()
        try:
            return str((base / Path(value).expanduser()).resolve())
        except (OSError, RuntimeError, ValueError):
            # Nobody's home folder, a circle of links: the component will say what it lacks.
            return str(base / value)
    if isinstance(value, Mapping) and isinstance(json_value, Mapping):
        return {
            key: _absolute(value.get(key), below, _below(node, key))
            for key, below in json_value.items()
        }
    if isinstance(value, list | tuple) and isinstance(json_value, list):
        return [
            _absolute(item, below, _below(node, i))
            for i, (item, below) in enumerate(zip(value, json_value, strict=True))
        ]
    return json_value


def _below(node: Node | None, part: str | int) -> Node | None:
    if node is None:
        return None
    below, reached = find(node, (part,))
    return below if reached else None
