"""Every registered ordering keeps its contract, and the suite notices mistakes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from deblurkit.frames import FrameSet
from deblurkit.ordering import backwards, consistency, runs_backwards
from deblurkit.registry import Registered, get_registry
from deblurkit.specs import OrderingSpec
from deblurkit.testing import check_ordering


@pytest.mark.parametrize("component", get_registry().specs("ordering"), ids=lambda r: r.qualified)
def test_registered_orderings(component: Registered) -> None:
    check_ordering(component)


# --- orderings with one mistake each ---------------------------------------------------------


class Sound(nn.Module):
    """How much brighter the last frame is than the first, as the plane sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.plane = nn.Parameter(torch.randn(3))

    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        change = frames[frames.T] - frames[1]
        return (change.mean((2, 3)) @ self.plane)[:, None]

    def own_loss(self, frames: FrameSet[Tensor]) -> Tensor:
        return -self(frames).abs().mean()


class Flat(Sound):
    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        return super().forward(frames)[:, 0]


class Symmetric(Sound):
    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        return super().forward(frames).abs()


class OfTheBatch(Sound):
    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        found = super().forward(frames)
        return found - found.mean(0)


class NotFinite(Sound):
    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        return super().forward(frames) / 0


class Random(Sound):
    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        return super().forward(frames) + torch.randn(1)


class OfSevenFrames(Sound):
    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        return super().forward(FrameSet(frames.T, {1: frames[1], frames.T: frames[7]}))


class InPlace(Sound):
    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        frames[1].add_(0.1)
        return super().forward(frames)


class Aside(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))


class Upwards(Sound):
    def own_loss(self, frames: FrameSet[Tensor]) -> Tensor:
        return self(frames).mean() * 0 + 1


def spec(name: str, *, learns: bool = True) -> OrderingSpec:
    return OrderingSpec(name="test", summary="s", build=f"{__name__}:{name}", learns=learns)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Flat", "return B×P floats"),
        ("Symmetric", "have the same scores"),
        ("OfTheBatch", "change with the clips beside it"),
        ("NotFinite", "not finite"),
        ("Random", "a second call"),
        ("OfSevenFrames", "clips of any odd length"),
        ("InPlace", "it changes the images"),
        ("Aside", "does not reach all"),
        ("Upwards", "did not make own_loss smaller"),
    ],
)
def test_the_suite_notices(name: str, words: str) -> None:
    check_ordering(spec("Sound"))
    with pytest.raises(AssertionError) as caught:
        check_ordering(spec(name))
    assert words in str(caught.value) and "mend:" in str(caught.value)


def test_the_suite_notices_what_nobody_would_train() -> None:
    with pytest.raises(AssertionError, match="nobody trains them"):
        check_ordering(spec("Sound", learns=False))
    motion = get_registry().resolve("ordering", "motion-direction").spec
    assert isinstance(motion, OrderingSpec)
    with pytest.raises(AssertionError, match="no module with an own_loss"):
        check_ordering(replace(motion, learns=True))


# --- what scores mean ------------------------------------------------------------------------


def test_the_mean_of_the_scores_decides() -> None:
    scores = torch.tensor([[1.0, -0.5], [-1.0, 0.5], [0.0, 0.0]])
    assert runs_backwards(scores).tolist() == [False, True, False]


def test_consistency_counts_pairs_and_clips() -> None:
    """By hand: one clip right, one whose second pair does not turn, one whose pairs differ."""
    said = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, -1.0], [0.0, 1.0]])
    turned = torch.tensor([[-1.0, -1.0], [-1.0, 1.0], [-1.0, 1.0], [0.0, -1.0]])
    frames = FrameSet(3, {i: torch.full((4, 3, 2, 2), float(i)) for i in (1, 2, 3)})
    found = consistency(lambda clips: said if float(clips[1].mean()) == 1 else turned, frames)
    assert found.pairs.tolist() == [[True, True], [True, False], [True, True], [False, True]]
    assert found.clips.tolist() == [True, False, False, False]
    assert [float(backwards(frames)[i].mean()) for i in (1, 2, 3)] == [3, 2, 1]
