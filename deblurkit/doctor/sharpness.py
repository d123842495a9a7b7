"""Frames that are blurry although they stand for sharp ones.

A frame is compared with its neighbours, tile by tile and direction by direction: the share of fine
detail in coarse detail, which blur lowers. What is filmed, its texture and its light, are the same
in the neighbours, so a sky between branches is no blur.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage
from skimage.measure import blur_effect

_ROWS, _COLUMNS, _LEAST = 6, 8, 16
"""Tiles at most, down and across, and the pixels that the side of each has at least."""

_COARSE = 4
"""Detail of pixels this many times as large is coarse."""

_ANGLES = np.arange(8) * np.pi / 8

WEAK = 0.6
"""A frame is blurry where this share of its neighbours' fine detail is left, along the direction
that has least. Sharp frames keep 0.74 and more as they move by parts of a pixel, in made and in
real footage; a blur of 5 pixels, or the mean of 5 frames of a pan, leaves 0.3 to 0.5."""

_WEAK_SMALL = 0.45  # the same in the limit of no tile; of small images few have texture

_BELOW = 0.7
"""And this share of what half of its neighbours keep: where all differ, none is told."""

DIRECTED = 1.3
"""Blur has a direction where across it this many times as much is left as along it. It is said, not
asked for: the mean of frames of a hand-held camera has 1.1 to 1.3, as lack of focus has."""

_AROUND = 6
"""Frames before and after that a frame is compared with: a pan has not left the tile."""

_USUAL = 15
"""Frames before and after that say how much sharpness usually differs."""

_TEXTURED = 4.0  # grey levels squared of coarse detail that a tile must have
_FEW_TILES = 0.1  # share of tiles with texture that a frame must have
_TALL = 480  # rows from which every other one is measured
_LEAST_FRAMES = 5  # to compare
_TOGETHER = 4000  # frames that are compared at once, so that memory stays small

SOFT = 0.66
"""Of a recording's median `blur_effect`: above, all its frames are clearly blurred. Sharp
photographs have 0.2 to 0.45, video 0.3 to 0.55, photographs blurred by camera shake 0.65 to
0.85."""

Detail = npt.NDArray[np.float32]
"""tiles×2×3: fine and coarse detail as gradient tensors (down², right², down·right)."""


def detail(image: npt.NDArray[np.uint8]) -> Detail:
    """Fine and coarse detail of an image's tiles.

    Args:
        image: H×W×3.

    Returns:
        tiles×2×3, grey levels squared, the noise's share taken off.
    """
    gray = Image.fromarray(image).convert("L")
    width, height = (side // _COARSE for side in gray.size)
    if min(height, width) < 2:
        return np.zeros((1, 2, 3), np.float32)
    whole = gray.crop((0, 0, width * _COARSE, height * _COARSE)).convert("F")
    cut, coarse = (np.asarray(part, np.float32) for part in (whole, whole.reduce(_COARSE)))
    grid = tuple(
        max(1, min(most, side // _LEAST))
        for most, side in ((_ROWS, cut.shape[0]), (_COLUMNS, cut.shape[1]))
    )
    fine = _tensors(cut, grid)
    # Noise adds the same to both squares; where it is not known exactly, less is better.
    noise = float(np.quantile(_noise(cut, grid), 0.2))
    fine[:, :2] = np.maximum(fine[:, :2] - noise, 0)
    return np.stack([fine, _tensors(coarse, grid)], 1).astype(np.float32)


def softness(image: npt.NDArray[np.uint8]) -> float:
    """How blurred an image is by itself: 0 sharp, 1 nothing but blur.

    Crété, Dolmiere, Ladret and Nicolas, 2007 (`skimage.measure.blur_effect`), of the direction that
    is more blurred. Images without detail are 0: nothing can be said.

    Args:
        image: H×W×3.
    """
    gray = np.asarray(Image.fromarray(image).convert("L"), np.float32)
    smooth = ndimage.gaussian_filter(gray, 0.8)  # noise would pass for detail
    if float(smooth.std()) < 4 or min(gray.shape) < 16:
        return 0.0
    measure: Any = blur_effect  # has no types
    found = measure(smooth / 255, h_size=11, channel_axis=None, reduce_func=None)
    return float(np.max(found))


@dataclass(frozen=True)
class Blurry:
    """A frame that is blurrier than its neighbours.

    Attributes:
        frame: Counted from 0.
        left: Share of its neighbours' fine detail that is left, along the blur.
        across: The same across it.
        angle: Of the blur, degrees counter-clockwise from the right, in [0, 180).
    """

    frame: int
    left: float
    across: float
    angle: float

    @property
    def directed(self) -> bool:
        """Whether it is blurred along one direction."""
        return self.across > DIRECTED * self.left


def blurry_frames(details: Sequence[Detail | None], cuts: Sequence[int] = ()) -> tuple[Blurry, ...]:
    """Frames that are blurrier than others around them.

    Args:
        details: Of each frame in order; None where a frame cannot be read. Those of another size
            than most are passed over.
        cuts: Frames, counted from 0, with which something else begins.
    """
    found = []
    shapes = Counter(len(d) for d in details if d is not None)
    usual = shapes.most_common(1)[0][0] if shapes else 0
    details = [d if d is not None and len(d) == usual else None for d in details]
    bounds = sorted({0, *cuts, *range(0, len(details), _TOGETHER), len(details)})
    for first, end in pairwise(bounds):
        known = [k for k in range(first, end) if details[k] is not None]
        if len(known) >= _LEAST_FRAMES:
            stack = np.stack([d for d in details[first:end] if d is not None])
            found += _blurry(known, stack)
    return tuple(found)


def _blurry(known: Sequence[int], stack: Detail) -> list[Blurry]:
    along = _along(stack)  # n×tiles×2×angles
    share = along[:, :, 0] / (along[:, :, 1] + 1e-3)
    texture = stack[:, :, 1, :2].sum(-1)
    left, at = np.ones((len(known), len(_ANGLES))), np.array(known)
    for place, k in enumerate(known):
        others = np.flatnonzero((abs(at - k) <= _AROUND) & (at != k))
        if len(others) >= _LEAST_FRAMES - 1:
            left[place] = _left(share[place], share[others], texture[place])
    found = []
    weak = _WEAK_SMALL + (WEAK - _WEAK_SMALL) * share.shape[1] / (_ROWS * _COLUMNS)
    for place, k in enumerate(known):
        weakest = int(left[place].argmin())
        least = float(left[place, weakest])
        usual = left[(abs(at - k) <= _USUAL) & (at != k)].min(1)
        if least < min(weak, _BELOW * float(np.median(usual))):
            across = left[place, (weakest + len(_ANGLES) // 2) % len(_ANGLES)]
            # Angles of gradients are counted downwards.
            angle = float(np.degrees(np.pi - _ANGLES[weakest]) % 180)
            found.append(Blurry(k, least, float(across), angle))
    return found


def _left(
    share: npt.NDArray[np.float32],
    others: npt.NDArray[np.float32],
    texture: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """What is left of fine detail along each angle: medians of the tiles that have texture."""
    weight = np.where(texture > _TEXTURED, np.sqrt(texture), 0)
    if np.count_nonzero(weight) < _FEW_TILES * len(weight):
        return np.ones(len(_ANGLES), np.float32)
    # Not the median: some of the neighbours may be blurry, too.
    kept = share / np.maximum(np.quantile(others, 0.7, axis=0), 1e-6)
    return np.array([_median(kept[:, angle], weight) for angle in range(len(_ANGLES))], np.float32)


def _median(values: npt.NDArray[np.floating], weight: npt.NDArray[np.floating]) -> float:
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def _along(tensors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Detail along each angle: ...×3 to ...×angles."""
    c, s = np.cos(_ANGLES), np.sin(_ANGLES)
    basis = np.stack([s * s, c * c, 2 * s * c]).astype(np.float32)
    found: npt.NDArray[np.float32] = np.maximum(tensors @ basis, 0)
    return found


