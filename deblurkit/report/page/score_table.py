"""The benchmark table as the page shows it: text for every cell, its bounds, the best of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from deblurkit.report.page.curves import Colour, families, family_key
from deblurkit.report.table_view import NONE, TRUE, Scale, best_rows, scale_of
from deblurkit.report.table_view import number as plain_number
from deblurkit.study.table import Cell, Table, TableColumn, TableRow

WHOLE, COST = "sequence", "cost"


@dataclass(frozen=True)
class ColumnSet:
    """Columns that are shown or hidden together.

    Attributes:
        key: `sequence`, `cost`, or that of a score that every frame has.
        title: For people.
        shown: Whether they are at first.
    """

    key: str
    title: str
    shown: bool


@dataclass(frozen=True)
class Forest:
    """A difference with its interval as a dot and a line, in pixels from the left.

    `clear` where the interval leaves zero out.
    """

    low: float
    dot: float
    high: float
    clear: bool


@dataclass(frozen=True)
class ShownCell:
    """A cell as text.

    Attributes:
        column: Its column.
        set: Key of its column set.
        text: The number in the column's scale, or a dash.
        interval: `[25.10, 26.40]`; empty where there is none.
        value: For sorting; None sorts last.
        note: Why there is no number.
        best: Whether it is the best, as in the other tables: see `table_view.ShownColumn`.
        zero: For a difference: where zero is in its plot, pixels from the left.
        forest: For a difference with an interval.
    """

    column: TableColumn
    set: str
    text: str
    interval: str
    value: float | None
    note: str
    best: bool
    zero: float | None
    forest: Forest | None


@dataclass(frozen=True)
class ShownRow:
    """A row with its cells, one for every column."""

    row: TableRow
    colour: Colour
    is_reference: bool
    cells: tuple[ShownCell, ...]
    failed: bool


@dataclass(frozen=True)
class ShownTable:
    """All of it.

    Attributes:
        columns: (column, key of its set, unit of the numbers shown).
        sets: In the order of the table.
        groups: (heading, rows).
    """

    columns: tuple[tuple[TableColumn, str, str], ...]
    sets: tuple[ColumnSet, ...]
    groups: tuple[tuple[str, tuple[ShownRow, ...]], ...]


def shown_table(table: Table, colours: Mapping[str, Colour]) -> ShownTable:
    """Prepare a table for the page."""
    best = {column.key: best_rows(table, column) for column in table.columns}
    scales = {column.key: scale_of(table, column) for column in table.columns}
    spans = {c.key: _forest_span(table.rows, c) for c in table.columns if c.source == "difference"}
    compared = {row.reference for row in table.rows if row.kind == "method"} - {""}
    rows = [
        ShownRow(
            row,
            colours.get(row.key, "reference"),
            row.key in compared and any(r.reference == row.key != r.key for r in table.rows),
            tuple(
                _cell(
                    row,
                    column,
                    scales[column.key],
                    row.key in best[column.key],
                    spans.get(column.key),
                )
                for column in table.columns
            ),
            row.kind != "reference" and not any(c.value is not None for c in row.cells.values()),
        )
        for row in table.rows
    ]
    groups = tuple((g, tuple(r)) for g, r in groupby(rows, key=lambda shown: shown.row.group))
    columns = tuple((c, column_set(c), scales[c.key].unit) for c in table.columns)
    return ShownTable(columns, _sets(table), groups)


def column_set(column: TableColumn) -> str:
    """The set that a column is shown with."""
    if column.source == "cost":
        return COST
    return WHOLE if column.frame is None else family_key(column)


def number(value: float | None, scale: Scale, *, sign: bool = False) -> str:
    """A number as all tables write it, with a typographic minus; a dash for none."""
    if value is None or math.isnan(value):
        return NONE
    return plain_number(value * scale.factor, scale.digits, sign=sign).replace("-", "−")


def _cell(
    row: TableRow,
    column: TableColumn,
    scale: Scale,
    best: bool,
    span: tuple[float, float] | None,
) -> ShownCell:
    cell = row.cells.get(column.key, Cell(None))
    value = cell.value if cell.value is not None and not math.isnan(cell.value) else None
    signed = column.source == "difference"
    interval = ""
    if cell.low is not None and cell.high is not None:
        low, high = (number(end, scale, sign=signed) for end in (cell.low, cell.high))
        interval = f"[{low}, {high}]"
    given = value == math.inf and row.is_given(column)
    return ShownCell(
        column,
        column_set(column),
        TRUE if given else number(value, scale, sign=signed),
        interval,
        value,
        cell.note,
        best,
        None if span is None or row.kind == "reference" else _place(0.0, span),
        None if span is None or row.kind == "reference" else _forest(cell, span),
    )


def _sets(table: Table) -> tuple[ColumnSet, ...]:
    there = {column_set(column) for column in table.columns}
    sets = [ColumnSet(WHOLE, "Whole sequence", True)]
    sets += [ColumnSet(f.key, f"{f.title}, each frame", False) for f in families(table)]
    sets.append(ColumnSet(COST, "Cost", True))
    return tuple(each for each in sets if each.key in there)


FOREST_WIDTH = 132


def _forest_span(rows: Sequence[TableRow], column: TableColumn) -> tuple[float, float]:
    """What the plot of differences spans: every interval of a method or one helped, and zero."""
    ends = [0.0]
    for row in rows:
        cell = row.cells.get(column.key)
        if cell is not None and row.kind != "reference":
            ends += [v for v in (cell.low, cell.high, cell.value) if v is not None]
    finite = [v for v in ends if math.isfinite(v)]
    return min(finite), max(finite)


def _forest(cell: Cell, span: tuple[float, float]) -> Forest | None:
    low, high = span
    if cell.value is None or cell.low is None or cell.high is None or low == high:
        return None
    left, dot, right = (_place(value, span) for value in (cell.low, cell.value, cell.high))
    return Forest(left, dot, right, cell.low > 0 or cell.high < 0)


def _place(value: float, span: tuple[float, float]) -> float:
    low, high = span
    share = (value - low) / (high - low) if high > low else 0.5
    return round(4 + (FOREST_WIDTH - 8) * share, 1)
