"""What all drawings of the table share: which columns, how numbers are written, what is best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from deblurkit.errors import DeblurkitError, nearest
from deblurkit.study.table import THE_REFERENCE, Cell, Table, TableColumn, TableRow

Intervals = Literal["difference", "all", "none"]
"""Which numbers are drawn with their interval."""

ALL = "all"
EXACT, TRUE, NONE = "exact", "true", "–"
"""No error at all; no error because the frame was given; no number."""


@dataclass(frozen=True)
class Scale:
    """How a column's numbers are drawn: times a factor, in a unit, with so many digits."""

    factor: float
    unit: str
    digits: int


@dataclass(frozen=True)
class ShownColumn:
    """A column as it is drawn.

    Attributes:
        column: What it is.
        unit: Of the numbers drawn, which for costs is chosen to suit them; empty for none.
        texts: Row key -> text, for every row; empty where a column does not apply.
        best: Keys of the rows with the best number among the methods of their group on the
            same clips; ties share it, and where all tie none is best.
    """

    column: TableColumn
    unit: str
    texts: Mapping[str, str]
    best: frozenset[str]

    @property
    def head(self) -> str:
        """Title and unit."""
        return f"{self.column.title} ({self.unit})" if self.unit else self.column.title


def choose_columns(table: Table, asked: Sequence[str] = ()) -> tuple[TableColumn, ...]:
    """The columns to draw.

    Args:
        table: Whose columns.
        asked: Keys; `psnr-frame` stands for all of `psnr-frame:1`, `psnr-frame:2`, ...; `all`
            for everything. None: the columns of whole sequences that have numbers, the
            difference and the costs.

    Raises:
        DeblurkitError: a key is unknown.
    """
    if not asked:
        return tuple(c for c in table.columns if c.frame is None and has_numbers(table, c))
    groups: dict[str, list[TableColumn]] = {ALL: list(table.columns)}
    for column in table.columns:
        groups.setdefault(column.key, []).append(column)
        if column.frame is not None:
            groups.setdefault(column.key.rpartition(":")[0], []).append(column)
    chosen: dict[str, TableColumn] = {}
    for key in asked:
        if key not in groups:
            valid = nearest(key, [k for k in groups if ":" not in k])
            raise DeblurkitError(f"there is no column '{key}'", valid=valid)
        chosen |= {column.key: column for column in groups[key]}
    return tuple(chosen.values())


def frame_blocks(table: Table) -> tuple[tuple[TableColumn, ...], ...]:
    """The columns per frame that have numbers, those of one score together."""
    blocks: dict[str, list[TableColumn]] = {}
    for column in table.columns:
        if column.frame is not None and has_numbers(table, column):
            blocks.setdefault(column.key.rpartition(":")[0], []).append(column)
    return tuple(map(tuple, blocks.values()))


def short_keys(columns: Sequence[TableColumn]) -> tuple[str, ...]:
    """Keys to ask for columns by; those of frames are named together."""
    keys = (c.key if c.frame is None else c.key.rpartition(":")[0] for c in columns)
    return tuple(dict.fromkeys(keys))


def shown_columns(
    table: Table, columns: Sequence[TableColumn], intervals: Intervals = "difference"
) -> tuple[ShownColumn, ...]:
    """Write the numbers of columns, for rows that have none a word in the first column."""
    shown = tuple(_shown(table, column, intervals) for column in columns)
    if not shown:
        return ()
    words = {row.key: word for row in table.rows if (word := _word(row))}
    first = shown[0]
    return (
        ShownColumn(first.column, first.unit, {**first.texts, **words}, first.best),
        *shown[1:],
    )


def number(value: float, digits: int, *, sign: bool = False) -> str:
    """A number with so many digits behind the point; "exact" for infinity, no negative zero."""
    if math.isinf(value):
        return EXACT if value > 0 else "-inf"
    if abs(value) >= 1e9:
        return f"{value:{'+' if sign else ''}.3e}"
    rounded = round(value, digits) or 0.0
    return f"{rounded:{'+' if sign else ''}.{digits}f}"


