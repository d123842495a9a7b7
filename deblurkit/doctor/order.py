"""Frames that are not in the order of time: another order of neighbours moves more smoothly.

Positions are sums of motion vectors; the roughness of an order is the sum of its squared
accelerations.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import numpy as np
import numpy.typing as npt

from deblurkit.doctor.cuts import strays
from deblurkit.doctor.trace import MOVING, Trace

_WINDOW, _LEAST = 8, 5
"""Frames that are looked at together; of shorter runs all, if there are at least so many."""

_MOVED, _FIXED = 4, 3
"""How many frames in a row may change places, at most, and how many must stay, at least."""

SMOOTHER = 2.5
"""The right order is at least so many times as smooth. In footage in order, made or real, hand-
held or not, no other order was smoother at all (ratio 1, in 1,900 windows); two swapped frames
give 3.5 to 300."""

_ROUGH = 3.0
"""And the order as it is so many times as rough, for its motion, as the calmer quarter of the
recording. Where all motion is jerky no order can be told from another."""

_STRAY = 12.0
"""A frame put half-way between its neighbours makes its window so many times as smooth: it belongs
to some other place. Frames three places off and more give 27, real footage 4 at most."""

_JERKY = 0.6
"""Of such a roughness in its calmer quarter a recording has no order that motion could tell. Frames
whose motion is random have 1.2 there, shaken ones 0.1."""

Order = tuple[int, ...]


@dataclass(frozen=True)
class Misplaced:
    """Neighbours in the wrong order.

    Attributes:
        frames: Those that are not in their place, counted from 0.
        order: The same frames in the order of time; empty: they belong to some other place.
        smoother: How many times as smooth that is; 0: told by what they show.
    """

    frames: tuple[int, ...]
    order: tuple[int, ...]
    smoother: float


@dataclass(frozen=True)
class _Window:
    start: int
    rough: float  # as it is, of its squared motion
    best: Order
    smoother: float
    stray: int
    without: float  # how many times as smooth without that frame
    speed: float


def misplaced(trace: Trace) -> tuple[Misplaced, ...]:
    """Frames whose order is not that of time, or that belong elsewhere."""
    windows = [window for run in trace.runs() for window in _windows(trace, run)]
    rough = [window.rough for window in windows]
    usual = float(np.quantile(rough, 0.25)) if len(windows) > _WINDOW else 0.0
    windows = windows if usual < _JERKY else []
    found = [Misplaced((frame,), (), 0.0) for frame in strays(trace)]
    swapped, alone = list[Misplaced](), list[Misplaced]()
    for window in windows:
        if window.speed < MOVING or window.rough < _ROUGH * usual:
            continue
        moved = [k for k, frame in enumerate(window.best) if frame != k]
        if moved and window.smoother > SMOOTHER:
            frames = tuple(window.start + k for k in moved)
            right = tuple(window.start + window.best[k] for k in moved)
            swapped.append(Misplaced(frames, right, window.smoother))
        elif window.without > _STRAY:
            alone.append(Misplaced((window.start + window.stray,), (), window.without))
    for one in (*_clearest(swapped), *_clearest(alone)):
        if not any(_touch(one, other) for other in found):
            found.append(one)
    return tuple(sorted(found, key=lambda m: m.frames))


def _windows(trace: Trace, run: range) -> Iterator[_Window]:
    size = min(_WINDOW, len(run))
    for start in run[: len(run) - size + 1] if size >= _LEAST else ():
        steps = trace.motion[start + 1 : start + size].astype(np.float64)
        places = np.concatenate([np.zeros((1, steps.shape[1])), np.cumsum(steps, 0)])
        gram = places @ places.T
        orders, forms = _orders(size, start == run[0], start + size == run[-1] + 1)
        rough = np.maximum(np.einsum("pij,ij->p", forms, gram), 0)
        best = int(rough.argmin())
        moved = places[list(orders[best])]
        travel = float((np.diff(moved, axis=0) ** 2).sum())
        inner, forms = _without_one(size)
        without = np.maximum(np.einsum("pij,ij->p", forms, gram), 0)
        # A stray frame is reached and left in opposite directions; one that stands is no stray.
        back = [steps[k - 1] @ steps[k] < 0 for k in inner]
        without = np.where(back, without, np.inf)
        stray = int(without.argmin())
        # Motion is measured to a few hundredths: below that, smooth is smooth.
        floor = 0.01 * travel + 1e-6
        yield _Window(
            start,
            float(rough[0]) / (travel + 1e-6),
            orders[best],
            float(rough[0]) / max(float(rough[best]), floor),
            inner[stray],
            float(rough[0]) / max(float(without[stray]), floor),
            float(np.sqrt(travel / (size - 1))),
        )


def _clearest(found: list[Misplaced]) -> list[Misplaced]:
    """Of several windows that see the same, the one that sees it most clearly."""
    chosen = list[Misplaced]()
    for one in sorted(found, key=lambda m: (-m.smoother, len(m.frames))):
        if not any(_touch(one, other) for other in chosen):
            chosen.append(one)
    return chosen


def _touch(one: Misplaced, other: Misplaced) -> bool:
    return one.frames[0] <= other.frames[-1] + 2 and one.frames[-1] >= other.frames[0] - 2


def _roughness(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The quadratic form of squared accelerations, of positions that `rows` makes."""
    second = np.diff(rows, 2, axis=0)
    form: npt.NDArray[np.float64] = second.T @ second
    return form


@cache
def _orders(
    size: int, first: bool, last: bool
) -> tuple[tuple[Order, ...], npt.NDArray[np.float64]]:
    """Orders of a window with their roughness.

    Frames that change places have two fixed ones on both sides, but for the first and the last
    of a run.
    """
    same = tuple(range(size))
    moving = min(_MOVED, size - _FIXED)
    found: dict[Order, None] = {same: None}
    for begin in range(size - moving + 1):
        for middle in permutations(range(begin, begin + moving)):
            order = (*same[:begin], *middle, *same[begin + moving :])
            moved = [k for k in same if order[k] != k]
            if moved and (first or moved[0] >= 2) and (last or moved[-1] <= size - 3):
                found[order] = None
    forms = [_roughness(np.eye(size)[list(order)]) for order in found]
    return tuple(found), np.stack(forms)


@cache
def _without_one(size: int) -> tuple[range, npt.NDArray[np.float64]]:
    """The frames of a window that have two on both sides; roughness with one half-way."""
    inner = range(2, size - 2)
    forms = []
    for frame in inner:
        rows = np.eye(size)
        rows[frame] = (rows[frame - 1] + rows[frame + 1]) / 2
        forms.append(_roughness(rows))
    return inner, np.stack(forms)
