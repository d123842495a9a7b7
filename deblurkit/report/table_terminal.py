"""The table for a terminal: never a number cut, whatever the width."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from deblurkit.report.table_view import (
    Intervals,
    ShownColumn,
    choose_columns,
    has_numbers,
    short_keys,
    shown_columns,
)
from deblurkit.study.table import Cell, Table, TableRow

_TITLE = 24
"""The titles of rows get so many columns at least, where one is as long."""
_HEAD = 10
"""Words in heads longer than this are broken."""
_GAP = 2
_FIRST = (
    "psnr",
    "difference",
    "direction-agreement",
    "motion-recall",
    "ssim",
    "parameters",
    "training-seconds",
    "inference-seconds",
    "inference-memory",
)
"""Shown before all others where there is little room; then scores, costs, what only informs."""
_STYLES = {"method": "", "given": "italic", "reference": "dim"}


def print_table(
    console: Console,
    table: Table,
    columns: Sequence[str] = (),
    intervals: Intervals = "difference",
) -> None:
    """Print the table with its notes, no wider than the console.

    Without `columns`, the less important ones that do not fit are left out, and named below
    with the way to see them. Columns that were asked for are all shown: those
    that do not fit stand in further tables with the same rows.

    Args:
        console: Where to; 80 columns or more.
        table: What to draw.
        columns: Keys, as `choose_columns` takes them.
        intervals: Which numbers come with their interval.

    Raises:
        DeblurkitError: a column is unknown.
    """
    shown = shown_columns(table, choose_columns(table, columns), intervals)
    if columns:
        blocks = list(_blocks(table, shown, console.width))
    else:
        blocks = [_fitting(table, shown, console.width)]
    console.print(Text(f"{table.title}  ({table.protocol})", "bold"))
    for k, block in enumerate(blocks):
        if k:
            console.print()
        console.print(_drawn(table, block, console.width))
    if table.notes:
        console.print()
    for note in table.notes:
        console.print(Text(note, "dim"))
    seen = {column.column.key for block in blocks for column in block}
    left = [c for c in table.columns if c.key not in seen and has_numbers(table, c)]
    if left and not columns:
        hidden = ", ".join(short_keys(left))
        console.print(Text(f"Not shown: {hidden} (--columns KEY,KEY or --columns all).", "dim"))


def plain_text(
    table: Table,
    columns: Sequence[str] = (),
    intervals: Intervals = "difference",
    *,
    width: int = 120,
) -> str:
    """What `print_table` prints, as text without colours."""
    text = StringIO()
    console = Console(file=text, width=width, color_system=None, force_terminal=False)
    print_table(console, table, columns, intervals)
    return text.getvalue()


def _width(column: ShownColumn) -> int:
    """The columns it needs: its numbers in one piece, its head in words below each other."""
    words = [*column.column.title.split(), column.unit]
    head = min(_HEAD, max(cell_len(word) for word in words))
    return max([head, *(cell_len(text) for text in column.texts.values())])


def _title_width(table: Table) -> int:
    return min(_TITLE, max([1, *(cell_len(row.title) for row in table.rows)]))


def _fitting(table: Table, shown: Sequence[ShownColumn], width: int) -> tuple[ShownColumn, ...]:
    """The most important columns that fit, in the table's order."""
    room = width - _title_width(table)
    kept: set[str] = set()
    for column in sorted(shown, key=_rank):
        if (needed := _GAP + _width(column)) <= room or not kept:
            kept.add(column.column.key)
            room -= needed
    return tuple(column for column in shown if column.column.key in kept)


def _rank(shown: ShownColumn) -> int:
    column = shown.column
    if column.key in _FIRST:
        return _FIRST.index(column.key)
    if column.higher_is_better is None:
        return 102
    return 101 if column.source == "cost" else 100


def _blocks(
    table: Table, shown: Sequence[ShownColumn], width: int
) -> Iterator[tuple[ShownColumn, ...]]:
    """All columns, as many side by side as fit."""
    block: list[ShownColumn] = []
    room = 0
    for column in shown:
        needed = _GAP + _width(column)
        if block and needed > room:
            yield tuple(block)
            block = []
        if not block:
            room = width - _title_width(table)
        block.append(column)
        room -= needed
    yield tuple(block)


def _drawn(table: Table, shown: Sequence[ShownColumn], room: int) -> RichTable:
    drawn = RichTable(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="dim")
    room -= sum(_GAP + _width(column) for column in shown)
    longest = max([1, *(cell_len(row.title) for row in table.rows)])
    drawn.add_column("", width=max(1, min(longest, room)), overflow="fold")
    for column in shown:
        width = _width(column)
        head = "\n".join(filter(None, (column.column.title, column.unit)))
        drawn.add_column(Text(head), width=width, justify="right", overflow="fold")
    group = ""
    for row in table.rows:
        if row.group != group:
            group = row.group
            if drawn.row_count:
                drawn.add_row()
            drawn.add_row(Text(group, "bold"))
        drawn.add_row(Text(row.title, _STYLES[row.kind]), *(_text(row, column) for column in shown))
    return drawn


def _text(row: TableRow, column: ShownColumn) -> Text:
    style = _STYLES[row.kind]
    cell = row.cells.get(column.column.key)
    if column.column.source == "difference" and cell is not None and cell.low is not None:
        style = _sign(cell, column.column.higher_is_better) or style
    if row.key in column.best:
        style = f"{style} bold"
    return Text(column.texts[row.key], style.strip())


def _sign(cell: Cell, higher_is_better: bool | None) -> str:
    """Green or red where the whole interval lies on one side of no difference."""
    if cell.low is None or cell.high is None or cell.low <= 0 <= cell.high:
        return ""
    return "green" if (cell.low > 0) == higher_is_better else "red"
