"""A resolved recipe as YAML that reads back as the same recipe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

from deblurkit.recipe.located import KeyPath
from deblurkit.recipe.schema import Recipe
from deblurkit.recipe.yaml_reader import plain_scalar

_SAFE = re.compile(r"[A-Za-z_/](?:[A-Za-z0-9_./ ()-]*[A-Za-z0-9_./()-])?")


def dump_recipe(recipe: Recipe, *, origins: bool = False) -> str:
    """Write a resolved recipe as YAML.

    `load_recipe` reads it back to an equal recipe: it says `resolved: true`, so that no scale
    goes beneath it, and every value is there.

    Args:
        recipe: As `load_recipe` returns it.
        origins: Say behind each value which layer it came from.
    """
    made = recipe.provenance
    header = ["# A resolved recipe: every value is filled in, and it runs as it is."]
    if made.source:
        header.append(_comment(f"made from {made.source}, {_scale(made.scale)}"))
    header += [_comment(f"with {change}") for change in made.changes]
    body: list[tuple[str, KeyPath]] = [("resolved: true", ())]
    body += list(_lines(recipe.model_dump(mode="json"), 0, ()))
    if not origins:
        return "\n".join([*header, *(text for text, _ in body)]) + "\n"
    width = min(max(len(text) for text, _ in body), 60)
    lines = [
        f"{text:<{width}}  {_comment(made.origins.get(path, 'default'))}" if path else text
        for text, path in body
    ]
    return "\n".join([*header, *lines]) + "\n"


def _scale(scale: str) -> str:
    words = {"none": "without a scale", "resolved": "resolved before"}
    return words.get(scale, f"scale {scale}")


def _comment(text: str) -> str:
    """A comment of one line, whatever is in it."""
    clean = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return f"# {clean}"


def _lines(values: dict[str, Any], depth: int, above: KeyPath) -> Iterator[tuple[str, KeyPath]]:
    """Lines with the path of the value in each; no path for a line that opens a mapping."""
    for key, value in values.items():
        path = (*above, key)
        head = f"{'  ' * depth}{_text(key)}:"
        if isinstance(value, dict) and value:
            yield head, ()
            yield from _lines(value, depth + 1, path)
        else:
            yield f"{head} {flow(value)}", path


def flow(value: Any) -> str:
    """A value on one line, as our YAML reader takes it back."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return _text(value)
        case list() | tuple():
            return "[" + ", ".join(map(flow, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{_text(k)}: {flow(v)}" for k, v in value.items()) + "}"
        case _:
            return repr(value)


def _text(text: str) -> str:
    """Text, in quotes where our reader or another would take it for anything else."""
    if (
        _SAFE.fullmatch(text)
        and isinstance(plain_scalar(text), str)
        and yaml.safe_dump(text, width=float("inf")).startswith(text)
    ):
        return text
    quoted = yaml.safe_dump(text, default_style='"', width=float("inf"), allow_unicode=True)
    return str(quoted).strip()
