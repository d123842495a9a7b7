"""Frames that are left out or shown twice, and both in a regular pattern: another frame rate.

At the rates of high-speed footage things move on as they moved before: a step that is twice as long
as the steps before and after it lacks a frame, and one without motion between two that move alike
shows the same moment again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deblurkit.doctor.trace import MOVING, Trace, Vector, likeness_of

JUMP = 1.5
"""A step that leaves out a frame is so many times as long as its neighbours, as a whole and in the
speed of what moves: 2 where they are even, 1.55 and more in made footage. Real footage of 30
frames a second, hand-held and from the air, reaches 1.38 without a lost frame."""

FAR = 2.2
"""A step that is so many times as long as both neighbours leaves out frames also where these
differ, as when several are missing from shaken footage. That real footage reaches 1.51."""

STOOD = 0.2
"""A repeated frame moves less than this share of both neighbours, along their motion."""

_FAINT = 0.4  # and no more than this in any direction, where noise adds to it
_ALIKE = 0.7  # cosine of the motion before and after, which go on in one direction
_SAME_WAY = 0.9  # cosine of a jump and its neighbours
_NEARLY = 0.85  # the same, of a step that goes far
_EVEN = 1.6  # how much longer one neighbour of a jump may be than the other
_UNUSUAL = 2.5  # times as irregular as half of the recording's other steps, where motion is jerky
_STANDS = 12  # more frames than this without motion are a pause
_REGULAR = 4  # times that a pattern must come again to be one


@dataclass(frozen=True)
class Jump:
    """A step that is too long.

    Attributes:
        frame: The frame after it, counted from 0.
        times: How many times as long as its neighbours.
    """

    frame: int
    times: float


@dataclass(frozen=True)
class Pattern:
    """Something that comes again and again, as when footage is converted to another rate.

    Attributes:
        frames: Where, counted from 0.
        every: Mean distance.
        share: Frames that were there before, for each that is there now.
    """

    frames: tuple[int, ...]
    every: float
    share: float


def repeats(trace: Trace) -> tuple[int, ...]:
    """Frames, counted from 0, that show the moment of the frame before while things move.

    Where several in a row stand, what moved before must move on in the same way after them, in the
    same place: an object that leaves and another that comes are no repeat.
    """
    found = list[int]()
    length = trace.length
    for run in trace.runs():
        steps = run[1:]
        t = steps[0]
        while t < steps[-1]:
            ahead = t + 1
            before = trace.motion[t]
            if length[t] < MOVING or not _stands(trace.motion[ahead], before):
                t += 1
                continue
            while ahead in steps and _stands(trace.motion[ahead], before):
                ahead += 1
            stood = range(t + 1, ahead)
            if ahead in steps and len(stood) <= _STANDS:
                after = trace.motion[ahead]
                longer = length[ahead] / length[t]
                goes_on = likeness_of(before, after) > _ALIKE and 0.5 < longer < len(stood) + 2
                if goes_on and all(_stands(trace.motion[s], after) for s in stood):
                    found += stood
            t = ahead
    return tuple(found)


def jumps(trace: Trace, without: Sequence[int] = ()) -> tuple[Jump, ...]:
    """Steps that are too long for one frame.

    Args:
        trace: The recording.
        without: Steps that are explained otherwise, as repeated frames; a step beside one is, too.
    """
    length, left_out = trace.length, {s for t in without for s in (t - 1, t, t + 1)}
    times: dict[int, float] = {}
    for run in trace.runs():
        for t in run[1:]:
            near = [s for s in (t - 1, t + 1) if s in run[1:] and s not in left_out]
            if len(near) < 2:
                inwards = range(t + 1, t + 3) if t + 1 in near else range(t - 2, t)
                near = [s for s in inwards if s in run[1:] and s not in left_out]
            if t not in left_out and len(near) == 2 and min(length[s] for s in near) > MOVING:
                times[t] = _times(trace, t, near)
    # Where motion is jerky, a long step is nothing special.
    others = [abs(k - 1) for k in times.values() if 0 < k < JUMP]
    bound = max(JUMP, 1 + _UNUSUAL * float(np.median(others))) if others else JUMP
    return tuple(Jump(t, k) for t, k in times.items() if k > bound)


def pattern(frames: Sequence[int], trace: Trace, *, repeated: bool) -> Pattern | None:
    """The regular pattern in which frames are repeated or left out; None where there is none.

    Args:
        frames: Where, counted from 0, in order.
        trace: The recording.
        repeated: They are repeated, otherwise left out before.
    """
    if len(frames) < _REGULAR:
        return None
    gaps = np.diff(frames)
    runs = np.split(np.array(frames), np.flatnonzero(gaps > 2 * np.median(gaps) + 1) + 1)
    longest = max(runs, key=len)
    inside = np.diff(longest)
    if len(longest) < _REGULAR or len(longest) < 0.5 * len(frames):
        return None
    # 2, 2, 2 or, where the rates have no common divisor, 2, 3, 2, 3: never 2, 5, 3.
    usual = float(np.mean(inside))
    if float(np.mean(np.abs(inside - usual) < 1.0 + 1e-6)) < 0.9 or np.ptp(inside) > 2:
        return None
    whole = [run for run in trace.runs() if longest[0] in run]
    moving = int((trace.length[whole[0].start + 1 : whole[0].stop] > MOVING).sum()) if whole else 0
    if len(frames) * usual < 0.5 * moving:
        return None  # a few accidents side by side in a long recording
    # From the beginning of the first group to that of the last: whole periods.
    starts = [int(t) for t in longest if t - 1 not in longest]
    span = starts[-1] - starts[0]
    rate = float((longest < starts[-1]).sum()) / span if span else 1 / usual
    share = 1 - rate if repeated else 1 + rate
    return Pattern(tuple(int(t) for t in frames), 1 / rate, share)


def _times(trace: Trace, t: int, near: Sequence[int]) -> float:
    """How many times as long a step is as its two neighbours; 0 where they do not go one way."""
    a, b = (trace.motion[s] for s in near)
    lengths = trace.length[list(near)]
    usual = (a + b) / 2
    same_way = likeness_of(trace.motion[t], usual)
    one_way = likeness_of(a, b) > _ALIKE and same_way > _SAME_WAY
    even = float(lengths.max()) < _EVEN * float(lengths.min())
    far = float(trace.length[t]) > FAR * float(lengths.max()) and same_way > _NEARLY
    if not far and not (one_way and even):
        return 0.0
    longer = float(trace.motion[t] @ usual) / float(usual @ usual)
    speeds = trace.speed[list(near)]
    return min(longer, float(trace.speed[t]) / max(float(speeds.mean()), 1e-6))


def _stands(motion: Vector, beside: Vector) -> bool:
    scale = float(beside @ beside)
    along = float(motion @ beside) / scale if scale else 1.0
    return abs(along) < STOOD and float(motion @ motion) < _FAINT**2 * scale
