"""The contract of a loss term.

A loss term is a callable `term(estimate, target) -> Tensor`: two `FrameSet`s (mappings from
frame index to B×C×H×W images in [0, 1], over the same frames of one sequence) to a scalar,
the mean over the batch. A plain function and an `nn.Module` both do. It says which changes
of the estimate leave its value alone, in `LossSpec.invariance`:

- `none`: every frame has its own target;
- `reversal`: the whole sequence may run backwards (all pairs swapped at once);
- `pair-swap`: the two estimates of any one pair may be swapped;
- `permutation`: the estimates of all frames but the middle may be permuted.

Each includes the ones before it. `deblurkit.testing.check_loss` proves the claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, Protocol, runtime_checkable

from torch import Tensor, nn

from deblurkit.errors import FrameError
from deblurkit.frames import FrameSet, middle, partner

Invariance = Literal["none", "reversal", "pair-swap", "permutation"]


class LossTerm(Protocol):
    """`term(estimate, target)`: a scalar, differentiable in the estimate."""

    def __call__(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor: ...


@runtime_checkable
class SelfTrainedTerm(Protocol):
    """A term with something of its own to train, such as a GAN's critic.

    The engine gives it an optimiser of its own (learning rate `own_lr`). In every step it
    first minimises `own_loss(estimate, target)`, the estimate detached, and then adds the
    term itself to the networks' loss with the term's own parameters frozen.
    `LossSpec.trains_itself` must be true.
    """

    own_lr: float

    def __call__(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor: ...

    def own_loss(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor: ...

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]: ...

    def state_dict(self) -> Mapping[str, Tensor]: ...

    def load_state_dict(self, state_dict: Mapping[str, Tensor]) -> object: ...


def same_frames(estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> None:
    """Check that estimate and target hold the same frames in the same shape.

    Raises:
        ValueError: they do not; the message names frames and shapes.
    """
    if estimate.T != target.T or list(estimate) != list(target):
        raise ValueError(f"estimate {estimate!r} and target {target!r} hold different frames")
    for i in estimate:
        if estimate[i].shape != target[i].shape:
            raise ValueError(
                f"frame {i}: the estimate is {tuple(estimate[i].shape)}, "
                f"the target {tuple(target[i].shape)}"
            )


def complete_pairs(frames: FrameSet[Tensor], term: str) -> tuple[tuple[int, int], ...]:
    """The pairs that a term compares: every frame here but the middle, with its partner.

    Raises:
        FrameError: no pair is here, or a frame is here without its partner, so that the term
            would leave it without any target. The message names `term`.
    """
    alone = [i for i in frames.others() if partner(i, frames.T) not in frames]
    if alone or not frames.pairs():
        here = ", ".join(map(str, frames)) or "none"
        raise FrameError(
            f"'{term}' compares symmetric pairs, and "
            + (f"frame {alone[0]} is here without its partner" if alone else "none is here"),
            where=f"loss term '{term}', frames {here} of {frames.T}",
            valid="both frames of at least one pair (i, T+1-i), and whole pairs only",
            hint="use this term under 'others', in a family that trains both frames of a pair at "
            "once: pairwise, sequential, global-model",
        )
    return frames.pairs()


def moving_frames(frames: FrameSet[Tensor], term: str) -> tuple[int, ...]:
    """The frames of a term that takes all but the middle.

    Raises:
        FrameError: there is none; the message names `term`.
    """
    if not frames.others():
        here = ", ".join(map(str, frames)) or "none"
        raise FrameError(
            f"'{term}' takes all frames but the middle, and none of them is here",
            where=f"loss term '{term}', frames {here} of {frames.T}",
            valid=f"frames other than {middle(frames.T)}",
            hint="use this term for the loss of 'others', not of 'middle'",
        )
    return frames.others()
