"""`deblurkit run`: train, evaluate and show what a recipe says."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("recipe")
@click.option("--scale", metavar="NAME", help="Size of the work: quick, smoke, paper, or a file.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a value, for instance --set training.middle.steps=200. May be repeated.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of weights and samples.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The run directory [default: runs/NAME-HASH, one for each resolved recipe].",
)
@click.option("--fresh", is_flag=True, help="Train every phase anew, whatever is there.")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to compute.",
)
def run(
    recipe: str,
    scale: str | None,
    overrides: tuple[str, ...],
    seed: int | None,
    out: Path | None,
    fresh: bool,
    device: str,
) -> None:
    """Train what RECIPE says, score it on held-out clips and show the video.

    RECIPE is a file, or the name of a recipe that comes with deblurkit (`deblurkit recipe
    list`). Phases trained before under the same conditions are reused, a phase that was
    stopped goes on from its last checkpoint: run the same command again.
    """
    from rich.console import Console

    from deblurkit.recipe import load_recipe

    resolved = load_recipe(recipe, scale=scale, overrides=overrides, seed=seed)  # before torch
    if scale and resolved.provenance.scale == "resolved":
        click.echo(
            f"note: {recipe} is resolved and says everything itself; --scale changes nothing"
        )
    console = Console()
    from deblurkit.engine.progress import Bars, Lines
    from deblurkit.engine.run import run as run_recipe
    from deblurkit.report.run_summary import print_summary

    if console.is_terminal and sys.stdout.isatty():
        with Bars(console) as bars:
            result = run_recipe(resolved, out=out, fresh=fresh, device=device, reporter=bars)
    else:
        lines = Lines(console)
        result = run_recipe(resolved, out=out, fresh=fresh, device=device, reporter=lines)
    if result.scores:  # only the main process of several has them
        print_summary(console, result.folder, result.scores)
        if Path(resolved.provenance.scale).stem == "smoke":
            click.echo(
                "note: scale smoke shows that everything works; it trains too little for the "
                "scores to mean anything"
            )
