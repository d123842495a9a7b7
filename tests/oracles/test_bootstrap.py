"""Bootstrap intervals against plain loops, scipy, and the truth of simulated data."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from deblurkit.evaluation.measures import Column, Measure, ScoreSheet, merged
from deblurkit.study.bootstrap import DRAWS, clip_draws, difference, estimate, seed_draws

Floats = npt.NDArray[np.float64]
COLUMNS = (
    Column("psnr", "PSNR", "pooled", scale="psnr"),
    Column("ratio", "ratio", "of energies"),
    Column("frame", "by frame", "of each", per_frame=True, scale="psnr"),
)
T = 3


def sheet_of(column: Column, totals: Floats, weights: Floats | float = 1.0) -> ScoreSheet:
    """A sheet of one column: N totals, or N×T."""
    weights = np.broadcast_to(weights, totals.shape)
    sheet = ScoreSheet("made/1", T, (column,))
    for k, (total, weight) in enumerate(zip(totals, weights, strict=True)):
        sheet.add(f"clip {k}", {column.key: Measure(total, weight)})
    return sheet


def linear(values: Floats) -> ScoreSheet:
    return sheet_of(COLUMNS[1], np.asarray(values, float))


def made(seed: int, clips: int = 9) -> ScoreSheet:
    """All three columns, with weights; some clips without any weight."""
    random = np.random.default_rng(seed)
    sheet = ScoreSheet("made/1", T, COLUMNS)
    for k in range(clips):
        weight = float(random.uniform(0.1, 3)) if k % 3 else 0.0
        sheet.add(
            f"clip {k}",
            {
                "psnr": Measure(float(random.uniform(0.001, 0.1)), float(random.uniform(1, 2))),
                "ratio": Measure(weight * float(random.uniform(0, 1)), weight),
                "frame": Measure(random.uniform(0.001, 0.1, T), random.uniform(1, 2, T)),
            },
        )
    return sheet


def looped(
    sheets: dict[int, ScoreSheet], key: str, frame: int, clips: Floats, seeds: Floats
) -> float:
    """One drawing's number, one clip of one seed after another."""
    total = weight = 0.0
    for s, seed in enumerate(sorted(sheets)):
        totals, weights = sheets[seed].sums(key)
        for n in range(len(totals)):
            count = seeds[s] * clips[n]
            total += count * totals[n, frame]
            weight += count * weights[n, frame]
    if weight == 0:
        return math.nan
    ratio = total / weight
    return ratio if sheets[0].column(key).scale == "linear" else -10 * math.log10(ratio)


def ends(drawn: list[float]) -> tuple[float, float]:
    """Percentiles 2.5 and 97.5 of the drawings that say something, by linear interpolation."""
    said = sorted(value for value in drawn if not math.isnan(value))
    out = []
    for share in (0.025, 0.975):
        place = share * (len(said) - 1)
        low, high = said[math.floor(place)], said[math.ceil(place)]
        out.append(low + (place - math.floor(place)) * (high - low))
    return out[0], out[1]


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize(("key", "frame"), [("psnr", 0), ("ratio", 0), ("frame", 2)])
def test_estimates_are_those_of_plain_loops(seeds: int, key: str, frame: int) -> None:
    sheets = {seed: made(seed) for seed in range(seeds)}
    found = estimate(sheets, key)
    assert len(found) == (T if key == "frame" else 1)
    draws = zip(clip_draws(9), seed_draws(seeds), strict=True)
    drawn = [looped(sheets, key, frame, clips, chosen) for clips, chosen in draws]
    assert found[frame].value == pytest.approx(merged(list(sheets.values())).values(key)[frame])
    assert (found[frame].low, found[frame].high) == pytest.approx(ends(drawn))
    assert found[frame].seeds == tuple(range(seeds))


@pytest.mark.parametrize(("key", "frame"), [("psnr", 0), ("frame", 1)])
def test_differences_are_those_of_plain_loops(key: str, frame: int) -> None:
    ours = {seed: made(seed) for seed in (0, 1, 2)}
    theirs = {seed: made(10 + seed) for seed in (0, 1, 2)}
    found = difference(ours, theirs, key)[frame]
    drawn = [
        looped(ours, key, frame, clips, seeds) - looped(theirs, key, frame, clips, seeds)
        for clips, seeds in zip(clip_draws(9), seed_draws(3), strict=True)
    ]
    assert (found.low, found.high) == pytest.approx(ends(drawn))
    every = (np.ones(9), np.ones(3))
    value = looped(ours, key, frame, *every) - looped(theirs, key, frame, *every)
    assert found.value == pytest.approx(value)


