"""A bench folder as `deblurkit bench` leaves it, made up in a second: no training, any rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblurkit.engine.rundir import COST, METRICS, RECIPE, scores_file
from deblurkit.evaluation.measures import Column, Measure, ScoreSheet
from deblurkit.evaluation.rows import ROWS
from deblurkit.recipe import dump_recipe, load_recipe
from deblurkit.report.frame_strips import STRIPS, write_index, write_strip
from deblurkit.storage import write_json
from deblurkit.study.bench_folder import BenchState, RunState, write_state
from deblurkit.study.run_records import Cost

Frames = npt.NDArray[np.float64]

COLUMNS = (
    Column("psnr", "PSNR", "-10 log10 of the squared error, best direction", "dB", scale="psnr"),
    Column("ssim", "SSIM", "mean of SSIM over frames, best direction", digits=3),
    Column("psnr-frame", "PSNR", "PSNR of a frame", "dB", per_frame=True, scale="psnr"),
)


@dataclass(frozen=True)
class MadeRow:
    """A row to make up: `blur` is how much of the blurry image is left in its frames."""

    name: str
    blur: float
    group: str = ""
    title: str = ""
    recipe: str = "pairwise_middle"
    overrides: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    failed: str = ""
    reference: str | None = None
    environment: dict[str, object] = field(default_factory=dict)


def moving_disc(k: int, T: int = 7, size: int = 48) -> Frames:
    """Clip k: a textured disc that moves before a gradient, T×size×size×3 in [0, 1]."""
    rng = np.random.default_rng(k)
    y, x = np.mgrid[:size, :size] / size
    ground = 0.35 + 0.3 * rng.random(3) * (x + y)[..., None] / 2
    start, motion = rng.uniform(0.3, 0.5, 2), rng.uniform(-0.35, 0.35, 2)
    colour = rng.uniform(0.2, 1.0, 3)
    frames = []
    for t in np.linspace(0, 1, T):
        cy, cx = start + motion * t
        inside = np.clip((0.17 - np.hypot(y - cy, x - cx)) * size, 0, 1)[..., None]
        texture = (0.75 + 0.25 * np.sign(np.sin(40 * (x - cx)) * np.sin(40 * (y - cy))))[..., None]
        frames.append(ground * (1 - inside) + colour * texture * inside)
    return np.clip(frames, 0, 1)


def made_run(
    folder: Path,
    row: MadeRow,
    seed: int,
    clips: Sequence[Frames],
    *,
    samples: int | None = None,
    scored: int = 12,
) -> Path:
    """Write a run directory: sheets over `scored` clips, strips of the first `samples` clips."""
    T = len(clips[0])
    overrides = (f"frames={T}", *row.overrides)
    recipe = load_recipe(row.recipe, scale="smoke", overrides=overrides, seed=seed)
    folder.mkdir(parents=True)
    (folder / RECIPE).write_text(dump_recipe(recipe), "utf-8")
    environment = {"deblurkit": "0.1.0", "device": "cpu", "packages": {"torch": "2.9.0"}}
    write_json(folder / "environment.json", environment | row.environment)
    rng = np.random.default_rng([seed, *row.name.encode()])
    seconds = float(rng.uniform(100, 900))
    cost = Cost(int(rng.integers(2e5, 2e7)), seconds, seconds / 2, 0.31, 3 << 27, "CPU, 2 threads")
    write_json(folder / COST, asdict(cost))
    made = [_estimates(true, row.blur, rng) for true in clips]
    sheets = {name: ScoreSheet("deblurkit/1", T, COLUMNS) for name in ROWS}
    for k in range(scored):
        true, rows = clips[k % len(clips)], made[k % len(clips)]
        shake = 1 + 0.2 * np.random.default_rng(k).random()
        for name, sheet in sheets.items():
            mse = np.square(rows[name] - true).mean((1, 2, 3)) * shake
            ssim = float(1 - 12 * mse.mean())
            measures = {
                "psnr": Measure(mse.mean()),
                "ssim": Measure(ssim),
                "psnr-frame": Measure(mse),
            }
            sheet.add(str(k), measures)
    said = {"protocol": "deblurkit/1", "test_set": f"clips of {T}"}
    said["rows"] = {name: sheet.to_json() for name, sheet in sheets.items()}
    write_json(folder / scores_file("deblurkit"), said)
    _write_training(folder, recipe.training.middle.steps * 8, rng, row)
    for k, (true, rows) in enumerate(zip(clips[:samples], made, strict=False), 1):
        name = f"clip-{k:02d}"
        write_strip(folder / STRIPS, name, "blurry", true.mean(0, keepdims=True))
        write_strip(folder / STRIPS, name, "true", true)
        for strip in ("estimate", "true-middle", "reordered"):
            write_strip(folder / STRIPS, name, strip, rows[strip])
    if samples != 0:
        index = [
            {"name": f"clip-{k:02d}", "source": f"scene {k}"}
            for k in range(1, 1 + len(clips[:samples]))
        ]
        write_index(folder / STRIPS, T, index)
    write_json(folder / METRICS, {})
    return folder


def made_bench(
    folder: Path,
    rows: Sequence[MadeRow],
    clips: Sequence[Frames],
    *,
    seeds: tuple[int, ...] = (0,),
    summary: str = "what each part of the method is worth",
    samples: int | None = None,
) -> Path:
    """Write a bench folder; the first row is the reference."""
    folder.mkdir(parents=True)
    lines = ["name: made-up", f"summary: {json.dumps(summary)}", "scale: smoke"]
    lines += [f"seeds: {list(seeds)}", f"reference: {rows[0].name}", "rows:"]
    states = {}
    for row in rows:
        said = {"name": row.name, "recipe": row.recipe, "group": row.group, "title": row.title}
        said |= {"also": list(row.also)}
        if row.reference:
            said |= {"reference": row.reference}
        lines.append(f"  - {json.dumps(said)}")
        for seed in seeds:
            if not row.failed:
                made_run(folder / f"runs/{row.name}-s{seed}", row, seed, clips, samples=samples)
            states[row.name, seed] = RunState(
                row.name,
                seed,
                "failed" if row.failed else "done",
                row.failed,
                seconds=100.0,
                training_seconds=90.0,
                saved_seconds=30.0,
            )
    (folder / "suite.yaml").write_text("\n".join(lines) + "\n", "utf-8")
    write_state(folder, BenchState("0.1.0", "deblurkit bench", {}, {}, "2030-01-01", runs=states))
    return folder


def _estimates(true: Frames, blur: float, rng: np.random.Generator) -> dict[str, Frames]:
    """Frames that are the blurrier the further they are from the middle."""
    T, blurry = len(true), true.mean(0)
    away = np.abs(np.arange(T) - T // 2)[:, None, None, None] / max(1, T // 2)
    share = np.clip(blur * (0.35 + 0.65 * away), 0, 1)
    noise = rng.normal(0, 0.012, true.shape)
    estimate = np.clip((1 - share) * true + share * blurry + noise, 0, 1)
    given = np.clip(0.8 * estimate + 0.2 * true, 0, 1)
    given[T // 2] = true[T // 2]
    return {
        "estimate": estimate,
        "true-middle": given,
        "reordered": np.clip(0.9 * estimate + 0.1 * true, 0, 1),
        "blurry": np.broadcast_to(blurry, true.shape),
        "frozen-middle": np.broadcast_to(true[T // 2], true.shape),
        "mean-of-both": (true + true[::-1]) / 2,
        "truth": true,
    }


def _write_training(folder: Path, steps: int, rng: np.random.Generator, row: MadeRow) -> None:
    """Two phases; the first is the same in all rows, as one that was reused is."""
    shared = np.random.default_rng(1)
    lines = []
    for phase, source, terms in (
        ("middle", shared, ("mse",)),
        ("others", rng, ("pairwise", "adversarial")),
    ):
        for step in range(20, 20 + 20 * 40, 20):
            values = {
                term: float(0.02 * (step / 20) ** -(0.6 - 0.3 * row.blur * (phase == "others")))
                * float(source.uniform(0.9, 1.1))
                for term in terms
            }
            record = {"phase": phase, "step": step, "terms": values, "lr": 1e-3, "seconds": step}
            lines.append(json.dumps(record))
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
