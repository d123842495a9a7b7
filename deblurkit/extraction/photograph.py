"""What people hand over, as a photograph: a path, an array, a Pillow image."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from deblurkit.errors import DataError
from deblurkit.inference.rows import Rows
from deblurkit.media.photo import Photo, Pixels, by_rows, photo_of, read_photo

LEAST_SIDE = 16
"""Pixels; smaller pictures have nothing in them that could be told from blur."""

PhotoLike = str | os.PathLike[str] | Photo | Image.Image | Any
"""A path, a `Photo`, a Pillow image, or an H×W×3 or H×W array of uint8, uint16 or floats."""


def as_photo(image: PhotoLike) -> Photo:
    """Read or wrap a photograph.

    Args:
        image: See `PhotoLike`; floats in [0, 1].

    Raises:
        DataError: it cannot be read, is no such array, or a side is below 16 pixels.
    """
    if isinstance(image, Photo):
        photo, where = image, None
    elif isinstance(image, str | os.PathLike):
        photo, where = read_photo(Path(image)), os.fspath(image)
    elif isinstance(image, Image.Image):
        photo, where = photo_of(image, Path("the image")), None
    else:
        photo, where = Photo(_pixels(np.asarray(image))), None
    height, width = photo.size
    if min(height, width) < LEAST_SIDE:
        raise DataError(
            f"the image has {width}×{height} pixels",
            where=where,
            valid=f"{LEAST_SIDE} pixels and more on each side",
        )
    return photo


def _pixels(array: Any) -> Any:
    if array.dtype == object or array.ndim == 0:
        raise DataError(
            f"{array.dtype} is no image",
            valid="a path (text or Path), an array H×W×3 or H×W, or a Pillow image",
        )
    if array.ndim == 2:
        array = np.repeat(array[..., None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3 or array.size == 0:
        raise DataError(
            f"an array of shape {array.shape} is no image",
            valid="H×W×3, or H×W for gray",
            hint="lay transparent pixels on a colour first"
            if array.ndim == 3 and array.shape[2] == 4
            else None,
        )
    if array.dtype in (np.uint8, np.uint16):
        return np.ascontiguousarray(array)
    if not np.issubdtype(array.dtype, np.floating):
        raise DataError(
            f"an array of {array.dtype} is no image", valid="uint8, uint16, or floats in [0, 1]"
        )
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):  # also refuses not-a-number
        raise DataError(
            f"the array's values run from {low!r} to {high!r}",
            valid="floats in [0, 1]",
            hint="divide 8-bit values by 255" if high > 2 else "clip them, if that is meant",
        )
    return by_rows(array, np.uint16, lambda part: np.rint(part.astype(np.float64) * 65535))


class PhotoRows(Rows):
    """A photograph for networks: 3×H×W float32 in [0, 1], made from its pixels when read."""

    def __init__(self, photo: Photo) -> None:
        self._pixels = photo.pixels
        self._white = float(np.iinfo(photo.pixels.dtype).max)
        self.channels, (self.height, self.width) = 3, photo.size

    def rows(self, start: int, stop: int) -> Tensor:
        part = self._pixels[start:stop].astype(np.float32)
        part /= self._white
        return torch.from_numpy(part).permute(2, 0, 1)[None]


class Gray(Rows):
    """A frame of a gray photograph: the mean of its three colours in all of them."""

    def __init__(self, frame: Rows) -> None:
        self.sources = (frame,)
        self.channels, self.height, self.width = 3, frame.height, frame.width

    def rows(self, start: int, stop: int) -> Tensor:
        seen = self.sources[0].rows(start, stop).float()
        return seen.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)


def is_gray(pixels: Pixels) -> bool:
    """Whether red, green and blue are the same everywhere."""
    step = max(1, (1 << 20) // pixels.shape[1])
    parts = (pixels[start : start + step] for start in range(0, len(pixels), step))
    return all(
        bool((p[..., 0] == p[..., 1]).all() and (p[..., 1] == p[..., 2]).all()) for p in parts
    )
