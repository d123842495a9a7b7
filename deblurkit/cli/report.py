"""`deblurkit report`: runs or a bench as one page to look at."""

from __future__ import annotations

from pathlib import Path

import click

from deblurkit.cli.paths import NamedPath


@click.command()
@click.argument(
    "folders", nargs=-1, required=True, metavar="RUN|BENCH...", type=NamedPath(path_type=Path)
)
@click.option(
    "--out",
    type=NamedPath(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The page [default: report.html in the folder; of several runs, here].",
)
@click.option(
    "--clips",
    type=click.IntRange(min=1),
    metavar="N",
    help="Show N sample clips of every run at most [default: all that fit].",
)
@click.option("--protocol", metavar="NAME", help="How runs were scored [default: the suite's].")
@click.option("--open", "launch", is_flag=True, help="Open the page in a browser.")
def report(
    folders: tuple[Path, ...],
    out: Path | None,
    clips: int | None,
    protocol: str | None,
    launch: bool,
) -> None:
    """Make one HTML page of run directories or of a bench folder.

    The page has the sample clips of all rows side by side with one time slider, the table,
    scores frame by frame, training curves, recipes with their differences, and the
    environment. It is one file below 15 MB that needs no network.
    """
    if out is not None and out.suffix not in (".html", ".htm"):
        raise click.BadParameter(f"'{out.name}' is no HTML file; valid: a name that ends in .html")
    from deblurkit.plurals import counted
    from deblurkit.printable import readable
    from deblurkit.report.page.write import write_report

    written = write_report(folders, out, clips=clips, protocol=protocol)
    for note in written.notes:
        click.echo(readable(f"note: {note}"), err=True)
    if not written.clips:
        click.echo("note: there are no sample clips, so the page has no pictures", err=True)
    size = f"{written.size / 1e6:.1f} MB"
    click.echo(f"{readable(str(written.path))}  {size}, {counted(written.clips, 'clip')}")
    if launch:
        click.launch(str(written.path))
