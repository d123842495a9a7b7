"""Whether two images show the same scene, though scaled, compressed or cropped a little.

A hash finds candidates among all frames at once; detail compared after an affine map decides.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft

from deblurkit.doctor.motion import Gray, affine_match

Hash = npt.NDArray[np.int8]
"""63 values of -1 or 1."""

SIDE = 96
"""Pixels of a side of the images that are compared after the hash."""

NEAR = 18
"""Hashes of the same scene differ in at most so many of 63 places: 0 to 6 after scaling, JPEG and
changes of exposure, 6 to 16 where 5 % are cropped. Of other scenes 0.2 % of all pairs are as
near, so it is no proof."""

SAME = 0.7
"""Detail of one scene agrees at least so well after an affine map: 0.86 and above for the changes
named above, all of them at once; photographs and videos of other scenes reach 0.2."""

_FLAT = 6.0  # grey levels of standard deviation below which an image tells nothing
_SIZE, _KEPT = 32, 8


def perceptual_hash(small: Gray) -> Hash | None:
    """The signs of the lowest frequencies about their median (pHash; Zauner, 2010).

    Args:
        small: Gray image of any size.

    Returns:
        63 signs; None for an image with hardly any contrast.
    """
    if float(small.std()) < _FLAT:
        return None
    square = np.asarray(Image.fromarray(small).resize((_SIZE, _SIZE), Image.Resampling.BOX))
    low = fft.dctn(square, norm="ortho")[:_KEPT, :_KEPT].ravel()[1:]
    return np.where(low > np.median(low), 1, -1).astype(np.int8)


def places_apart(
    first: npt.NDArray[np.int8], second: npt.NDArray[np.int8]
) -> npt.NDArray[np.float32]:
    """In how many places hashes differ: m×63 and n×63 give m×n."""
    agree = first.astype(np.float32) @ second.astype(np.float32).T
    return ((63 - agree) / 2).astype(np.float32)


def likeness(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> float:
    """How well the detail of two images agrees after the affine map that fits best, in [-1, 1].

    Args:
        first: H×W×3.
        second: Of any size.
    """
    return affine_match(_square(first), _square(second))


def _square(image: npt.NDArray[np.uint8]) -> Gray:
    gray = Image.fromarray(image).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(gray, np.float32)
