"""What the page draws as lines: scores over the frames, losses over the steps.

A chart is a mapping as the page's script reads it: `series`, each with `title`, `colour`,
`dashed`, `x`, `y`, `low`, `high` and, of training, `groups`, the headings under which its rows
stand; `x`, what stands on the axis; `unit`; `frames`, T where the axis counts frames; `log`,
"chosen" where the reader chooses; `height` in pixels; `extent`, what y at least spans.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deblurkit.evaluation.rows import NO_METHOD
from deblurkit.report.page.subject import Method
from deblurkit.report.page.titles import score_title
from deblurkit.study.table import Table, TableColumn, TableRow

Colour = int | str
"""One of eight colours; or `ink`, for the row that others are compared with; or `reference`."""

POINTS = 240
"""So many points of a training curve are kept; a screen shows no more."""


@dataclass(frozen=True)
class Panel:
    """A chart with its heading.

    Attributes:
        title: What it shows.
        note: Beside the title.
        chart: For the script.
    """

    title: str
    note: str
    chart: dict[str, Any]


@dataclass(frozen=True)
class Family:
    """The columns of one score, one for every frame: `psnr-frame:1` to `psnr-frame:T`.

    Attributes:
        key: `psnr-frame`.
        title: Of the score.
        columns: Frame -> column.
    """

    key: str
    title: str
    columns: Mapping[int, TableColumn]

    @property
    def unit(self) -> str:
        """Of its values; may be empty."""
        return next(iter(self.columns.values())).unit


def families(table: Table) -> tuple[Family, ...]:
    """The scores that the table has for every frame."""
    found: dict[str, dict[int, TableColumn]] = {}
    for column in table.columns:
        if column.frame is not None and column.source == "protocol":
            found.setdefault(family_key(column), {})[column.frame] = column
    return tuple(
        Family(key, score_title(next(iter(columns.values()))), columns)
        for key, columns in found.items()
    )


def family_key(column: TableColumn) -> str:
    """Key of the score that a column of one frame belongs to."""
    return column.key.split(":", 1)[0]


def frame_panels(table: Table, family: Family, colours: Mapping[str, Colour]) -> tuple[Panel, ...]:
    """A score over the frames: one panel for every heading and test set.

    Rows are compared within their heading, so each panel has its own rows, and beside them
    what they are compared with where it was scored on the same clips: their reference row and
    the rows that need no method.
    """
    panels = []
    for title, rows in _panel_rows(table):
        lines = [line for row in rows if (line := _frame_line(row, family, colours))]
        if not lines:
            continue
        chart = {
            "x": "frame",
            "unit": family.unit,
            "frames": max(len(line["x"]) for line in lines),
            "log": "never",
            "height": 300,
            "series": lines,
        }
        panels.append(Panel(title, "", chart))
    ends = [v for p in panels for line in p.chart["series"] for v in line["y"] if v is not None]
    for panel in panels:  # one scale for all, or they could not be compared by eye
        panel.chart["extent"] = [min(ends), max(ends)]
    return tuple(panels)


def training_panels(methods: Sequence[Method], colours: Mapping[str, Colour]) -> tuple[Panel, ...]:
    """Losses over the steps: one panel for every phase and term.

    Rows that share a phase have the same curve and stand as one line.
    """
    found: dict[tuple[str, str], dict[tuple[tuple[int, float], ...], list[Method]]] = {}
    for method in methods:
        curves: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for record in method.training:
            for term, value in record["terms"].items():
                if math.isfinite(value):
                    point = (record["step"], value)
                    curves.setdefault((record["phase"], term), []).append(point)
        for place, points in curves.items():
            found.setdefault(place, {}).setdefault(tuple(points), []).append(method)
    times = Counter(method.title for method in methods)
    titles = {m.key: m.title if times[m.title] == 1 else f"{m.title}, {m.group}" for m in methods}
    panels = []
    for (phase, term), lines in found.items():
        chart = {
            "x": "step",
            "unit": "",
            "frames": 0,
            "log": "chosen",
            "height": 260,
            "series": [_training_line(p, rows, titles, colours) for p, rows in lines.items()],
        }
        panels.append(Panel(phase, term, chart))
    return tuple(panels)


def row_colours(table: Table) -> dict[str, Colour]:
    """A colour for every row: within a heading they differ, as far as eight go.

    Rows helped at test time have the colour of the row they come from.
    """
    compared = {row.reference for row in table.rows if row.reference}
    main = next((row.reference for row in table.rows if row.reference), "")
    colours: dict[str, Colour] = {}
    used: dict[str, int] = {}
    for row in table.rows:
        if row.kind == "reference":
            colours[row.key] = "reference"
        elif row.kind == "given" and (parent := row.key.split("+", 1)[0]) in colours:
            colours[row.key] = colours[parent]
        elif row.key == main and len(compared) > 0:
            colours[row.key] = "ink"
        else:
            colours[row.key] = used.get(row.group, 0) % 8
            used[row.group] = used.get(row.group, 0) + 1
    return colours


def _panel_rows(table: Table) -> Iterable[tuple[str, list[TableRow]]]:
    """Heading -> rows: its own, what they are compared with, and what needs no method."""
    own: dict[tuple[str, str], list[TableRow]] = {}
    for row in table.rows:
        if row.kind == "method" and row.clips:
            own.setdefault((row.group, row.test_set), []).append(row)
    groups = [group for group, _ in own]
    for (group, test_set), rows in own.items():
        keys = {row.key for row in rows}
        asked = {row.reference for row in rows} - keys
        beside = [
            row
            for row in table.rows
            if row.test_set == test_set and (row.kind == "reference" or row.key in asked)
        ]
        T = max((column_frame(key) for row in rows for key in row.cells), default=0)
        title = group or "All rows"
        yield (f"{title}, T = {T}" if groups.count(group) > 1 and T else title), [*beside, *rows]


def column_frame(key: str) -> int:
    """The frame that a column's key names; 0 for a column of the sequence."""
    number = key.rpartition(":")[2]
    return int(number) if ":" in key and number.isdecimal() else 0


