"""The closing tables of a run, for a terminal."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deblurkit.evaluation.rows import OF_WEIGHTS, ROWS
from deblurkit.frames import middle
from deblurkit.plurals import counted
from deblurkit.printable import readable
from deblurkit.report.table_view import EXACT, TRUE

_MIDDLE_GIVEN = ("true-middle", "frozen-middle")
"""Rows whose middle frame is the true one."""
_ACROSS = 7
"""So many numbers fit side by side into 80 columns; more go downwards."""


def score_tables(scores: Mapping[str, Any]) -> list[Table]:
    """A table for each column per frame, and one for the numbers of whole sequences.

    Where both say the same score, only the first of them, PSNR, is also shown per frame.

    Args:
        scores: As in `metrics.json`: `evaluation.evaluate.summary`.
    """
    rows = _shown(scores)
    said = f"{counted(scores['clips'], 'held-out clip')}, protocol {scores['protocol']}"
    tables: list[Table] = []
    whole = {k: c for k, c in scores["columns"].items() if not c["per_frame"]}
    for key, column in scores["columns"].items():
        if column["per_frame"] and not (tables and key.removesuffix("-frame") in whole):
            unit = f" in {column['unit']}" if column["unit"] else ""
            numbers = {row: scores["rows"][row][key] for row in rows}
            heads = [(str(i), column) for i in range(1, scores["frames"] + 1)]
            title = f"{column['title']}{unit} per frame, {said}"
            tables.append(_table(title, heads, numbers, given=middle(scores["frames"]) - 1))
    if whole:
        numbers = {row: [scores["rows"][row][k] for k in whole] for row in rows}
        heads = [(_head(c), c) for c in whole.values()]
        tables.append(_table(f"Whole sequences, {said}", heads, numbers))
    return tables


def print_summary(console: Console, folder: Path | None, scores: Mapping[str, Any]) -> None:
    """Print the tables; with a run directory, where the result is and what to look at first."""
    for table in score_tables(scores):
        console.print()
        console.print(table)
    for key, reason in scores["unavailable"].items():
        console.print(f"{key} is not available: {reason}", style="dim", highlight=False)
    if ordering := scores.get("ordering"):
        pairs, clips = (f"{ordering[key]:.0%}" for key in ("pairs", "clips"))
        said = f"ordering: {pairs} of pairs and {clips} of held-out clips ordered consistently"
        console.print(said, highlight=False)
    if folder is None:
        return
    console.print()
    samples = sorted((folder / "samples").glob("*.png"))
    lines = [f"run directory  {folder}", f"scores         {folder / 'metrics.json'}"]
    if samples:
        lines.append(f"look at        {samples[0]} (and .gif, .mp4 beside it)")
        lines.append(f"or make a page deblurkit report {shlex.quote(str(folder))}")
    for line in lines:
        console.print(readable(line), markup=False, highlight=False, soft_wrap=True)


def _shown(scores: Mapping[str, Any]) -> list[str]:
    """The rows worth a line: reordering by hand only where it changes something."""
    rows = scores["rows"]
    same = rows["reordered"] == rows["estimate"]
    return [row for row in ROWS if row != "truth" and not (row == "reordered" and same)]


def _head(column: Mapping[str, Any]) -> str:
    return f"{column['title']} {column['unit']}".strip()


def _table(
    title: str,
    heads: Sequence[tuple[str, Mapping[str, Any]]],
    numbers: Mapping[str, Sequence[float | None]],
    *,
    given: int | None = None,
) -> Table:
    """Rows downwards and numbers across where they fit, else the other way round.

    `given` is the place of the frame that some rows are given; None where places are no frames.
    """
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None
    )
    table.add_column("")
    names = {row: Text(ROWS[row], "bold" if row == "estimate" else "") for row in numbers}
    cells = {
        row: [
            _given()
            if value is None and row in _MIDDLE_GIVEN and k == given
            else _cell(value, numbers["blurry"][k], heads[k][1], colour=row in OF_WEIGHTS)
            for k, value in enumerate(values)
        ]
        for row, values in numbers.items()
    }
    across = [Text(head, "dim") for head, _ in heads]
    if len(heads) <= _ACROSS and all(len(head) <= 6 for head, _ in heads):
        for head in across:
            table.add_column(head, justify="right")
        for row, line in cells.items():
            table.add_row(names[row], *line)
    else:
        for name in names.values():
            table.add_column(name, justify="right")
        for k, head in enumerate(across):
            table.add_row(head, *(line[k] for line in cells.values()))
    return table


def _given() -> Text:
    """A frame without error because it is the true one that was given."""
    return Text(TRUE, "dim")


def _cell(
    value: float | None, blurry: float | None, column: Mapping[str, Any], *, colour: bool
) -> Text:
    """One number, green where a method is better than the blurry image."""
    if value is None:  # infinite, or there is nothing to say
        return Text(EXACT if column["scale"] == "psnr" else "-", "dim")
    higher = column["higher_is_better"]
    better = blurry is not None and value != blurry and (value > blurry) == higher
    return Text(f"{value:.{column['digits']}f}", "green" if colour and better else "")
