"""What shapes move over: smooth random colours, or a photograph, still or drifting."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import spline_filter1d

from deblurkit.randomness import generator
from deblurkit_standard.rendering.shapes import Floats, Point, plane_waves

_WAVES = 8
_WAVELENGTHS = (40.0, 400.0)  # pixels
_CONTRAST = 0.2  # standard deviation of a colour


@dataclass(frozen=True)
class Smooth:
    """A plane of slowly varying colours, one for each scene, seen at some place.

    Attributes:
        scene: Name that seeds the colours.
        corner: Place of the view's top left pixel at t = 0, pixels.
        path: Displacement of the background from the first frame to the last, pixels.
    """

    scene: str
    corner: Point
    path: Point = (0.0, 0.0)

    def at(self, times: Floats, size: int) -> Floats:
        """Exact at any t: a sum of plane waves. N×3×size×size in [0, 1]."""
        rng = generator("moving-shapes", "smooth", self.scene)
        colour = rng.uniform(0.25, 0.75, 3)
        angle = rng.uniform(0, 2 * math.pi, _WAVES)
        low, high = np.log(_WAVELENGTHS)
        k = 2 * math.pi / np.exp(rng.uniform(low, high, _WAVES))
        phase = rng.uniform(0, 2 * math.pi, _WAVES)
        amplitude = rng.standard_normal((_WAVES, 3)) * _CONTRAST * math.sqrt(2 / _WAVES)
        times = times if any(self.path) else times[:1]
        xs, ys = (
            self.corner[axis] + np.arange(size) - times[:, None] * self.path[axis]
            for axis in (0, 1)
        )
        waves = [
            (np.full(len(times), kx), np.full(len(times), ky), np.full(len(times), p))
            for kx, ky, p in zip(k * np.cos(angle), k * np.sin(angle), phase, strict=True)
        ]
        field = plane_waves(waves, xs, ys, amplitude)
        return np.asarray(np.clip(colour[None, :, None, None] + field, 0, 1))


@dataclass(frozen=True, eq=False)
class Photo:
    """A photograph, or the part of one that the view sees.

    Attributes:
        pixels: H×W×3 uint8.
        corner: Place of the view's top left pixel in it at t = 0, whole pixels (x, y).
        path: Displacement of the background from the first frame to the last, pixels.
        margin: Pixels of the photograph around the view that it may move into: half the path
            at least, and 3 more.
    """

    pixels: npt.NDArray[np.uint8]
    corner: tuple[int, int]
    path: Point = (0.0, 0.0)
    margin: int = 0

    def at(self, times: Floats, size: int) -> Floats:
        """Cubic splines between pixels: the photograph itself at t = 0. N×3×size×size."""
        x, y = (place - self.margin for place in self.corner)
        side = size + 2 * self.margin
        seen = np.moveaxis(self.pixels[y : y + side, x : x + side] / 255.0, -1, 0)
        if not any(self.path):
            return seen[None, :, self.margin : side - self.margin, self.margin : side - self.margin]
        for axis in (1, 2):
            seen = spline_filter1d(seen, order=3, axis=axis, mode="mirror")
        shifts = (self.margin - times[:, None] * np.asarray(self.path)).tolist()
        views = [_shifted(_shifted(seen, 1, down, size), 2, right, size) for right, down in shifts]
        return np.clip(np.stack(views), 0, 1)


def _shifted(coefficients: Floats, axis: int, start: float, size: int) -> Floats:
    """`size` samples from `start` on along one axis of cubic B-spline coefficients."""
    first = math.floor(start)
    f = start - first
    weights = (
        (1 - f) ** 3 / 6,
        (3 * f**3 - 6 * f**2 + 4) / 6,
        (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6,
        f**3 / 6,
    )
    moved = np.moveaxis(coefficients, axis, 0)
    taps = (w * moved[first + k : first + k + size] for k, w in enumerate(weights, start=-1))
    return np.moveaxis(sum(taps, start=np.zeros(())), 0, axis)
