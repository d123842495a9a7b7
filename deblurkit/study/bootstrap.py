"""95 % intervals by the bootstrap over clips, and over seeds when there are several.

A method's sheets are crossed: every seed is scored on the same clips, and a hard clip is hard
for all seeds. So a drawing draws clips once, N of N with replacement, for all seeds (and, in a
difference, for both methods: what a clip adds to both cancels), and with them seeds; clip n of
seed s counts (times n was drawn) × (times s was drawn). Owen, "The pigeonhole bootstrap",
Annals of Applied Statistics 2007: for crossed factors this errs towards wide intervals, while
drawing clips anew within every seed would take S·N measurements for independent ones and give
intervals that are far too narrow.

Of S seeds S−1 are drawn. The mean of m draws from S values scatters by (S−1)/S · s²/m, s² the
unbiased variance; m = S−1 makes it the s²/S of a mean of S values, m = S would give half of
that for two seeds (Rao and Wu, JASA 1988). Even so, two or three seeds say little about how
much seeds scatter, and no method makes more of them; clips are so many that it does not matter.

The interval's ends are the 2.5 % and 97.5 % percentiles of 2000 drawings. The drawings depend
on the numbers of clips and seeds alone: the same sheets give the same interval, always.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.measures import ScoreSheet, scaled

Floats = npt.NDArray[np.float64]
Sheets = Mapping[int, ScoreSheet]
"""Seed -> the sheet of one method trained with it; all on the same clips in the same order."""

DRAWS = 2000
LEVEL = 0.95
_KEY = 20180618  # of the random numbers; any constant


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: Over all clips and seeds; nan where no clip has any weight, inf for a PSNR
            without any error.
        low: Lower end of the 95 % interval. None where an interval cannot be said: fewer than
            two clips have weight, or the value or too many drawings are not finite.
        high: Upper end.
        seeds: That it is over.
    """

    value: float
    low: float | None
    high: float | None
    seeds: tuple[int, ...]


def estimate(sheets: Sheets, key: str) -> tuple[Estimate, ...]:
    """A column's number over all clips and seeds, with the interval of each.

    Args:
        sheets: Of one method.
        key: A column that all of them have.

    Returns:
        One estimate, or T for a column per frame, frame 1 first.

    Raises:
        KeyError: a sheet has no such column, or it is unavailable.
        ValueError: there are no sheets or no clips, or clips differ between seeds.
    """
    ours = _Crossed.of(sheets, key, tuple(sorted(sheets)))
    clips = clip_draws(ours.clips)
    drawn = ours.values(clips, seed_draws(len(ours.seeds)))
    whole = ours.values(np.ones((1, ours.clips)), np.ones((1, len(ours.seeds))))[0]
    return tuple(
        _estimate(whole[k], drawn[:, k], ours.enough[k], ours.seeds) for k in range(len(whole))
    )


def difference(sheets: Sheets, reference: Sheets, key: str) -> tuple[Estimate, ...]:
    """What a method has over a reference on the same clips, with the paired interval.

    Clips are drawn once for both. Seeds that both have are pairs: the same seed gives both the
    same samples, and mostly the same middle network; with such seeds only these count, also in
    the value, and they are drawn once for both. Where no seed is common, all seeds of both
    count, and each method's are drawn on their own.

    Args:
        sheets: Of the method.
        reference: Of the reference.
        key: A column that all of them have.

    Returns:
        Method minus reference, on the column's scale (dB for a PSNR): one, or T estimates.
        `seeds`: the common ones; the method's own where none is.

    Raises:
        KeyError: a sheet has no such column, or it is unavailable.
        ValueError: there are no clips, or clips or numbers of frames differ.
    """
    common = tuple(sorted(set(sheets) & set(reference)))
    ours = _Crossed.of(sheets, key, common or tuple(sorted(sheets)))
    theirs = _Crossed.of(reference, key, common or tuple(sorted(reference)))
    if ours.names != theirs.names or ours.totals.shape[2] != theirs.totals.shape[2]:
        raise ValueError(f"'{key}' is not paired: clips or numbers of frames differ")
    clips = clip_draws(ours.clips)
    # Without common seeds the second method's must not follow the first's: another stream.
    our_seeds = seed_draws(len(ours.seeds))
    their_seeds = our_seeds if common else seed_draws(len(theirs.seeds), stream=1)
    with np.errstate(invalid="ignore"):  # inf - inf: both without error, no difference to say
        drawn = ours.values(clips, our_seeds) - theirs.values(clips, their_seeds)
        every = np.ones((1, ours.clips))
        whole = (
            ours.values(every, np.ones((1, len(ours.seeds))))
            - theirs.values(every, np.ones((1, len(theirs.seeds))))
        )[0]
    enough = ours.enough & theirs.enough
    return tuple(_estimate(whole[k], drawn[:, k], enough[k], ours.seeds) for k in range(len(whole)))


