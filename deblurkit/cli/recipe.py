"""`deblurkit recipe`: check recipes, show what they amount to, list those at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from deblurkit.errors import RecipeError

if TYPE_CHECKING:
    from deblurkit.recipe import Listed, Recipe

scale_option = click.option(
    "--scale", metavar="NAME", help="Size of the work: quick, smoke, paper, none, or a file."
)
set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a value, for instance --set training.middle.steps=200. May be repeated.",
)


@click.group()
def recipe() -> None:
    """Check, show and list recipes."""


@recipe.command()
@click.argument("files", nargs=-1, required=True, metavar="RECIPE...")
@scale_option
@set_option
def validate(files: tuple[str, ...], scale: str | None, overrides: tuple[str, ...]) -> None:
    """Check every RECIPE, a file or a bundled recipe's name, and report all that is wrong.

    Prints a line for each recipe that is right. Exits with 2 if any is wrong.
    """
    from deblurkit.recipe import load_recipe

    wrong = 0
    for file in files:
        try:
            loaded = load_recipe(file, scale=scale, overrides=overrides)
        except RecipeError as error:
            click.echo(f"error: {error}", err=True)
            wrong += 1
        else:
            click.echo(f"{file}: ok: {digest(loaded)}")
    if wrong:
        click.get_current_context().exit(RecipeError.exit_code)


@recipe.command()
@click.argument("file", metavar="RECIPE")
@scale_option
@set_option
@click.option("--origin", is_flag=True, help="Say behind each value where it comes from.")
def show(file: str, scale: str | None, overrides: tuple[str, ...], origin: bool) -> None:
    """Show RECIPE resolved: every default and every component's parameters filled in.

    The output is a recipe itself, the same experiment at the same scale.
    """
    from deblurkit.recipe import dump_recipe, load_recipe

    loaded = load_recipe(file, scale=scale, overrides=overrides)
    click.echo(dump_recipe(loaded, origins=origin), nl=False)


@recipe.command("list")
def list_() -> None:
    """List the recipes and scales that come with deblurkit."""
    from deblurkit.recipe import list_recipes, list_scales

    _print("recipe", list_recipes())
    click.echo()
    _print("scale", list_scales())


def digest(recipe: Recipe) -> str:
    """A resolved recipe in one line, with a hash of everything that it says."""
    from deblurkit.plurals import counted
    from deblurkit.storage import content_hash

    groups = {"middle": recipe.loss.middle, "others": recipe.loss.others}
    losses = "; ".join(
        f"{group}: " + " + ".join(_term(name, term.weight) for name, term in terms.items() if term)
        for group, terms in groups.items()
    )
    parts = (
        recipe.name,
        f"T = {recipe.frames}",
        f"{recipe.family.name}, {recipe.architecture.name}, {recipe.schedule.name}",
        losses,
        f"{recipe.data.train.name}, {counted(recipe.data.clips, 'clip')}",
        f"{recipe.training.middle.steps} and {recipe.training.others.steps} steps",
        content_hash(recipe.model_dump(mode="json"), 12),
    )
    return " | ".join(parts)


def _term(name: str, weight: float) -> str:
    return name if weight == 1 else f"{weight:g} {name}"


def _print(title: str, files: tuple[Listed, ...]) -> None:
    rows = [(title, "summary"), *((f.name, f.problem or f.summary) for f in files)]
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        click.echo(f"{name:<{width}}  {' '.join(text.split())}".rstrip())
