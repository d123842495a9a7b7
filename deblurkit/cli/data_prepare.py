"""`deblurkit data prepare`: cut footage into clips once, or fill the cache of a recipe."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurkit.cli.paths import NamedPath, as_footage
from deblurkit.cli.recipe import set_option

if TYPE_CHECKING:
    from deblurkit.engine.progress import Reporter


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option(
    "-o", "--out", type=NamedPath(path_type=Path), metavar="FOLDER",
    help="Where the shards go, with a manifest: a new folder, or one to go on with.",
)  # fmt: skip
@click.option("--preset", metavar="NAME", help="A published way to cut the data set.")
@click.option("--layout", metavar="NAME", help="Which data set it is [default: found out].")
@set_option
@click.option(
    "--step", type=click.IntRange(1), metavar="N",
    help="A clip begins every N used frames [default: the preset's, or no frame twice].",
)  # fmt: skip
@click.option(
    "--clips", type=click.IntRange(0), metavar="N",
    help="At most so many clips, evenly chosen; 0: all [default: the preset's, or all].",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(0), metavar="N",
    help="Processes; 0: none but this one [default: one a processor].",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would be made and what it takes.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def prepare(
    source: str,
    out: Path | None,
    preset: str | None,
    layout: str | None,
    overrides: tuple[str, ...],
    step: int | None,
    clips: int | None,
    workers: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Cut SOURCE, a folder or file of footage, into clips: shards in a folder of their own.

    The clips are whole frames with their blurry images. --set takes a recipe's keys: frames,
    data.train.* (stride, downsample, ...), data.formation.*. Killed or stopped, the same command
    goes on. If SOURCE is a recipe, its clips go to the cache, before a run needs them.
    """
    from rich.console import Console

    from deblurkit.engine.progress import Bars, Lines, Silent

    footage = as_footage(source)
    only = {"--out": out, "--preset": preset, "--layout": layout, "--step": step, "--clips": clips}
    if footage is None and (given := [name for name, value in only.items() if value is not None]):
        raise click.UsageError(f"{', '.join(given)} is for footage, and '{source}' is a recipe")
    if footage is not None and out is None and not dry_run:
        raise click.UsageError("say with -o FOLDER where the clips of footage shall go")
    console = Console(stderr=as_json)

    def work(reporter: Reporter) -> dict[str, object]:
        if footage is None:
            return _fill_cache(source, overrides, dry_run, reporter)
        return _prepare_footage(
            footage, out, preset, layout, overrides, step, clips, workers, dry_run, reporter
        )

    if as_json:
        said = work(Silent())
    elif console.is_terminal and sys.stdout.isatty():
        with Bars(console) as bars:
            said = work(bars)
    else:
        said = work(Lines(console))
    if as_json:
        click.echo(json.dumps(said, indent=2))


def _prepare_footage(
    path: Path,
    out: Path | None,
    preset: str | None,
    layout: str | None,
    overrides: tuple[str, ...],
    step: int | None,
    clips: int | None,
    workers: int | None,
    dry_run: bool,
    reporter: Reporter,
) -> dict[str, object]:
    from deblurkit.data.prepared.prepare import plan_footage
    from deblurkit.data.prepared.write import default_workers, size_text
    from deblurkit.plurals import counted
    from deblurkit.registry import get_registry

    planned = plan_footage(
        path, get_registry(), layout=layout, preset=preset, overrides=overrides, step=step,
        clips=clips,
    )  # fmt: skip
    recordings = {e.recording.name for s in planned.shards for e in s.exposures}
    sizes = sorted({(s.width, s.height) for s in planned.shards})
    reporter.say(
        f"{planned.about['name']}: {counted(planned.clips, 'clip')} of {planned.recipe.frames} "
        f"frames from {counted(len(recordings), 'recording')}, "
        f"{', '.join(f'{w}×{h}' for w, h in sizes)} pixels"
    )
    place = out if out is not None else Path.cwd()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    reporter.say(f"takes {size_text(planned.bytes)} on the disk; {size_text(free)} are free")
    said: dict[str, object] = {
        "clips": planned.clips,
        "frames": planned.recipe.frames,
        "recordings": sorted(recordings),
        "bytes": planned.bytes,
        "folder": None if dry_run or out is None else str(out),
    }
    if dry_run or out is None:
        return said
    started = False

    def progress(done: int, total: int) -> None:
        nonlocal started
        if not started:
            reporter.start("preparing clips", total, done)
            started = True
        reporter.advance(done)

    count = default_workers() if workers is None else workers
    planned.write(out, workers=count, progress=progress)
    reporter.finish()
    reporter.say(f"written: {out}")
    return said


def _fill_cache(
    source: str, overrides: tuple[str, ...], dry_run: bool, reporter: Reporter
) -> dict[str, object]:
    from deblurkit.data.prepared.write import size_text
    from deblurkit.data.recipe_clips import prepare_data
    from deblurkit.engine.progress import clip_progress
    from deblurkit.recipe import load_recipe
    from deblurkit.registry import get_registry

    recipe = load_recipe(source, overrides=overrides)
    data = recipe.data
    count = data.clips + recipe.evaluation.clips
    size = count * recipe.frames * data.formation.subframes * data.clip_size**2 * 3
    reporter.say(f"{count} clips of {data.clip_size}×{data.clip_size} pixels, {size_text(size)}")
    said: dict[str, object] = {"clips": count, "bytes": size, "folder": None}
    if not dry_run:
        found = prepare_data(recipe, get_registry(), progress=clip_progress(reporter))
        said["folder"] = str(found.train.folder.parent)
        reporter.say(f"in the cache: {found.train.folder} and {found.test.folder.name}")
    return said
