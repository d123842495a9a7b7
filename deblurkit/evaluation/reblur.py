"""Does a sequence explain the blurry image it was made from? Re-blurring, eq. (1) again.

A sequence and the same sequence backwards blur to the same image, so these scores need no
direction. They say nothing about motion either: the blurry image repeated T times explains
itself perfectly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.frame_scores import psnr
from deblurkit.evaluation.measures import Measure
from deblurkit.formation import Response, form

Sequence = npt.NDArray[np.floating[Any]]
Image = npt.NDArray[np.floating[Any]]


def reblur_settings(response: Response = "identity", gamma: float = 2.2) -> Mapping[str, Any]:
    """How sequences are re-blurred, as score sheets say it: the exponent only where it counts."""
    said = list(response) if isinstance(response, tuple) else response
    return {"response": said} | ({"gamma": gamma} if response == "gamma" else {})


def reblur(frames: Sequence, response: Response = "identity", gamma: float = 2.2) -> Image:
    """The blurry image of a sequence, g(mean_t g⁻¹(frames[t])): no noise, no quantisation.

    Args:
        frames: T×H×W×3 floats in [0, 1], T odd.
        response: The camera response g, a name or a table; see `formation.response`.
        gamma: The exponent where the response is gamma.

    Returns:
        H×W×3 in [0, 1], float64.

    Raises:
        FrameError: T is even.
        TypeError: the array holds no floats.
        ValueError: not T×H×W×C, an unknown response, or a gamma that is not above 0.
    """
    if frames.ndim != 4:
        raise ValueError(f"expected a sequence T×H×W×3, got {frames.shape}")
    if np.issubdtype(frames.dtype, np.floating):  # `form` says what is wrong with other types
        frames = frames.astype(np.float64)
    return form(frames, response=response, gamma=gamma, bits=0)


def reblur_error(
    estimate: Sequence, blurry: Image, response: Response = "identity", gamma: float = 2.2
) -> Measure:
    """Squared error of the re-blurred estimate against the given blurry image.

    For a column of scale `psnr`: total = Σ (reblur(estimate) - blurry)², weight = the number of
    values, H·W·3. A blurry image with noise, or rounded to 8 bits, leaves even the truth an
    error: about 59 dB for the rounding.

    Args:
        estimate: T×H×W×3 floats in [0, 1], in any direction; T odd.
        blurry: The image the estimate was made from, H×W×3 floats in [0, 1].
        response: The camera response that the blurry image was formed with.
        gamma: The exponent where the response is gamma.

    Raises:
        FrameError, TypeError: as `reblur`.
        ValueError: as `reblur`, or the shapes do not fit.
    """
    if estimate.shape[1:] != blurry.shape:
        raise ValueError(f"frames of {estimate.shape[1:]}, a blurry image of {blurry.shape}")
    error = reblur(estimate, response, gamma) - blurry.astype(np.float64)
    return Measure(float(np.square(error).sum()), float(error.size))


def blurry_psnr(estimate: Sequence, target: Sequence, gamma: float = 2.2) -> float:
    """BlurryPSNR of blur2vid (2025), in dB: how well the estimate blurs to what the truth blurs to.

    PSNR of (mean_t P_t^gamma)^(1/gamma) against (mean_t G_t^gamma)^(1/gamma), peak 1; inf where
    both are equal. The blurry image itself is not asked.

    Args:
        estimate: P, T×H×W×3 floats in [0, 1], in any direction; T odd.
        target: G, the true frames, in the same shape.
        gamma: The exponent; 2.2 in blur2vid.

    Raises:
        FrameError, TypeError: as `reblur`.
        ValueError: as `reblur`, or the shapes differ.
    """
    if estimate.shape != target.shape:
        raise ValueError(f"the estimate is {estimate.shape}, the true sequence {target.shape}")
    ours, truth = (reblur(frames, "gamma", gamma) for frames in (estimate, target))
    return psnr(ours, truth)
