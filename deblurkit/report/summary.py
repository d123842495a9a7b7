"""The closing table of a run, for a terminal."""

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
    """PSNR of pooled squared errors per frame, once for each direction mode, and mean SSIM."""
    clips = f"{scores['clips']} held-out clips"
    tables = [
        _table(f"PSNR in dB, {said}, {clips}", scores, "pooled_psnr", mode)
        for mode, said in _MODES.items()
    ]
    if all("ssim" in row for row in scores["rows"].values()):
        title = f"SSIM, {_MODES['best']}, {clips}"
        tables.append(_table(title, scores, "ssim", "best", digits=3))
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


def _table(title: str, scores: Mapping[str, Any], score: str, mode: str, digits: int = 2) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=None
    )
    table.add_column("")
    for i in range(1, scores["frames"] + 1):
        table.add_column(str(i), justify="right")
    base = scores["rows"]["blurry"][score][mode]
    for name, said in ROWS.items():
        values = scores["rows"][name][score][mode]
        style = "bold" if name == "estimate" else ""
        table.add_row(Text(said, style), *_cells(values, base, digits, name))
    return table


def _cells(
    values: Sequence[float | None], base: Sequence[float | None], digits: int, name: str
) -> list[Text]:
    cells = []
    for value, reference in zip(values, base, strict=True):
        if value is None:
            cells.append(Text("given" if name != "blurry" else "inf", "dim"))
            continue
        better = name in ("estimate", "true-middle") and reference is not None and value > reference
        cells.append(Text(f"{value:.{digits}f}", "green" if better else ""))
    return cells
