"""The closing tables of a run: numbers, what is exact, and what was given."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from deblurkit.evaluation.rows import ROWS
from deblurkit.report.run_summary import print_summary


def scores(clips: int) -> dict[str, Any]:
    """As metrics.json has them: null for a PSNR without error."""
    column = {"unit": "dB", "higher_is_better": True, "digits": 2, "scale": "psnr"}
    columns = {
        "psnr": {**column, "title": "PSNR", "per_frame": False},
        "psnr-frame": {**column, "title": "PSNR", "per_frame": True},
    }
    rows: dict[str, Any] = {
        row: {"psnr": 25.0 + k, "psnr-frame": [24.0, 26.0, 24.0 + k]} for k, row in enumerate(ROWS)
    }
    rows["truth"] = {"psnr": None, "psnr-frame": [None, None, None]}
    for row in ("true-middle", "frozen-middle", "mean-of-both"):
        rows[row]["psnr-frame"][1] = None
    return {
        "protocol": "made/1", "frames": 3, "clips": clips, "columns": columns, "unavailable": {},
        "rows": rows,
    }  # fmt: skip


def printed(clips: int) -> str:
    text = io.StringIO()
    print_summary(Console(file=text, width=100), None, scores(clips))
    return text.getvalue()


def test_true_marks_a_frame_that_was_given_and_exact_one_without_error() -> None:
    frames = printed(2).split("Whole sequences")[0]
    cells = {
        row: line.removeprefix(title).split()
        for line in map(str.strip, frames.splitlines())
        for row, title in ROWS.items()
        if line.startswith(f"{title}  ")
    }
    assert cells["true-middle"][1] == cells["frozen-middle"][1] == "true"
    assert cells["mean-of-both"][1] == "exact"
    assert cells["estimate"] == ["24.00", "26.00", "24.00"]


def test_one_clip_is_one_clip() -> None:
    assert "1 held-out clip," in printed(1) and "2 held-out clips," in printed(2)
