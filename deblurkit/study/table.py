"""The benchmark table: rows × columns of numbers with intervals, before it is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from deblurkit.frames import middle

RowKind = Literal["method", "given", "reference"]
"""`method`: an estimate; `given`: from the same weights, helped at test time (true middle given,
reordered by hand); `reference`: no method (blurry image, true middle repeated, truth)."""

THE_REFERENCE = "the reference"
"""The note of the cell `difference` in a row that is compared with itself."""


@dataclass(frozen=True)
class Cell:
    """One number of the table.

    Attributes:
        value: None where there is none; `note` says why. inf: no error at all.
        low: Lower end of the 95 % interval, None where there is no interval.
        high: Upper end.
        note: Why there is no value, or what is to be known of it: "not available: ...", "other
            clips", "the reference".
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class TableColumn:
    """One column of the table.

    Attributes:
        key: `psnr`, `psnr-frame:3` (column of a protocol, frame 3), `difference`, or a cost:
            `parameters`, `training-seconds`, `inference-seconds`, `inference-memory`.
        title: Its head.
        unit: Behind the title; empty where there is none.
        definition: One sentence.
        higher_is_better: None where neither is.
        digits: Behind the decimal point.
        source: `protocol`, `difference` or `cost`.
        frame: 1-based, for a column of one frame.
    """

    key: str
    title: str
    definition: str
    unit: str = ""
    higher_is_better: bool | None = True
    digits: int = 2
    source: Literal["protocol", "difference", "cost"] = "protocol"
    frame: int | None = None


@dataclass(frozen=True)
class TableRow:
    """One row.

    Attributes:
        key: `sequential`, `sequential+true-middle`, `blurry`.
        title: For people.
        kind: See `RowKind`.
        group: Its heading; rows of one group stand together.
        reference: Key of the row that `difference` is taken to; empty for none.
        test_set: Identifies the clips; only rows with the same are compared pairwise.
        cells: Column key -> cell; a column that does not apply (frame 7 of T = 3) is missing.
        seeds: Seeds that its numbers are over.
        clips: Number of test clips.
        note: Why it has no numbers, or too few seeds: a failure's message, one line.
    """

    key: str
    title: str
    kind: RowKind
    group: str
    reference: str
    test_set: str
    cells: Mapping[str, Cell]
    seeds: tuple[int, ...] = ()
    clips: int = 0
    note: str = ""

    def is_given(self, column: TableColumn) -> bool:
        """Whether the column's frame was given to the row: the true middle, at test time or alone.

        Such a frame has no error because it is the true one, not because it was found.
        """
        helped = self.key.partition("+")[2] == "true-middle"
        if column.frame is None or not (helped or self.key.partition("@")[0] == "frozen-middle"):
            return False
        score = column.key.rpartition(":")[0]
        T = sum(key.rpartition(":")[0] == score for key in self.cells)
        return T % 2 == 1 and column.frame == middle(T)


@dataclass(frozen=True)
class Table:
    """The whole table.

    Attributes:
        title: Of the suite, or of the comparison.
        protocol: Name and version.
        columns: All there are, in order; which are shown is the renderer's choice.
        rows: Group by group.
        notes: What a reader must know: unavailable columns with reasons, failed rows.
    """

    title: str
    protocol: str
    columns: tuple[TableColumn, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[str, ...] = field(default=())

    def row(self, key: str) -> TableRow:
        """A row by key; raises KeyError."""
        for row in self.rows:
            if row.key == key:
                return row
        raise KeyError(key)
