"""Drawing shapes at random: where they go, their outlines, colours and textures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from deblurkit_standard.rendering.shapes import Colour, Floats, Point, Wave, polygon_sides

Kind = Literal["disc", "box", "polygon"]

_INSIDE = 0.7  # how far centres stay from the edges where there is room, in radii
_CHOICES = 16  # colours to choose from
_FINEST = 5.0  # shortest wavelength of a texture, pixels: well above the 2 that pixels can hold
_T_END = 0.75  # latest t that any frame shows: three frames, shutter never closed
_GAP = 3.0  # least distance between shapes that are to be apart, pixels


class Place(NamedTuple):
    """Where a shape goes: its centre at t = 0, its path and its radius, pixels."""

    centre: Point
    path: Point
    radius: float


def polar(length: float, angle: float) -> Point:
    """The vector of a length in a direction."""
    return length * math.cos(angle), length * math.sin(angle)


def draw_place(
    motion: tuple[float, float],
    radius: tuple[float, float],
    size: int,
    rng: np.random.Generator,
) -> Place:
    """Any direction; both ends of the path well inside the view where there is room."""
    reach = float(rng.uniform(*radius))
    path = polar(float(rng.uniform(*motion)), rng.uniform(0, 2 * math.pi))
    middle = (size - 1) / 2
    room = [max(0.0, middle - abs(part) / 2 - _INSIDE * reach) for part in path]
    x, y = (middle + float(rng.uniform(-half, half)) for half in room)
    return Place((x, y), path, reach)


def apart(one: Place, other: Place) -> bool:
    """Whether the areas that two shapes sweep are apart."""
    along = np.linspace(-_T_END, _T_END, 65)[:, None]
    here, there = (np.asarray(p.centre) + along * np.asarray(p.path) for p in (one, other))
    nearest = np.linalg.norm(here[:, None] - there[None], axis=-1).min()
    return bool(nearest > one.radius + other.radius + _GAP)


def behind(still: Floats, place: Place) -> Floats:
    """Mean colour of a 3×S×S background around a path."""
    parts = []
    for c, p in zip(reversed(place.centre), reversed(place.path), strict=True):
        reach = abs(p) / 2 + place.radius
        parts.append(slice(max(0, int(c - reach)), max(1, int(c + reach + 1))))
    return np.asarray(still[:, parts[0], parts[1]].mean(axis=(1, 2)))


def draw_colour(
    others: Sequence[npt.ArrayLike], contrast: float, rng: np.random.Generator
) -> Colour:
    """The first of some colours that is `contrast` away from all others, or else the furthest."""
    choices = rng.uniform(0.05, 0.95, (_CHOICES, 3))
    distance = np.linalg.norm(choices[:, None] - np.asarray(others), axis=2).min(axis=1)
    enough = np.flatnonzero(distance >= contrast)
    r, g, b = choices[enough[0] if len(enough) else int(np.argmax(distance))].tolist()
    return r, g, b


def draw_outline(
    kind: Kind, radius: float, rng: np.random.Generator
) -> tuple[tuple[float, float, float], ...]:
    """Sides of a rectangle, or of a convex polygon of 3 to 6; none for a disc.

    Every kind takes the same number of draws, so that objects of one scene can be compared.
    """
    turn, half = rng.uniform(0, 2 * math.pi), rng.uniform(math.pi / 6, math.pi / 3)
    corners = int(rng.integers(3, 7))
    jitter = rng.uniform(-0.2, 0.2, 6)[:corners]
    if kind == "disc":
        return ()
    if kind == "box":
        return polygon_sides(
            [turn + a for a in (-half, half, math.pi - half, math.pi + half)], radius
        )
    angles = turn + 2 * math.pi * (np.arange(corners) + jitter) / corners
    return polygon_sides(angles.tolist(), radius)


def draw_texture(contrast: float, radius: float, rng: np.random.Generator) -> tuple[Wave, ...]:
    """A gradient, two patterns and a fine grain, mostly of brightness.

    Args:
        contrast: Largest peak to valley, of 1; 0 for a plain colour.
        radius: Of the shape, pixels.
        rng: Decides wavelengths, directions, phases and tints.
    """
    if not contrast:
        return ()
    waves = []
    for share, low, high in ((0.3, 3.0, 5.0), (0.3, 0.8, 1.6), (0.25, 0.5, 1.0), (0.15, 0, 0)):
        length = max(_FINEST * rng.uniform(1.0, 1.5), radius * rng.uniform(low, high))
        r, g, b = (0.5 * contrast * share * (1 - 0.5 * rng.uniform(size=3))).tolist()
        k = polar(2 * math.pi / length, rng.uniform(0, 2 * math.pi))
        waves.append(Wave(k, float(rng.uniform(0, 2 * math.pi)), (r, g, b)))
    return tuple(waves)
