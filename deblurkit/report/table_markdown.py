"""The table as Markdown, as GitHub and others show it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from deblurkit.report.table_view import (
    Intervals,
    ShownColumn,
    choose_columns,
    frame_blocks,
    shown_columns,
)
from deblurkit.study.table import Table, TableColumn


def markdown_text(
    table: Table, columns: Sequence[str] = (), intervals: Intervals = "difference"
) -> str:
    """Title, table, notes. Groups have a row of their own, the best number is bold.

    Without `columns`, scores of single frames follow in tables of their own.

    Args:
        table: What to draw.
        columns: Keys, as `choose_columns` takes them.
        intervals: Which numbers come with their interval.

    Raises:
        DeblurkitError: a column is unknown.
    """
    blocks: list[Sequence[TableColumn]] = [choose_columns(table, columns)]
    if not columns:
        blocks += frame_blocks(table)
    lines = [f"**{_escaped(table.title)}** (protocol `{table.protocol}`)"]
    for block in blocks:
        lines += ["", *_drawn(table, shown_columns(table, block, intervals))]
    notes = [f"- {_escaped(note)}" for note in table.notes]
    return "\n".join([*lines, *(["", *notes] if notes else []), ""])


def _drawn(table: Table, shown: Sequence[ShownColumn]) -> Iterator[str]:
    yield _line(["", *(_escaped(s.head) for s in shown)])
    yield _line([":---", *("---:" for _ in shown)])
    group = ""
    for row in table.rows:
        if row.group != group:
            group = row.group
            yield _line([f"*{_escaped(group)}*" if group else "", *("" for _ in shown)])
        texts = ((_escaped(s.texts[row.key]), row.key in s.best) for s in shown)
        yield _line([_escaped(row.title), *(f"**{t}**" if bold else t for t, bold in texts)])


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _escaped(text: str) -> str:
    """One line in which nothing is markup."""
    return re.sub(r"([\\|*_`<>\[\]~#])", r"\\\1", " ".join(text.split()))
