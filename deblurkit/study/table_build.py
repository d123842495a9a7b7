"""Build the benchmark table from entries: every number, its interval, and its difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deblurkit.errors import RunError
from deblurkit.registry import Registry
from deblurkit.study.bench_folder import Bench
from deblurkit.study.entries import Entry, bench_entries
from deblurkit.study.table import Cell, Table, TableColumn, TableRow
from deblurkit.study.table_cells import costs, difference_cell, numbers
from deblurkit.study.table_columns import (
    COSTS,
    difference_column,
    expanded,
    headline_of,
    merged_columns,
)
from deblurkit.study.table_notes import table_notes
from deblurkit.study.table_rows import Line, table_lines


def bench_table(bench: Bench, registry: Registry | None = None) -> Table:
    """The table of a bench folder, finished or not: rows that failed say so.

    Raises:
        RunError: its runs were scored under different versions of the protocol.
    """
    suite = bench.suite
    return build_table(
        bench_entries(bench, registry), title=suite.summary or suite.name, protocol=suite.protocol
    )


def build_table(entries: Sequence[Entry], *, title: str, protocol: str) -> Table:
    """Build the table.

    A row's numbers are over all its clips and seeds together, with the interval over both; its
    difference to its reference row is taken on the same clips. `study.bootstrap` says how.

    Args:
        entries: The methods, in the order of their rows; a group stands where its first row
            does.
        title: Of the table.
        protocol: Its name, for the head of a table in which nothing has been scored yet.

    Raises:
        RunError: entries were scored under different protocols or versions, or a row's seeds
            on different clips.
        DeblurkitError: a reference is no row.
        ValueError: two entries have the same key.
    """
    if len({entry.key for entry in entries}) != len(entries):
        raise ValueError("two entries have the same key")
    name = _one_protocol(entries) or protocol
    lines = table_lines(entries)
    columns = merged_columns(s for line in lines for s in line.sheets.values())
    headline = headline_of(columns)
    by_key = {line.key: line for line in lines}
    rows = []
    for line in lines:
        cells = {**numbers(line, columns), **costs(line)}
        if headline and line.reference and line.sheets:
            cells["difference"] = difference_cell(line, by_key.get(line.reference), headline)
        rows.append(_row(line, cells))
    T = max((line.frames for line in lines), default=0)
    shown: list[TableColumn] = []
    for column in columns:
        shown += expanded(column, T)
        if column is headline:
            shown.append(difference_column(headline))
    shown += [c for c in COSTS if any(c.key in row.cells for row in rows)]
    notes = table_notes(rows, lines, columns, headline, shown)
    return Table(title, name, tuple(shown), tuple(rows), notes)


def _one_protocol(entries: Sequence[Entry]) -> str:
    """Name and version of the protocol that everything was scored under; empty for nothing."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        for run in entry.runs.values():
            for sheet in run.sheets.values():
                rows = found.setdefault(sheet.protocol, [])
                if entry.key not in rows:
                    rows.append(entry.key)
    if len(found) > 1:
        said = "; ".join(f"{name}: {', '.join(rows)}" for name, rows in found.items())
        raise RunError(
            f"numbers under different protocols or versions do not stand side by side: {said}",
            hint="score all rows under one: deblurkit evaluate RUN --set evaluation.protocol=NAME",
        )
    return next(iter(found), "")


def _row(line: Line, cells: Mapping[str, Cell]) -> TableRow:
    sheet = next(iter(line.sheets.values()), None)
    return TableRow(
        line.key,
        line.title,
        line.kind,
        line.group,
        line.reference,
        line.test_set,
        cells,
        () if line.seedless else tuple(sorted(line.sheets)),
        len(sheet.clips) if sheet else 0,
        line.note,
    )
