"""Soft-edged objects cut from a photograph, on a way of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurkit_standard.rendering.bending import RIGID, Bending, Singles
from deblurkit_standard.rendering.compositing import patch_grid
from deblurkit_standard.rendering.photographs import Pixels
from deblurkit_standard.rendering.shapes import Floats, Point
from deblurkit_standard.rendering.spline_surface import SplineSurface
from deblurkit_standard.rendering.tracks import Track, bent

_LOBES = (2, 3, 4, 5)  # waves around an outline
_SOFTNESS = (1.0, 3.0)  # width of a soft edge, pixels
_CANDIDATES = 12
_ENOUGH = 0.3  # difference of colour, and contrast, beyond which more is not better


@dataclass(frozen=True)
class Cutout:
    """An object: a round, wavy outline around some place of a photograph.

    Attributes:
        texture: Place (x, y) of its centre in the photograph that it is cut from.
        centre: Place (x, y) of its centre in the view, at the middle of its path.
        track: Its path in the view; it turns and changes its size with the track's speed.
        radius: Largest distance of its outline from the centre without bending, pixels.
        outline: Waves (number around, phase, size as a share of the radius).
        softness: Width of its edge, pixels.
        spin: Turn from the first frame to the last, radians.
        zoom: Logarithm of its change of size from the first frame to the last. It is as
            large as `radius` where it is largest, and its texture is enlarged, never reduced.
        bending: How its parts move.
    """

    texture: Point
    centre: Point
    track: Track
    radius: float
    outline: tuple[tuple[int, float, float], ...] = ()
    softness: float = 1.0
    spin: float = 0.0
    zoom: float = 0.0
    bending: Bending = RIGID

    def places(self, times: Floats) -> Floats:
        """N×2 places of the centre in the view, pixels."""
        return np.asarray(self.track.at(times) + np.asarray(self.centre))

    def sizes(self, times: Floats) -> Floats:
        """N factors of size, 1 at the end where it is largest."""
        grown = self.zoom * bent(times, self.track.speeding) - abs(self.zoom) / 2
        return np.asarray(np.exp(grown))

    def ways(self, span: Floats) -> Floats:
        """Longest way of any of its points from each of some close instants to the next, pixels."""
        centre = np.linalg.norm(np.diff(self.places(span), axis=0), axis=-1)
        turn = abs(self.spin) * np.diff(bent(span, self.track.speeding))
        size = np.abs(np.diff(self.sizes(span)))
        swing = self.bending.size * 2 * math.pi * abs(self.bending.cycles) * np.diff(span)
        return np.asarray(centre + self.radius * (turn + size) + swing)

    def own(self, times: Floats, xs: Floats, ys: Floats) -> tuple[Singles, Singles]:
        """Which of its points are seen where: motion undone.

        Args:
            times: N instants.
            xs: N×p columns from its centre, pixels of the view.
            ys: N×p rows.

        Returns:
            x and y, each N×p×p, from the object's centre, pixels of the object.
        """
        angle, sizes = self.spin * bent(times, self.track.speeding), self.sizes(times)
        cos, sin = (np.cos(angle) / sizes)[:, None], (np.sin(angle) / sizes)[:, None]
        cx, sx, cy, sy = ((a * b).astype(np.float32) for b in (xs, ys) for a in (cos, sin))
        x = cx[:, None, :] + sy[:, :, None]
        y = cy[:, :, None] - sx[:, None, :]
        return self.bending.undone(times, x, y)

    def patch(
        self, pixels: Pixels, times: Floats
    ) -> tuple[Singles, Singles, npt.NDArray[np.int64]]:
        """Coverage N×p×p and colour N×3×p×p, and the patches' top left pixels N×2 (x, y)."""
        # Beyond the first and the last frame's instant it may be larger than at any of them.
        largest = max(1.0, float(self.sizes(times).max()))
        reach = largest * (self.radius + self.bending.size)
        xs, ys, corners = patch_grid(self.places(times), reach)
        x, y = self.own(times, xs, ys)
        coverage = self._coverage(x, y)
        # Elsewhere nothing is seen of it. Where it would reach beyond the photograph, the last
        # pixels stand in.
        covered = np.flatnonzero(coverage > 0)
        height, width = pixels.shape[:2]
        middle, last = np.asarray(self.texture), np.array([width - 1, height - 1])
        low, high = (np.clip(middle + side, 0, last) for side in (-self.radius, self.radius))
        surface = SplineSurface.over(pixels, low, high)
        enlarged = np.float32(math.exp(-abs(self.zoom)))
        columns, rows = (
            np.clip(
                enlarged * place.reshape(-1)[covered] + np.float32(at),
                np.float32(least),
                np.float32(most),
            )
            for place, at, least, most in zip(
                (x, y), *(ends - surface.corner for ends in (middle, low, high)), strict=True
            )
        )
        colour = np.zeros((coverage.size, 3), np.float32)
        colour[covered] = surface.at(columns, rows)
        return coverage, np.moveaxis(colour.reshape(*coverage.shape, 3), -1, 1), corners

    def _coverage(self, x: Singles, y: Singles) -> Singles:
        distance, around = np.sqrt(x * x + y * y), np.arctan2(y, x)
        edge = np.full(around.shape, 1.0 - sum(share for *_, share in self.outline), np.float32)
        for lobes, phase, share in self.outline:
            edge += np.float32(share) * np.cos(np.float32(lobes) * around + np.float32(phase))
        outer = np.float32(self.radius - self.softness / 2)
        inside = (outer * edge - distance) / np.float32(self.softness) + np.float32(0.5)
        inside = np.clip(inside, 0, 1)
        return np.asarray(inside * inside * (3 - 2 * inside), dtype=np.float32)


