"""The contract of an ordering: which way a clip runs, where its blurry image cannot say.

A clip and the same clip backwards have the same blurry image, eq. (1). Instead of a loss that
takes either (`deblurkit.losses`), a recipe may name an ordering, which decides for every
training clip which of the two its networks learn; losses that compare each frame with its own
target then have one answer. Only training sees orderings: networks have learnt theirs.

An ordering is a callable `ordering(frames) -> scores`: all T true frames (a `FrameSet` of
B×3×H×W images in [0, 1]) to B×P scores, where each of the P says how surely a clip runs
forwards: above 0 it does, below 0 backwards. P is 1, or one score a symmetric pair, or
whatever suits; the sign of their mean decides. It must say the opposite of the clip backwards,
or there is no order: `consistency` measures how often it does.

One that learns is a `LearnedOrdering`, and `OrderingSpec.learns` is true: the engine trains it
in a phase of its own, called `ordering`, before all phases that see a direction, and freezes
it. `deblurkit.testing.check_ordering` proves what can be proved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from deblurkit.frames import FrameSet, partner


class Ordering(Protocol):
    """`ordering(frames)`: B×P scores, above 0 for clips that run forwards."""

    def __call__(self, frames: FrameSet[Tensor], /) -> Tensor: ...


@runtime_checkable
class LearnedOrdering(Protocol):
    """An ordering that is trained, a `torch.nn.Module`.

    `own_loss(frames)` is a scalar, the mean over the batch, which the ordering's own phase
    minimises with the settings of `training.ordering`.
    """

    def __call__(self, frames: FrameSet[Tensor], /) -> Tensor: ...

    def own_loss(self, frames: FrameSet[Tensor]) -> Tensor: ...

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]: ...

    def state_dict(self) -> Mapping[str, Tensor]: ...

    def load_state_dict(self, state_dict: Mapping[str, Tensor]) -> object: ...


@dataclass(frozen=True)
class Consistency:
    """How consistently an ordering orders clips.

    Attributes:
        pairs: B×P, true where a score has opposite signs for a clip and for the clip backwards.
        clips: B, true where all of a clip's scores do and agree with each other.
    """

    pairs: Tensor
    clips: Tensor


def backwards(frames: FrameSet[Tensor]) -> FrameSet[Tensor]:
    """The same frames in the opposite order of time."""
    return FrameSet(frames.T, {partner(i, frames.T): frames[i] for i in frames}, frames.blurry)


def runs_backwards(scores: Tensor) -> Tensor:
    """Which clips run backwards: B booleans of B×P scores."""
    return scores.float().mean(1) < 0


def consistency(ordering: Ordering, frames: FrameSet[Tensor]) -> Consistency:
    """Compare what an ordering says of clips with what it says of them backwards.

    Args:
        ordering: Any.
        frames: All T frames, B×3×H×W each.
    """
    with torch.no_grad():
        said, turned = ordering(frames), ordering(backwards(frames))
    # By signs: a product of two small scores may be 0.
    pairs = torch.sign(said) * torch.sign(turned) < 0
    agree = (said > 0).all(1) | (said < 0).all(1)
    return Consistency(pairs, pairs.all(1) & agree)
