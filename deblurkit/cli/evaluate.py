"""`deblurkit evaluate`: score a finished run again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "--clips", type=click.IntRange(1), help="Number of held-out clips [default: the recipe's]."
)
@click.option(
    "--protocol", help="How to score [default: the recipe's]; `deblurkit score --list` names them."
)
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Score on other data, for instance --set data.train.objects=2. May be repeated.",
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where to compute.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
def evaluate(
    folder: Path,
    clips: int | None,
    protocol: str | None,
    overrides: tuple[str, ...],
    device: str,
    as_json: bool,
) -> None:
    """Score the weights of RUN, a run directory, on held-out clips.

    With the recipe's own clips and settings, the run's scores and samples are written anew;
    with another protocol, its scores are added to the run; with other clips or settings they
    are only printed.
    """
    from rich.console import Console

    console = Console(stderr=as_json)
    from deblurkit.engine.progress import Bars, Lines
    from deblurkit.engine.rescore import rescore
    from deblurkit.report.run_summary import print_summary

    said = [*overrides, *([f"evaluation.clips={clips}"] if clips else [])]
    said += [f"evaluation.protocol={protocol}"] if protocol else []
    if console.is_terminal and sys.stdout.isatty():
        with Bars(console) as bars:
            scores = rescore(folder, overrides=said, device=device, reporter=bars)
    else:
        scores = rescore(folder, overrides=said, device=device, reporter=Lines(console))
    if as_json:
        click.echo(json.dumps(scores, indent=2))
    else:
        print_summary(console, None if said else folder, scores)
