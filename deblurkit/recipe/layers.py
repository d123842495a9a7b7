"""Which layers a recipe is made of, lowest first.

scale file < parents by `extends` < the recipe file < a suite's `set` < --set, in order < --seed
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

from deblurkit.errors import RecipeError
from deblurkit.recipe.located import Entry, Leaf, Node, Table
from deblurkit.recipe.merging import merge_tables, normalised
from deblurkit.recipe.overrides import read_overrides, read_settings
from deblurkit.recipe.problems import Problems
from deblurkit.recipe.sources import NO_SCALE, file_origin, find_recipe, find_scale, shown
from deblurkit.recipe.yaml_reader import read_yaml

DEFAULT_SCALE = "quick"
RESOLVED = "resolved"
SCALE_ORDER = 500
_FILE_KEYS = ("extends", "scale", "changes", RESOLVED)


@dataclass(frozen=True)
class Layers:
    """All layers of a recipe, merged.

    Attributes:
        merged: The recipe as its layers say it, not validated.
        components: The scale's parameters for components by name, beneath everything else.
        source: The recipe file, for people.
        scale: The scale used, for people.
        own: `merged` without a suite's values and the command line's.
        parent: `own` without the recipe file; None where it extends nothing.
        parent_source: The parent's file, for people; empty where there is none.
        changes: The recipe file's `changes`, None where it has none.
    """

    merged: Table
    components: Table | None
    source: str
    scale: str
    own: Table
    parent: Table | None
    parent_source: str
    changes: Entry | None


@dataclass(frozen=True)
class _File:
    path: Path
    table: Table


def read_layers(
    source: str | Path,
    scale: str | None,
    overrides: Sequence[str],
    seed: int | None,
    problems: Problems,
    settings: Sequence[Table] = (),
) -> Layers:
    """Read and merge every layer; see `load_recipe` for the arguments.

    Raises:
        RecipeError: a file is missing or cannot be read as a mapping, `extends` goes round
            in a circle or there is no such scale. Other mistakes are added to `problems`.
    """
    chain = _chain(find_recipe(source), problems)
    recipe = chain[0].path
    resolved = any(_flag(file, problems) for file in chain)
    scale_file = None if resolved else _scale(chain, scale, problems)
    components = None
    beneath: list[Table] = []
    if scale_file is not None:
        components, layer = _read_scale(scale_file, problems)
        beneath.append(layer)
    *above, last = [_recipe_layer(file, problems) for file in reversed(chain)]
    beneath += above
    typed = [read_settings(table, problems) for table in settings]
    typed += read_overrides(overrides, seed, problems)
    name = RESOLVED if resolved else shown(scale_file) if scale_file else NO_SCALE
    return Layers(
        merged=_merged([*beneath, last, *typed]),
        components=components,
        source=shown(recipe),
        scale=name,
        own=_merged([*beneath, last]),
        parent=_merged(beneath) if above else None,
        parent_source=shown(chain[1].path) if above else "",
        changes=chain[0].table.entries.get("changes"),
    )


def _merged(layers: Sequence[Table]) -> Table:
    """Layers laid over each other, lowest first."""
    return reduce(merge_tables, map(normalised, layers))


def _chain(path: Path, problems: Problems) -> list[_File]:
    """The recipe file, its parent, its parent's parent, ..."""
    chain: list[_File] = []
    while True:
        table = read_yaml(path, file_origin(path, len(chain)), problems)
        chain.append(_File(path, table))
        extends = table.get("extends")
        if extends is None:
            return chain
        parent = _text(extends, "extends", "the path of one recipe file", problems)
        if parent is None:
            return chain
        try:
            path = find_recipe(parent, beside=path.parent)
        except RecipeError as error:
            raise RecipeError(
                f"extends: {error.what}: {error.where}",
                where=str(extends.place),
                valid=error.valid,
            ) from None
        known = [file.path.resolve() for file in chain]
        if path.resolve() in known:
            start = known.index(path.resolve())
            names = [shown(file.path) for file in chain[start:]] + [shown(path)]
            raise RecipeError(
                f"extends: the recipe is its own parent: {' -> '.join(names)}",
                where=str(extends.place),
                hint="take one extends: of these out",
            )


def _recipe_layer(file: _File, problems: Problems) -> Table:
    """A recipe file as a layer, without the keys that are about files."""
    if "components" in file.table.entries:
        place = file.table.entries["components"].key
        text = "only a scale file says this; valid: the parameters where the component is named"
        problems.add(place, ("components",), text)
    return file.table.without("components", *_FILE_KEYS)


def _flag(file: _File, problems: Problems) -> bool:
    """Whether a file says that it is resolved: nothing goes beneath it."""
    node = file.table.get(RESOLVED)
    if node is None:
        return False
    if not isinstance(node, Leaf) or not isinstance(node.value, bool):
        problems.add(node.place, (RESOLVED,), "must be true or false")
        return False
    return node.value


def _scale(chain: Sequence[_File], asked: str | None, problems: Problems) -> Path | None:
    """The scale file: the one asked for, else that of the recipe or its nearest parent."""
    files = [file.path for file in chain]
    if asked is not None:
        return find_scale(asked, recipes=files, beside=Path.cwd(), where=f"--scale {asked}")
    valid = f"a scale's name or path, or {NO_SCALE}"
    for file in chain:
        node = file.table.get("scale")
        text = None if node is None else _text(node, "scale", valid, problems)
        if node is not None and text is not None:
            folder = file.path.parent
            where = f"{node.place}: scale"
            return find_scale(text, recipes=files, beside=folder, where=where)
    return find_scale(DEFAULT_SCALE, recipes=files, beside=Path.cwd(), where=shown(files[0]))


def _read_scale(path: Path, problems: Problems) -> tuple[Table | None, Table]:
    """A scale's `components`, and the rest of it as a recipe's lowest layer."""
    table = read_yaml(path, file_origin(path, SCALE_ORDER), problems)
    for key in (*_FILE_KEYS, "name"):
        if key in table.entries:
            place = table.entries[key].key
            problems.add(place, (key,), "a scale file cannot say this; valid: in a recipe file")
    components = table.get("components")
    if components is not None and not isinstance(components, Table):
        text = "must be a mapping of component names to parameters"
        problems.add(components.place, ("components",), text)
        components = None
    for name, entry in components.entries.items() if components else ():
        if not isinstance(entry.value, Table):
            text = "must be a mapping of parameters, such as {width: 64}"
            problems.add(entry.value.place, ("components", name), text)
    # The scale's own summary describes the scale, not the recipe.
    return components, table.without("components", "summary", "name", *_FILE_KEYS)


def _text(node: Node, key: str, valid: str, problems: Problems) -> str | None:
    if isinstance(node, Leaf) and isinstance(node.value, str) and node.value:
        return node.value
    if not (isinstance(node, Leaf) and node.broken):
        problems.add(node.place, (key,), f"must be text; valid: {valid}")
    return None
