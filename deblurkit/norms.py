"""Pointwise errors that loss terms share: absolute, squared, Charbonnier.

All are 0 for an error of 0, exactly, so that a term built on them is exactly 0 at every
sequence it accepts.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

Norm = Literal["l1", "squared", "charbonnier"]
NORMS: tuple[Norm, ...] = get_args(Norm)
EPSILON = 1e-3
"""Where Charbonnier's error turns from squared to linear, of 1: a quarter of an 8-bit step."""


def check_norm(norm: Norm) -> Norm:
    """Return the norm if it is one; raises ValueError naming the choices otherwise."""
    if norm not in NORMS:
        raise ValueError(f"unknown norm {norm!r}; choices: {', '.join(NORMS)}")
    return norm


def widened(image: Tensor) -> Tensor:
    """The image in float32 or wider: half precision has too few bits to add up a loss in."""
    return image if image.dtype in (torch.float32, torch.float64) else image.float()


def pointwise(error: Tensor, norm: Norm, epsilon: float = EPSILON) -> Tensor:
    """The size of an error at every point.

    Args:
        error: Signed error, any shape.
        norm: `l1`: |e|; `squared`: e²; `charbonnier`: sqrt(e² + epsilon²) - epsilon, squared
            near 0 and linear far from it.
        epsilon: Of Charbonnier, > 0, in units of the error.

    Returns:
        Same shape, >= 0, and 0 exactly where the error is 0.

    Raises:
        ValueError: the norm is unknown.
    """
    if check_norm(norm) == "l1":
        return error.abs()
    squared = error.square()
    if norm == "squared":
        return squared
    # sqrt(e² + epsilon²) - epsilon without its cancellation, which would miss 0 by rounding.
    return squared / ((squared + epsilon**2).sqrt() + epsilon)
