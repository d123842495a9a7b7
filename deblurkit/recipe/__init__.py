"""YAML with line numbers -> schema -> resolved recipe."""

from deblurkit.recipe.dump import dump_recipe
from deblurkit.recipe.load import load_recipe
from deblurkit.recipe.schema import Recipe
from deblurkit.recipe.sources import Listed, list_recipes, list_scales

__all__ = ["Listed", "Recipe", "dump_recipe", "list_recipes", "list_scales", "load_recipe"]
