"""The closing tables of a run, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deblurkit.evaluation.evaluate import ROWS

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


def print_summary(console: Console, folder: Path, scores: Mapping[str, Any]) -> None:
    """Print the tables, where the result is and what to look at first."""
    for table in score_tables(scores):
        console.print()
        console.print(table)
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
    for i in range(1, scores["frames"] + 1):
        table.add_column(str(i), justify="right")
    base: Sequence[float | None] = scores["rows"]["blurry"][score][mode]
    for name, said in ROWS.items():
        values = scores["rows"][name][score][mode]
        style = "bold" if name == "estimate" else ""
        cells = [
            _cell(value, reference, digits, higher, colour=name in ("estimate", "true-middle"))
            for value, reference in zip(values, base, strict=True)
        ]
        table.add_row(Text(said, style), *cells)
    return table


def _cell(
    value: float | None, reference: float | None, digits: int, higher: bool, *, colour: bool
) -> Text:
    """One number, green where an estimate is better than the blurry image."""
    if value is None:  # infinite: this image is the true one
        return Text("true", "dim")
    better = reference is not None and (value > reference) == higher and value != reference
    return Text(f"{value:.{digits}f}", "green" if colour and better else "")
