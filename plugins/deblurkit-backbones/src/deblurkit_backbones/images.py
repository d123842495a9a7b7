"""What networks made for one image need to see several, of any size."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def stacked(images: Sequence[Tensor], inputs: int) -> Tensor:
    """Images, B×3×H×W each, as one tensor B×3n×H×W.

    Raises:
        ValueError: there are not as many as the network was made for.
    """
    if len(images) != inputs:
        raise ValueError(f"the network sees {inputs} images, and {len(images)} were given")
    return torch.cat(list(images), dim=1)


def padded(image: Tensor, right: int, below: int) -> Tensor:
    """An image, B×C×H×W, with its last column and row repeated so many times."""
    return F.pad(image, (0, right, 0, below), mode="replicate") if right or below else image
