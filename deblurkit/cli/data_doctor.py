"""`deblurkit data doctor`: find out what is wrong with footage."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurkit.cli.paths import NamedPath

if TYPE_CHECKING:
    from collections.abc import Callable

    from deblurkit.doctor.finding import Check, Report
    from deblurkit.footage.layout import Layout

STDOUT = "-"


@click.command()
@click.argument("path", type=NamedPath(path_type=Path))
@click.option("--layout", metavar="NAME", help="Which data set it is [default: found out].")
@click.option(
    "--against", type=NamedPath(path_type=Path), metavar="OTHER",
    help="Another data set, such as the one to test on, that must have no scene of this one.",
)  # fmt: skip
@click.option(
    "--only", metavar="CHECK", multiple=True,
    help="Make only this check; may be given more than once [default: all].",
)  # fmt: skip
@click.option(
    "--sample", type=click.IntRange(8), metavar="N",
    help="Look at N frames of a recording, in runs evenly over it [default: 2000].",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Look at all frames of long recordings, too.")
@click.option(
    "--json", "json_file", type=NamedPath(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE", help="Write the report as JSON; - for standard output instead of the table.",
)  # fmt: skip
def doctor(
    path: Path,
    layout: str | None,
    against: Path | None,
    only: tuple[str, ...],
    sample: int | None,
    every: bool,
    json_file: Path | None,
) -> None:
    """Find out what is wrong with the footage in PATH, a folder or a file.

    Reports missing, damaged and repeated files, frames in the wrong order, dropped and repeated
    frames, cuts, wrong frame rates, blurry frames, blurry images that are not made of their
    frames, and scenes on both sides of a split. Nothing is changed. Exit code: 0 where nothing
    was found, 1 where something was, 2 where PATH cannot be examined.
    """
    from deblurkit.doctor.examine import SAMPLE

    if every and sample is not None:
        raise click.UsageError("--all and --sample say different things")
    checks = _checks(only)
    path = path.expanduser()
    report = _examined(path, layout, against, checks, None if every else sample or SAMPLE)
    if json_file is None or str(json_file) != STDOUT:
        _print(report)
    if json_file is not None:
        text = json.dumps(report.to_json(), indent=1, allow_nan=False) + "\n"
        _write(json_file, text)
    if report.findings:
        click.get_current_context().exit(1)


def _checks(only: tuple[str, ...]) -> tuple[Check, ...]:
    from deblurkit.doctor.finding import CHECKS
    from deblurkit.errors import nearest

    for name in only:
        if name not in CHECKS:
            raise click.BadParameter(
                f"there is no check '{name}'; {nearest(name, CHECKS)}", param_hint="--only"
            )
    return tuple(check for check in CHECKS if not only or check in only)


def _examined(
    path: Path,
    layout: str | None,
    against: Path | None,
    checks: tuple[Check, ...],
    sample: int | None,
) -> Report:
    from rich.console import Console

    from deblurkit.doctor.examine import examine
    from deblurkit.engine.progress import Bars
    from deblurkit.errors import DataError
    from deblurkit.signals import sigterm_interrupts

    name, found = _layout(path, layout)
    other = None
    if against is not None:
        against = against.expanduser()
        if against.exists() and against.resolve() == path.resolve():
            raise DataError("--against names the same data set", where=str(against))
        if "leaks" not in checks:
            raise click.UsageError("--against is for the check leaks, which --only leaves out")
        other = (against, *_layout(against, None))

    def work(progress: Callable[[int, int], None] | None) -> Report:
        return examine(
            path,
            name,
            found,
            checks=checks,
            sample=sample,
            against=other,
            progress=progress,
        )

    console = Console(stderr=True)
    with sigterm_interrupts():
        if not (console.is_terminal and sys.stderr.isatty()):
            return work(None)
        with Bars(console) as bars:
            started = False

            def progress(done: int, total: int) -> None:
                nonlocal started
                if not started:
                    bars.start("examining", total)
                    started = True
                bars.advance(done)

            return work(progress)


def _layout(path: Path, name: str | None) -> tuple[str, Layout]:
    """The dataset's name and its layout, as said or as found out."""
    from deblurkit.errors import DataError, nearest
    from deblurkit.footage.layout import layouts, recognise
    from deblurkit.registry import get_registry

    registry = get_registry()
    if name is None:
        origin, found = recognise(path, registry)
        return origin.spec.name, found
    if not path.exists():
        raise DataError("there is no such folder or file", where=str(path))
    known = {origin.spec.name: layout for origin, layout in layouts(registry)}
    known |= {origin.qualified: layout for origin, layout in layouts(registry)}
    if name not in known:
        raise click.BadParameter(
            f"there is no layout '{name}'; {nearest(name, known)}", param_hint="--layout"
        )
    return name, known[name]


def _print(report: Report) -> None:
    from rich.console import Console

    from deblurkit.doctor.tables import findings_table, summary

    console = Console()
    if report.findings:
        console.print(findings_table(report))
    console.print(summary(report), markup=False, highlight=False, soft_wrap=True)


def _write(path: Path, text: str) -> None:
    if str(path) == STDOUT:
        click.echo(text, nl=False)
        return
    from deblurkit.media.files import writing

    with writing(path) as temporary:
        temporary.write_text(text, "utf-8", errors="backslashreplace")
