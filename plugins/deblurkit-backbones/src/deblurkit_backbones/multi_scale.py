"""The multi-scale network of Nah et al. (2017), the one that Jin et al. (2018) compare with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurkit_backbones.images import padded, stacked


class MultiScale(nn.Module):
    """Coarse to fine over three scales, Nah et al., CVPR 2017, section 3.1.

    At each scale, coarsest first: a 5×5 convolution to 64 channels, 19 residual blocks of two
    5×5 convolutions with a ReLU between, a 5×5 convolution to an image; 40 convolutions. A
    finer scale also sees the image of the coarser one, enlarged by a learnt sub-pixel
    convolution. Ours: several input images, and that each scale's image is added to the base.

    Args:
        inputs: Number of images it sees, at least 1.
        scales: Sizes of the image, each half the one before.
        blocks: Residual blocks at each scale.
        width: Channels.
    """

    def __init__(self, inputs: int, scales: int = 3, blocks: int = 19, width: int = 64) -> None:
        super().__init__()
        self.inputs = inputs
        self.bodies = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(3 * inputs + (3 if k else 0), width, 5, padding=2),
                *(WideBlock(width) for _ in range(blocks)),
                nn.Conv2d(width, 3, 5, padding=2),
            )
            for k in range(scales)
        )
        self.enlarge = nn.ModuleList(
            nn.Sequential(nn.Conv2d(3, 12, 5, padding=2), nn.PixelShuffle(2))
            for _ in range(scales - 1)
        )

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        """Predict a frame as base plus a residual.

        Args:
            images: The images it sees, as many as `inputs`, B×3×H×W each, any H and W.
            base: The image the residual is added to, B×3×H×W.

        Returns:
            The frame, B×3×H×W, not clamped.

        Raises:
            ValueError: the number of images is not the one it was made for.
        """
        height, width = base.shape[-2:]
        step = 2 ** len(self.enlarge)
        right, below = -width % step, -height % step
        seen = padded(stacked(images, self.inputs), right, below)
        start = padded(base, right, below)
        out: Tensor | None = None
        for k, body in enumerate(self.bodies):
            size = 2 ** (len(self.bodies) - 1 - k)
            x, b = (F.avg_pool2d(image, size) if size > 1 else image for image in (seen, start))
            coarser = [] if out is None else [self.enlarge[k - 1](out)]
            out = b + body(torch.cat([x, *coarser], dim=1))
        assert out is not None  # there is at least one scale
        return out[..., :height, :width]


class WideBlock(nn.Module):
    """x + conv5×5(ReLU(conv5×5(x))), without normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 5, padding=2)
        self.second = nn.Conv2d(width, width, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        """B×C×H×W to the same shape."""
        out: Tensor = x + self.second(F.relu(self.first(x)))
        return out
