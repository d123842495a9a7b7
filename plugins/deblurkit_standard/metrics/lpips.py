"""LPIPS as a frame score."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.lpips_distance import Lpips, Net

Image = npt.NDArray[np.floating]


def frame_lpips(net: Net = "alex") -> Callable[[Image, Image], float]:
    """Give the score: LPIPS of an estimated and a true frame, H×W×3 in [0, 1]; lower is better.

    Raises:
        UnavailableError: the backbone's ImageNet weights are not here and cannot be fetched.
    """
    return Lpips(net).distance