def test_a_mean_has_the_interval_that_scipy_gives() -> None:
    values = np.random.default_rng(3).gamma(2.0, size=60)
    (found,) = estimate({0: linear(values)}, "ratio")
    scipy = stats.bootstrap(
        (values,), np.mean, n_resamples=20000, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    width = scipy.high - scipy.low
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((scipy.low, scipy.high), abs=0.06 * width)


def test_a_paired_difference_has_the_interval_that_scipy_gives() -> None:
    random = np.random.default_rng(4)
    hard = random.gamma(2.0, size=50)
    ours, theirs = hard + random.normal(0.3, 0.2, 50), hard + random.normal(0, 0.2, 50)
    (found,) = difference({0: linear(ours)}, {0: linear(theirs)}, "ratio")
    scipy = stats.bootstrap(
        (ours, theirs),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        paired=True,
        n_resamples=20000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    width = scipy.high - scipy.low
    assert (found.low, found.high) == pytest.approx((scipy.low, scipy.high), abs=0.06 * width)


def test_pairing_takes_out_what_both_find_hard() -> None:
    random = np.random.default_rng(5)
    hard = random.gamma(2.0, size=50)
    ours, theirs = hard + random.normal(0.2, 0.1, 50), hard + random.normal(0, 0.1, 50)
    (paired,) = difference({0: linear(ours)}, {0: linear(theirs)}, "ratio")
    (alone,) = estimate({0: linear(ours)}, "ratio")
    assert paired.low is not None and paired.high is not None
    assert alone.low is not None and alone.high is not None
    assert paired.high - paired.low < 0.3 * (alone.high - alone.low)
    assert paired.low > 0


def covered(truth: float, low: float | None, high: float | None) -> bool:
    assert low is not None and high is not None
    return low <= truth <= high


def test_intervals_of_a_ratio_cover_the_truth_as_often_as_they_say() -> None:
    random, hits, times = np.random.default_rng(6), 0, 500
    column = COLUMNS[0]
    for _ in range(times):
        weights = random.uniform(0.5, 1.5, 40)
        totals = weights * random.gamma(4.0, 0.0025, 40)  # mean squared error 0.01: 20 dB
        (found,) = estimate({0: sheet_of(column, totals, weights)}, "psnr")
        hits += covered(20.0, found.low, found.high)
    assert 0.92 <= hits / times <= 0.98


def test_paired_intervals_cover_the_truth_as_often_as_they_say() -> None:
    random, hits, times = np.random.default_rng(7), 0, 500
    for _ in range(times):
        hard = random.gamma(2.0, size=40)
        ours, theirs = (hard * random.normal(mean, 0.2, 40) for mean in (1.1, 1.0))
        (found,) = difference({0: linear(ours)}, {0: linear(theirs)}, "ratio")
        hits += covered(0.2, found.low, found.high)
    assert 0.92 <= hits / times <= 0.98


@pytest.mark.parametrize("scatter_of_seeds", [0.0, 0.2])
def test_intervals_over_clips_and_seeds_cover_the_truth(scatter_of_seeds: float) -> None:
    """Crossed: hard clips are hard for all seeds. Clips drawn anew for each seed would fail."""
    random, hits, times = np.random.default_rng(8), 0, 300
    for _ in range(times):
        clips = random.normal(5.0, 1.0, 40)
        seeds = random.normal(0.0, scatter_of_seeds, 8)
        sheets = {s: linear(clips + seeds[s] + random.normal(0, 0.3, 40)) for s in range(8)}
        (found,) = estimate(sheets, "ratio")
        hits += covered(5.0, found.low, found.high)
    assert 0.92 <= hits / times <= 0.98


def test_two_seeds_scatter_as_they_should() -> None:
    """The variance over seeds alone is that of a mean of two, not half of it."""
    low, high = 1.0, 3.0
    sheets = {0: linear(np.full(30, low)), 1: linear(np.full(30, high))}
    (found,) = estimate(sheets, "ratio")
    assert (found.value, found.low, found.high) == (2.0, low, high)
    drawn = seed_draws(2) @ np.array([low, high])
    unbiased = np.var([low, high], ddof=1) / 2
    assert np.var(drawn) == pytest.approx(unbiased, rel=0.05)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_drawn_seeds_have_the_variance_of_a_mean(seeds: int) -> None:
    values = np.random.default_rng(9).normal(size=seeds)
    drawn = seed_draws(seeds)
    means = drawn @ values / drawn.sum(1)
    assert np.var(means) == pytest.approx(np.var(values, ddof=1) / seeds, rel=0.1)


@pytest.mark.parametrize("n", [1, 2, 7, 64])
def test_drawings_are_fair_and_always_the_same(n: int) -> None:
    draws = clip_draws(n)
    assert draws.shape == (DRAWS, n)
    assert (draws.sum(1) == n).all()
    # A count has variance 1 - 1/n; its mean over the drawings is within six standard errors.
    assert np.abs(draws.mean(0) - 1).max() <= 6 / math.sqrt(DRAWS)
    clip_draws.cache_clear()
    assert np.array_equal(clip_draws(n), draws)


def test_the_order_of_seeds_changes_nothing() -> None:
    sheets = {seed: made(seed) for seed in (2, 0, 1)}
    assert estimate(sheets, "psnr") == estimate(dict(sorted(sheets.items())), "psnr")


def test_seeds_that_both_have_are_pairs_and_only_they_count() -> None:
    ours = {seed: linear(np.arange(20.0) + 5 * seed) for seed in (0, 1)}
    theirs = {seed: linear(np.arange(20.0) + 5 * seed - 1) for seed in (0, 1, 2)}
    (found,) = difference(ours, theirs, "ratio")
    # Seeds differ by 5, but by the same 5 for both methods; drawn alone they would not cancel.
    assert (found.value, found.low, found.high) == pytest.approx((1, 1, 1))
    assert found.seeds == (0, 1)


def test_without_common_seeds_each_method_draws_its_own() -> None:
    ours = {seed: linear(np.full(20, float(seed))) for seed in (0, 2)}
    theirs = {seed: linear(np.full(20, float(seed))) for seed in (1, 3)}
    (found,) = difference(ours, theirs, "ratio")
    assert (found.value, found.low, found.high) == pytest.approx((-1, -3, 1))
    assert found.seeds == (0, 2)


def test_drawings_without_weight_are_left_out() -> None:
    weights = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    totals = np.array([0.2, 0.4, 0.6, 0, 0])
    silent = (clip_draws(5) @ weights == 0).mean()
    assert 0 < silent < 0.05
    (found,) = estimate({0: sheet_of(COLUMNS[1], totals, weights)}, "ratio")
    assert (found.value, found.low, found.high) == pytest.approx((0.4, 0.2, 0.6))


def test_with_many_drawings_without_weight_there_is_no_interval() -> None:
    weights = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    assert (clip_draws(6) @ weights == 0).mean() > 0.05
    (found,) = estimate({0: sheet_of(COLUMNS[1], weights / 2, weights)}, "ratio")
    assert (found.value, found.low, found.high) == (0.5, None, None)


@pytest.mark.parametrize(
    ("totals", "weights", "value"),
    [
        ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], math.inf),  # the truth itself
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], math.nan),  # nobody has anything to say
        ([0.1, 0.0, 0.0], [1.0, 0.0, 0.0], 10.0),  # one clip speaks for itself alone
        ([0.1], [1.0], 10.0),
        ([0.1, 0.0], [0.5, 0.5], 10.0),  # a quarter of the drawings is without any error
    ],
)
def test_an_interval_that_cannot_be_said_is_none(
    totals: list[float], weights: list[float], value: float
) -> None:
    (found,) = estimate({0: sheet_of(COLUMNS[0], np.array(totals), np.array(weights))}, "psnr")
    assert found.value == pytest.approx(value, nan_ok=True)
    assert found.low is None and found.high is None


def test_two_perfect_sequences_have_no_difference_to_say() -> None:
    perfect = sheet_of(COLUMNS[0], np.zeros(4))
    (found,) = difference({0: perfect}, {0: perfect}, "psnr")
    assert math.isnan(found.value) and found.low is None


def test_what_is_not_paired_is_refused() -> None:
    with pytest.raises(ValueError, match="not paired"):
        difference({0: linear(np.ones(4))}, {0: linear(np.ones(5))}, "ratio")
    with pytest.raises(ValueError, match="other clips with another seed"):
        estimate({0: linear(np.ones(4)), 1: linear(np.ones(5))}, "ratio")
    with pytest.raises(ValueError, match="no clips"):
        estimate({0: ScoreSheet("made/1", T, COLUMNS)}, "ratio")
    with pytest.raises(KeyError):
        estimate({0: linear(np.ones(4))}, "psnr")
