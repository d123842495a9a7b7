"""Optimisers, learning rates as functions of the step, and the moving average of weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from deblurkit.recipe.schema import Training


def make_optimizer(parameters: Iterable[nn.Parameter], settings: Training) -> torch.optim.Optimizer:
    """Adam or AdamW; the fused kernels do a whole step at once, on the CPU too."""
    kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
    return kind(
        list(parameters),
        lr=settings.lr,
        betas=settings.betas,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def learning_rate(step: int, settings: Training) -> float:
    """Learning rate of a step, counted from 0.

    cosine: linear warm-up, then half a cosine down to 1 % of the peak; constant: linear
    warm-up, then the peak; one-cycle: a cosine from 1/25 up to the peak over the first 30 %
    of the steps, a cosine down to 1e-4 of the start after it (Smith and Topin 2018).
    """
    peak, steps = settings.lr, settings.steps
    if settings.lr_schedule == "one-cycle":
        rise = max(1.0, 0.3 * steps)
        if step < rise:
            return _cosine(peak / 25, peak, step / rise)
        return _cosine(peak, peak / 25e4, (step - rise) / max(1.0, steps - rise))
    if step < settings.warmup:
        return peak * (step + 1) / settings.warmup
    if settings.lr_schedule == "constant":
        return peak
    return _cosine(peak, peak / 100, (step - settings.warmup) / max(1, steps - settings.warmup))


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))


class MovingAverage:
    """Exponential moving average of weights: average += (1 - decay) (weights - average).

    The decay is smaller in the first steps, (1 + n) / (10 + n), so that the start is forgotten.
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = list(parameters), decay
        self.average: list[Tensor] = [p.detach().clone() for p in self.parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after step `step`, counted from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for average, parameter in zip(self.average, self.parameters, strict=True):
            average.lerp_(parameter, 1 - decay)

    @torch.no_grad()
    def apply(self) -> None:
        """Put the average in place of the weights."""
        for average, parameter in zip(self.average, self.parameters, strict=True):
            parameter.copy_(average)
