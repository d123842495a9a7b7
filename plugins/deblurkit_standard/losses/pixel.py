"""Pixel losses: squared, absolute and Charbonnier error of every frame on its own.

With them on every frame, the sum over frames is the paper's "independent" loss; on the middle
frame, the first part of eq. (3).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from deblurkit.errors import FrameError
from deblurkit.frames import FrameSet
from deblurkit.losses import LossTerm, same_frames
from deblurkit.norms import widened


def mse(estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
    """Squared error: Σ_i mean (x̂[i] - x[i])².

    Args:
        estimate: Estimated frames, B×C×H×W each, of any range.
        target: The true frames of the same indices and shapes, in [0, 1].

    Returns:
        Scalar >= 0: mean over batch, channels and pixels, summed over frames; float32, or
        float64 for float64 images. 0 at the true frames.

    Raises:
        FrameError: there is no frame.
        ValueError: estimate and target hold different frames.
    """
    return _summed(estimate, target, torch.square)


def l1(estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
    """Absolute error: Σ_i mean |x̂[i] - x[i]|. Arguments, result and errors as in `mse`."""
    return _summed(estimate, target, torch.abs)


def charbonnier(
    estimate: FrameSet[Tensor], target: FrameSet[Tensor], epsilon: float = 1e-3
) -> Tensor:
    """Charbonnier's error: Σ_i mean sqrt((x̂[i] - x[i])² + epsilon²).

    Arguments, result and errors as in `mse`; at the true frames it is epsilon for each frame,
    as in the literature, not 0.

    Args:
        estimate: As in `mse`.
        target: As in `mse`.
        epsilon: Error, of 1, at which the curve turns from squared to linear; > 0.

    Raises:
        ValueError: epsilon is not above 0.
    """
    if not epsilon > 0:
        raise ValueError(f"epsilon must be above 0, not {epsilon!r}")
    return _summed(estimate, target, lambda error: (error.square() + epsilon**2).sqrt())


def mse_term() -> LossTerm:
    """`mse` as a loss term."""
    return mse


def l1_term() -> LossTerm:
    """`l1` as a loss term."""
    return l1


def charbonnier_term(epsilon: float = 1e-3) -> LossTerm:
    """`charbonnier` as a loss term; epsilon > 0, of 1."""
    return partial(charbonnier, epsilon=epsilon)


def _summed(
    estimate: FrameSet[Tensor], target: FrameSet[Tensor], size: Callable[[Tensor], Tensor]
) -> Tensor:
    same_frames(estimate, target)
    if not len(estimate):
        raise FrameError("there is no frame to compare", valid="at least one frame")
    return torch.stack(
        [size(widened(estimate[i]) - widened(target[i])).mean() for i in estimate]
    ).sum()
