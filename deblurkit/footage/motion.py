"""How far things move from frame to frame, and whether their mean will look like blur."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import numpy as np
import numpy.typing as npt
from PIL import Image

from deblurkit.errors import DataError
from deblurkit.footage.dataset import FootageDataset

GHOSTS = 2.0
"""Pixels a frame: a mean of frames that move further shows single steps instead of a blur."""

_LONGEST = 256  # side of images whose flow is estimated, pixels
_PLACES = 3  # of a data set, that are looked at

_log = logging.getLogger(__name__)
_warned: WeakSet[FootageDataset] = WeakSet()

Pixels = npt.NDArray[np.uint8]
Flow = npt.NDArray[np.floating[Any]]


def small_flow(first: Pixels, second: Pixels, longest: int) -> Flow:
    """TV-L1 flow, found on images with at most this longest side: h×w×2, (x, y).

    Args:
        first: H×W×3.
        second: In the same shape.
        longest: Pixels.

    Returns:
        For each pixel of the first, made smaller, how far away it is in the second, in pixels of
        the images as they were given.
    """
    from deblurkit.evaluation.flow import tvl1_flow  # brings torchvision

    height, width = first.shape[:2]
    scale = min(1.0, longest / max(height, width))
    size = max(1, round(scale * width)), max(1, round(scale * height))
    small = [np.asarray(_fitted(image, size)) / 255 for image in (first, second)]
    return np.asarray(width / size[0] * tvl1_flow(small[0], small[1]))


def motion_a_frame(image: Pixels, neighbours: Iterable[Pixels]) -> float:
    """What all but the fastest twentieth of the pixels stay below, in pixels.

    Args:
        image: H×W×3.
        neighbours: Frames before or after it, in the same shape; the one farthest away counts.
    """
    flows = [small_flow(image, other, _LONGEST) for other in neighbours]
    lengths = [np.percentile(np.linalg.norm(flow, axis=-1), 95) for flow in flows]
    return float(max(lengths, default=0.0))


def warn_of_ghosts(dataset: FootageDataset) -> None:
    """Warn, once for a dataset, where its clips will average to ghosts instead of blur.

    A few neighbouring frames are looked at. What cannot be read is left to those who read all.
    """
    if dataset.published_blur or dataset in _warned:
        return
    _warned.add(dataset)
    with suppress(DataError):
        found = [(motion_a_frame(two[0], two[1:]), at) for at, two in dataset.samples(_PLACES)]
        most, at = max(found, default=(0.0, ""))
        if most <= GHOSTS:
            return
        scale = max(0.01, math.floor(100 * dataset.downsample * GHOSTS / most) / 100)
        times = math.ceil(most / GHOSTS * dataset.interpolate)
        _log.warning(
            "things move %.1f pixels from one frame to the next (%s): frames more than %g apart "
            "average to single steps, ghosts, not to blur; scale down (data.train.downsample=%g), "
            "choose slower footage%s",
            most, at, GHOSTS, scale,
            "" if dataset.recordings[0].window
            else f", or put frames between (data.train.interpolate={times})",
        )  # fmt: skip


def _fitted(image: Pixels, size: tuple[int, int]) -> Image.Image:
    whole = Image.fromarray(image)
    return whole if whole.size == size else whole.resize(size, Image.Resampling.LANCZOS)
