"""The paper's claims: every verdict can come out, and only for a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from deblurkit.evaluation.measures import Column, Measure, ScoreSheet
from deblurkit.frames import middle
from deblurkit.recipe import Recipe, load_recipe
from deblurkit.registry import get_registry
from deblurkit.study.bench_folder import Bench, BenchState
from deblurkit.study.bootstrap import Estimate, difference
from deblurkit.study.entries import Entry
from deblurkit.study.run_records import Cost, RunRecord
from deblurkit.study.suite import Suite, SuiteRow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
COLUMNS = (
    Column("psnr-frame", "PSNR", "of each frame", "dB", per_frame=True, scale="psnr"),
    *(
        Column(key, key, "of all frames", "dB", scale="psnr")
        for key in ("psnr", "psnr-patch", "psnr-pixel", "psnr-value")
    ),
    Column("direction-agreement", "agreement", "share"),
    Column("direction-coherence", "coherence", "share"),
    Column("local-agreement", "local agreement", "share"),
    Column("motion-recall", "motion", "share"),
    Column("pair-motion", "motion of pairs", "share"),
)
CLIPS, T = 24, 7
Levels = Sequence[float]


@pytest.fixture(scope="module", autouse=True)
def _benchmarks() -> None:
    """Scripts import what lies beside them."""
    if str(BENCHMARKS) not in sys.path:
        sys.path.insert(0, str(BENCHMARKS))


def module(name: str) -> ModuleType:
    __import__(name)
    return sys.modules[name]


def sheet(
    levels: Levels,
    *,
    motion: float = 0.6,
    agreement: float = 0.9,
    seed: int = 0,
    noise: float = 0.2,
) -> ScoreSheet:
    """Clips whose frames have about these PSNRs; a hard clip is hard for every method."""
    made = ScoreSheet("deblurkit/1", len(levels), COLUMNS)
    rng = np.random.default_rng([seed, *(round(100 * v) for v in levels)])
    hard = np.random.default_rng(0).normal(0, 2, CLIPS)
    for k in range(CLIPS):
        db = np.array(levels) + hard[k] + noise * rng.normal(size=len(levels))
        made.add(
            str(k),
            {
                "psnr-frame": Measure(10 ** (-db / 10)),
                **{
                    key: Measure(float((10 ** (-(db + more) / 10)).mean()))
                    for key, more in (
                        ("psnr", 0),
                        ("psnr-patch", 1),
                        ("psnr-pixel", 2),
                        ("psnr-value", 3),
                    )
                },
                "direction-agreement": Measure(agreement),
                "direction-coherence": Measure(agreement),
                "local-agreement": Measure(agreement),
                "motion-recall": Measure(motion + 0.01 * rng.normal()),
                "pair-motion": Measure(motion + 0.01 * rng.normal()),
            },
        )
    return made


def row(
    name: str, recipe: Recipe, folder: Path, seeds: Sequence[int] = (0, 1, 2), *,
    test_set: str = "t", residuals: Levels = (), **sheets: Mapping[str, Any] | Levels,
) -> Entry:  # fmt: skip
    """A finished row; `sheets` name what was scored, `_` for `-`, with levels or all of `sheet`.

    The mean of both directions is as good as the blurry image, unless `sheets` say otherwise.
    """
    if any(len(levels) == T for levels in sheets.values() if not isinstance(levels, dict)):
        sheets = {"mean_of_both": BLURRY, **sheets}

    def made(said: Any, seed: int) -> ScoreSheet:
        return sheet(seed=seed, **said) if isinstance(said, dict) else sheet(said, seed=seed)

    runs = {
        seed: RunRecord(
            folder, recipe, {k.replace("_", "-"): made(v, seed) for k, v in sheets.items()},
            test_set, Cost(1, 1.0, 1.0), tuple(residuals),
        )
        for seed in seeds
    }  # fmt: skip
    return Entry(name, runs=runs)


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe("sequential_pairwise", scale="smoke")


BLURRY = [20.0, 21.0, 23.0, 26.0, 23.0, 21.0, 20.0]


def plus(levels: Levels, *gains: float) -> list[float]:
    """Gains by distance from the middle; the last one holds for all beyond."""
    m = middle(len(levels))
    return [v + gains[min(abs(i - m), len(gains) - 1)] for i, v in enumerate(levels, start=1)]


def tried(key: str, entries: Sequence[Entry]) -> Any:
    claims = module("paper_claims.claim_list").CLAIMS
    claim, scores = module("paper_claims.claim"), module("paper_claims.scores")
    given = claim.Given(scores.BenchScores(entries), get_registry(), None)
    (found,) = claim.outcomes(given, [c for c in claims if c.key == key])
    return found


NUMBERS = [  # low, high; what Above(0), Below(0) and Within(1) say
    (0.1, 0.3, "supported", "not supported", "supported"),
    (-0.3, -0.1, "not supported", "supported", "supported"),
    (-0.1, 0.1, "inconclusive", "inconclusive", "supported"),
    (0.5, 1.5, "supported", "not supported", "inconclusive"),
    (1.1, 1.5, "supported", "not supported", "not supported"),
    (-1.5, -1.1, "not supported", "supported", "not supported"),
    (-2.0, 2.0, "inconclusive", "inconclusive", "inconclusive"),
    (None, None, "inconclusive", "inconclusive", "inconclusive"),
]


@pytest.mark.parametrize(("low", "high", "above", "below", "within"), NUMBERS)
def test_rules_take_the_whole_interval(
    low: float | None, high: float | None, above: str, below: str, within: str
) -> None:
    rules = module("paper_claims.verdicts")
    number = Estimate(5.0, low, high, (0,))  # the value itself decides nothing
    assert rules.Above()(number) == above
    assert rules.Below()(number) == below
    assert rules.Within(1.0)(number) == within
    moved = Estimate(0, None if low is None else low + 3, None if high is None else high + 3, ())
    assert rules.Above(3.0)(moved) == above and rules.Within(1.0, 3.0)(moved) == within


def test_parts_make_a_verdict() -> None:
    rules = module("paper_claims.verdicts")
    yes, no, maybe = "supported", "not supported", "inconclusive"
    assert rules.all_of([yes, yes, None]) == yes and rules.any_of([no, yes]) == yes
    assert rules.all_of([yes, no, maybe]) == no and rules.any_of([no, no]) == no
    assert rules.all_of([yes, maybe]) == maybe and rules.any_of([no, maybe, None]) == maybe
    assert rules.all_of([None]) == rules.any_of([]) == maybe  # without a number, no verdict
    assert rules.Exactly()(rules.exactly(0.0)) == yes
    assert rules.Exactly()(rules.exactly(1e-300)) == no


def test_with_one_seed_in_all_rows_the_interval_is_the_bootstraps(
    recipe: Recipe, tmp_path: Path
) -> None:
    scores = module("paper_claims.scores")
    one = row("one", recipe, tmp_path, (1,), estimate=plus(BLURRY, 3, 1))
    two = row("two", recipe, tmp_path, (1,), estimate=plus(BLURRY, 2, 0.5))
    made = scores.BenchScores([one, two])
    sheets = [{s: run.sheets["estimate"] for s, run in e.runs.items()} for e in (one, two)]
    expected = difference(*sheets, "psnr-frame")
    for i in (1, 4, 7):
        terms = [scores.Term(w, made.row(n), "psnr-frame", i) for w, n in ((1, "one"), (-1, "two"))]
        found = made.weighted(terms)
        assert found.seeds == (1,)
        assert (found.value, found.low, found.high) == pytest.approx(
            (expected[i - 1].value, expected[i - 1].low, expected[i - 1].high), abs=1e-9
        )


def scattered(levels: Levels, seeds: Sequence[int], scatter: float) -> list[ScoreSheet]:
    """Sheets whose clips agree and whose seeds do not."""
    steps = np.linspace(-1, 1, len(seeds)) * scatter if len(seeds) > 1 else [0.0]
    return [sheet(plus(levels, step), noise=0.0) for step in steps]


def test_the_scatter_of_seeds_counts_and_is_lent_to_rows_with_one(
    recipe: Recipe, tmp_path: Path
) -> None:
    """By hand: half a width of t(0.975, df) * sqrt(variance / seeds)."""
    scores = module("paper_claims.scores")

    def made(name: str, seeds: Sequence[int], scatter: float, level: float) -> Entry:
        sheets = scattered(plus(BLURRY, level), seeds, scatter)
        return Entry(
            name,
            runs={
                seed: RunRecord(tmp_path, recipe, {"estimate": one}, "t", Cost(1, 1.0, 1.0))
                for seed, one in zip(seeds, sheets, strict=True)
            },
        )

    entries = [
        made("a", (0, 1, 2), 0.3, 2), made("copy", (0, 1, 2), 0.3, 2),
        made("b", (0, 1, 2), 0.6, 1), made("c", (0,), 0, 0),
    ]  # fmt: skip
    found, alone = scores.BenchScores(entries), scores.BenchScores(entries[3:])

    def half(*terms: tuple[float, str]) -> float:
        number = found.weighted(
            [scores.Term(w, found.row(name), "psnr-frame", 1) for w, name in terms]
        )
        return float(number.value - number.low)

    clips = alone.weighted([scores.Term(1, alone.row("c"), "psnr-frame", 1)])
    clips_half = clips.value - clips.low
    assert not alone.knows_scatter([scores.Term(1, alone.row("c"), "psnr-frame", 1)])
    assert found.knows_scatter([scores.Term(1, found.row("c"), "psnr-frame", 1)])
    # Three seeds: its own. One: what the others show, a copy not counted twice.
    assert half((1, "a")) == pytest.approx(np.hypot(clips_half, 4.3027 * 0.3 / 3**0.5), rel=0.02)
    pooled = (2 * 0.3**2 + 2 * 0.6**2) / 4
    assert half((1, "c")) == pytest.approx(np.hypot(clips_half, 2.7764 * pooled**0.5), rel=0.02)
    # A pair scatters as its difference does; a pair with one common seed as both together.
    assert half((1, "b"), (-1, "a")) == pytest.approx(4.3027 * 0.3 / 3**0.5, rel=0.02)
    assert half((1, "b"), (-1, "copy")) == half((1, "b"), (-1, "a"))
    assert half((1, "a"), (-1, "c")) == pytest.approx(2.7764 * np.sqrt(2 * pooled), rel=0.02)
    assert half((1, "b"), (-1, "c")) == pytest.approx(2.7764 * np.sqrt(0.6**2 + pooled), rel=0.02)


def test_rows_of_other_lengths_and_of_no_method_lend_no_scatter(
    recipe: Recipe, tmp_path: Path
) -> None:
    scores = module("paper_claims.scores")
    entries = [
        row("long", recipe, tmp_path, estimate={"levels": BLURRY, "noise": 3.0}),
        row("short", recipe, tmp_path, (0,), test_set="3", estimate=BLURRY[2:5]),
        row("one", recipe, tmp_path, (0,), estimate=BLURRY, blurry=BLURRY),
    ]
    found, alone = scores.BenchScores(entries), scores.BenchScores(entries[1:])
    for name, what, same in (
        ("short", "estimate", True), ("one", "blurry", True), ("one", "estimate", False)
    ):  # fmt: skip
        wide, narrow = (
            b.weighted([scores.Term(1, b.row(name, what), "psnr-frame", 1)]) for b in (found, alone)
        )
        assert (wide.low == narrow.low) is same


C1 = {
    "supported": (plus(BLURRY, 4, 2, 1, 0), 0.05),
    "not supported": (plus(BLURRY, 4, 3, 2, 1), 0.05),  # the end frames are sharper
    "inconclusive": (plus(BLURRY, 4, 2, 1, 0.5), 0.05),
    "not supported, moves": (plus(BLURRY, 4, 2, 1, 0), 0.4),
    "not supported, rises": (plus(BLURRY, 4, -3, 4, 0), 0.05),
}


@pytest.mark.parametrize("case", C1)
def test_c1_end_frames_as_blurry_as_the_input(case: str, recipe: Recipe, tmp_path: Path) -> None:
    levels, motion = C1[case]
    made = row(
        "independent", recipe, tmp_path, residuals=[0.0, *[0.01] * 6],  # frame 1 is its base
        estimate={"levels": levels, "motion": motion}, blurry=BLURRY,
    )  # fmt: skip
    found = tried("C1", [made])
    assert found.verdict == case.split(",", maxsplit=1)[0]
    (ends,) = (f.number.value for f in found.findings if "image, frames 1 and 7" in f.what)
    assert ends == pytest.approx(levels[0] - BLURRY[0], abs=0.3)


@pytest.mark.parametrize(
    ("verdict", "gain", "motion", "short_gain", "short_motion"),
    [
        ("supported", -1, 0.05, 2, 0.5),
        ("supported", 1, 0.05, 2, 0.5),  # a still sequence is no meaningful one, however sharp
        ("supported", -1, 0.5, 2, 0.5),
        ("not supported", 1, 0.5, 2, 0.5),
        ("not supported", -1, 0.05, -1, 0.5),
        ("not supported", -1, 0.05, 2, 0.1),
        ("inconclusive", -1, 0.05, 0, 0.5),
    ],
)
def test_c2_meaningful_for_three_frames_only(
    verdict: str, gain: float, motion: float, short_gain: float, short_motion: float,
    recipe: Recipe, tmp_path: Path,
) -> None:  # fmt: skip
    short = BLURRY[2:5]

    def both(levels: Levels, gain: float, motion: float) -> dict[str, Any]:
        ours = {"levels": plus(levels, 3, gain), "motion": motion}
        return {"estimate": ours, "blurry": levels, "mean_of_both": levels}

    entries = [
        row("global-model", recipe, tmp_path, **both(BLURRY, gain, motion)),
        row("sequential", recipe, tmp_path, **both(BLURRY, 2, 0.6)),
        row(
            "global-model-frames-3",
            recipe,
            tmp_path,
            test_set="3",
            **both(short, short_gain, short_motion),
        ),
        row("frames-3", recipe, tmp_path, test_set="3", **both(short, 3, 0.6)),
    ]
    assert tried("C2", entries).verdict == verdict


GAIN = [("supported", 0.5), ("not supported", -0.5), ("inconclusive", 0.0)]


@pytest.mark.parametrize(("verdict", "gain"), GAIN)
def test_c3_with_the_middle_frame(
    verdict: str, gain: float, recipe: Recipe, tmp_path: Path
) -> None:
    without = plus(BLURRY, 4, 2)
    entries = [
        row("pairwise", recipe, tmp_path, estimate=BLURRY, reordered=without),
        row("pairwise-middle", recipe, tmp_path, estimate=BLURRY, reordered=plus(without, 0, gain)),
    ]
    assert tried("C3", entries).verdict == verdict
    hedge = plus(BLURRY, 9, 4)  # better than both of them
    entries = [
        row(e.key, recipe, tmp_path, estimate=BLURRY, mean_of_both=hedge,
            reordered=plus(without, 0, gain if e.key == "pairwise-middle" else 0))
        for e in entries
    ]  # fmt: skip
    found = tried("C3", entries)
    assert found.verdict == "inconclusive"
    assert f"By the numbers alone: {verdict}" in found.notes[0]
    assert all(finding.rule is None for finding in found.findings)


@pytest.mark.parametrize(
    ("verdict", "gains", "reordering"),
    [
        ("supported", (0, 0, 1, 2), 0.0),
        ("not supported", (0, 0, -0.5, -0.2), 0.0),
        ("not supported", (0, 0, 2, 0.5), 0.0),  # better, but not most at the ends
        ("not supported", (0, 0, 1, 2), 0.5),  # better, but only half in order
        ("inconclusive", (0, 0, 1, 1), 0.0),
    ],
)
def test_c4_sequential_best_at_the_ends_and_in_order(
    verdict: str, gains: Levels, reordering: float, recipe: Recipe, tmp_path: Path
) -> None:
    pairwise = plus(BLURRY, 4, 2)
    ours = {"levels": plus(pairwise, *gains), "noise": 0.1}
    ordered = {**ours, "levels": plus(ours["levels"], 0, reordering)}
    entries = [
        row("sequential", recipe, tmp_path, estimate=ours, reordered=ordered, blurry=BLURRY),
        row(
            "pairwise-middle", recipe, tmp_path, blurry=BLURRY,
            estimate={"levels": plus(pairwise, 0, -1), "agreement": 0.5}, reordered=pairwise,
        ),
    ]  # fmt: skip
    found = tried("C4", entries)
    assert found.verdict == verdict
    agreement = [f.number.value for f in found.findings if "direction agreement" in f.what]
    assert agreement == pytest.approx([0.9, 0.5])


@pytest.mark.parametrize(
    ("verdict", "gains"),
    [
        ("supported", (2, 1, 0.5)),
        ("not supported", (2, 1, -0.5)),  # faster, but in the end worse
        ("not supported", (-1, 1, 0.5)),  # better in the end, but not faster
        ("inconclusive", (2, 1, 0.0)),
    ],
)
def test_c5_teacher_forcing(verdict: str, gains: Levels, recipe: Recipe, tmp_path: Path) -> None:
    level = plus(BLURRY, 4, 2)
    entries = [
        row(name, recipe, tmp_path, estimate=level, true_middle=level, blurry=BLURRY)
        for name in ("staged-125", "staged-250", "staged")
    ] + [
        row(name, recipe, tmp_path, estimate=plus(level, 0, gain), true_middle=level)
        for name, gain in zip(
            ("teacher-forced-125", "teacher-forced-250", "sequential"), gains, strict=True
        )
    ]
    assert tried("C5", entries).verdict == verdict


@pytest.mark.parametrize(
    ("verdict", "loss"), [("supported", 0.0), ("not supported", 0.5), ("inconclusive", 0.1)]
)
def test_c6_one_outer_network(verdict: str, loss: float, recipe: Recipe, tmp_path: Path) -> None:
    level = plus(BLURRY, 4, 2)
    made = {
        "share-outer": plus(level, 0, 0, -loss),
        "share-none": level,
        "sequential": plus(level, 0, 0, 0.01),
    }
    entries = [
        row(
            name, recipe, tmp_path, range(6), blurry=BLURRY,
            estimate={"levels": levels, "noise": 0.1},
        )
        for name, levels in made.items()
    ]  # fmt: skip
    assert tried("C6", entries).verdict == verdict


@pytest.mark.parametrize(
    ("verdict", "gains"),
    [
        ("supported", (30, 2, 1, 0.5)),
        ("not supported", (30, 2, 1, -0.5)),
        ("inconclusive", (30, 2, 1, 0)),
    ],
)
def test_c7_every_other_frame_gains(
    verdict: str, gains: Levels, recipe: Recipe, tmp_path: Path
) -> None:
    level = plus(BLURRY, 4, 2)
    entries = [
        row("sequential", recipe, tmp_path, estimate=level, true_middle=plus(level, *gains)),
        row("sequential-windowed", recipe, tmp_path, estimate=level, true_middle=plus(level, 3)),
    ]
    found = tried("C7", entries)
    assert found.verdict == verdict
    assert found.findings[-1].number.value == pytest.approx(3, abs=0.2)  # the windowed row's


def test_a_row_whose_training_failed_is_not_tested(recipe: Recipe, tmp_path: Path) -> None:
    level = plus(BLURRY, 4, 2)
    sizes = [0.01, 0.0, 0.01, 0.01, 0.01, 0.01, 0.01]
    entries = [
        row("sequential", recipe, tmp_path, estimate=level, true_middle=level, residuals=sizes),
        row("sequential-windowed", recipe, tmp_path, estimate=level, true_middle=level),
    ]
    found = tried("C7", entries)
    assert found.verdict == "not tested"
    assert "nothing at frame 2" in found.notes[0]


def windowed_rows(
    recipe: Recipe, folder: Path, gains: Mapping[str, float], group: str = ""
) -> list[Entry]:
    return [
        row(
            name + group, recipe, folder, range(4), blurry=BLURRY,
            estimate=BLURRY, true_middle={"levels": plus(BLURRY, gain), "noise": 0.1},
        )
        for name, gain in gains.items()
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "plain", "ours"),
    [
        ("supported", -0.5, 4.0),
        ("supported", 1.0, 4.0),
        ("not supported", 3.0, 2.0),
        ("not supported", -3.0, -2.0),  # better, but no sequence
        ("inconclusive", 2.0, 2.0),
    ],
)
def test_w1_windows_make_a_sequence(
    verdict: str, plain: float, ours: float, recipe: Recipe, tmp_path: Path
) -> None:
    gains = {"plain-pairwise": plain, "each-value": plain, "windowed-16": ours, "windowed-1": 1.0}
    assert tried("W1", windowed_rows(recipe, tmp_path, gains)).verdict == verdict
    gains["each-value"] = ours + 1.0  # then it was the tie, not the windows
    assert tried("W1", windowed_rows(recipe, tmp_path, gains)).verdict == "not supported"


SIZES = ("windowed-1", "windowed-4", "windowed-8", "windowed-16", "windowed-32", "windowed-whole")


@pytest.mark.parametrize(("verdict", "smallest"), [("supported", 3.0), ("not supported", -1.0)])
def test_w2_windows_of_every_size(
    verdict: str, smallest: float, recipe: Recipe, tmp_path: Path
) -> None:
    gains = {"plain-pairwise": -1.0, **dict.fromkeys(SIZES, 4.0), "windowed-1": smallest}
    assert tried("W2", windowed_rows(recipe, tmp_path, gains)).verdict == verdict


@pytest.mark.parametrize(
    ("verdict", "three"), [("supported", 3.0), ("not supported", 0.5), ("inconclusive", 1.0)]
)
def test_w3_several_objects(verdict: str, three: float, recipe: Recipe, tmp_path: Path) -> None:
    made = {"plain-pairwise": -1.0, "windowed-16": 3.0, "windowed-whole": 1.0}
    entries = [
        *windowed_rows(recipe, tmp_path, made, "-two-objects"),
        *windowed_rows(recipe, tmp_path, {**made, "windowed-16": three}, "-three-objects"),
    ]
    assert tried("W3", entries).verdict == verdict


@pytest.fixture(scope="module")
def factors() -> dict[int, Recipe]:
    return {
        f: load_recipe(
            "sequential_pairwise", scale="smoke", overrides=[f"architecture.middle.factor={f}"]
        )
        for f in (1, 2, 4, 8)
    }


@pytest.mark.parametrize(
    ("verdict", "gains"),
    [
        ("supported", {1: -0.5, 2: 0.0, 4: 0.0, 8: -0.5}),
        ("not supported", {1: 0.5, 2: 0.0, 4: 0.0, 8: -0.5}),  # four times the work pays
        ("not supported", {1: -0.5, 2: 0.0, 4: 0.0, 8: 0.2}),  # less work does as well
        ("inconclusive", {1: -0.5, 2: 0.1, 4: 0.0, 8: -0.5}),
    ],
)
def test_c8_best_trade(
    verdict: str, gains: Mapping[int, float], factors: dict[int, Recipe], tmp_path: Path
) -> None:
    names = module("paper_claims.network_claims").FACTORS
    entries = [
        row(
            names[f], factors[f], tmp_path,
            estimate={"levels": plus(BLURRY, 4 + gain, 2), "noise": 0.1},
        )
        for f, gain in gains.items()
    ]  # fmt: skip
    found = tried("C8", entries)
    assert found.verdict == verdict
    flop = [f.number.value for f in found.findings if f.unit == "GFLOP"]
    assert len(set(flop)) == 4 and flop == sorted(flop, reverse=True)


def test_c8_rows_are_what_their_names_say(factors: dict[int, Recipe], tmp_path: Path) -> None:
    names = module("paper_claims.network_claims").FACTORS.values()
    found = tried("C8", [row(name, factors[4], tmp_path, estimate=BLURRY) for name in names])
    assert found.verdict == "not tested" and "does not resample by 1" in found.notes[0]


def test_c9_is_exact() -> None:
    found = tried("C9", [])
    assert found.verdict == "supported"
    numbers = {f.what.split("'")[1]: f.number.value for f in found.findings}
    assert numbers["pairwise"] == numbers["global-model"] == 0 < numbers["mse"]


def test_c10_counts_without_timing() -> None:
    found = tried("C10", [])
    numbers = {f.what.split(", ")[-1]: f for f in found.findings if f.unit == "million"}
    assert round(1e6 * numbers["middle frame"].number.value) == 4_972_032
    assert round(1e6 * numbers["all 7 frames"].number.value) == 18_213_376
    # Three scales of 19 blocks of two 5×5 convolutions of 64 channels, and little else.
    assert 0 < numbers["multi-scale"].number.value - 3 * 19 * 2 * (64 * 64 * 25 + 64) / 1e6 < 0.05
    assert found.verdict == "inconclusive" and "Time was not measured." in found.notes


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        ((1.0, 1.0, 1.1), "supported"),
        ((2.0, 2.0, 2.0), "not supported"),
        ((1.0, 1.4, 1.0), "inconclusive"),
    ],
)
def test_c10_an_order_of_magnitude(
    seconds: Levels, verdict: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    multi_scale, claim = module("multi_scale"), module("paper_claims.claim")
    costs = module("deblurkit.engine.inference_cost").Inference

    def measure(registry: object, **asked: object) -> dict[object, list[object]]:
        return {
            multi_scale.MULTI_SCALE: [costs(12.0, 1, "") for _ in seconds],
            multi_scale.MIDDLE: [costs(s, 1, "") for s in seconds],
            multi_scale.ALL: [costs(3 * s, 1, "") for s in seconds],
        }

    sizes = {c: multi_scale.Size(10**6 * c.parameters, 10**12) for c in measure(None)}
    monkeypatch.setattr(multi_scale, "measure", measure)
    monkeypatch.setattr(multi_scale, "sizes_of", lambda registry: sizes)
    given = claim.Given(None, get_registry(), claim.Timing("cpu", "fp32"))
    found = module("paper_claims.network_claims").cost(given)
    assert found.verdict == verdict
    assert any("3 rounds" in note for note in found.notes)


def test_the_baseline_takes_images_of_any_size() -> None:
    import torch

    multi_scale = module("multi_scale")
    network = multi_scale.MultiScale(inputs=1, blocks=1, width=4)
    y = torch.rand(2, 3, 21, 30)
    assert network([y], y).shape == y.shape


def test_a_missing_row_is_named_and_stops_no_other_claim(recipe: Recipe, tmp_path: Path) -> None:
    claim, scores = module("paper_claims.claim"), module("paper_claims.scores")
    entries = [
        row("sequential", recipe, tmp_path, estimate=BLURRY, true_middle=plus(BLURRY, 9, 1)),
        Entry("pairwise", failures={0: "phase 'pair 1': the loss is not finite"}),
        Entry("pairwise-middle", missing=(0,)),
        row("share-outer", recipe, tmp_path, estimate=BLURRY),
    ]
    given = claim.Given(scores.BenchScores(entries), get_registry(), None)
    found = {
        o.claim.key: o for o in claim.outcomes(given, module("paper_claims.claim_list").CLAIMS)
    }
    assert list(found) == [*(f"C{k}" for k in range(1, 11)), "W1", "W2", "W3"]
    assert {k for k, o in found.items() if o.verdict != "not tested"} == {"C7", "C9", "C10"}
    said = {key: " ".join(outcome.notes) for key, outcome in found.items()}
    assert said["C1"] == "the suite has no row 'independent'"
    assert said["C3"] == "row 'pairwise-middle' is not run yet"
    assert "row 'pairwise-middle' is not run yet" in said["C4"]
    assert "share-none" in said["C6"]
    entries[2] = row("pairwise-middle", recipe, tmp_path, estimate=BLURRY, reordered=BLURRY)
    assert tried("C4", entries).notes == ("row 'sequential' was not scored as 'reordered'",)
    assert tried("C3", entries).notes == (
        "row 'pairwise' failed: phase 'pair 1': the loss is not finite",
    )


@pytest.mark.parametrize("why", ["clips", "seeds", "column"])
def test_what_cannot_be_paired_is_not_tested(why: str, recipe: Recipe, tmp_path: Path) -> None:
    one = row("share-outer", recipe, tmp_path, estimate=BLURRY)
    others = [
        row(
            name, recipe, tmp_path, (5, 6) if why == "seeds" else (0, 1),
            test_set="others" if why == "clips" else "t", estimate=BLURRY,
        )
        for name in ("share-none", "sequential")
    ]  # fmt: skip
    if why == "column":
        for entry in (one, *others):
            for run in entry.runs.values():
                run.sheets["estimate"].columns = COLUMNS[1:]
    found = tried("C6", [one, *others])
    said = {"clips": "different clips", "seeds": "no seed in common", "column": "no column"}[why]
    assert found.verdict == "not tested" and said in found.notes[0]


def made_bench(folder: Path, found: Sequence[Any]) -> Bench:
    suite = Suite(name="made", reference="a", rows=(SuiteRow(name="a", recipe="independent"),))
    environment = {"processor": "A | B <chip>", "precision": "fp32"}
    state = BenchState("1.0", "deblurkit bench", {}, environment, "2020-01-01")
    return Bench(folder, suite, (), state)


def test_verdicts_are_shown_written_and_say_what_they_rest_on(
    recipe: Recipe, tmp_path: Path
) -> None:
    rendering = module("paper_claims.rendering")
    perfect = row("sequential", recipe, tmp_path, estimate=BLURRY, true_middle=plus(BLURRY, 60, 2))
    found = [tried(key, [perfect]) for key in ("C1", "C7", "C9")]
    bench = made_bench(tmp_path, found)
    console = Console(record=True, width=120, color_system=None)
    rendering.print_outcomes(console, bench, found)
    shown, page = console.export_text(), rendering.as_markdown(bench, found)
    for text in (shown, page):
        for said in ("not tested", "supported", "the suite has no row 'independent'", "2.0", "> 0"):
            assert said in text
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.count("|") - line.count("\\|") in (4, 5) for line in tables)
    said = json.loads(json.dumps(rendering.as_json(bench, found), allow_nan=False))
    assert said["claims"]["C7"]["verdict"] == "supported"
    numbers = said["claims"]["C7"]["numbers"]
    assert numbers[0]["low"] < numbers[0]["value"] < numbers[0]["high"]
    assert numbers[0]["seeds"] == [0, 1, 2]


def test_a_folder_that_is_no_bench_folder(tmp_path: Path) -> None:
    script = subprocess.run(
        [sys.executable, "-W", "error", str(BENCHMARKS / "claims.py"), str(tmp_path)],
        capture_output=True, encoding="utf-8", check=False, timeout=60,
    )  # fmt: skip
    assert script.returncode == 2 and "bench.json" in script.stderr
    assert "Traceback" not in script.stderr
