"""Scores of one estimated image against the true one. Pure functions of numpy arrays in [0, 1].

Everything is computed in float64: a score must not depend on the precision of a run.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.metrics import structural_similarity

Image = npt.NDArray[np.floating]

WINDOW = 11
"""Side of the window of SSIM, pixels."""


def mse(estimate: Image, target: Image) -> float:
    """Mean squared error: mean((estimate - target)²).

    Args:
        estimate: Floats in [0, 1], any shape.
        target: The truth, in the same shape.

    Raises:
        ValueError: the shapes differ, or the arrays do not hold floats.
    """
    ours, truth = _pair(estimate, target)
    return float(np.mean(np.square(ours - truth)))


def psnr(estimate: Image, target: Image) -> float:
    """Peak signal-to-noise ratio in dB with peak 1: -10 log10(mse); inf where both are equal.

    >>> import numpy as np
    >>> psnr(np.full((8, 8, 3), 0.5), np.full((8, 8, 3), 0.6))
    20.0

    Args:
        estimate: Floats in [0, 1], any shape.
        target: The truth, in the same shape.

    Raises:
        ValueError: the shapes differ, or the arrays do not hold floats.
    """
    return psnr_of_mse(mse(estimate, target))


def psnr_of_mse(error: float) -> float:
    """-10 log10(error): the PSNR in dB of a mean squared error of values with peak 1."""
    return math.inf if error == 0 else -10 * math.log10(error)


def ssim(estimate: Image, target: Image) -> float:
    """Structural similarity, Wang et al., IEEE TIP 2004: 1 for equal images, else less.

    Gaussian window of 11×11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03, data range 1,
    population covariance; the mean over channels and over all places where the window lies
    inside the image.

    Args:
        estimate: H×W×3 (or any number of channels), floats in [0, 1].
        target: The truth, in the same shape.

    Raises:
        ValueError: the shapes differ, are not H×W×C or are smaller than the window, or the
            arrays do not hold floats.
    """
    ours, truth = _pair(estimate, target)
    if ours.ndim != 3:
        raise ValueError(f"SSIM compares images H×W×3, got the shape {ours.shape}")
    if min(ours.shape[:2]) < WINDOW:
        raise ValueError(
            f"an image of {ours.shape[0]}×{ours.shape[1]} pixels is too small for SSIM; "
            f"its window needs at least {WINDOW}×{WINDOW}"
        )
    similarity: Any = structural_similarity  # has no types
    score = similarity(
        ours,
        truth,
        data_range=1.0,
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,  # scikit-image cuts the Gaussian at 3.5 sigma: a window of 11 pixels
        use_sample_covariance=False,
        K1=0.01,
        K2=0.03,
    )
    return float(score)


def _pair(
    estimate: Image, target: Image
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    for array in (estimate, target):
        if not np.issubdtype(array.dtype, np.floating):
            raise ValueError(
                f"scores are of floats in [0, 1], got {array.dtype}; divide 8-bit values by 255"
            )
    if estimate.shape != target.shape:
        raise ValueError(f"the estimate is {estimate.shape}, the true image {target.shape}")
    return estimate.astype(np.float64), target.astype(np.float64)
