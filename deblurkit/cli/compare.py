"""`deblurkit compare`: existing runs in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from deblurkit.cli.paths import NamedPath
from deblurkit.evaluation.rows import GIVEN

if TYPE_CHECKING:
    from deblurkit.evaluation.rows import Given
    from deblurkit.report.table_view import Intervals
    from deblurkit.study.table import Table

FORMATS = {".md": "markdown", ".csv": "csv", ".json": "json", ".tex": "latex"}
"""By the suffix of --out."""
_PIPE = 120
"""Columns of a table that goes to no terminal."""


@click.command()
@click.argument(
    "folders", nargs=-1, required=True, metavar="RUN|BENCH...", type=NamedPath(path_type=Path)
)
@click.option(
    "--protocol",
    metavar="NAME",
    help="Of the scores [default: deblurkit, or a bench's own]. Runs that have none are scored.",
)
@click.option(
    "--reference",
    default="",
    metavar="ROW",
    help="Compare with this row: its name, a run directory, or `blurry` [default: the first].",
)
@click.option("--names", metavar="A,B,...", help="Names of the run directories, in their order.")
@click.option(
    "--with",
    "others",
    multiple=True,
    metavar="NAME=FILE",
    help="One more row: scores from `deblurkit score --json FILE`. May be repeated.",
)
@click.option(
    "--also",
    type=click.Choice(list(GIVEN)),
    multiple=True,
    help="Further rows from the same weights. May be repeated.",
)
@click.option(
    "--columns", metavar="KEY,KEY", help="Columns to show, for instance psnr,psnr-frame; or all."
)
@click.option(
    "--intervals",
    type=click.Choice(["difference", "all", "none"]),
    default="difference",
    show_default=True,
    help="Which numbers to show with their 95 % interval.",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["terminal", *FORMATS.values()]),
    help="[default: terminal, or what --out ends with]",
)
@click.option(
    "--out", type=NamedPath(path_type=Path, dir_okay=False), metavar="FILE", help="Write it there."
)
@click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True,
    help="Where to score runs that have no scores.",
)  # fmt: skip
def compare(
    folders: tuple[Path, ...],
    protocol: str | None,
    reference: str,
    names: str | None,
    others: tuple[str, ...],
    also: tuple[str, ...],
    columns: str | None,
    intervals: str,
    kind: str | None,
    out: Path | None,
    device: str,
) -> None:
    """Put finished runs into one table.

    Takes run directories, one row each, and bench folders, all their rows. Differences are to
    the first row, or to that of --reference, on the same clips; rows scored on other clips
    stand in the table without. CSV and JSON hold all columns, in full precision.
    """
    from deblurkit.study.compare import compare as compare_runs

    table = compare_runs(
        folders,
        protocol=_protocol(protocol, folders),
        names=_parts(names),
        others=_sheets(others),
        reference=reference,
        also=cast("tuple[Given, ...]", also),
        rescore=lambda folder, name: _rescore(folder, name, device),
    )
    if out and not kind and out.suffix not in {*FORMATS, ".txt"}:
        raise click.BadParameter(
            f"'{out.name}' does not say which format; "
            f"valid: {', '.join(FORMATS)}, .txt, or --format",
            param_hint="--out",
        )
    kind = kind or (FORMATS.get(out.suffix, "terminal") if out else "terminal")
    _show(table, kind, out, _parts(columns), cast("Intervals", intervals))


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in (text or "").split(","))))


def _protocol(asked: str | None, folders: tuple[Path, ...]) -> str:
    """The name, without a version, once it is known to be a protocol."""
    from deblurkit.evaluation.protocols.lookup import DEFAULT, get_protocol
    from deblurkit.study.bench_folder import is_bench, read_bench

    if asked is None:
        benches = [folder for folder in folders if is_bench(folder)]
        return read_bench(benches[0]).suite.protocol if benches else DEFAULT
    return get_protocol(asked).name


def _sheets(said: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for one in said:
        name, equals, file = one.partition("=")
        if not (name and equals and file) or name in found:
            raise click.BadParameter(
                f"'{one}' is not NAME=FILE with a name of its own", param_hint="--with"
            )
        found[name] = Path(file)
    return found


def _rescore(folder: Path, protocol: str, device: str) -> None:
    """Score a run, telling about it on stderr."""
    from rich.console import Console

    from deblurkit.engine.progress import Bars, Lines
    from deblurkit.engine.rescore import rescore

    console = Console(stderr=True)
    overrides = (f"evaluation.protocol={protocol}",)
    if console.is_terminal:
        with Bars(console) as bars:
            bars.say(f"{folder}: not scored under '{protocol}' yet")
            rescore(folder, overrides=overrides, device=device, reporter=bars)
    else:
        lines = Lines(console)
        lines.say(f"{folder}: not scored under '{protocol}' yet")
        rescore(folder, overrides=overrides, device=device, reporter=lines)


def _show(
    table: Table, kind: str, out: Path | None, columns: tuple[str, ...], intervals: Intervals
) -> None:
    from deblurkit.media.files import writing
    from deblurkit.printable import readable, writable

    if kind == "terminal" and out is None:
        from rich.console import Console

        from deblurkit.report.table_terminal import print_table

        console = Console()
        if not console.is_terminal:
            console = Console(width=_PIPE)
        print_table(console, table, columns, intervals)
        return
    text = _text(table, kind, columns, intervals)
    if out is None:
        click.echo(text, nl=False)
        return
    with writing(out) as temporary:
        temporary.write_text(writable(text), "utf-8")
    click.echo(f"written: {readable(str(out))}")


def _text(table: Table, kind: str, columns: tuple[str, ...], intervals: Intervals) -> str:
    from deblurkit.report.table_csv import csv_text
    from deblurkit.report.table_json import json_text
    from deblurkit.report.table_latex import latex_text
    from deblurkit.report.table_markdown import markdown_text
    from deblurkit.report.table_terminal import plain_text

    if kind in ("csv", "json"):
        return csv_text(table) if kind == "csv" else json_text(table)
    if kind == "terminal":
        return plain_text(table, columns, intervals, width=_PIPE)
    draw = markdown_text if kind == "markdown" else latex_text
    return draw(table, columns, intervals)
