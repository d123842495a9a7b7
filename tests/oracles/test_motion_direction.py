"""Orderings by motion: displacements are those that scipy moved a scene by."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, shift

from deblurkit.frames import FrameSet
from deblurkit.ordering import consistency
from deblurkit_standard.orderings.motion_direction import MotionDirection


def sliding(step: tuple[float, float], seed: int, T: int = 5) -> FrameSet[torch.Tensor]:
    """Smooth noise that moves by (down, right) pixels a frame, from beyond the borders, too."""
    scene = gaussian_filter(np.random.default_rng(seed).random((160, 160)), 6)
    scene = (scene - scene.min()) / (scene.max() - scene.min())
    images = [shift(scene, np.multiply(step, i - 3), order=1)[32:-32, 32:-32] for i in range(1, 6)]
    return FrameSet(
        T,
        {
            i: torch.tensor(image, dtype=torch.float32).expand(1, 3, -1, -1)
            for i, image in enumerate(images, start=1)
        },
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("step", [(0, 1.0), (0, -1.5), (0.5, 1.0), (-1.0, 0.5), (1.5, -0.5)])
def test_displacements_are_those_that_scipy_moved_the_scene_by(
    step: tuple[float, float], seed: int
) -> None:
    frames = sliding(step, seed)
    right, down = (MotionDirection(angle)(frames)[0].numpy() for angle in (0, 90))
    true = np.multiply(step, 2)  # the core's frames are two apart
    assert np.allclose([down[0], right[0]], true, atol=0.25 * np.abs(true).max() + 0.2)
    along = MotionDirection(float(np.degrees(np.arctan2(*step))))(frames)
    assert bool((along > 0).all())  # of the ends, too, where motion is wide beside the edges


@pytest.mark.parametrize("seed", range(8))
def test_swapping_frames_swaps_the_sign(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    clips = FrameSet(7, dict(enumerate(torch.rand(7, 4, 3, 33, 47, generator=generator), 1)))
    found = consistency(MotionDirection(30.0), clips)
    assert bool(found.pairs.all())


def test_nothing_is_said_of_images_without_an_edge() -> None:
    flat = FrameSet(3, {i: torch.full((2, 3, 20, 20), i / 4) for i in (1, 2, 3)})
    assert MotionDirection(0.0)(flat).abs().max() == 0