@dataclass(frozen=True)
class CutoutMotion:
    """What motions of an object to draw from.

    Attributes:
        path: Least and largest path in the view, first to last frame, pixels.
        rotation: Largest turn, degrees.
        zoom: Largest change of size, a share.
        bend: Largest size of what bends it, pixels.
        acceleration: Largest departure sideways from a straight line, a share.
        speeding: Largest change of speed on its way, a share.
    """

    path: tuple[float, float]
    rotation: float = 0.0
    zoom: float = 0.0
    bend: float = 0.0
    acceleration: float = 0.5
    speeding: float = 0.0


def draw_cutout(
    pixels: Pixels,
    behind: npt.NDArray[np.floating],
    motion: CutoutMotion,
    *,
    radius: float,
    rng: np.random.Generator,
    other: np.random.Generator,
) -> Cutout:
    """Draw an object that stands out from what is behind it.

    Args:
        pixels: The photograph it is cut from, at least 2 * radius + 2 on both sides.
        behind: S×S×3, what the view shows at t = 0.
        motion: How it may move.
        radius: Pixels.
        rng: Decides path, turn, outline and place. Of a dozen places in the photograph the one
            is taken that differs enough from what is behind the object and has enough texture
            of its own.
        other: Decides speeding, change of size and bending, so that the rest is the same
            without.
    """
    size = behind.shape[0]
    speeding = float(other.uniform(-motion.speeding, motion.speeding))
    zoom = math.log1p(other.uniform(-motion.zoom, motion.zoom))
    bending = Bending.draw(motion.bend, radius, other)
    track = Track.draw(motion.path, motion.acceleration, rng, speeding)
    middle = (size - 1) / 2
    room = [max(0.0, middle - abs(part) / 2 - 0.5 * radius) for part in track.path]
    x, y = (middle + rng.uniform(-half, half) for half in room)
    shares = 0.25 * rng.dirichlet(np.ones(len(_LOBES))) * rng.uniform(0.2, 1)
    phases = rng.uniform(0, 2 * math.pi, len(_LOBES))
    outline = tuple(
        (lobes, float(phase), float(share))
        for lobes, phase, share in zip(_LOBES, phases, shares, strict=True)
    )
    softness = min(rng.uniform(*_SOFTNESS), radius)
    spin = math.radians(rng.uniform(-motion.rotation, motion.rotation))
    reach = math.ceil(radius)
    step = max(1, reach // 6)  # some of the pixels tell enough
    hidden = _mean(behind, x, y, reach)
    height, width = pixels.shape[:2]
    best, texture = -1.0, (0.0, 0.0)
    for _ in range(_CANDIDATES):
        u = int(rng.integers(reach, width - reach))
        v = int(rng.integers(reach, height - reach))
        part = pixels[v - reach : v + reach + 1 : step, u - reach : u + reach + 1 : step] / 255.0
        distance = float(np.linalg.norm(part.mean(axis=(0, 1)) - hidden))
        contrast = 2 * float(part.std(axis=(0, 1)).mean())
        score = min(distance, _ENOUGH) + min(contrast, _ENOUGH)
        if score > best:
            best, texture = score, (float(u), float(v))
    return Cutout(texture, (x, y), track, radius, outline, softness, spin, zoom, bending)


def _mean(view: npt.NDArray[np.floating], x: float, y: float, reach: int) -> Floats:
    rows = slice(max(0, int(y) - reach), int(y) + reach + 1)
    columns = slice(max(0, int(x) - reach), int(x) + reach + 1)
    return np.asarray(view[rows, columns].mean(axis=(0, 1)), dtype=np.float64)
