"""Clips run the way that most of them moves: to the right, or along any other direction."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from deblurkit.frames import FrameSet

_COARSE = 16
"""Pixels a side to which images are averaged down at most: motion must be small beside edges."""


class MotionDirection:
    """The displacement between the frames of each symmetric pair, along one direction.

    One translation for the whole image, by least squares on the brightness constancy equation
    (Lucas and Kanade, IJCAI 1981) with gradients averaged over both frames, so that swapping
    the frames changes the sign of the score and nothing else.

    Args:
        angle: Direction that counts as forwards, degrees: 0 to the right, 90 downwards.
    """

    def __init__(self, angle: float) -> None:
        self.angle = angle

    def __call__(self, frames: FrameSet[Tensor], /) -> Tensor:
        """B×P displacements in pixels for the P pairs here, from the core outwards.

        Args:
            frames: B×3×H×W in [0, 1], both frames of at least one pair.
        """
        radians = math.radians(self.angle)
        along = torch.tensor([math.cos(radians), math.sin(radians)])
        return torch.stack(
            [_displacement(frames[i], frames[j]) @ along.to(frames[i]) for i, j in frames.pairs()],
            dim=1,
        )


def _displacement(first: Tensor, last: Tensor) -> Tensor:
    """The translation from one B×3×H×W image to another: B×2 pixels, to the right and down."""
    cell = max(1, min(first.shape[-2:]) // _COARSE)
    a, b = (avg_pool2d(image.mean(1, keepdim=True), cell)[:, 0] for image in (first, last))
    mean = (a + b) / 2
    across = (mean[:, 1:-1, 2:] - mean[:, 1:-1, :-2]) / 2
    down = (mean[:, 2:, 1:-1] - mean[:, :-2, 1:-1]) / 2
    change = (b - a)[:, 1:-1, 1:-1]
    slopes = torch.stack([across, down], dim=1).flatten(2)
    matrix = slopes @ slopes.transpose(1, 2)
    side = slopes @ change.flatten(1)[:, :, None]
    # Where nothing has an edge nothing is known: the displacement is then 0, not infinite.
    ridge = 1e-6 * torch.eye(2, dtype=matrix.dtype, device=matrix.device)
    found: Tensor = -cell * torch.linalg.solve(matrix + ridge, side)[:, :, 0]
    return found
