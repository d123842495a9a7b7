"""A camera held by a hand: the view of a photograph drifts, turns, zooms and shakes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurkit_standard.rendering.depth import FLAT, Depth
from deblurkit_standard.rendering.hand_shake import STILL, Shake, ShakeKind, draw_tremor, draw_waves
from deblurkit_standard.rendering.shapes import Floats, Point
from deblurkit_standard.rendering.tracks import Track, bent, bent_reach, track_reach

_FINE = 8  # steps in which the motion within a frame is watched, at least
_MISSED = 0.25  # what may be missed between them, pixels
_LATTICE = np.stack(np.meshgrid(*2 * [np.linspace(-0.5, 0.5, 5)]), axis=-1).reshape(-1, 2)


@dataclass(frozen=True)
class Camera:
    """Where the view is at any t from -1/2, the first frame, to +1/2, the last.

    Attributes:
        track: Path of the view over the photograph.
        turn: Turn from the first frame to the last, radians; and its bend.
        zoom: Logarithm of the change of size from the first frame to the last; and its bend.
        shake: What the hand adds.
        depth: How much further than the track near places move; the shake moves all alike,
            as a camera's turning does.
    """

    track: Track
    turn: Point = (0.0, 0.0)
    zoom: Point = (0.0, 0.0)
    shake: Shake = STILL
    depth: Depth = FLAT

    @property
    def only_shifts(self) -> bool:
        """Whether all places of the view move alike."""
        return not (self.turn[0] or self.zoom[0] or self.depth.parallax)

    def centres(self, times: Floats) -> Floats:
        """N×2 places of the view's centre from where it is without motion, depth left aside."""
        return self.track.at(times) + self.shake.at(times)

    def matrices(self, times: Floats) -> Floats:
        """N×2×2: turn and size of the view. It enlarges, never reduces: nothing to alias."""
        angle = bent(times, self.turn[1]) * self.turn[0]
        # Half of the change is taken off, so the scale is at most 1 from first to last frame.
        scale = np.exp(self.zoom[0] * bent(times, self.zoom[1]) - abs(self.zoom[0]) / 2)
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        return np.stack([np.stack([cos, -sin], 1), np.stack([sin, cos], 1)], 1)

    def places(self, times: Floats, points: Floats) -> Floats:
        """Where points of the view lie on the photograph.

        Args:
            times: N instants.
            points: P×2 (x, y) from the view's centre, pixels.

        Returns:
            N×P×2 (x, y) from where the view's centre is without motion, pixels of the
            photograph.
        """
        turned = points @ np.swapaxes(self.matrices(times), 1, 2)
        places = self.centres(times)[:, None] + turned
        if self.depth.parallax:
            places = places + self.depth.lead(places)[..., None] * self.track.at(times)[:, None]
        return np.asarray(places)

    def grids(
        self, times: Floats, axis: Floats, origin: Floats
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """`places` of a square grid of points, quickly.

        Args:
            times: N instants.
            axis: S coordinates of its columns, and of its rows.
            origin: (x, y) added to all places.

        Returns:
            Columns x and rows y, each N×S×S float32.
        """
        centres, matrices = self.centres(times), self.matrices(times)
        lead = None
        if self.depth.parallax:
            lead = self.depth.lead_on_grids(centres, matrices, axis)
        along = self.track.at(times).astype(np.float32)
        planes = []
        for k in (0, 1):
            across = matrices[:, k, :1] * axis + (centres[:, k] + origin[k])[:, None]
            down = matrices[:, k, 1:] * axis
            plane = across.astype(np.float32)[:, None, :] + down.astype(np.float32)[:, :, None]
            if lead is not None:
                plane += lead * along[:, k, None, None]
            planes.append(plane)
        return planes[0], planes[1]

    def watched(self, t_end: float, frames: int) -> Floats:
        """Instants so close together that the shake does nothing of note between them.

        Args:
            t_end: The last of them, -t_end the first.
            frames: T. There are as many steps in each frame's share of the time.
        """
        steps = _FINE
        if frames > 1:  # a single frame is an instant
            while self.shake.missed(2 * t_end / (steps * frames)) > _MISSED:
                steps *= 2
        return np.linspace(-t_end, t_end, steps * frames + 1)

    def reach(self, times: Floats, size: int) -> tuple[Floats, Floats, Floats]:
        """What a view of size×size pixels sees at these instants, and how it moves.

        Returns:
            Least and largest x and y of anything it sees, each of shape 2, from where the
            view's centre is without motion, half a pixel more than that for what happens
            between the instants; and the places N×P×2 of some points, corners among them.
        """
        points = _LATTICE if self.depth.parallax else _LATTICE[[0, 4, -5, -1]]
        places = self.places(times, points * (size - 1))
        corners = self.centres(times)[:, None] + (_LATTICE[[0, 4, -5, -1]] * (size - 1)) @ (
            np.swapaxes(self.matrices(times), 1, 2)
        )
        ahead = 0.5 * self.depth.parallax * np.abs(self.track.at(times))[:, None]
        low, high = (corners - ahead).min(axis=(0, 1)), (corners + ahead).max(axis=(0, 1))
        return low - 0.5, high + 0.5, places


@dataclass(frozen=True)
class CameraMotion:
    """What motions of a camera to draw from.

    Attributes:
        translation: Least and largest path, first to last frame, pixels.
        rotation: Largest turn, degrees.
        zoom: Largest change of size, a share.
        shake: Largest size of the shake, pixels.
        acceleration: Largest departure from uniform motion, a share: sideways for the path,
            in speed for turn and zoom. Below 1, nothing turns back.
        speeding: Largest change of speed along the path, a share.
        parallax: Largest difference of motion between near and far, a share of the path.
        shake_kind: `waves`, or `tremor` as of a hand.
        exposure: Shortest and longest exposure of `tremor`, seconds.
    """

    translation: tuple[float, float] = (0.0, 0.0)
    rotation: float = 0.0
    zoom: float = 0.0
    shake: float = 0.0
    acceleration: float = 0.5
    speeding: float = 0.0
    parallax: float = 0.0
    shake_kind: ShakeKind = "waves"
    exposure: tuple[float, float] = (0.03, 0.25)

    def draw(
        self, size: int, t_end: float, rng: np.random.Generator, other: np.random.Generator
    ) -> Camera:
        """Draw a motion up to these sizes.

        Args:
            size: Side of the view, pixels.
            t_end: Latest t that is looked at; 1/2 is the last frame.
            rng: Decides path, turn, zoom and the shake's size.
            other: Decides speeding, depth and tremor, so that the rest is the same without.
        """
        bends = self.acceleration
        speeding = float(other.uniform(-self.speeding, self.speeding))
        track = Track.draw(self.translation, bends, rng, speeding)
        turn = math.radians(rng.uniform(-self.rotation, self.rotation)), rng.uniform(-bends, bends)
        change = math.log1p(rng.uniform(-self.zoom, self.zoom)), rng.uniform(-bends, bends)
        shaken = rng.uniform(0, self.shake)
        shake = draw_waves(shaken, rng)
        if self.shake_kind == "tremor":
            shake = draw_tremor(shaken, self.exposure, t_end, other)
        depth = FLAT
        if self.parallax:
            away = track_reach(math.hypot(*track.path), t_end, bends, self.speeding)
            depth = Depth.draw(self.parallax, size, away, other)
        return Camera(track, turn, change, shake, depth)

    def room(self, size: int, t_end: float) -> int:
        """Least side of a photograph in which no camera drawn from these sees an edge, pixels."""
        beyond = bent_reach(t_end, self.acceleration)
        angle = min(math.radians(self.rotation) * beyond, math.pi / 4)
        scale = math.exp(max(0.0, -math.log1p(-self.zoom) * (beyond - 0.5)))
        half = (size - 1) / 2 * scale * (math.cos(angle) + math.sin(angle))
        path = track_reach(self.translation[1], t_end, self.acceleration, self.speeding)
        return math.ceil(2 * (half + path * (1 + self.parallax / 2) + self.shake)) + 2
