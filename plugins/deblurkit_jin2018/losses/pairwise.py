"""The pairwise loss, eq. (5): sum and absolute difference of each symmetric pair.

With estimates a = x̂[i], b = x̂[T+1-i] and true frames x, z of one pair:

    | |a+b| - |x+z| |  +  | |a-b| - |x-z| |

Misprint: eq. (5) and Table 1 as printed lose the inner absolute value on the *estimates'*
side. Without it on the difference the loss changes when a and b are swapped; with it on
both sides swapping them changes no bit of the value. (Table 1 also pairs frames (1,6) and
(2,7) in step 3; the symmetric pairs are (1,7) and (2,6).)

What it asks is decided point by point: it is 0 wherever {a, b} is {x, z} in either order,
and nothing asks neighbouring pixels, or the colours of one pixel, for the same order.

Equal estimates. |a-b| has no slope where a and b are exactly equal, so from there only the
sum moves them, both by the same amount: two *free images* that start equal stay equal and
end as the mean of x and z, a blurry image. Two *networks* that start as the same identity
(last layer at zero) do not: their hidden features differ (other weights, or other inputs
where weights are shared), so the first step on the sum moves their outputs apart, and from
then on the difference acts with its full slope, away from a = b wherever |a-b| < |x-z|: the
equal point repels. Hence no smoothing here: a smoothed |a-b| is flat around 0, which would
widen the dead point, and a slope of fixed sign at 0 would teach that frame i is the
brighter one. Two nodes that share a network and see the same images never come apart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deblurkit.frames import FrameSet
from deblurkit.losses import complete_pairs, same_frames
from deblurkit.norms import Norm, check_norm, pointwise, widened


def pairwise(estimate: FrameSet[Tensor], target: FrameSet[Tensor], norm: Norm = "l1") -> Tensor:
    """The pairwise loss, eq. (5), with the inner absolute values on both sides.

    Args:
        estimate: Estimated frames, B×C×H×W each, of any range; both frames of every pair.
            A middle frame is ignored.
        target: The true frames of the same indices and shapes, in [0, 1].
        norm: Error of sum and difference: `l1` as in the paper, `squared` or `charbonnier`.

    Returns:
        Scalar >= 0: mean over batch, channels and pixels, summed over pairs and over the two
        errors; float32, or float64 for float64 images. Exactly 0 where each pair is the true
        one in either order, chosen anew at every point.

    Raises:
        FrameError: no pair is here, or a frame is here without its partner.
        ValueError: estimate and target hold different frames, or the norm is unknown.
    """
    same_frames(estimate, target)
    check_norm(norm)
    errors = []
    for i, j in complete_pairs(estimate, "pairwise"):
        a, b, x, z = (widened(image) for image in (estimate[i], estimate[j], target[i], target[j]))
        errors.append(pointwise((a + b).abs() - (x + z).abs(), norm).mean())
        errors.append(pointwise((a - b).abs() - (x - z).abs(), norm).mean())
    return torch.stack(errors).sum()


class Pairwise(nn.Module):
    """`pairwise` as a loss term; invariant to swapping the two estimates of any pair.

    Args:
        norm: Error of sum and difference: `l1` as in the paper, `squared` or `charbonnier`.
    """

    def __init__(self, norm: Norm = "l1") -> None:
        super().__init__()
        self.norm = check_norm(norm)

    def forward(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
        """Return the loss, a scalar; see `pairwise`."""
        return pairwise(estimate, target, self.norm)

    def extra_repr(self) -> str:
        return f"norm={self.norm!r}"
