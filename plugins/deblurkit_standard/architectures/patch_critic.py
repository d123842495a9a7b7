"""A critic that judges overlapping patches of an image, after pix2pix (Isola et al., CVPR 2017).

4×4 convolutions: some of stride 2 that double the width (up to eightfold), one of stride 1,
and one that gives each patch its score; LeakyReLU of slope 0.2; instance norm in all but the
first and the last. With three strided layers a score sees 70×70 pixels. Images are padded by
two pixels before each convolution, as in pix2pixHD, so that crops of any size from 2×2 on
have at least one score.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

MOST = 8
"""The widest layer, in multiples of the first."""


class PatchCritic(nn.Module):
    """Scores of an image's patches; higher means more like a true frame.

    Args:
        width: Channels of the first layer.
        layers: Number of layers of stride 2, at least 1.
        channels: Colours of the image.

    Raises:
        ValueError: a number is below 1.
    """

    def __init__(self, width: int = 64, layers: int = 3, channels: int = 3) -> None:
        super().__init__()
        if min(width, layers, channels) < 1:
            raise ValueError(
                f"width, layers and channels must be 1 or more, not {width}, {layers}, {channels}"
            )
        widths = [width * min(2**k, MOST) for k in range(layers + 1)]
        blocks = [self._convolution(channels, widths[0], 2), nn.LeakyReLU(0.2)]
        for k, (before, after) in enumerate(pairwise(widths), 1):
            stride = 2 if k < layers else 1
            blocks += [
                self._convolution(before, after, stride, bias=False),  # the norm takes it away
                nn.InstanceNorm2d(after),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*blocks, self._convolution(widths[-1], 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Return the scores, B×1×h×w, unbounded, of an image B×C×H×W in [0, 1].

        Raises:
            ValueError: the image is smaller than 2×2 pixels.
        """
        if min(image.shape[-2:]) < 2:
            raise ValueError(f"the critic needs at least 2x2 pixels, not {tuple(image.shape)}")
        scores: Tensor = self.layers(2 * image - 1)
        return scores

    @staticmethod
    def _convolution(before: int, after: int, stride: int, *, bias: bool = True) -> nn.Conv2d:
        layer = nn.Conv2d(before, after, 4, stride, padding=2, bias=bias)
        nn.init.normal_(layer.weight, 0.0, 0.02)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
        return layer
