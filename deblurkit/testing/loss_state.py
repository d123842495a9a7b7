"""The part of the loss terms' suite that looks at what a term keeps and trains."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from deblurkit.frames import FrameSet
from deblurkit.losses import LossTerm, SelfTrainedTerm
from deblurkit.specs import LossSpec
from deblurkit.testing.loss_gradients import gradients_of
from deblurkit.testing.loss_images import Frames, in_precision
from deblurkit.testing.subject import Subject


def check_copies(subject: Subject[LossSpec], estimate: Frames, target: Frames) -> None:
    """Check that seed, pickling and state dict bring the same term back."""
    torch.manual_seed(7)
    term = in_precision(torch.float64, subject.build())
    value = term(estimate, target)
    torch.manual_seed(7)
    again = in_precision(torch.float64, subject.build())
    subject.require(
        torch.equal(again(estimate, target), value),
        "two terms built after the same torch.manual_seed differ",
        "draw first weights from torch's generator or from a seed of its own, nothing else",
    )
    copy = subject.pickled(term, "terms go to other processes")
    subject.require(
        torch.equal(copy(estimate, target), value),
        "after pickling its value is another",
        "keep all of its state in attributes that can be pickled",
    )
    if isinstance(term, nn.Module):
        torch.manual_seed(8)
        other = cast(nn.Module, in_precision(torch.float64, subject.build()))
        other.load_state_dict(term.state_dict())
        subject.require(
            torch.equal(other(estimate, target), value),
            "after loading its state dict another copy has another value",
            "register what decides the value as parameters or buffers",
        )


def check_own_training(
    subject: Subject[LossSpec], term: LossTerm, estimate: Frames, target: Frames
) -> None:
    """Check what `trains_itself` promises, or that nothing is left untrained."""
    learns = isinstance(term, nn.Module) and any(p.requires_grad for p in term.parameters())
    if not subject.spec.trains_itself:
        subject.require(
            not learns,
            "it has parameters that learn, but declares trains_itself=False: nobody trains them",
            "freeze them with requires_grad_(False), or declare trains_itself=True",
        )
        return
    if not isinstance(term, SelfTrainedTerm):
        raise subject.failure(
            "it declares trains_itself, but is no deblurkit.losses.SelfTrainedTerm",
            "give it own_lr, own_loss, parameters, state_dict and load_state_dict",
        )
    subject.require(
        learns and term.own_lr > 0,
        f"own_lr is {term.own_lr}" if learns else "none of its parameters learns",
        "have parameters with requires_grad and an own_lr above 0",
    )
    images = {i: estimate[i].clone().requires_grad_() for i in estimate}
    own = term.own_loss(FrameSet(estimate.T, images, estimate.blurry), target)
    subject.require(
        own.ndim == 0 and bool(own.isfinite()) and own.requires_grad,
        f"own_loss gives {own}",
        "return a finite scalar that depends on the term's parameters",
    )
    own.backward()  # type: ignore[no-untyped-call]
    subject.require(
        all(p.grad is not None for p in term.parameters() if p.requires_grad),
        "own_loss does not reach all of its parameters",
        "drop parameters without use, or freeze them",
    )
    subject.require(
        all(image.grad is None for image in images.values()),
        "own_loss sends a gradient into the estimate",
        "detach the estimate in own_loss",
    )
    for p in term.parameters():
        p.grad = None
        p.requires_grad_(False)
    gradients = gradients_of(subject, term, estimate, target)
    subject.require(
        any(bool(g.any()) for g in gradients.values()),
        "with its own parameters frozen it gives the estimate no gradient",
        "do not compute the term under no_grad",
    )
