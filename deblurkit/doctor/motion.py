"""How far things move from one frame to the next, and whether two images show the same.

Small gray images, dense flow by scikit-image's iterative Lucas-Kanade (Le Besnerais and Champagnat,
ICIP 2005), averaged over blocks: robust to noise, and a small object before a still camera keeps
blocks of its own. Exposure is matched first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage
from skimage.registration import optical_flow_ilk, phase_cross_correlation

Gray = npt.NDArray[np.float32]
"""H×W, values in [0, 255]."""

LONG_SIDE = 192
"""Pixels of the longer side of small images; smaller images stay as they are."""

_ROWS, _COLUMNS = 6, 8
BLOCKS = _ROWS * _COLUMNS
"""Blocks of an image."""

_RADIUS = 7  # of the window in which flow is constant, pixels
_POOR = 0.8  # match below which a second attempt is made, from the shift of the whole image
_TEXTURE = 2.0  # grey levels of gradient below which a pixel says little about motion


@dataclass(frozen=True)
class Step:
    """What happens between two images.

    Attributes:
        flow: BLOCKS×2, down and right, pixels of the small image.
        weight: BLOCKS, in [0, 1): how much texture there is to see motion by.
        match: How well the first, moved, agrees with the second: correlation of their detail, in
            [-1, 1]; 1: exactly.
        change: Mean absolute difference without compensation, grey levels.
        speed: Of what moves, pixels of the small image: the mean length of all pixels' motion,
            weighted by its square, so that a still ground does not count, however large.
    """

    flow: npt.NDArray[np.float32]
    weight: npt.NDArray[np.float32]
    match: float
    change: float
    speed: float


def small(image: npt.NDArray[np.uint8]) -> Gray:
    """The gray image (ITU-R BT.601) with a longer side of `LONG_SIDE`, by area.

    Args:
        image: H×W×3.
    """
    gray = Image.fromarray(image).convert("L")
    scale = LONG_SIDE / max(gray.size)
    if scale < 1:
        width, height = (max(16, round(side * scale)) for side in gray.size)
        gray = gray.resize((width, height), Image.Resampling.BOX)
    return np.asarray(gray, np.float32)


def step(first: Gray, second: Gray) -> Step:
    """What happens between two small images of one size."""
    change = float(np.abs(first - second).mean())
    if change == 0:
        return Step(np.zeros((BLOCKS, 2), np.float32), _texture(second), 1.0, 0.0, 0.0)
    first = _exposed_as(first, second)
    field = _flow(second, first, None)
    match = _match(second, first, field)
    if match < _POOR:  # too far for Lucas-Kanade, perhaps
        again = _flow(second, first, _shift(second, first))
        better = _match(second, first, again)
        if better > match:
            field, match = again, better
    squared = (field**2).sum(0)
    speed = float((squared**1.5).sum() / max(float(squared.sum()), 1e-9))
    return Step(-_blocks(field), _texture(second), match, change, speed)


def affine_match(first: Gray, second: Gray) -> float:
    """How well one image agrees with another after shift, zoom, turn and shear, in [-1, 1].

    Args:
        first: H×W.
        second: In the same shape.
    """
    first = _exposed_as(first, second)
    best = -1.0
    for start in (None, _shift(second, first)):
        field = _flow(second, first, start)
        best = max(best, _match(second, first, _affine(field, second)))
    return best


def _exposed_as(first: Gray, second: Gray) -> Gray:
    """The first with mean and contrast of the second."""
    gain = float(second.std()) / max(float(first.std()), 1.0)
    gain = float(np.clip(gain, 0.5, 2.0))
    exposed: Gray = ((first - first.mean()) * gain + second.mean()).astype(np.float32)
    return exposed


def _flow(reference: Gray, moving: Gray, start: tuple[int, int] | None) -> npt.NDArray[np.float32]:
    """2×H×W: reference(p) is found in `moving` at p + flow(p)."""
    moved = moving if start is None else np.roll(moving, (-start[0], -start[1]), (0, 1))
    compute: Any = optical_flow_ilk  # has no types
    field: npt.NDArray[np.float32] = compute(
        reference / 255, moved / 255, radius=_RADIUS, num_warp=3, dtype=np.float32
    )
    limit = np.array(reference.shape, np.float32)[:, None, None]
    field = np.clip(np.nan_to_num(field), -limit, limit)
    if start is not None:
        field = field + np.array(start, np.float32)[:, None, None]
    return field


def _shift(reference: Gray, moving: Gray) -> tuple[int, int]:
    """The shift of the whole image, by phase correlation, whole pixels."""
    window = np.outer(np.hanning(reference.shape[0]), np.hanning(reference.shape[1]))
    compute: Any = phase_cross_correlation
    parts = [(image - image.mean()) * window for image in (reference, moving)]
    found = compute(*parts)[0]
    return -round(float(found[0])), -round(float(found[1]))


def _match(reference: Gray, moving: Gray, field: npt.NDArray[np.float32]) -> float:
    grid = _grid(*reference.shape)
    at = grid + field
    warped = ndimage.map_coordinates(moving, at, order=1, mode="nearest")
    height, width = reference.shape
    inside = (at[0] >= 0) & (at[0] <= height - 1) & (at[1] >= 0) & (at[1] <= width - 1)
    if inside.mean() < 0.25:
        return -1.0
    a, b = _detail(reference)[inside], _detail(warped)[inside]
    # As much variance as rounding and faint noise have: two flat images agree.
    floor = 1.0
    covariance = float((a * b).mean() - a.mean() * b.mean())
    scale = np.sqrt((float(a.var()) + floor) * (float(b.var()) + floor))
    return (covariance + floor) / float(scale)


def _detail(image: Gray) -> Gray:
    low: Gray = ndimage.gaussian_filter(image, 4.0, mode="nearest")
    detail: Gray = ndimage.gaussian_filter(image, 0.7, mode="nearest") - low
    return detail


def _affine(field: npt.NDArray[np.float32], image: Gray) -> npt.NDArray[np.float32]:
    """The affine map nearest to a flow, by least squares that leave out what does not fit."""
    height, width = image.shape
    y, x = _grid(height, width)
    basis = np.stack([np.ones_like(x), y / height - 0.5, x / width - 0.5], -1).reshape(-1, 3)
    values = field.reshape(2, -1).T
    down, right = np.gradient(image)
    weight = np.sqrt(down**2 + right**2).ravel() + 1e-3
    for _ in range(4):
        root = np.sqrt(weight)[:, None]
        solved = np.linalg.lstsq(basis * root, values * root, rcond=None)[0]
        error = np.linalg.norm(values - basis @ solved, axis=1)
        weight = weight / (1 + (error / max(float(np.median(error)), 0.1)) ** 2)
    fitted: npt.NDArray[np.float32] = (basis @ solved).T.reshape(field.shape).astype(np.float32)
    return fitted


@lru_cache(maxsize=8)
def _grid(height: int, width: int) -> npt.NDArray[np.float32]:
    return np.indices((height, width)).astype(np.float32)


def _texture(image: Gray) -> npt.NDArray[np.float32]:
    down, right = np.gradient(image)
    energy = _blocks(np.stack([down**2, right**2])).sum(1)
    weight: npt.NDArray[np.float32] = energy / (energy + _TEXTURE**2)
    return weight


def _blocks(field: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Means over blocks: C×H×W to BLOCKS×C."""
    height, width = field.shape[1:]
    rows = np.linspace(0, height, _ROWS + 1).astype(int)[:-1]
    columns = np.linspace(0, width, _COLUMNS + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(field, rows, 1), columns, 2)
    sizes = np.outer(np.diff([*rows, height]), np.diff([*columns, width]))
    means: npt.NDArray[np.float32] = (sums / sizes).reshape(len(field), -1).T.astype(np.float32)
    return means
