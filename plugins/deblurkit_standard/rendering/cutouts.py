"""Soft-edged objects cut from a photograph, on a way of their own."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurkit_standard.rendering.camera_motion import Track
from deblurkit_standard.rendering.compositing import patch_grid
from deblurkit_standard.rendering.photographs import Pixels, sample
from deblurkit_standard.rendering.shapes import Floats, Point

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
        track: Its path in the view.
        radius: Largest distance of its outline from the centre, pixels.
        outline: Waves (number around, phase, size as a share of the radius).
        softness: Width of its edge, pixels.
        spin: Turn from the first frame to the last, radians.
    """

    texture: Point
    centre: Point
    track: Track
    radius: float
    outline: tuple[tuple[int, float, float], ...] = ()
    softness: float = 1.0
    spin: float = 0.0

    def places(self, times: Floats) -> Floats:
        """N×2 places of the centre in the view, pixels."""
        return np.asarray(self.track.at(times) + np.asarray(self.centre))

    def patch(self, pixels: Pixels, times: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
        """Coverage N×p×p and colour N×3×p×p, and the patches' top left pixels N×2 (x, y)."""
        xs, ys, corners = patch_grid(self.places(times), self.radius)
        x, y = np.broadcast_arrays(xs[:, None, :], ys[:, :, None])
        angle = (self.spin * times)[:, None, None]
        cos, sin = np.cos(angle), np.sin(angle)
        x, y = cos * x + sin * y, cos * y - sin * x  # turned back: fixed to the object
        around = np.arctan2(y, x)
        edge = np.full(around.shape, 1.0 - sum(share for *_, share in self.outline))
        for lobes, phase, share in self.outline:
            edge += share * np.cos(lobes * around + phase)
        outer = self.radius - self.softness / 2
        inside = np.clip((outer * edge - np.hypot(x, y)) / self.softness + 0.5, 0, 1)
        coverage = inside * inside * (3 - 2 * inside)
        # Beyond the outline nothing is seen; there the photo's last pixels stand in.
        height, width = pixels.shape[:2]
        rows = np.clip(self.texture[1] + y, 0, height - 1)
        columns = np.clip(self.texture[0] + x, 0, width - 1)
        return coverage, np.moveaxis(sample(pixels, rows, columns), 0, 1), corners


def draw_cutout(
    pixels: Pixels,
    behind: Floats,
    *,
    radius: float,
    motion: tuple[float, float],
    rotation: float,
    rng: np.random.Generator,
) -> Cutout:
    """Draw an object that stands out from what is behind it.

    Args:
        pixels: The photograph it is cut from, at least 2 * radius + 2 on both sides.
        behind: 3×S×S, what the view shows at t = 0.
        radius: Pixels.
        motion: Least and largest path in the view, pixels.
        rotation: Largest turn, degrees.
        rng: Decides the rest. Of a dozen places in the photograph the one is taken that
            differs enough from what is behind the object and has enough texture of its own.
    """
    size = behind.shape[-1]
    track = Track.draw(motion, rng)
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
    spin = math.radians(rng.uniform(-rotation, rotation))
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
    return Cutout(texture, (x, y), track, radius, outline, softness, spin)


def _mean(view: Floats, x: float, y: float, reach: int) -> Floats:
    rows = slice(max(0, int(y) - reach), int(y) + reach + 1)
    columns = slice(max(0, int(x) - reach), int(x) + reach + 1)
    return np.asarray(view[:, rows, columns].mean(axis=(1, 2)))
