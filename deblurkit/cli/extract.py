"""`deblurkit extract`: photographs in, videos out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deblurkit.cli.paths import NamedPath

if TYPE_CHECKING:
    from collections.abc import Callable

    from deblurkit.extraction.jobs import Job, Outcome


MOST_SIDE = 16383
"""As `deblurkit.extraction.outputs` says it, which is heavy to import."""

_SLASHES = ("/", os.sep)


@click.command()
@click.argument("photos", nargs=-1, required=True, type=NamedPath(path_type=Path, readable=False))
@click.option(
    "-o", "--out", "outs", multiple=True, type=NamedPath(readable=False), metavar="PATH",
    help="What to write: NAME.mp4, .gif, .webp, .html, .png (all frames in one picture; with "
    "--middle-only the frame), or a folder. May be repeated. [default: PHOTO.mp4 here]",
)  # fmt: skip
@click.option(
    "--format", "formats", multiple=True, metavar="NAME",
    help="Into the folder --out or here, for each photo: mp4, gif, webp, html, sheet, frames "
    "(full size, all bits), middle, error (what the frames do not explain). May be repeated.",
)  # fmt: skip
@click.option(
    "--weights", metavar="WEIGHTS",
    help="A name from `deblurkit weights list`, a run, a bundle, or hf://owner/repo@revision "
    "[default: those that come with deblurkit].",
)  # fmt: skip
@click.option("--frames", type=int, metavar="N", help="Number of frames, odd.")
@click.option("--middle-only", is_flag=True, help="Only the sharp middle frame: plain deblurring.")
@click.option(
    "--middle", type=NamedPath(path_type=Path, dir_okay=False), metavar="FILE",
    help="The middle frame from elsewhere, aligned with the photo and of its size.",
)  # fmt: skip
@click.option("--reverse", is_flag=True, help="Backwards: a photo does not say which way it was.")
@click.option(
    "--consistent", is_flag=True, help="Correct the frames to average to the photo again."
)
@click.option("--fps", type=click.FloatRange(0.1, 240), default=12.0, show_default=True)
@click.option(
    "--loop", type=click.Choice(["boomerang", "forward"]), default="boomerang", show_default=True,
    help="How movies go on at the end.",
)  # fmt: skip
@click.option(
    "--side", type=click.IntRange(16, MOST_SIDE), metavar="PIXELS",
    help="Longest side of movies and pages [default: as each format can take]. Frames and the "
    "middle keep the photo's size.",
)  # fmt: skip
@click.option(
    "--memory", metavar="SIZE", help="What the process may take, as 4GiB [default: what is free]."
)
@click.option(
    "--precision", type=click.Choice(["auto", "fp32", "bf16"]), default="auto", show_default=True,
    help="bf16 takes half the time where the processor has it.",
)  # fmt: skip
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where to compute; without memory for it on the GPU, on the processor.",
)  # fmt: skip
@click.option(
    "--compile", "compiled", is_flag=True,
    help="On a GPU, compile the networks first: for many photos of one size.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def extract(
    photos: Sequence[Path],
    outs: Sequence[str],
    formats: Sequence[str],
    weights: str | None,
    memory: str | None,
    force: bool,
    as_json: bool,
    **how: Any,
) -> None:
    """Extract the short sharp video that the shutter saw from each of PHOTOS.

    PHOTOS are files, or folders of them, of any size: nothing is resized or cropped. The frames
    are averaged again and compared with the photo; a result that does not explain it is said to
    be wrong.

    \b
    deblurkit extract photo.jpg                        photo.mp4, here
    deblurkit extract photo.jpg -o clip.html -o clip.gif
    deblurkit extract *.jpg -o folder --format mp4 --format frames
    deblurkit extract photo.jpg --middle-only -o sharp.png
    """  # noqa: D301 - click wants the character
    from deblurkit.signals import held_while_importing, sigterm_interrupts

    with held_while_importing():
        from deblurkit.extraction.extract import open_weights
        from deblurkit.extraction.jobs import Style, plan, run_job
        from deblurkit.inference.memory import parse_size

    try:
        limit = None if memory is None else parse_size(memory)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--memory") from None
    style = Style(fps=how.pop("fps"), loop=how.pop("loop"), side=how.pop("side"))
    read = [how["middle"]] if how["middle"] else []
    jobs = plan(
        photos, outs=[Path(out) for out in outs if not out.endswith(_SLASHES)],
        folders=[Path(out) for out in outs if out.endswith(_SLASHES)],
        formats=formats, inputs=read, force=force,
        only_one=how["middle_only"] or how["frames"] == 1, middle_only=how["middle_only"],
    )  # fmt: skip
    if read and len(jobs) > 1:
        raise click.BadParameter(
            f"one middle frame cannot be that of {len(jobs)} photos", param_hint="--middle"
        )
    with held_while_importing():
        bundle = open_weights(weights)
    outcomes: list[Outcome] = []
    for job in jobs:
        with sigterm_interrupts(), _progress(job, quiet=as_json) as progress:
            outcome = run_job(
                job, bundle, style=style, force=force, memory=limit, progress=progress, **how
            )
        outcomes.append(outcome)
        if not as_json:
            _say(outcome)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if as_json:
        said = [outcome.as_json() for outcome in outcomes]
        click.echo(json.dumps(said, indent=2, allow_nan=False))
    elif len(outcomes) > 1:
        click.echo(f"{len(outcomes) - len(failed)} of {len(outcomes)} photos extracted")
    if failed:
        click.get_current_context().exit(failed[0].exit_code)


def _say(outcome: Outcome) -> None:
    from deblurkit.printable import readable

    if outcome.error is not None:
        click.echo(readable(f"error: {outcome.error}", keep="\n\t"), err=True)
    for path in outcome.written:
        click.echo(readable(str(path)))
    for note in outcome.notes:
        click.echo(readable(f"  {note}"))
    for warning in outcome.warnings:
        click.secho(readable(f"  warning: {warning}"), fg="yellow")


@contextmanager
def _progress(job: Job, *, quiet: bool) -> Iterator[Callable[[float], None] | None]:
    """A bar with the time left, on a terminal; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    from deblurkit.printable import readable

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(),
        TimeLeft(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(readable(job.photo.name), total=1.0)
        yield lambda share: bars.update(task, completed=share)
