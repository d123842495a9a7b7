"""The scores of a bench folder by row, and weighted sums of them with 95 % intervals.

An interval has two parts, added in squares. *Clips*: the paired bootstrap over clips of
`deblurkit.study.bootstrap`. *Seeds*: trained again with another seed, a row would have other
numbers. Where all rows of a sum have three common seeds or more, the sum scatters by what it is for
each of these: they are pairs. Else each row scatters as the rows with several seeds on the same
clips do, pooled, or as its own seeds do if that is more; variances of the rows add, as if they were
trained independently, which is cautious where they share networks. Numbers that are the same in
two rows, as of a network that both share, count once. t quantiles say how little few seeds tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from deblurkit.evaluation.measures import ScoreSheet, scaled
from deblurkit.evaluation.residuals import silent_frames
from deblurkit.evaluation.rows import OF_WEIGHTS
from deblurkit.frames import others
from deblurkit.study.bootstrap import LEVEL, Estimate, clip_draws
from deblurkit.study.entries import Entry
from deblurkit.study.run_records import RunRecord

Floats = npt.NDArray[np.float64]
PSNR = "psnr-frame"
PAIRED = 3
"""So many common seeds tell how far a difference scatters; two would take a t quantile of 12.7."""


class NotTestedError(Exception):
    """A claim needs something that the bench folder does not hold; the message says what."""


@dataclass(frozen=True)
class Scored:
    """The scores of one row.

    Attributes:
        row: Its name.
        what: Which of its sheets.
        sheets: Seed -> sheet.
        test_sets: Seed -> what identifies its clips; their names may be those of others.
    """

    row: str
    what: str
    sheets: Mapping[int, ScoreSheet]
    test_sets: Mapping[int, str]

    @property
    def frames(self) -> int:
        """T."""
        return next(iter(self.sheets.values())).frames


@dataclass(frozen=True)
class Term:
    """One number of a weighted sum: a column of a row, of one frame or of the sequence."""

    weight: float
    row: Scored
    key: str
    frame: int | None = None


class BenchScores:
    """Finished rows by name.

    Args:
        entries: The rows of a bench folder, done or not.
    """

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = {entry.key: entry for entry in entries}

    def runs(self, row: str) -> Mapping[int, RunRecord]:
        """Seed -> run.

        Raises:
            NotTestedError: there is no such row, or nothing of it is done.
        """
        entry = self._entries.get(row)
        if entry is None:
            raise NotTestedError(f"the suite has no row '{row}'")
        runs = {s: run for s, run in entry.runs.items() if isinstance(run, RunRecord)}
        if not runs:
            why = next(iter(entry.failures.values()), "")
            raise NotTestedError(f"row '{row}' " + (f"failed: {why}" if why else "is not run yet"))
        return runs

    def row(self, name: str, what: str = "estimate", *, may_be_silent: bool = False) -> Scored:
        """Scores of a row: one of `deblurkit.evaluation.rows.ROWS`.

        Args:
            name: The row.
            what: Which of its sheets.
            may_be_silent: Networks that add nothing to their base are what a claim is about.

        Raises:
            NotTestedError: the row is not done, has no such sheet, or its training failed: a
                network adds nothing to its base image, and what a claim would test of it is that.
        """
        found = {s: run for s, run in self.runs(name).items() if what in run.sheets}
        if not found:
            raise NotTestedError(f"row '{name}' was not scored as '{what}'")
        for seed, run in found.items():
            if what not in OF_WEIGHTS or may_be_silent:
                continue
            if silent := silent_frames(run.residuals):
                raise NotTestedError(
                    f"row '{name}', seed {seed}: training failed and says nothing about the "
                    "method, as what the networks add to their base images is nothing at frame "
                    f"{', '.join(map(str, silent))}"
                )
        return Scored(
            name,
            what,
            {s: run.sheets[what] for s, run in found.items()},
            {s: run.test_set for s, run in found.items()},
        )

    def weighted(self, terms: Sequence[Term]) -> Estimate:
        """Σ weight · number over all clips and common seeds, with the 95 % interval.

        Raises:
            NotTestedError: rows have no seed in common, other clips, or no such column.
        """
        seeds = sorted(set.intersection(*(set(term.row.sheets) for term in terms)))
        if not seeds:
            raise NotTestedError("the rows that it compares have no seed in common")
        clips = {(t.row.test_sets[s], *t.row.sheets[s].clips) for t in terms for s in seeds}
        if len(clips) != 1:
            raise NotTestedError("the rows that it compares were scored on different clips")
        count = len(clips.pop()) - 1
        every = np.ones((1, count))
        value = float(_sum(terms, seeds, every)[0])
        drawn = _sum(terms, seeds, clip_draws(count))
        finite = drawn[np.isfinite(drawn)]
        # A drawing without any weight says nothing; one without any error cannot be ranked.
        if count < 2 or not np.isfinite(value) or len(finite) < LEVEL * len(drawn):
            return Estimate(value, None, None, tuple(seeds))
        low, high = np.percentile(finite, (50 - 50 * LEVEL, 50 + 50 * LEVEL))
        scatter = self._scatter(terms, seeds) or 0.0
        return Estimate(
            value,
            value - math.hypot(value - low, scatter),
            value + math.hypot(high - value, scatter),
            tuple(seeds),
        )

    def knows_scatter(self, terms: Sequence[Term]) -> bool:
        """Whether a sum's interval has the scatter of seeds in it, where it has any."""
        seeds = sorted(set.intersection(*(set(term.row.sheets) for term in terms)))
        return self._scatter(terms, seeds) is not None

    def _scatter(self, terms: Sequence[Term], seeds: Sequence[int]) -> float | None:
        """Half the width that seeds give; None where no row like these has several."""
        rows: dict[str, list[Term]] = {}
        for term in terms:
            if term.row.what in OF_WEIGHTS:
                rows.setdefault(term.row.row, []).append(term)
        if not rows:
            return 0.0
        if len(seeds) >= PAIRED:
            whole = [term for of_row in rows.values() for term in of_row]
            numbers = [_single(whole, seed) for seed in seeds]
            return _half_width(float(np.var(numbers, ddof=1)), len(seeds) - 1, len(seeds))
        found = [self._variance(of_row) for of_row in rows.values()]
        if any(freedom == 0 for _, freedom in found):
            return None
        freedom = min(freedom for _, freedom in found)
        return _half_width(sum(variance for variance, _ in found), freedom, len(seeds))

    def _variance(self, terms: Sequence[Term]) -> tuple[float, int]:
        """Of one row's part of a sum between seeds, and from how many degrees of freedom."""
        own, known, squares, freedom = 0.0, set[tuple[float, ...]](), 0.0, 0
        for entry in self._entries.values():
            alike = self._alike(entry.key, terms)
            numbers = tuple(round(_single(there, s), 9) for s, there in sorted(alike.items()))
            if len(numbers) < 2 or numbers in known or not all(map(math.isfinite, numbers)):
                continue
            known.add(numbers)
            squares += float(np.var(numbers)) * len(numbers)
            freedom += len(numbers) - 1
            if entry.key == terms[0].row.row:
                own = float(np.var(numbers, ddof=1))
        return (max(own, squares / freedom) if freedom else 0.0), freedom

    def _alike(self, name: str, terms: Sequence[Term]) -> Mapping[int, list[Term]]:
        """Seed -> the same part of a sum, of another row on the same clips; else none."""
        try:
            there = [replace(t, row=self.row(name, t.row.what)) for t in terms]
        except NotTestedError:
            return {}
        sets = {*there[0].row.test_sets.values(), *terms[0].row.test_sets.values()}
        if len(sets) > 1:
            return {}
        return {s: there for s in there[0].row.sheets if all(s in t.row.sheets for t in there)}


