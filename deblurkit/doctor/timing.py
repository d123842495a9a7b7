"""What a video's own time stamps say: its rate, whether it varies, and where frames are missing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from deblurkit.media.video_decoding import opened, whole_packets
from deblurkit.media.video_index import index_of

APART = 0.02
"""A rate that is said and one that is found differ from this share on: 29.97 and 30 do not."""

_OFF = 0.25  # share of the usual distance by which a frame comes early or late
_FEW = 0.05  # share of distances up to which longer ones are frames that are missing


@dataclass(frozen=True)
class Timing:
    """The time stamps of a video.

    Attributes:
        rate: Frames a second, on average.
        usual: Frames a second by the distance that frames usually have.
        missing: (frame after the gap, counted from 0; frames that are missing there).
        varies: Share of frames that come early or late, where these are no missing frames.
        promised: Frames that the file says it has, where these are more than can be read.
    """

    rate: float
    usual: float
    missing: tuple[tuple[int, int], ...] = ()
    varies: float = 0.0
    promised: int = 0


def _breaks_off(path: Path) -> bool:
    """Whether there are fewer packets than the file's header says."""
    # Not fewer frames: some files say of packets that they are not to be shown.
    with opened(path) as (container, stream):
        promised = stream.frames
        return sum(1 for _ in whole_packets(container, stream)) < promised


def timing(path: Path) -> Timing:
    """Read the time stamps of a video.

    Raises:
        DataError: see `deblurkit.media.video_reading.probe`.
    """
    index = index_of(path)
    rate = index.info.fps
    promised = index.promised if index.promised > index.info.frames and _breaks_off(path) else 0
    times = index.times
    if times is None or len(times) < 4:
        return Timing(rate, rate, promised=promised)
    steps = np.array([b - a for a, b in pairwise(times)], float)
    usual = float(np.median(steps))
    unit = index.info.duration * (len(times) - 1) / len(times) / (times[-1] - times[0])
    # Times are whole numbers: a distance of 33.3 is told as 33 and 34.
    off = np.abs(steps - usual) > np.maximum(1.01, _OFF * usual)
    ratio = steps / usual
    gaps = off & (ratio > 1.5) & (np.abs(ratio - np.rint(ratio)) < _OFF)
    real = 1 / (usual * unit)
    if off.any() and gaps.sum() == off.sum() and off.mean() <= _FEW:
        missing = tuple((int(t) + 1, round(float(ratio[t])) - 1) for t in np.flatnonzero(gaps))
        return Timing(rate, real, missing, promised=promised)
    return Timing(rate, real, varies=float(off.mean()), promised=promised)
