"""Made score sheets and run records, from which tables can be built without training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from deblurkit.evaluation.measures import Column, Measure, ScoreSheet
from deblurkit.recipe import load_recipe
from deblurkit.study.run_records import Cost, RunRecord

LPIPS_WHY = "the weights are not here"
MADE_COLUMNS = (
    Column("psnr", "PSNR", "of all frames", unit="dB", scale="psnr"),
    Column("psnr-frame", "PSNR", "of each frame", unit="dB", per_frame=True, scale="psnr"),
    Column("lpips", "LPIPS", "mean", higher_is_better=False, digits=4),
    Column("flow-error", "flow error", "mean", unit="px", higher_is_better=False, digits=3),
    Column("recall", "motion recall", "ratio", digits=3),
    Column("psnr-pixel", "PSNR by pixel", "flatters", higher_is_better=None, scale="psnr"),
)


def made_sheet(
    quality: float,
    *,
    T: int = 5,
    clips: int = 8,
    seed: int = 0,
    protocol: str = "made/1",
    columns: tuple[Column, ...] = MADE_COLUMNS,
    lpips: str = LPIPS_WHY,
) -> ScoreSheet:
    """A sequence of about `quality` dB; inf for the truth. Hard clips are hard for all."""
    unavailable = {"lpips": lpips} if lpips else {}
    sheet = ScoreSheet(protocol, T, columns, unavailable)
    hard = np.random.default_rng(1).uniform(0.5, 1.5, clips)
    random = np.random.default_rng((seed, round(0 if quality == np.inf else 100 * quality)))
    for k in range(clips):
        error = 10 ** (-quality / 10) * hard[k] * random.uniform(0.9, 1.1, T)
        said = {
            "psnr": Measure(error.mean()),
            "psnr-frame": Measure(error),
            "lpips": Measure(error.mean()),
            "flow-error": Measure(10 * error.mean()),
            "recall": Measure(hard[k] * random.uniform(0.4, 0.6), hard[k]),
            "psnr-pixel": Measure(error.min()),
        }
        sheet.add(str(k), {c.key: said[c.key] for c in sheet.here})
    return sheet


MADE_COST = Cost(1_234_567, 900.0, 300.0, 0.61, 300 * 2**20, "2 threads, fp32")


def made_run(
    quality: float,
    *,
    seed: int = 0,
    test_set: str = "",
    T: int = 5,
    clips: int = 8,
    cost: Cost = MADE_COST,
    sheets: Mapping[str, ScoreSheet] | None = None,
    residuals: tuple[float, ...] = (),
    **how: object,
) -> RunRecord:
    """A run whose estimate is of about so many dB; help at test time adds a little."""

    def sheet(dB: float, seed: int = seed) -> ScoreSheet:
        return made_sheet(dB, T=T, clips=clips, seed=seed, **how)  # type: ignore[arg-type]

    made = {
        "estimate": sheet(quality),
        "true-middle": sheet(quality + 1),
        "reordered": sheet(quality + 0.5),
        "blurry": sheet(21, 0),
        "frozen-middle": sheet(22, 0),
        "mean-of-both": sheet(23, 0),
        "truth": sheet(np.inf, 0),
    }
    recipe = load_recipe("pairwise", scale="smoke", seed=seed)
    return RunRecord(
        Path("run"), recipe, sheets or made, test_set or f"clips of {T} frames", cost, residuals
    )
