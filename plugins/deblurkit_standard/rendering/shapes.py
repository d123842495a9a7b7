"""Textured shapes in straight, uniform motion, rendered analytically.

Coordinates are pixels, x to the right and y down; the centre of the top left pixel is (0, 0).
Time t runs from -1/2, the instant of the first frame, to +1/2, that of the last. A shape is
where its formula says at any t, so frames are exact: nothing is resampled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from deblurkit_standard.rendering.compositing import lay_over, patch_grid

Floats = npt.NDArray[np.float64]
Point = tuple[float, float]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Wave:
    """One plane wave of a texture: amplitude * cos(k . u + phase), u from the shape's centre.

    Attributes:
        k: Wave vector, radians a pixel.
        phase: Radians.
        amplitude: For each colour, of 1.
    """

    k: Point
    phase: float
    amplitude: Colour


@dataclass(frozen=True)
class Shape:
    """A disc, or a convex polygon inscribed in one, that moves and may turn.

    Attributes:
        centre: Where the centre is at t = 0, the middle of the path.
        path: Displacement from the first frame to the last, pixels.
        radius: Of the disc, or of the circle through the polygon's corners, pixels.
        colour: Mean colour, values in [0, 1].
        sides: Half-planes (nx, ny, d) whose intersection n . u <= d is the polygon at t = 0;
            none for a disc.
        waves: The texture, fixed to the shape.
        spin: Turn from the first frame to the last, radians.
    """

    centre: Point
    path: Point
    radius: float
    colour: Colour
    sides: tuple[tuple[float, float, float], ...] = ()
    waves: tuple[Wave, ...] = ()
    spin: float = 0.0

    def reversed(self) -> Shape:
        """The same shape with its motion run backwards: it leaves the same blur."""
        return replace(self, path=(-self.path[0], -self.path[1]), spin=-self.spin)

    def travel(self) -> float:
        """Upper bound of the distance any point of it goes, first frame to last, pixels."""
        return math.hypot(*self.path) + self.radius * abs(self.spin)


class Background(Protocol):
    """What is behind the shapes."""

    @property
    def corner(self) -> Point:
        """Place of the view's top left pixel at t = 0, pixels."""

    @property
    def path(self) -> Point:
        """Displacement of the background from the first frame to the last, pixels."""

    def at(self, times: Floats, size: int) -> Floats:
        """The background at N instants: N×3×size×size values in [0, 1].

        N may be 1 on return where the background does not move.
        """


@dataclass(frozen=True)
class Plain:
    """A background of one colour."""

    colour: Colour
    corner: Point = (0.0, 0.0)
    path: Point = (0.0, 0.0)

    def at(self, times: Floats, size: int) -> Floats:
        """1×3×size×size: it does not change over time."""
        return np.broadcast_to(np.reshape(self.colour, (1, 3, 1, 1)), (1, 3, size, size))


def polygon_sides(angles: Sequence[float], radius: float) -> tuple[tuple[float, float, float], ...]:
    """Half-planes of the polygon with corners on a circle.

    Args:
        angles: Of the corners, radians, rising, each less than pi beyond the one before.
        radius: Of the circle, pixels.
    """
    sides = []
    for here, there in zip(angles, [*angles[1:], angles[0] + 2 * math.pi], strict=True):
        between, half = (here + there) / 2, (there - here) / 2
        sides.append((math.cos(between), math.sin(between), radius * math.cos(half)))
    return tuple(sides)


def plane_waves(
    waves: Sequence[tuple[Floats, Floats, Floats]], xs: Floats, ys: Floats, amplitude: Floats
) -> Floats:
    """Sum of plane waves on grids, by one matrix product: a plane wave is separable.

    Args:
        waves: For each wave (kx, ky, phase), each of shape N: one value an instant.
        xs: N×w columns, pixels.
        ys: N×h rows, pixels.
        amplitude: J×3, one row a wave.

    Returns:
        N×3×h×w.
    """
    kx, ky, phase = (np.stack(part, axis=1)[:, :, None] for part in zip(*waves, strict=True))
    across = np.exp(1j * (kx * xs[:, None, :] + phase))  # N×J×w
    down = np.exp(1j * ky * ys[:, None, :])  # N×J×h
    weighted = down[:, None] * amplitude.T[None, :, :, None]  # N×3×J×h
    left = np.concatenate([weighted.real, -weighted.imag], axis=2)
    right = np.concatenate([across.real, across.imag], axis=1)
    return np.asarray(np.swapaxes(left, 2, 3) @ right[:, None], dtype=np.float64)


