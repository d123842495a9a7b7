"""From merged layers to a resolved recipe."""

from __future__ import annotations

from deblurkit.recipe.components import Components
from deblurkit.recipe.located import Table
from deblurkit.recipe.problems import Problems
from deblurkit.recipe.schema import Losses, Recipe, Term, Training
from deblurkit.recipe.validation import validate
from deblurkit.registry import Registry


def resolve(
    merged: Table, scale: Table | None, registry: Registry, problems: Problems
) -> tuple[Recipe | None, Components]:
    """Fill in every component's parameters and every default.

    Args:
        merged: All layers, merged.
        scale: The scale's parameters for components by name, beneath everything else.
        registry: Where components are found.
        problems: Receives what is wrong.

    Returns:
        The recipe with the loss terms that count; None where its shape is wrong. Where a
        component's parameters are wrong or missing they are as the layers say them. And the
        values and places it was made from.
    """
    used = Components(merged, scale, registry, problems)
    recipe = validate(Recipe, used.values, used.tree, problems)
    if recipe is not None:
        loss = Losses(middle=_left(recipe.loss.middle), others=_left(recipe.loss.others))
        training = recipe.training
        if recipe.ordering is None:  # a scale may say how one would learn
            training = training.model_copy(update={"ordering": Training()})
        recipe = recipe.model_copy(update={"loss": loss, "training": training})
    return recipe, used


def _left(terms: dict[str, Term | None]) -> dict[str, Term | None]:
    """The terms that count: neither taken away nor of weight 0."""
    return {name: term for name, term in terms.items() if term is not None and term.weight > 0}
