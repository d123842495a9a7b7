"""Peak signal-to-noise ratio as a frame score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.frame_scores import psnr

Image = npt.NDArray[np.floating]


def frame_psnr() -> Callable[[Image, Image], float]:
    """Give the score: PSNR in dB of an estimated and a true frame, H×W×3 in [0, 1], peak 1."""
    return psnr
