"""`deblurkit evaluate`: score a finished run again."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deblurkit.cli.paths import NamedPath

if TYPE_CHECKING:
    from deblurkit.engine.export import Exported


@click.command()
@click.argument("folder", metavar="RUN", type=NamedPath(path_type=Path))
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
@click.option(
    "--on", "prepared", type=NamedPath(path_type=Path), metavar="FOLDER",
    help="Score on the clips of a folder that `deblurkit data prepare` made: whole frames.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the scores as JSON.")
@click.option(
    "--export", type=NamedPath(path_type=Path), metavar="FOLDER",
    help="Score nothing; write the held-out clips as PNG files, to score other systems on them.",
)  # fmt: skip
def evaluate(
    folder: Path,
    clips: int | None,
    protocol: str | None,
    overrides: tuple[str, ...],
    device: str,
    prepared: Path | None,
    as_json: bool,
    export: Path | None,
) -> None:
    """Score the weights of RUN, a run directory, on held-out clips.

    With the recipe's own clips and settings, the run's scores and samples are written anew;
    with another protocol, its scores are added to the run; with other clips or settings, and
    with --on, they are only printed. With --export, the clips are written and nothing else.
    """
    if export is not None and as_json:
        raise click.UsageError("--export scores nothing, so --json has nothing to print")
    if prepared is not None and (export is not None or clips or overrides):
        raise click.UsageError("--on says what is scored; --clips, --set and --export do not apply")
    from rich.console import Console

    console = Console(stderr=as_json)
    from deblurkit.engine.progress import Bars, Lines, Reporter
    from deblurkit.engine.rescore import rescore
    from deblurkit.report.run_summary import print_summary

    def score(reporter: Reporter) -> dict[str, Any]:
        if prepared is None:
            return rescore(folder, overrides=said, device=device, reporter=reporter)
        from deblurkit.engine.score_prepared import score_prepared

        return score_prepared(folder, prepared, protocol=protocol, device=device, reporter=reporter)

    said = [*overrides, *([f"evaluation.clips={clips}"] if clips else [])]
    said += [f"evaluation.protocol={protocol}"] if protocol else []
    if export is not None:
        from deblurkit.engine.export import export_clips

        if console.is_terminal and sys.stdout.isatty():
            with Bars(console) as bars:
                written = export_clips(folder, export, overrides=said, reporter=bars)
        else:
            written = export_clips(folder, export, overrides=said, reporter=Lines(console))
        _say_what_next(folder, written)
        return
    if console.is_terminal and sys.stdout.isatty():
        with Bars(console) as bars:
            scores = score(bars)
    else:
        scores = score(Lines(console))
    if as_json:
        click.echo(json.dumps(scores, indent=2))
    else:
        print_summary(console, None if said or prepared else folder, scores)


def _say_what_next(run: Path, written: Exported) -> None:
    """Print the commands that put another system's frames beside the run."""
    from deblurkit.engine.export import BLURRY, RESPONSE, TRUE
    from deblurkit.evaluation.clip_names import clip_name
    from deblurkit.evaluation.protocols.lookup import DEFAULT, get_protocol
    from deblurkit.plurals import counted
    from deblurkit.printable import readable

    recipe, first = written.recipe, clip_name(1, written.clips)
    blurry, true = written.folder / BLURRY, written.folder / TRUE
    protocol = get_protocol(recipe.evaluation.protocol).name
    scoring = ["--protocol", protocol] if protocol != DEFAULT else []
    formation, curve = recipe.data.formation, list[str | Path]()
    if protocol == DEFAULT and formation.response != "identity":
        table = isinstance(formation.response, tuple)
        curve = ["--response", written.folder / RESPONSE if table else str(formation.response)]
        if formation.response == "gamma":
            curve += ["--gamma", repr(formation.gamma)]
    score: list[str | Path] = ["PREDICTIONS", true, "--blurry", blurry, *scoring, *curve]
    score += ["--json", "theirs.json"]
    compare: list[str | Path] = [run, "--with", "theirs=theirs.json", *scoring]
    count = counted(written.clips, "clip")
    for line in (
        f"written: {count} of {recipe.frames} frames, {written.folder}",
        f"from {blurry / first}.png make PREDICTIONS/{first}/1.png to {recipe.frames}.png",
        f"score them:   {_command('score', score)}",
        f"compare them: {_command('compare', compare)}",
    ):
        click.echo(readable(line))
    if not written.own:
        click.echo("note: the run's own scores are of other clips, so there is no difference to it")


def _command(name: str, words: list[str | Path]) -> str:
    return f"deblurkit {name} {shlex.join(map(str, words))}"
