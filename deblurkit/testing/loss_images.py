"""Random sequences to try loss terms on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from deblurkit.frames import FrameSet

SHAPE = (2, 3, 18, 21)
Frames = FrameSet[Tensor]


def random_frames(T: int, seed: int, shape: tuple[int, ...] = SHAPE) -> Frames:
    """Random images, of a range a little wider than [0, 1]."""
    generator = torch.Generator().manual_seed(1000 * T + seed)
    images = torch.rand(T, *shape, generator=generator, dtype=torch.float64) * 1.1 - 0.05
    return FrameSet(T, dict(enumerate(images, 1)), images.mean(0))


def changed(frames: Frames, change: Callable[[Tensor], Tensor]) -> Frames:
    """The same frames with every image changed."""
    blurry = None if frames.blurry is None else change(frames.blurry)
    return FrameSet(frames.T, {i: change(frames[i]) for i in frames}, blurry)


def in_precision(dtype: torch.dtype, term: Any) -> Any:
    """The term with its parameters, if it has any, in a precision."""
    return term.to(dtype) if isinstance(term, nn.Module) else term


def same(a: Tensor, b: Tensor, tolerance: float = 1e-9) -> bool:
    """Whether two values are the same but for rounding."""
    return torch.allclose(a.double(), b.double(), rtol=tolerance, atol=1e-12)
