"""Values of a recipe by their keys: `--set a.b=c` on the command line, `set:` in a suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deblurkit.errors import RecipeError
from deblurkit.recipe.located import Entry, Leaf, Node, Origin, Place, Table
from deblurkit.recipe.merging import merge_tables, normalised
from deblurkit.recipe.problems import Problems
from deblurkit.recipe.yaml_reader import MAX_DEPTH, parse_yaml

FIRST_ORDER = 1000
"""Overrides come after all files where problems are sorted."""

_FILE_KEYS = {
    "scale": "use --scale NAME",
    "extends": "say it in the recipe file",
    "changes": "say it in the recipe file",
    "resolved": "it is said in the recipe file",
    "components": "give the parameter itself, for instance --set architecture.factor=4",
}


def read_overrides(
    overrides: Sequence[str], seed: int | None, problems: Problems
) -> tuple[Table, ...]:
    """The layers of the command line, lowest first: all overrides as one, then the seed.

    The overrides are laid over each other in order before they meet the recipe, so that a
    component's new name and its parameters may be given in any order.
    """
    layers: list[Table] = []
    base = Path.cwd()
    for number, text in enumerate(overrides):
        shown = text.encode("ascii", "backslashreplace").decode()
        origin = Origin(f"--set {shown}", base, FIRST_ORDER + number, command=True)
        layer = _read(text, origin, problems)
        if layer is not None:
            layer = normalised(layer)
            layers[:] = [merge_tables(layers[0], layer)] if layers else [layer]
    if seed is not None:
        origin = Origin(f"--seed {seed}", base, FIRST_ORDER + len(overrides), command=True)
        place = Place(origin)
        layers.append(Table({"seed": Entry(place, Leaf(seed, place))}, place))
    return tuple(layers)


def read_settings(settings: Table, problems: Problems) -> Table:
    """A mapping of keys (`training.middle.steps`) to values, as one layer."""
    layer = Table({}, settings.place)
    for text, entry in settings.entries.items():
        valid = "this is no key; valid: a recipe's, such as training.middle.steps"
        keys = _keys(text, entry.key, valid, problems)
        if keys is not None:
            layer = merge_tables(layer, normalised(_nested(keys, entry.value, entry.key)))
    return layer


def _read(text: str, origin: Origin, problems: Problems) -> Table | None:
    place = Place(origin)
    key, equals, value = text.partition("=")
    valid = "this is not key=value; valid: --set training.middle.steps=500"
    keys = _keys(key if equals else "", place, valid, problems)
    if keys is None:
        return None
    try:
        node: Node = parse_yaml(value, origin, problems, keys)
    except RecipeError as error:
        text = "; ".join(part for part in (error.what, error.hint) if part)
        problems.add(place, keys, text)
        node = Leaf(None, place, broken=True)
    return _nested(keys, node, place)


def _keys(text: str, place: Place, valid: str, problems: Problems) -> tuple[str, ...] | None:
    """The parts of a dotted key; None where it is none or cannot be set."""
    keys = tuple(part.strip() for part in text.split("."))
    if not all(part and part.isprintable() for part in keys):
        problems.add(place, (), valid)
    elif len(keys) > MAX_DEPTH:
        problems.add(place, (), f"nested deeper than {MAX_DEPTH} levels")
    elif keys[0] in _FILE_KEYS:
        problems.add(place, keys, f"it cannot be set here; {_FILE_KEYS[keys[0]]}")
    else:
        return keys
    return None


def _nested(keys: tuple[str, ...], node: Node, place: Place) -> Table:
    for part in reversed(keys):
        node = Table({part: Entry(place, node)}, place)
    assert isinstance(node, Table)
    return node
