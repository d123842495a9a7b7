"""The benchmark table as the page shows it: text for every cell, its bounds, the best of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from deblurkit.report.page.curves import Colour, families, family_key
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
        text: The number with its unit's scale, or a dash.
        interval: `[25.10, 26.40]`; empty where there is none.
        value: For sorting; None sorts last.
        note: Why there is no number.
        best: Whether no other method has a better one.
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
        columns: (column, key of its set).
        sets: In the order of the table.
        groups: (heading, rows).
    """

    columns: tuple[tuple[TableColumn, str], ...]
    sets: tuple[ColumnSet, ...]
    groups: tuple[tuple[str, tuple[ShownRow, ...]], ...]


def shown_table(table: Table, colours: Mapping[str, Colour]) -> ShownTable:
    """Prepare a table for the page."""
    best = {column.key: _best(table.rows, column) for column in table.columns}
    scales = {
        c.key: _forest_scale(table.rows, c) for c in table.columns if c.source == "difference"
    }
    compared = {row.reference for row in table.rows if row.kind == "method"} - {""}
    rows = [
        ShownRow(
            row,
            colours.get(row.key, "reference"),
            row.key in compared and any(r.reference == row.key != r.key for r in table.rows),
            tuple(
                _cell(row, column, best[column.key], scales.get(column.key))
                for column in table.columns
            ),
            row.kind != "reference" and not any(c.value is not None for c in row.cells.values()),
        )
        for row in table.rows
    ]
    groups = tuple((g, tuple(r)) for g, r in groupby(rows, key=lambda shown: shown.row.group))
    return ShownTable(tuple((c, column_set(c)) for c in table.columns), _sets(table), groups)


def column_set(column: TableColumn) -> str:
    """The set that a column is shown with."""
    if column.source == "cost":
        return COST
    return WHOLE if column.frame is None else family_key(column)


def number(value: float | None, column: TableColumn) -> str:
    """A number as the table shows it: `true` for no error at all; large counts with a prefix."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "true" if value > 0 else "–"
    if column.source == "cost" and column.unit == "B":
        return f"{value / 2**20:,.0f} MiB"
    if column.source == "cost" and not column.unit and abs(value) >= 1e5:
        return f"{value / 1e6:.2f} M"
    sign = "+" if column.source == "difference" and value > 0 else ""
    return f"{sign}{value:,.{column.digits}f}".replace("-", "−")


def _cell(
    row: TableRow, column: TableColumn, best: float | None, scale: tuple[float, float] | None
) -> ShownCell:
    cell = row.cells.get(column.key, Cell(None))
    value = cell.value if cell.value is not None and not math.isnan(cell.value) else None
    interval = ""
    if cell.low is not None and cell.high is not None:
        interval = f"[{number(cell.low, column)}, {number(cell.high, column)}]"
    return ShownCell(
        column,
        column_set(column),
        number(value, column),
        interval,
        value,
        cell.note,
        row.kind == "method" and best is not None and value == best,
        None if scale is None or row.kind == "reference" else _place(0.0, scale),
        None if scale is None or row.kind == "reference" else _forest(cell, scale),
    )


def _best(rows: Sequence[TableRow], column: TableColumn) -> float | None:
    """The best number of the methods on the same clips; None where rows have other clips.

    Numbers on other clips are no better or worse. Costs and differences are compared anyhow.
    """
    if column.higher_is_better is None or column.source == "difference":
        return None
    methods = [row for row in rows if row.kind == "method"]
    there = [row for row in methods if _value(row, column) is not None]
    if column.source == "protocol" and len({row.test_set for row in there}) > 1:
        return None
    values = [value for row in there if (value := _value(row, column)) is not None]
    if len(set(values)) < 2:
        return None
    return max(values) if column.higher_is_better else min(values)


def _value(row: TableRow, column: TableColumn) -> float | None:
    cell = row.cells.get(column.key)
    if cell is None or cell.value is None or math.isnan(cell.value):
        return None
    return cell.value


def _sets(table: Table) -> tuple[ColumnSet, ...]:
    there = {column_set(column) for column in table.columns}
    sets = [ColumnSet(WHOLE, "Whole sequence", True)]
    sets += [ColumnSet(f.key, f"{f.title}, each frame", False) for f in families(table)]
    sets.append(ColumnSet(COST, "Cost", True))
    return tuple(each for each in sets if each.key in there)


FOREST_WIDTH = 132


def _forest_scale(rows: Sequence[TableRow], column: TableColumn) -> tuple[float, float]:
    """What the plot of differences spans: every interval of a method or one helped, and zero."""
    ends = [0.0]
    for row in rows:
        cell = row.cells.get(column.key)
        if cell is not None and row.kind != "reference":
            ends += [v for v in (cell.low, cell.high, cell.value) if v is not None]
    finite = [v for v in ends if math.isfinite(v)]
    return min(finite), max(finite)


def _forest(cell: Cell, scale: tuple[float, float]) -> Forest | None:
    low, high = scale
    if cell.value is None or cell.low is None or cell.high is None or low == high:
        return None
    left, dot, right = (_place(value, scale) for value in (cell.low, cell.value, cell.high))
    return Forest(left, dot, right, cell.low > 0 or cell.high < 0)


def _place(value: float, scale: tuple[float, float]) -> float:
    low, high = scale
    share = (value - low) / (high - low) if high > low else 0.5
    return round(4 + (FOREST_WIDTH - 8) * share, 1)
