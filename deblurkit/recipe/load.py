"""From a recipe file to a resolved recipe, every mistake reported in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from deblurkit.recipe.changes import check_changes
from deblurkit.recipe.checks import Checks
from deblurkit.recipe.layers import read_layers
from deblurkit.recipe.located import KeyPath, Table, find
from deblurkit.recipe.problems import Problems
from deblurkit.recipe.provenance import Provenance
from deblurkit.recipe.resolving import resolve
from deblurkit.recipe.schema import Recipe
from deblurkit.registry import Registry, get_registry


def load_recipe(
    source: str | Path,
    *,
    scale: str | None = None,
    overrides: Sequence[str] = (),
    seed: int | None = None,
    registry: Registry | None = None,
    settings: Sequence[Table] = (),
) -> Recipe:
    """Read a recipe and fill in every default and every component's parameters.

    Layers, lowest first: the scale, the parents that `extends` names, the recipe, the
    settings, the overrides in their order, the seed.

    Args:
        source: A recipe file, or the name of a bundled recipe (`sequential_pairwise`).
        scale: Name or path of a scale file, or `none`; by default what the recipe's `scale`
            says, else `quick`. A recipe that is resolved already takes no scale.
        overrides: `a.b=c` each, the value written as in YAML.
        seed: Replaces the recipe's seed.
        registry: The components to choose from; by default those of the installed plugins.
        settings: What a suite changes: mappings of keys (`a.b`) to values, with their places.

    Returns:
        The recipe, frozen; relative paths in it are absolute.

    Raises:
        RecipeError: the recipe cannot be read or anything in it is wrong; `problems` has a
            line for each mistake, with its place.
    """
    problems = Problems()
    overrides = (overrides,) if isinstance(overrides, str) else tuple(overrides)
    registry = get_registry() if registry is None else registry
    layers = read_layers(source, scale, overrides, seed, problems, settings)
    recipe, used = resolve(layers.merged, layers.components, registry, problems)
    Checks(used.values, used.tree, registry, problems)
    check_changes(layers, registry, problems)
    problems.raise_any(layers.source)
    assert recipe is not None
    changes = [f"--set {text}" for text in overrides]
    if seed is not None:
        changes.append(f"--seed {seed}")
    origins = dict(_origins(recipe.model_dump(mode="json"), used.tree))
    return recipe.with_provenance(Provenance(layers.source, layers.scale, tuple(changes), origins))


def _origins(
    values: dict[str, Any], tree: Table, above: KeyPath = ()
) -> Iterator[tuple[KeyPath, str]]:
    """For each value the layer it came from; values of no layer are defaults."""
    for key, value in values.items():
        path = (*above, key)
        if isinstance(value, dict) and value:
            yield from _origins(value, tree, path)
            continue
        node, reached = find(tree, path)
        yield path, node.place.short if reached == path else "default"