def has_numbers(table: Table, column: TableColumn) -> bool:
    """Whether any row has a number there."""
    cells = (row.cells.get(column.key) for row in table.rows)
    return any(cell is not None and cell.value is not None for cell in cells)


def _word(row: TableRow) -> str:
    """What a row without any number says instead."""
    if any(cell.value is not None for cell in row.cells.values()):
        return ""
    if "failed" in row.note:
        return "failed"
    return "not run" if "not run" in row.note else "no numbers"


def _shown(table: Table, column: TableColumn, intervals: Intervals) -> ShownColumn:
    scale = scale_of(table, column)
    factor, digits = scale.factor, scale.digits
    signed = column.source == "difference"
    wide = intervals == "all" or (intervals == "difference" and signed)

    def text(row: TableRow) -> str:
        cell = row.cells.get(column.key)
        if cell is None:
            return ""
        if cell.value is None:
            return "reference" if cell.note == THE_REFERENCE else NONE
        if cell.value == math.inf and row.is_given(column):
            return TRUE
        said = number(cell.value * factor, digits, sign=signed)
        if wide and cell.low is not None and cell.high is not None:
            ends = (number(end * factor, digits, sign=signed) for end in (cell.low, cell.high))
            said += f" [{', '.join(ends)}]"
        return said

    texts = {row.key: text(row) for row in table.rows}
    return ShownColumn(column, scale.unit, texts, best_rows(table, column))


_STEPS: Mapping[str, tuple[tuple[float, float, str], ...]] = {
    "s": ((7200, 1 / 3600, "h"), (120, 1 / 60, "min"), (1, 1.0, "s"), (0, 1e3, "ms")),
    "B": ((2.0**30, 2.0**-30, "GiB"), (2.0**20, 2.0**-20, "MiB"), (0, 2.0**-10, "KiB")),
    "": ((1e6, 1e-6, "M"), (1e4, 1e-3, "k")),
}
"""Unit of a cost -> from which size on, factor, unit drawn."""


def scale_of(table: Table, column: TableColumn) -> Scale:
    """The scale in which a column's numbers are easiest to read; only costs have a choice."""
    cells = (row.cells.get(column.key) for row in table.rows)
    values = [c.value for c in cells if c is not None and c.value is not None]
    values = [value for value in values if math.isfinite(value)]
    if column.source == "cost" and values:
        most = max(values)
        for least, factor, unit in _STEPS.get(column.unit, ()):
            if most >= least:
                smallest = min((v * factor for v in values if v * factor > 0), default=1.0)
                digits = min(3, max(0, 2 - math.floor(math.log10(smallest))))
                return Scale(factor, unit, digits)
    return Scale(1.0, column.unit, column.digits)


def best_rows(table: Table, column: TableColumn) -> frozenset[str]:
    """Keys of the rows with the best number; see `ShownColumn.best`."""
    if column.higher_is_better is None:
        return frozenset()
    scale = scale_of(table, column)
    rivals: dict[tuple[str, ...], dict[str, float]] = {}
    for row in table.rows:
        cell = row.cells.get(column.key)
        if cell is not None and cell.note == THE_REFERENCE:
            cell = Cell(0.0)  # a rival of those that are compared with it
        if row.kind != "method" or cell is None or cell.value is None:
            continue
        among: tuple[str, ...] = (row.group,)
        if column.source != "cost":
            among += (row.test_set,)
        if column.source == "difference":
            among += (row.reference,)
        # What looks the same is the same.
        seen = (
            cell.value if math.isinf(cell.value) else round(cell.value * scale.factor, scale.digits)
        )
        rivals.setdefault(among, {})[row.key] = seen
    best: set[str] = set()
    for values in rivals.values():
        top = max(values.values()) if column.higher_is_better else min(values.values())
        winners = {key for key, value in values.items() if value == top}
        if len(winners) < len(values):
            best |= winners
    # A reference that nothing beats has no number to mark.
    return frozenset(k for k in best if table.row(k).cells[column.key].value is not None)
