"""A camera held by a hand: the view of a photograph drifts, turns, zooms and shakes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deblurkit_standard.rendering.shapes import Floats, Point

_BEND = 0.5  # largest departure from uniform motion along a straight line; below 1: no turning back
_SHAKES = (1.0, 2.0)  # cycles a clip


def bent(times: Floats, bend: float) -> Floats:
    """-1/2 at the first frame, +1/2 at the last, faster to one side in between."""
    return np.asarray(times + bend * (times**2 - 0.25))


@dataclass(frozen=True)
class Track:
    """A smooth curve with given ends: a bow from -path/2 at t = -1/2 to +path/2 at t = 1/2."""

    path: Point
    bend: float = 0.0

    def at(self, times: Floats) -> Floats:
        """N×2 places (x, y), pixels."""
        (dx, dy), sideways = self.path, self.bend * (times**2 - 0.25)
        return np.stack([dx * times - dy * sideways, dy * times + dx * sideways], axis=1)

    @classmethod
    def draw(cls, length: tuple[float, float], rng: np.random.Generator) -> Track:
        """Any direction, any length from least to largest, any bend."""
        size, angle = rng.uniform(*length), rng.uniform(0, 2 * math.pi)
        bend = rng.uniform(-_BEND, _BEND)
        return cls((size * math.cos(angle), size * math.sin(angle)), bend)


def track_reach(length: float, t_end: float) -> float:
    """How far from its middle a track of this length gets up to |t| = t_end, pixels."""
    return length * math.hypot(t_end, _BEND * max(0.25, abs(t_end**2 - 0.25)))


@dataclass(frozen=True)
class Camera:
    """Where the view is at any t from -1/2, the first frame, to +1/2, the last.

    Attributes:
        track: Path of the view over the photograph.
        turn: Turn from the first frame to the last, radians; and its bend.
        zoom: Logarithm of the change of size from the first frame to the last; and its bend.
        shake: Sine waves (cycles a clip, phase of x, phase of y, size in pixels).
    """

    track: Track
    turn: Point = (0.0, 0.0)
    zoom: Point = (0.0, 0.0)
    shake: tuple[tuple[float, float, float, float], ...] = ()

    def places(self, times: Floats, points: Floats) -> Floats:
        """Where points of the view lie on the photograph.

        Args:
            times: N instants.
            points: P×2 (x, y) from the view's centre, pixels.

        Returns:
            N×P×2 (x, y) from where the view's centre is without motion, pixels of the
            photograph. The photograph is enlarged, never reduced: nothing to alias.
        """
        centre = self.track.at(times)
        for cycles, phase_x, phase_y, size in self.shake:
            swing = 2 * math.pi * cycles * times
            centre = centre + size * np.stack([np.sin(swing + phase_x), np.sin(swing + phase_y)], 1)
        angle = self.turn[0] * bent(times, self.turn[1])
        # Half of the change is taken off, so the scale is at most 1 from first to last frame.
        scale = np.exp(self.zoom[0] * bent(times, self.zoom[1]) - abs(self.zoom[0]) / 2)
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        rotation = np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)
        return np.asarray(centre[:, None] + points @ np.swapaxes(rotation, 1, 2))

    @classmethod
    def draw(
        cls,
        *,
        translation: tuple[float, float],
        rotation: float,
        zoom: float,
        shake: float,
        rng: np.random.Generator,
    ) -> Camera:
        """Any motion up to the given sizes: pixels, degrees, share of the size, pixels."""
        track = Track.draw(translation, rng)
        turn = math.radians(rng.uniform(-rotation, rotation)), rng.uniform(-_BEND, _BEND)
        change = math.log1p(rng.uniform(-zoom, zoom)), rng.uniform(-_BEND, _BEND)
        size = rng.uniform(0, shake)
        shares = rng.dirichlet(np.ones(len(_SHAKES)))
        phases = rng.uniform(0, 2 * math.pi, (len(_SHAKES), 2))
        waves = tuple(
            (cycles, float(x), float(y), float(size * share))
            for cycles, (x, y), share in zip(_SHAKES, phases, shares, strict=True)
        )
        return cls(track, turn, change, waves)


def camera_room(
    size: int, t_end: float, *, translation: float, rotation: float, zoom: float, shake: float
) -> int:
    """Least side of a photograph in which no camera of these largest motions sees an edge.

    Args:
        size: Side of the view, pixels.
        t_end: Latest t that is looked at; 1/2 is the last frame.
        translation: Largest path, pixels.
        rotation: Largest turn, degrees.
        zoom: Largest change of size, a share.
        shake: Size of the shake, pixels.
    """
    beyond = t_end + _BEND * max(0.25, abs(t_end**2 - 0.25))
    angle = min(math.radians(rotation) * beyond, math.pi / 4)
    scale = math.exp(max(0.0, -math.log1p(-zoom) * (beyond - 0.5)))
    half = (size - 1) / 2 * scale * (math.cos(angle) + math.sin(angle))
    return math.ceil(2 * (half + track_reach(translation, t_end) + shake)) + 2
