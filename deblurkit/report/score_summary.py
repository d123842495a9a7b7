"""A score sheet for a terminal, and clip by clip as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator

import numpy as np
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from deblurkit.evaluation.measures import Column, ScoreSheet
from deblurkit.report.table_view import number
from deblurkit.study.bootstrap import estimate

ACROSS = 7
"""So many frames fit side by side into 80 columns; further ones go into lines below."""

_ARROWS = {True: "↑", False: "↓", None: ""}


def sheet_tables(sheet: ScoreSheet) -> Iterator[RenderableType]:
    """The numbers of whole sequences with intervals, those per frame, and what is not there."""
    whole = [c for c in sheet.columns if not c.per_frame]
    frames = [c for c in sheet.here if c.per_frame]
    if whole:
        yield _whole(sheet, whole)
    if frames:
        yield _frames(sheet, frames)
    for key, reason in sheet.unavailable.items():
        title = next(c.title for c in sheet.columns if c.key == key)
        yield Text(f"{title} is not available: {reason}", "dim")


def per_clip_csv(sheet: ScoreSheet) -> str:
    """One line for each clip: its own number in every column; columns per frame as `key:1`, ...

    A PSNR without error is `inf`; where a clip has nothing to say (nothing moves) a cell is empty.
    """
    alone = np.eye(len(sheet.clips))
    values = {c.key: sheet.values(c.key, alone) for c in sheet.here}
    heads = ["clip"]
    for column in sheet.here:
        T = sheet.frames if column.per_frame else 0
        heads += [f"{column.key}:{t}" for t in range(1, T + 1)] or [column.key]
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(heads)
    for k, clip in enumerate(sheet.clips):
        numbers = [float(v) for c in sheet.here for v in values[c.key][k]]
        lines.writerow([clip, *("" if math.isnan(v) else repr(v) for v in numbers)])
    return text.getvalue()


def _whole(sheet: ScoreSheet, columns: list[Column]) -> Table:
    table = _empty("whole sequences")
    table.add_column("")
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("95 % interval over clips", no_wrap=True)
    for column in columns:
        name = Text(f"{column.title} {_ARROWS[column.higher_is_better]}".rstrip())
        if column.key in sheet.unavailable:
            table.add_row(name, Text("-", "dim"), "", Text("not available, see below", "dim"))
            continue
        (found,) = estimate({0: sheet}, column.key)
        interval = ""
        if found.low is not None and found.high is not None:
            interval = f"{_number(found.low, column)} to {_number(found.high, column)}"
        value = Text(_number(found.value, column), "bold")
        table.add_row(name, value, Text(column.unit, "dim"), interval)
    return table


def _frames(sheet: ScoreSheet, columns: list[Column]) -> Table:
    table = _empty("per frame")
    table.show_header = False
    table.add_column("", no_wrap=True)
    values = {c.key: sheet.values(c.key) for c in columns}
    for _ in range(min(ACROSS, sheet.frames)):
        table.add_column("", justify="right", no_wrap=True)
    for first in range(0, sheet.frames, ACROSS):
        numbers = range(first, min(first + ACROSS, sheet.frames))
        table.add_row(Text("frame", "dim"), *(Text(str(t + 1), "dim") for t in numbers))
        for c in columns:
            name = f"{c.title} {c.unit}".rstrip() + f" {_ARROWS[c.higher_is_better]}".rstrip()
            table.add_row(Text(name), *(_number(float(values[c.key][t]), c) for t in numbers))
    return table


def _empty(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        header_style="dim",
        box=None,
        pad_edge=False,
        padding=(0, 1),
    )


def _number(value: float, column: Column) -> str:
    """A number as all tables write it, `-` where no clip has anything to say."""
    return "-" if math.isnan(value) else number(value, column.digits)
