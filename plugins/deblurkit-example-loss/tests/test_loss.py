"""coarse-pairs keeps deblurkit's contract, and means what it says."""

import pytest
import torch
from deblurkit_example_loss.loss import CoarsePairs
from deblurkit_example_loss.plugin import deblurkit_losses

from deblurkit.errors import FrameError
from deblurkit.frames import FrameSet
from deblurkit.testing import check_loss


@pytest.mark.parametrize("block", [1, 4])
@pytest.mark.parametrize("spec", deblurkit_losses(), ids=lambda spec: spec.name)
def test_contract(spec, block):
    check_loss(spec, block=block)


def frames(*images):
    return FrameSet(len(images), dict(enumerate(images, start=1)), torch.zeros_like(images[0]))


def test_pixels_may_change_places_within_a_block_and_pairs_may_swap():
    x, z = torch.rand(2, 1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    target, loss = frames(x, x, z), CoarsePairs(block=8)
    assert loss(frames(z, x, x), target) < 1e-6
    assert loss(frames(x.flip(-1), x, z.roll(3, -2)), target) < 1e-6
    assert CoarsePairs(block=1)(frames(x.flip(-1), x, z), target) > 0.1


def test_the_mean_of_both_has_a_price():
    x, z = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    half = (x + z) / 2
    assert CoarsePairs()(frames(half, half, half), frames(x, half, z)) == pytest.approx(1, abs=0.01)


def test_a_frame_without_its_partner_is_an_error():
    x = torch.rand(1, 3, 8, 8)
    only = FrameSet(3, {1: x}, x)
    with pytest.raises(FrameError, match="without its partner"):
        CoarsePairs()(only, only)
