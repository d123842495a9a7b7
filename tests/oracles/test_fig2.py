"""Fig. 2 of the paper: four motion scenarios of two balls, one blurry image."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import ndimage

from deblurkit.frames import middle, pairs
from deblurkit_standard.rendering.fig2 import fig2_scenarios


@pytest.fixture(params=[(64, 5), (48, 7), (101, 3)], ids=["figure", "seven", "three"])
def scenarios(request: pytest.FixtureRequest) -> np.ndarray:
    size, frames = request.param
    return fig2_scenarios(size=size, frames=frames)


def test_all_four_averages_are_the_same(scenarios: np.ndarray) -> None:
    averages = scenarios.mean(axis=1)
    assert np.abs(averages - averages[0]).max() < 1e-12


def test_the_sequences_are_all_different_but_for_the_middle_frame(scenarios: np.ndarray) -> None:
    m = middle(scenarios.shape[1]) - 1
    for one, other in itertools.combinations(scenarios, 2):
        difference = np.abs(one - other).max(axis=(1, 2, 3))
        assert difference[m] == 0
        assert (np.delete(difference, m) > 0.5).all()


def test_sums_and_absolute_differences_of_pairs_are_exactly_the_same(
    scenarios: np.ndarray,
) -> None:
    for i, j in pairs(scenarios.shape[1]):
        first, second = scenarios[:, i - 1], scenarios[:, j - 1]
        np.testing.assert_array_equal(
            first + second, np.broadcast_to(first[0] + second[0], first.shape)
        )
        np.testing.assert_array_equal(
            np.abs(first - second), np.broadcast_to(np.abs(first[0] - second[0]), first.shape)
        )


def test_every_frame_shows_a_red_and_a_green_ball_at_its_place(scenarios: np.ndarray) -> None:
    T, size = scenarios.shape[1:3]
    background = scenarios[0, 0, 0, 0]
    directions = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
    for sequence, signs in zip(scenarios, directions, strict=True):
        for t, frame in zip(np.linspace(-0.5, 0.5, T), sequence, strict=True):
            balls, count = ndimage.label(np.abs(frame - background).max(axis=-1) > 0)
            assert count == 2
            centres = ndimage.center_of_mass(np.ones(balls.shape), balls, [1, 2])
            for (row, column), sign, channel in zip(centres, signs, (0, 1), strict=True):
                assert column == pytest.approx((size - 1) / 2 + sign * t * size / 2, abs=0.5)
                assert frame[round(row), round(column)].argmax() == channel