@lru_cache(maxsize=2)
def clip_draws(n: int) -> Floats:
    """How often each of n clips counts in each drawing: DRAWS×n, every row sums to n."""
    return _draws(n, n, 0)


@lru_cache(maxsize=32)
def seed_draws(n: int, stream: int = 0) -> Floats:
    """How often each of n seeds counts: DRAWS×n, every row sums to n−1, or to 1 for one seed."""
    return _draws(max(1, n - 1), n, 1 + stream)


def _draws(drawn: int, n: int, stream: int) -> Floats:
    random = np.random.default_rng((_KEY, stream, n))
    counts = random.multinomial(drawn, np.full(n, 1 / n), size=DRAWS).astype(np.float64)
    counts.flags.writeable = False  # shared by all who ask
    return counts


@dataclass(frozen=True)
class _Crossed:
    """Totals and weights of a column, S seeds × N clips × n numbers."""

    seeds: tuple[int, ...]
    names: tuple[str, ...]
    totals: Floats
    weights: Floats
    scale: str

    @classmethod
    def of(cls, sheets: Sheets, key: str, seeds: tuple[int, ...]) -> _Crossed:
        names = {tuple(sheets[seed].clips) for seed in seeds}
        if len(names) != 1 or not (clips := names.pop()):
            raise ValueError("no clips, or other clips with another seed")
        sums = [sheets[seed].sums(key) for seed in seeds]
        scale = sheets[seeds[0]].column(key).scale
        totals, weights = (np.stack([pair[k] for pair in sums]) for k in (0, 1))
        return cls(seeds, clips, totals, weights, scale)

    @property
    def clips(self) -> int:
        return len(self.names)

    @property
    def enough(self) -> npt.NDArray[np.bool_]:
        """Which of the n numbers rest on two clips or more."""
        counts: npt.NDArray[np.bool_] = (self.weights > 0).any(0).sum(0) >= 2
        return counts

    def values(self, clips: Floats, seeds: Floats) -> Floats:
        """The n numbers of each of D drawings: D×N and D×S counts to D×n."""
        total, weight = (
            sum((seeds[:, s, None] * (clips @ sums[s]) for s in range(len(sums))), np.zeros(()))
            for sums in (self.totals, self.weights)
        )
        return scaled(total, weight, "psnr" if self.scale == "psnr" else "linear")


def _estimate(value: float, drawn: Floats, enough: bool, seeds: tuple[int, ...]) -> Estimate:
    said = drawn[~np.isnan(drawn)]  # without any weight, a drawing says nothing
    if not (enough and np.isfinite(value)) or len(said) < LEVEL * len(drawn):
        return Estimate(float(value), None, None, seeds)
    with np.errstate(invalid="ignore"):  # between two infinite drawings there is no number
        low, high = np.percentile(said, (50 - 50 * LEVEL, 50 + 50 * LEVEL))
    if not (np.isfinite(low) and np.isfinite(high)):
        return Estimate(float(value), None, None, seeds)
    return Estimate(float(value), float(low), float(high), seeds)
