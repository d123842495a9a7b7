"""The pairwise loss on blocks of pixels: what a pair adds up to, and by how much it differs."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurkit.frames import FrameSet
from deblurkit.losses import complete_pairs, same_frames
from deblurkit.norms import pointwise, widened


class CoarsePairs(nn.Module):
    """Σ_pairs ‖C(a + b) - C(x + z)‖ + ‖|C(a - b)| - |C(x - z)|‖, Charbonnier.

    Eq. (5) of Jin et al. (2018) after C, the mean over blocks of pixels: all pixels of a block
    have the same order, and noise counts less. Blind to which frame of a pair came first.

    Args:
        block: Side of a block, pixels; 1 compares pixel by pixel.
    """

    def __init__(self, *, block: int = 4) -> None:
        super().__init__()
        self.block = block

    def forward(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
        """The value for the pairs of a sequence; a middle frame is ignored.

        Args:
            estimate: Frame index to estimate, B×C×H×W in [0, 1]; both frames of every pair.
            target: The true frames, the same indices and shapes.

        Returns:
            A scalar: the mean over batch, channels and blocks, the sum over pairs.

        Raises:
            FrameError: no pair is here, or a frame is here without its partner.
            ValueError: estimate and target hold different frames or shapes.
        """
        same_frames(estimate, target)
        errors = []
        for i, j in complete_pairs(estimate, "coarse-pairs"):
            a, b, x, z = (
                F.avg_pool2d(widened(image), self.block, ceil_mode=True)
                for image in (estimate[i], estimate[j], target[i], target[j])
            )
            errors += [(a + b) - (x + z), (a - b).abs() - (x - z).abs()]
        return torch.stack([pointwise(error, "charbonnier").mean() for error in errors]).sum()
