"""`deblurkit bench`: the rows of a suite, trained, scored and put into one table."""

from __future__ import annotations

import gc
import shlex
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurkit.cli.paths import NamedPath
from deblurkit.errors import DeblurkitError

if TYPE_CHECKING:
    from rich.console import Console

    from deblurkit.study.bench_folder import Bench
    from deblurkit.study.prepared import Prepared


class Seeds(click.ParamType[tuple[int, ...]]):
    """Whole numbers parted by commas."""

    name = "seeds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """`0,1` to (0, 1)."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(part.isascii() and part.isdigit() and int(part) < 2**32 for part in parts):
            self.fail(f"{value!r} are no seeds; valid: 0 to 2^32 - 1, as 0,1,2", param, ctx)
        return tuple(dict.fromkeys(map(int, parts)))


@click.command()
@click.argument("suite")
@click.option(
    "--rows",
    multiple=True,
    metavar="NAME,...",
    help="Run only these rows; patterns as 'windowed-*'. May be repeated. The table keeps the "
    "others that are done.",
)
@click.option("--seeds", type=Seeds(), metavar="0,1", help="In place of the suite's seeds.")
@click.option("--scale", metavar="NAME", help="In place of the suite's scale.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="Override a value in every row. May be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Say what would run, what is reused, how long.")
@click.option(
    "--out",
    type=NamedPath(path_type=Path),
    help="The bench folder [default: bench/NAME-HASH, one for each scale, seeds and overrides].",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where to compute.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="Rows that are run at once, each in a process of its own, which share the processors.",
)
@click.option(
    "--columns", multiple=True, metavar="KEY,...", help="Columns of the printed table, or all."
)
def bench(
    suite: str,
    rows: tuple[str, ...],
    seeds: tuple[int, ...] | None,
    scale: str | None,
    overrides: tuple[str, ...],
    dry_run: bool,
    out: Path | None,
    device: str,
    workers: int,
    columns: tuple[str, ...],
) -> None:
    """Run what is missing of SUITE and put its rows into one table.

    SUITE is a file, or the name of a suite that comes with deblurkit (`ablation`). Rows share
    the phases that they have in common. A row that fails is noted in the table and the others
    go on; the same command tries it again. Work can be stopped at any point (Ctrl-C) and goes
    on with the same command. Exits with 1 if a row failed.
    """
    from rich.console import Console

    from deblurkit.report.table_view import choose_columns
    from deblurkit.study.jobs import Asked
    from deblurkit.study.planned_columns import planned_table
    from deblurkit.study.prepared import prepare_bench

    asked = Asked(scale, seeds or (), overrides)
    prepared = prepare_bench(suite, asked, rows=rows, out=out, device=device)
    keys = [key for text in columns for part in text.split(",") if (key := part.strip())]
    choose_columns(planned_table(prepared), keys)  # an unknown one is refused before any work
    console = Console()
    if dry_run:
        _dry_run(console, prepared, workers)
        return
    done = _run(console, prepared, _command(click.get_current_context()), workers)
    _show(console, done, keys)
    failed = [row for row in done.rows if row.failures and row.key in prepared.chosen]
    if failed:
        click.get_current_context().exit(1)


def _dry_run(console: Console, prepared: Prepared, workers: int) -> None:
    from deblurkit.engine.progress import Bars, Lines
    from deblurkit.report.bench_summary import clock, print_ahead
    from deblurkit.study.bench import rows_at_once
    from deblurkit.study.bench_folder import read_state
    from deblurkit.study.dry_run import look_ahead
    from deblurkit.study.pool import as_in_a_worker
    from deblurkit.study.scheduling import wall_time

    workers = rows_at_once(prepared, workers)
    with as_in_a_worker(workers):
        if _live(console):
            with Bars(console) as bars:
                jobs = look_ahead(prepared, bars)
        else:
            jobs = look_ahead(prepared, Lines(console))
    print_ahead(console, jobs, read_state(prepared.folder))
    if workers > 1:
        total = wall_time(jobs, workers)
        more = f"; the time of {total.unknown} phases is unknown" if total.unknown else ""
        console.print(
            f"{f'with {workers} workers':<20}about {clock(total.seconds)}{more} (an estimate: as "
            "if steps took as long beside another row as alone)",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip


def _run(console: Console, prepared: Prepared, command: str, workers: int) -> Bench:
    from deblurkit.engine.progress import Bars, Lines
    from deblurkit.study.bench import run_bench

    def reporting() -> Bars | nullcontext[Lines]:
        live = _live(console) and workers == 1  # bars of several rows would write over each other
        return Bars(console) if live else nullcontext(Lines(console))

    # Memory is swept after every phase; the imported modules need not be looked through.
    gc.freeze()
    try:
        return run_bench(prepared, command=command, reporting=reporting, workers=workers)
    finally:
        gc.unfreeze()


def _show(console: Console, done: Bench, columns: Sequence[str]) -> None:
    from deblurkit.report.bench_summary import print_outcome
    from deblurkit.report.table_terminal import print_table
    from deblurkit.study.table_build import bench_table

    table = bench_table(done)
    console.print()
    try:
        print_table(console, table, columns)
    except DeblurkitError:  # the rows that have the column are not done
        print_table(console, table)
    console.print()
    print_outcome(console, done)


def _live(console: Console) -> bool:
    return console.is_terminal and sys.stdout.isatty()


def _command(ctx: click.Context) -> str:
    """The command line as it was meant, in the order of the command's own options."""
    words = ["deblurkit", "bench"]
    for param in ctx.command.params:
        value = ctx.params.get(param.name or "")
        if isinstance(param, click.Argument):
            words.append(str(value))
        elif value in (None, (), False) or value == param.get_default(ctx):
            continue
        elif param.name == "seeds":
            words += ["--seeds", ",".join(map(str, value))]
        else:
            for one in value if isinstance(value, tuple) else (value,):
                words += [param.opts[0], str(one)]
    return shlex.join(words)
