"""The same scene on both sides of a split, or in two data sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurkit.doctor.case import Case
from deblurkit.doctor.finding import Finding
from deblurkit.doctor.likeness import NEAR, SAME, likeness, places_apart
from deblurkit.doctor.looking import frame_at
from deblurkit.errors import DataError

_TRIED = 6
"""Pairs of frames of two recordings that are compared: the nearest by their hashes."""

_APART = 5
"""Frames between two such pairs in both recordings: neighbours would tell the same."""


@dataclass(frozen=True)
class Hashed:
    """The frames of a recording by which it is recognised.

    Attributes:
        case: The recording.
        side: Which side of a split, or which data set it is in.
        frames: Counted from 0; without those that have hardly any contrast.
        hashes: frames×63, see `likeness`.
    """

    case: Case
    side: str
    frames: tuple[int, ...]
    hashes: npt.NDArray[np.int8]

    @classmethod
    def of(cls, case: Case, side: str) -> Hashed:
        """Those of a recording that was looked at."""
        known = [(k, look.hash) for k, look in enumerate(case.seen.looks) if look]
        told = [(k, found) for k, found in known if found is not None]
        hashes = np.stack([found for _, found in told]) if told else np.zeros((0, 63), np.int8)
        return cls(case, side, tuple(k for k, _ in told), hashes)


@dataclass(frozen=True)
class _Met:
    """Two frames that show the same."""

    frame: int
    other: int
    likeness: float
    places: int


def leaks(
    first: Sequence[Hashed],
    second: Sequence[Hashed],
    pool: Executor,
    done: Callable[[int], None] = lambda _: None,
) -> list[Finding]:
    """Scenes of one side that are on the other, too.

    Near-duplicates within a side are none: they belong to one recording, or are a matter of
    variety.

    Args:
        first: One side.
        second: The other.
        pool: Where frames are read and compared.
        done: Told of each recording of the first side.
    """
    found = []
    for one in first:
        work = [(other, pool.submit(_meetings, one, other)) for other in second]
        for other, future in work:
            met = future.result()
            if met:
                found.append(_finding(one, other, met))
        done(1)
    return found


def _meetings(one: Hashed, other: Hashed) -> list[_Met]:
    """Frames of two recordings that show the same, the likeliest first."""
    met = list[_Met]()
    for i, j, places in _candidates(one.hashes, other.hashes):
        k, m = one.frames[i], other.frames[j]
        try:
            images = frame_at(one.case.recording, k), frame_at(other.case.recording, m)
        except DataError:
            continue  # the files have changed since
        alike = likeness(*images)
        if alike >= SAME:
            met.append(_Met(k, m, alike, places))
    return sorted(met, key=lambda m: -m.likeness)


def _candidates(
    first: npt.NDArray[np.int8], second: npt.NDArray[np.int8]
) -> list[tuple[int, int, int]]:
    chosen = list[tuple[int, int, int]]()
    if not len(first) or not len(second):
        return chosen
    # Of each frame the nearest one of the other recording is enough.
    nearest = [
        (i, j, places)
        for start in range(0, len(first), 1024)
        for i, j, places in _nearest(first[start : start + 1024], second, start)
        if places <= NEAR
    ]
    for i, j, places in sorted(nearest, key=lambda found: found[2]):
        if all(max(abs(i - a), abs(j - b)) > _APART for a, b, _ in chosen):
            chosen.append((i, j, places))
            if len(chosen) == _TRIED:
                break
    return chosen


def _nearest(
    some: npt.NDArray[np.int8], second: npt.NDArray[np.int8], start: int
) -> list[tuple[int, int, int]]:
    places = places_apart(some, second)
    at = places.argmin(1)
    return [(start + i, int(j), int(places[i, j])) for i, j in enumerate(at)]


def _finding(one: Hashed, other: Hashed, met: list[_Met]) -> Finding:
    a, b = one.case.recording.name, other.case.recording.name
    best = met[0]
    more = f" ({len(met)} places of {_TRIED} tried)" if len(met) > 1 else ""
    text = (
        f"the same scene is in {one.side} and in {other.side}: frame {best.frame + 1} of '{a}' "
        f"and frame {best.other + 1} of '{b}'{more}"
    )
    files = one.case.files(m.frame for m in met), other.case.files(m.other for m in met)
    return Finding(
        "leaks", "error", a, text,
        "put both on one side of the split: scores on seen scenes say nothing",
        tuple(sorted({m.frame + 1 for m in met})),
        files[0] + files[1],
        {"likeness": round(best.likeness, 3), "places": best.places, "other": b},
    )  # fmt: skip
