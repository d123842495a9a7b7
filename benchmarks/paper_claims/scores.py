"""The scores of a bench folder by row, and weighted sums of them with 95 % intervals."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.measures import ScoreSheet, scaled
from deblurkit.frames import others
from deblurkit.study.bootstrap import LEVEL, Estimate, clip_draws, seed_draws
from deblurkit.study.entries import Entry
from deblurkit.study.run_records import RunRecord

Floats = npt.NDArray[np.float64]
PSNR = "psnr-frame"


class NotTestedError(Exception):
    """A claim needs something that the bench folder does not hold; the message says what."""


@dataclass(frozen=True)
class Scored:
    """The scores of one row.

    Attributes:
        sheets: Seed -> sheet.
        test_sets: Seed -> what identifies its clips; their names may be those of others.
    """

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

    def row(self, name: str, what: str = "estimate") -> Scored:
        """Scores of a row: `estimate`, `reordered`, `true-middle`, `blurry`, `frozen-middle`.

        Raises:
            NotTestedError: the row is not done, or has no such sheet.
        """
        found = {s: run for s, run in self.runs(name).items() if what in run.sheets}
        if not found:
            raise NotTestedError(f"row '{name}' was not scored as '{what}'")
        return Scored(
            {s: run.sheets[what] for s, run in found.items()},
            {s: run.test_set for s, run in found.items()},
        )

    def records(self, row: str) -> Iterator[Sequence[Mapping[str, Any]]]:
        """The training records of each of a row's runs; none where they cannot be read."""
        for run in self.runs(row).values():
            try:
                lines = (run.folder / "metrics.jsonl").read_text("utf-8").splitlines()
                yield [json.loads(line) for line in lines]
            except (OSError, ValueError):
                continue


def mean_of(row: Scored, frames: Iterable[int], weight: float = 1.0, key: str = PSNR) -> list[Term]:
    """The mean of a column over frames, as terms."""
    listed = tuple(frames)
    return [Term(weight / len(listed), row, key, i) for i in listed]


def over_others(row: Scored, weight: float = 1.0) -> list[Term]:
    """The mean PSNR over all frames but the middle, as terms."""
    return mean_of(row, others(row.frames), weight)


def weighted(terms: Sequence[Term]) -> Estimate:
    """Σ weight · number over all clips and common seeds, with the paired 95 % interval.

    Clips and seeds are drawn once for all terms, as `deblurkit.study.bootstrap` draws them for
    a difference of two.

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
    chosen = (clip_draws(count), seed_draws(len(seeds)))
    everything = (np.ones((1, count)), np.ones((1, len(seeds))))
    with np.errstate(invalid="ignore"):
        value, drawn = (
            np.sum([t.weight * _numbers(t, seeds, *draws) for t in terms], axis=0)
            for draws in (everything, chosen)
        )
    finite = drawn[np.isfinite(drawn)]
    # A drawing without any weight says nothing; one without any error cannot be ranked.
    if count < 2 or not np.isfinite(value[0]) or len(finite) < LEVEL * len(drawn):
        return Estimate(float(value[0]), None, None, tuple(seeds))
    low, high = np.percentile(finite, (50 - 50 * LEVEL, 50 + 50 * LEVEL))
    return Estimate(float(value[0]), float(low), float(high), tuple(seeds))


def _numbers(term: Term, seeds: Sequence[int], clips: Floats, drawn: Floats) -> Floats:
    """The term's number in each of D drawings of clips, D×N counts, and seeds, D×S counts."""
    at = 0 if term.frame is None else term.frame - 1
    total = weight = np.zeros(len(clips))
    for k, seed in enumerate(seeds):
        sheet = term.row.sheets[seed]
        try:
            totals, weights = sheet.sums(term.key)
        except KeyError:
            raise NotTestedError(
                f"protocol {sheet.protocol} has no column '{term.key}' here"
            ) from None
        total = total + drawn[:, k] * (clips @ totals[:, at])
        weight = weight + drawn[:, k] * (clips @ weights[:, at])
    return scaled(total, weight, sheet.column(term.key).scale)
