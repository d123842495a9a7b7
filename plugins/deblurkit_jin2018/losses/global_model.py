"""The global-model loss, eq. (4): the frames must add up to the true frames' sum.

    ‖ Σ_{i≠4} x̂[i] - Σ_{i≠4} x[i] ‖₁        (4 stands for the middle)

The middle is left out because it has a loss of its own, eq. (3). Any order of the other
frames has the same sum, and so have endlessly many sequences that no camera could have seen;
the paper finds that this does not yield a meaningful sequence for T = 7 (section 5.1).
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from deblurkit.frames import FrameSet
from deblurkit.losses import moving_frames, same_frames
from deblurkit.norms import Norm, check_norm, pointwise, widened


class _OrderlessSum(torch.autograd.Function):
    """Sum of images that is the same to the last bit in whatever order they come.

    Floating-point sums depend on the order of their terms, so the terms are put in order of
    size first, point by point, by an odd-even sorting network: for a few images much faster
    than a general sort. The slope of a sum is 1 for every term, whatever the order.
    """

    @staticmethod
    def forward(ctx: Any, *images: Tensor) -> Tensor:
        ctx.count = len(images)
        terms = list(images)
        for step in range(len(terms)):
            for k in range(step % 2, len(terms) - 1, 2):
                low, high = torch.minimum(terms[k], terms[k + 1]), torch.maximum(*terms[k : k + 2])
                terms[k], terms[k + 1] = low, high
        total = terms[0].clone()
        for term in terms[1:]:
            total += term
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients * ctx.count


def orderless_sum(images: list[Tensor]) -> Tensor:
    """Sum of images of one shape, the same to the last bit for every order of the list."""
    return cast(Tensor, _OrderlessSum.apply(*images))


def global_model(estimate: FrameSet[Tensor], target: FrameSet[Tensor], norm: Norm = "l1") -> Tensor:
    """The global-model loss, eq. (4).

    Args:
        estimate: Estimated frames, B×C×H×W each, of any range. A middle frame is ignored.
        target: The true frames of the same indices and shapes, in [0, 1].
        norm: Error of the sums: `l1` as in the paper, `squared` or `charbonnier`.

    Returns:
        Scalar >= 0: mean over batch, channels and pixels of the error of the frames' *sum*
        (not of their average); float32, or float64 for float64 images. Exactly 0 where the
        estimates are the true frames in any order, chosen anew at every point.

    Raises:
        FrameError: there is no frame but the middle.
        ValueError: estimate and target hold different frames, or the norm is unknown.
    """
    same_frames(estimate, target)
    frames = moving_frames(estimate, "global-model")
    ours, true = (orderless_sum([widened(s[i]) for i in frames]) for s in (estimate, target))
    return pointwise(ours - true, norm).mean()


class GlobalModel(nn.Module):
    """`global_model` as a loss term; invariant to any order of the frames but the middle.

    Args:
        norm: Error of the sums: `l1` as in the paper, `squared` or `charbonnier`.
    """

    def __init__(self, norm: Norm = "l1") -> None:
        super().__init__()
        self.norm = check_norm(norm)

    def forward(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
        """Return the loss, a scalar; see `global_model`."""
        return global_model(estimate, target, self.norm)

    def extra_repr(self) -> str:
        return f"norm={self.norm!r}"