def _frame_line(
    row: TableRow, family: Family, colours: Mapping[str, Colour]
) -> dict[str, Any] | None:
    cells = {i: row.cells[c.key] for i, c in family.columns.items() if c.key in row.cells}
    values = [_finite(cell.value) for cell in cells.values()]
    if all(value is None for value in values):
        return None
    line: dict[str, Any] = {
        "row": row.key,
        "title": NO_METHOD.get(row.key.split("@", 1)[0], row.title),  # of these clips, of course
        "colour": colours.get(row.key, "reference"),
        "dashed": row.kind == "reference",
        "x": list(cells),
        "y": values,
    }
    bounds = [(_finite(cell.low), _finite(cell.high)) for cell in cells.values()]
    if all(None not in bound for bound in bounds):
        line["low"], line["high"] = ([b[k] for b in bounds] for k in (0, 1))
    return line


def _training_line(
    points: Sequence[tuple[int, float]],
    rows: Sequence[Method],
    titles: Mapping[str, str],
    colours: Mapping[str, Colour],
) -> dict[str, Any]:
    title = titles[rows[0].key] if len(rows) == 1 else f"shared by {len(rows)} rows"
    kept = _thinned(points)
    return {
        "row": rows[0].key,
        "title": title,
        "groups": sorted({row.group for row in rows}),
        "said": "; ".join(titles[row.key] for row in rows) if len(rows) > 1 else "",
        "colour": colours.get(rows[0].key, "reference"),
        "dashed": False,
        "x": [step for step, _ in kept],
        "y": [_short(value) for _, value in kept],
    }


def _thinned(points: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Every n-th point, counted from the last, which is always kept."""
    every = max(1, math.ceil(len(points) / POINTS))
    return list(points[::-1][::every])[::-1]


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else _short(value)
