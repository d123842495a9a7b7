"""`deblurkit data preview`: see what training would see."""

from __future__ import annotations

from pathlib import Path

import click

from deblurkit.cli.paths import NamedPath, as_footage
from deblurkit.cli.recipe import set_option


@click.command()
@click.argument("source", metavar="SOURCE")
@click.option(
    "-o", "--out", type=NamedPath(path_type=Path), default=Path("preview"), show_default=True,
    metavar="NAME", help="NAME.png and NAME.mp4 are written.",
)  # fmt: skip
@click.option("--clips", type=click.IntRange(1, 64), default=6, show_default=True, metavar="N")
@click.option("--preset", metavar="NAME", help="A published way to cut the data set.")
@click.option("--layout", metavar="NAME", help="Which data set it is [default: found out].")
@set_option
@click.option("--force", is_flag=True, help="Replace files that are there.")
def preview(
    source: str,
    out: Path,
    clips: int,
    preset: str | None,
    layout: str | None,
    overrides: tuple[str, ...],
    force: bool,
) -> None:
    """Show clips of SOURCE: a recipe, footage, or a folder of prepared clips.

    A contact sheet with blurry image, true frames and motion, and a short movie. Says how far
    things move from frame to frame, and warns where their mean would show ghosts.
    """
    from deblurkit.data.prepared.manifest import NAME
    from deblurkit.engine import preview_clips as shown
    from deblurkit.errors import DataError
    from deblurkit.footage.motion import GHOSTS
    from deblurkit.printable import readable
    from deblurkit.registry import get_registry
    from deblurkit.report.preview import measure_motion, write_preview

    name = out.stem if out.suffix in (".png", ".mp4") else out.name
    there = [out.parent / f"{name}{end}" for end in (".png", ".mp4")]
    if not force and (found := [str(file) for file in there if file.exists()]):
        raise DataError(
            "the file is there already", where=found[0], hint="name another with -o, or use --force"
        )
    footage = as_footage(source)
    if footage is not None and (footage / NAME).is_file():
        if preset or layout or overrides:
            raise click.UsageError("prepared clips are shown as they are: no --preset, --set")
        made = shown.of_prepared(footage, count=clips)
    elif footage is not None:
        made = shown.of_footage(
            footage, get_registry(), count=clips, layout=layout, preset=preset, overrides=overrides
        )
    else:
        if preset or layout:
            raise click.UsageError(f"--preset and --layout are for footage; '{source}' is a recipe")
        made = shown.of_recipe(source, get_registry(), count=clips, overrides=overrides)
    motions = [measure_motion(clip.frames) for clip in made]
    ghosts = False
    for clip, motion in zip(made, motions, strict=True):
        if len(clip.frames) == 1:
            continue
        way = motion.a_frame / clip.averaged
        far = way > GHOSTS
        ghosts |= far
        said = f"{clip.label}: {way:.1f} pixels a frame" + (": ghosts" if far else "")
        click.echo(readable(said))
    if ghosts:
        click.echo(
            f"warning: frames more than {GHOSTS:g} pixels apart average to single steps, not to "
            "blur; scale down (data.train.downsample), choose slower passages, or interpolate "
            "frames (data.train.interpolate)",
            err=True,
        )
    sheet, movie = write_preview(out.parent, name, made, motions, f"{source}")
    click.echo(readable(f"written: {sheet} and {movie}"))
