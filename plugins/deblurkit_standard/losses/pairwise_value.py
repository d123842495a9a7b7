"""Each colour of each pixel of a pair in the better of its two orders: a control, not a method.

With squared errors the paper's pairwise loss is twice this where a+b >= 0, for estimates a, b and
true x, z: ((a+b)-(x+z))² + (|a-b|-|x-z|)² = 2 min((a-x)² + (b-z)², (a-z)² + (b-x)²). What differs
is the gradient where both estimates are equal, as they are when networks start as the identity on
one base: |a-b| has none there, so the pairwise loss does not part them, while here a tie counts
as the given order. Trained beside it, this says whether the pairwise loss falls short because
values choose on their own, or because training starts on that tie.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deblurkit.frames import FrameSet
from deblurkit.losses import complete_pairs, same_frames
from deblurkit.norms import Norm, check_norm, pointwise, widened


def pairwise_value(
    estimate: FrameSet[Tensor], target: FrameSet[Tensor], norm: Norm = "squared"
) -> Tensor:
    """The error of each pair in the better of its two orders, chosen value by value.

    Args:
        estimate: Estimated frames, B×C×H×W each, of any range; both frames of every pair.
            A middle frame is ignored.
        target: The true frames of the same indices and shapes, in [0, 1].
        norm: Error of a frame at a point: `l1`, `squared` or `charbonnier`.

    Returns:
        Scalar >= 0: mean over batch, channels and pixels, summed over pairs and over the two
        frames of each; float32, or float64 for float64 images.

    Raises:
        FrameError: no pair is here, or a frame is here without its partner.
        ValueError: estimate and target hold different frames, or the norm is unknown.
    """
    same_frames(estimate, target)
    check_norm(norm)
    errors = []
    for i, j in complete_pairs(estimate, "pairwise-value"):
        a, b, x, z = (widened(image) for image in (estimate[i], estimate[j], target[i], target[j]))
        given = pointwise(a - x, norm) + pointwise(b - z, norm)
        swapped = pointwise(a - z, norm) + pointwise(b - x, norm)
        errors.append(torch.where(given <= swapped, given, swapped).mean())  # a tie: as given
    return torch.stack(errors).sum()


class PairwiseValue(nn.Module):
    """`pairwise_value` as a loss term; invariant to swapping any pair, even at single values.

    Args:
        norm: Error of a frame at a point: `l1`, `squared` or `charbonnier`.
    """

    def __init__(self, norm: Norm = "squared") -> None:
        super().__init__()
        check_norm(norm)
        self.norm = norm

    def forward(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
        """Return the loss, a scalar; see `pairwise_value`."""
        return pairwise_value(estimate, target, self.norm)

    def extra_repr(self) -> str:
        return f"norm={self.norm!r}"
