"""The ordering and the family keep deblurkit's contracts, and the plane parts what it should."""

import pytest
import torch
from deblurkit_hypercut.ordering import HyperCut
from deblurkit_hypercut.plugin import deblurkit_families, deblurkit_orderings

from deblurkit.frames import FrameSet
from deblurkit.ordering import backwards, consistency
from deblurkit.testing import check_family, check_ordering


@pytest.mark.parametrize("spec", deblurkit_orderings(), ids=lambda spec: spec.name)
def test_ordering(spec):
    check_ordering(spec, width=8, latent=16)


@pytest.mark.parametrize("spec", deblurkit_families(), ids=lambda spec: spec.name)
def test_family(spec):
    check_family(spec)


def moving_squares(count, generator, T=5, size=32):
    """A bright square on gray, which goes one of four ways: B×3×H×W images by frame index."""
    steps = torch.tensor([[0, 2], [2, 0], [0, -2], [-2, 0]])
    way = steps[torch.randint(4, (count,), generator=generator)]
    start = torch.randint(10, 14, (count, 2), generator=generator)
    frames = {}
    for i in range(1, T + 1):
        images = torch.full((count, 3, size, size), 0.5)
        for b, (y, x) in enumerate((start + way * (i - 3)).tolist()):
            images[b, :, y : y + 8, x : x + 8] = 1.0
        frames[i] = images
    return FrameSet(T, frames)


def test_learns_an_order_of_clips_it_has_not_seen():
    torch.manual_seed(0)
    ordering = HyperCut(width=8, latent=16)
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.Adam(ordering.parameters(), 2e-3)
    before = consistency(ordering.eval(), moving_squares(64, generator))
    for _ in range(150):
        loss = ordering.own_loss(moving_squares(16, generator))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    clips = moving_squares(64, generator)
    after = consistency(ordering.eval(), clips)
    assert before.clips.float().mean() < 0.9 < after.clips.float().mean()
    scores, turned = ordering(clips), ordering(backwards(clips))
    assert (scores.sign() != turned.sign()).float().mean() > 0.9


def test_loss_is_zero_where_every_margin_is_kept():
    class Sorted(HyperCut):
        """Whether the second image is brighter, for certain."""

        def _sides(self, images):
            return torch.stack([(b - a).mean((1, 2, 3)).sign() for a, b in images], dim=1)

    clip = FrameSet(5, {i: torch.full((2, 3, 8, 8), i / 6) for i in range(1, 6)})
    assert Sorted(width=8, margin=1.0).own_loss(clip) == 0
    swapped = FrameSet(5, {**clip, 1: clip[5], 5: clip[1]})
    # Of the two pairs each is on both sides; they do not agree: max(0, 1 + 1), both ways.
    assert Sorted(width=8, margin=1.0).own_loss(swapped) == 2