def half_plane_share(depth: Floats, nx: Floats, ny: Floats) -> Floats:
    """The exact share of a pixel that lies in a half-plane.

    A pixel is a square, so along the normal its area is spread as two boxes of widths |nx| and
    |ny|, one smoothing the other. Ramps of any other form would let an edge seem to move
    unevenly between the pixels.

    Args:
        depth: N×h×w distances of the pixels' centres from the border, inside positive, pixels.
        nx: Part of the normal along x, with ny a vector of length 1; any shape that fits.
        ny: Part of the normal along y.

    Returns:
        N×h×w in [0, 1].
    """
    nx, ny = np.maximum(np.abs(nx), 1e-4), np.maximum(np.abs(ny), 1e-4)
    depth = np.clip(depth, -1, 1)  # beyond, a pixel is wholly in or out
    outer, inner = (nx + ny) / 2, (nx - ny) / 2
    share = np.zeros_like(depth)
    for start, sign in ((-outer, 1), (-inner, -1), (inner, -1), (outer, 1)):
        ramp = np.maximum(depth - start, 0)
        share += sign * ramp * ramp
    return np.asarray(np.minimum(share / (2 * nx * ny), 1))


def _patch(shape: Shape, times: Floats) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Coverage N×p×p and colour N×3×p×p around a shape, and the top left pixels N×2 (x, y)."""
    centres = np.asarray(shape.centre) + times[:, None] * np.asarray(shape.path)
    xs, ys, corners = patch_grid(centres, shape.radius)
    cos, sin = np.cos(shape.spin * times), np.sin(shape.spin * times)
    # At a corner, where two sides meet, the product of two shares is nearly the share of both.
    if shape.sides:
        coverage = np.ones((*xs.shape, xs.shape[1]))
        for nx, ny, d in shape.sides:
            turned_x = (cos * nx - sin * ny)[:, None, None]
            turned_y = (sin * nx + cos * ny)[:, None, None]
            depth = d - turned_x * xs[:, None, :] - turned_y * ys[:, :, None]
            coverage *= half_plane_share(depth, turned_x, turned_y)
    else:
        distance = np.maximum(np.hypot(xs[:, None, :], ys[:, :, None]), 1e-9)
        normal_x, normal_y = xs[:, None, :] / distance, ys[:, :, None] / distance
        coverage = half_plane_share(shape.radius - distance, normal_x, normal_y)
    colour = np.reshape(shape.colour, (1, 3, 1, 1))
    if shape.waves:
        turned = [
            (cos * kx - sin * ky, sin * kx + cos * ky, np.full(len(times), wave.phase))
            for wave in shape.waves
            for kx, ky in [wave.k]
        ]
        amplitude = np.asarray([wave.amplitude for wave in shape.waves])
        colour = np.clip(colour + plane_waves(turned, xs, ys, amplitude), 0, 1)
    return coverage, np.broadcast_to(colour, (len(times), 3, *coverage.shape[1:])), corners


def render(
    shapes: Sequence[Shape], background: Background, times: npt.ArrayLike, size: int
) -> Floats:
    """Draw shapes over a background; a later shape hides the earlier ones.

    Args:
        shapes: What moves, from the back to the front.
        background: What is behind them.
        times: Instants t, T of them; or T×K, then each frame is the mean of its K instants.
        size: Side of the frames, pixels.

    Returns:
        T×size×size×3 in [0, 1], float64.
    """
    grid = np.asarray(times, dtype=np.float64)
    grid = grid[:, None] if grid.ndim == 1 else grid
    instants = grid.reshape(-1)
    behind = background.at(instants, size)
    canvas = np.array(np.broadcast_to(behind, (len(instants), *behind.shape[1:])))
    for shape in shapes:
        lay_over(canvas, *_patch(shape, instants))
    frames = canvas.reshape(*grid.shape, 3, size, size).mean(axis=1)
    return np.ascontiguousarray(np.moveaxis(frames, 1, -1))