def _single(terms: Sequence[Term], seed: int) -> float:
    """A sum's number with one seed."""
    count = len(terms[0].row.sheets[seed].clips)
    return float(_sum(terms, [seed], np.ones((1, count)))[0])


def _half_width(variance: float, freedom: int, seeds: int) -> float:
    return float(stats.t.ppf(0.5 + LEVEL / 2, freedom)) * math.sqrt(variance / seeds)


def mean_of(row: Scored, frames: Iterable[int], weight: float = 1.0, key: str = PSNR) -> list[Term]:
    """The mean of a column over frames, as terms."""
    listed = tuple(frames)
    return [Term(weight / len(listed), row, key, i) for i in listed]


def over_others(row: Scored, weight: float = 1.0) -> list[Term]:
    """The mean PSNR over all frames but the middle, as terms."""
    return mean_of(row, others(row.frames), weight)


def _sum(terms: Sequence[Term], seeds: Sequence[int], clips: Floats) -> Floats:
    """The weighted sum in each of D drawings of clips, D×N counts."""
    with np.errstate(invalid="ignore"):
        out: Floats = np.sum([t.weight * _numbers(t, seeds, clips) for t in terms], axis=0)
    return out


def _numbers(term: Term, seeds: Sequence[int], clips: Floats) -> Floats:
    """The term's number in each of D drawings of clips, over seeds."""
    at = 0 if term.frame is None else term.frame - 1
    total = weight = np.zeros(len(clips))
    for seed in seeds:
        sheet = term.row.sheets[seed]
        try:
            totals, weights = sheet.sums(term.key)
        except KeyError:
            raise NotTestedError(
                f"protocol {sheet.protocol} has no column '{term.key}' here"
            ) from None
        total = total + clips @ totals[:, at]
        weight = weight + clips @ weights[:, at]
    return scaled(total, weight, sheet.column(term.key).scale)
