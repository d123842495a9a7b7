"""Structural similarity as a frame score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.frame_scores import ssim

Image = npt.NDArray[np.floating]


def frame_ssim() -> Callable[[Image, Image], float]:
    """Give the score: SSIM of an estimated and a true frame, H×W×3 in [0, 1], at least 11×11."""
    return ssim
