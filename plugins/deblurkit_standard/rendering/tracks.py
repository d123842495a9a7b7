"""Paths of cameras and objects: a bow from one end to the other, at an even or uneven speed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deblurkit_standard.rendering.shapes import Floats, Point


def bent(times: Floats, bend: float) -> Floats:
    """-1/2 at the first frame, +1/2 at the last, faster to one side in between."""
    return np.asarray(times + bend * (times**2 - 0.25))


def bent_reach(t_end: float, bend: float) -> float:
    """Largest size that `bent` has up to |t| = t_end, for any bend up to this one."""
    return t_end + bend * _bow(t_end)


@dataclass(frozen=True)
class Track:
    """A smooth curve with given ends: a bow from -path/2 at t = -1/2 to +path/2 at t = 1/2.

    Attributes:
        path: From the first frame to the last, pixels (x, y).
        bend: Departure sideways, a share: the direction turns by 2 atan(bend) on the way.
        speeding: Change of speed, a share: from 1 - speeding at the first frame to
            1 + speeding at the last, 1 in the middle.
    """

    path: Point
    bend: float = 0.0
    speeding: float = 0.0

    def at(self, times: Floats) -> Floats:
        """N×2 places (x, y), pixels."""
        (dx, dy), sideways = self.path, self.bend * (times**2 - 0.25)
        along = bent(times, self.speeding)
        return np.stack([dx * along - dy * sideways, dy * along + dx * sideways], axis=1)

    @classmethod
    def draw(
        cls,
        length: tuple[float, float],
        acceleration: float,
        rng: np.random.Generator,
        speeding: float = 0.0,
    ) -> Track:
        """Any direction, any length from least to largest, any bend up to `acceleration`."""
        size, angle = rng.uniform(*length), rng.uniform(0, 2 * math.pi)
        bend = rng.uniform(-acceleration, acceleration)
        return cls((size * math.cos(angle), size * math.sin(angle)), bend, speeding)


def track_reach(length: float, t_end: float, acceleration: float, speeding: float = 0.0) -> float:
    """How far from its middle a track of this length gets up to |t| = t_end, pixels."""
    return length * math.hypot(bent_reach(t_end, speeding), acceleration * _bow(t_end))


def _bow(t_end: float) -> float:
    return max(0.25, abs(t_end**2 - 0.25))
