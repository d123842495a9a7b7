"""The part of the loss terms' suite that looks at gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from deblurkit.frames import FrameSet
from deblurkit.losses import LossTerm
from deblurkit.specs import LossSpec
from deblurkit.testing.loss_images import Frames, changed, random_frames
from deblurkit.testing.subject import Subject


def check_gradient(
    subject: Subject[LossSpec], term: LossTerm, estimate: Frames, target: Frames
) -> None:
    """Check that the gradient is there, finite at hard places, and the slope of the value."""
    equal = FrameSet(5, dict.fromkeys(target, target[3]), target.blurry)
    flat = changed(target, torch.zeros_like)
    for place, start in (
        ("at random images", estimate),
        ("at the true frames", target),
        ("where all estimates are equal", equal),
        ("at black estimates", flat),
    ):
        gradients = gradients_of(subject, term, start, target)
        subject.require(
            bool(gradients) and all(bool(g.isfinite().all()) for g in gradients.values()),
            f"{place} its gradient is "
            + ("not finite" if gradients else "missing: it does not depend on the estimate"),
            "keep square roots, divisions and logarithms away from 0; do not detach the estimate",
        )
    random = gradients_of(subject, term, estimate, target)
    subject.require(
        any(bool(g.any()) for g in random.values()),
        "at random images its gradient is 0",
        "do not detach or round the estimate",
    )
    others = {i: bool(random[i].any()) if i in random else False for i in estimate.others()}
    subject.require(
        len(set(others.values())) == 1,
        f"of the frames {list(others)} it reaches only {[i for i, got in others.items() if got]}",
        "give every frame but the middle a target, or none: deblurkit.losses.complete_pairs gives "
        "all pairs",
    )
    small, truth = random_frames(5, 5, (1, 3, 16, 16)), random_frames(5, 6, (1, 3, 16, 16))
    images = [small[i].requires_grad_() for i in small]

    def value(*images: Tensor) -> Tensor:
        return term(FrameSet(5, dict(enumerate(images, 1)), small.blurry), truth)

    try:
        torch.autograd.gradcheck(value, images, fast_mode=True)
    except RuntimeError as error:
        raise subject.failure(
            f"its gradient is not the slope of its value: {str(error).splitlines()[0]}",
            "mend the backward of a custom function, or what is detached",
        ) from error


def gradients_of(
    subject: Subject[LossSpec], term: LossTerm, start: Frames, target: Frames
) -> dict[int, Tensor]:
    """The gradient in each frame's estimate that the value depends on."""
    images = {i: start[i].detach().clone().requires_grad_() for i in start}
    value = term(FrameSet(start.T, images, start.blurry), target)
    subject.require(
        value.requires_grad,
        "its value does not depend on the estimate for autograd",
        "compute with torch operations on the estimate, without detach, item or numpy",
    )
    found = torch.autograd.grad(value, list(images.values()), allow_unused=True)
    return {i: g for i, g in zip(images, found, strict=True) if g is not None}