def _tensors(gray: npt.NDArray[np.float32], grid: tuple[int, ...]) -> npt.NDArray[np.float32]:
    every = 2 if len(gray) >= _TALL else 1  # of the rows: enough, and half the time
    above, below = gray[:-1:every], gray[1::every]
    down = below[:, :-1] - above[:, :-1]
    right = above[:, 1:] - above[:, :-1]
    return np.stack([_means(part, grid) for part in (down * down, right * right, down * right)], -1)


def _noise(gray: npt.NDArray[np.float32], grid: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """Of each tile, twice the variance of its noise: what noise adds to a squared difference."""
    # Immerkær, 1996: a filter that straight edges and slopes do not pass.
    across = gray[:, 2:] - 2 * gray[:, 1:-1] + gray[:, :-2]
    passed = np.abs(across[2:] - 2 * across[1:-1] + across[:-2])
    found: npt.NDArray[np.float32] = np.pi / 36 * _means(passed, grid) ** 2
    return found


def _means(values: npt.NDArray[np.float32], grid: tuple[int, ...]) -> npt.NDArray[np.float32]:
    edges = [np.linspace(0, n, k + 1).astype(int) for n, k in zip(values.shape, grid, strict=True)]
    sums = np.add.reduceat(np.add.reduceat(values, edges[0][:-1], 0), edges[1][:-1], 1)
    means = sums / np.outer(*(np.diff(edge) for edge in edges))
    return means.ravel().astype(np.float32)
