"""The closing tables of a run, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deblurkit.evaluation.evaluate import ROWS

_ACROSS = 7
"""So many frames fit side by side into 80 columns; more go downwards."""

_MODES = {
    "best": "one direction for the whole clip",
    "pixel": "direction chosen per pixel",
}


def score_tables(scores: Mapping[str, Any]) -> list[Table]:
    """PSNR of pooled squared errors in two direction modes, and the mean of every other score."""
    clips = f"{scores['clips']} held-out clips"
    tables = [
        _table(f"PSNR in dB, {said}, {clips}", scores, "pooled_psnr", mode)
        for mode, said in _MODES.items()
    ]
    for name, said in scores["metrics"].items():
        if name != "psnr":  # the pooled one above is its better half
            unit = f" in {said['unit']}" if said["unit"] else ""
            title = f"{name.upper()}{unit}, {_MODES['best']}, {clips}"
            higher = said["higher_is_better"]
            tables.append(_table(title, scores, name, "best", digits=3, higher=higher))
    return tables


def print_summary(console: Console, folder: Path | None, scores: Mapping[str, Any]) -> None:
    """Print the tables; with a run directory, where the result is and what to look at first."""
    for table in score_tables(scores):
        console.print()
        console.print(table)
    if folder is None:
        return
    console.print()
    samples = sorted((folder / "samples").glob("*.png"))
    lines = [f"run directory  {folder}", f"scores         {folder / 'metrics.json'}"]
    if samples:
        lines.append(f"look at        {samples[0]} (and .gif, .mp4 beside it)")
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _table(
    title: str,
    scores: Mapping[str, Any],
    score: str,
    mode: str,
    *,
    digits: int = 2,
    higher: bool = True,
) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None
    )
    table.add_column("")
    frames = [Text(str(i), "dim") for i in range(1, scores["frames"] + 1)]
    base: Sequence[float | None] = scores["rows"]["blurry"][score][mode]
    titles, columns = [], []
    for name, said in ROWS.items():
        titles.append(Text(said, "bold" if name == "estimate" else ""))
        values = scores["rows"][name][score][mode]
        columns.append(
            [
                _cell(value, reference, digits, higher, colour=name in ("estimate", "true-middle"))
                for value, reference in zip(values, base, strict=True)
            ]
        )
    if len(frames) <= _ACROSS:
        for i in frames:
            table.add_column(i, justify="right")
        for row, cells in zip(titles, columns, strict=True):
            table.add_row(row, *cells)
    else:
        for row in titles:
            table.add_column(row, justify="right")
        for i, *cells in zip(frames, *columns, strict=True):
            table.add_row(i, *cells)
    return table


def _cell(
    value: float | None, reference: float | None, digits: int, higher: bool, *, colour: bool
) -> Text:
    """One number, green where an estimate is better than the blurry image."""
    if value is None:  # infinite: this image is the true one
        return Text("true", "dim")
    better = reference is not None and (value > reference) == higher and value != reference
    return Text(f"{value:.{digits}f}", "green" if colour and better else "")
