"""Direction modes against a search through every choice that a mode allows."""

from __future__ import annotations

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deblurkit.errors import FrameError
from deblurkit.evaluation.direction import (
    MODES,
    PooledErrors,
    arrange,
    frame_errors,
    squared_errors,
)
from deblurkit.evaluation.scores import mse, psnr
from deblurkit.frames import pairs


@st.composite
def clips(draw, lengths=(1, 3, 5, 7)):
    """An estimate and a target, of few values, so that ties are common."""
    shape = (draw(st.sampled_from(lengths)), 2, 3, 3)
    values = arrays(np.float32, shape, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    return draw(values), draw(values)


def total(estimate, target):
    return math.fsum(((estimate.astype(float) - target) ** 2).ravel())


def every_choice(estimate, mode):
    """All sequences that a mode may make of an estimate; a pixel's are made one by one."""
    T = len(estimate)
    if mode == "forward":
        yield estimate
    elif mode == "best":
        yield from (estimate, estimate[::-1])
    elif mode == "pair":
        for swaps in product([False, True], repeat=len(pairs(T))):
            out = estimate.copy()
            for (i, j), swap in zip(pairs(T), swaps, strict=True):
                if swap:
                    out[[i - 1, j - 1]] = estimate[[j - 1, i - 1]]
            yield out


def least_by_pixel(estimate, target):
    """The least total where each pixel of each pair is swapped or not, by trying both."""
    T = len(estimate)
    middle = T // 2
    found = total(estimate[middle], target[middle])
    for i, j in pairs(T):
        for place in np.ndindex(estimate.shape[1:3]):
            one, other = estimate[i - 1][place], estimate[j - 1][place]
            first, last = target[i - 1][place], target[j - 1][place]
            found += min(
                total(one, first) + total(other, last), total(other, first) + total(one, last)
            )
    return found


@settings(max_examples=60)
@given(clip=clips())
def test_each_mode_reaches_the_least_error_of_its_choices(clip):
    estimate, target = clip
    errors = squared_errors(estimate, target)
    scale = math.prod(estimate.shape[1:])
    for mode in ("forward", "best", "pair"):
        wanted = min(total(x, target) for x in every_choice(estimate, mode))
        assert frame_errors(errors, mode).sum() * scale == pytest.approx(wanted, abs=1e-9)
    wanted = least_by_pixel(estimate, target)
    assert frame_errors(errors, "pixel").sum() * scale == pytest.approx(wanted, abs=1e-9)


@settings(max_examples=60)
@given(clip=clips())
def test_the_frame_errors_are_those_of_the_arranged_estimate(clip):
    """What is scored is a sequence that could be shown, made of the estimate's own values."""
    estimate, target = clip
    errors = squared_errors(estimate, target)
    for mode in MODES:
        shown = arrange(estimate, errors, mode)
        assert shown.dtype == estimate.dtype and shown.shape == estimate.shape
        wanted = [mse(x, t) for x, t in zip(shown, target, strict=True)]
        np.testing.assert_allclose(frame_errors(errors, mode), wanted, atol=1e-12)
        assert np.array_equal(np.sort(shown, 0), np.sort(estimate, 0))
        middle = len(estimate) // 2
        assert np.array_equal(shown[middle], estimate[middle])


@settings(max_examples=40)
@given(several=st.lists(clips(lengths=(5,)), min_size=1, max_size=4))
def test_pooled_errors_never_rise_from_mode_to_mode(several):
    means = []
    for mode in MODES:
        pooled = PooledErrors(5, mode)
        for estimate, target in several:
            pooled.add(estimate, target)
        means.append(pooled.mse().mean())
    assert MODES == ("forward", "best", "pair", "pixel")
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(means))


@settings(max_examples=40)
@given(clip=clips())
def test_backwards_is_as_good_as_forwards_but_for_the_mode_forward(clip):
    estimate, target = clip
    ahead, back = (squared_errors(x, target) for x in (estimate, estimate[::-1]))
    for mode in ("best", "pair", "pixel"):
        sums = [frame_errors(errors, mode).sum() for errors in (ahead, back)]
        assert sums[0] == pytest.approx(sums[1], abs=1e-12)


def test_each_mode_repairs_what_it_is_for():
    """A true sequence run backwards; with one pair swapped; with one object running backwards."""
    target = np.random.default_rng(0).random((7, 4, 4, 3))
    pair = target.copy()
    pair[[0, 6]] = target[[6, 0]]
    pixels = target.copy()
    pixels[:, :2] = target[::-1, :2]
    for estimate, repaired in (
        (target, MODES),
        (target[::-1], ("best", "pair", "pixel")),
        (pair, ("pair", "pixel")),
        (pixels, ("pixel",)),
    ):
        errors = squared_errors(estimate, target)
        assert tuple(mode for mode in MODES if frame_errors(errors, mode).sum() == 0) == repaired


def test_ties_leave_the_estimate_as_it_is():
    target = np.zeros((3, 2, 2, 3))
    estimate = np.random.default_rng(1).random(target.shape)
    for mode in MODES:
        assert np.array_equal(arrange(estimate, squared_errors(estimate, target), mode), estimate)


def test_the_colours_of_a_pixel_stay_together():
    """Each colour alone would find its truth in one of the two orders; a pixel has only one."""
    target = np.zeros((3, 1, 1, 3))
    target[0], target[2] = 1.0, 0.0
    estimate = target.copy()
    estimate[[0, 2], ..., 0] = target[[2, 0], ..., 0]
    errors = frame_errors(squared_errors(estimate, target), "pixel")
    np.testing.assert_allclose(errors, [1 / 3, 0, 1 / 3])


def test_psnr_is_of_the_errors_of_all_clips_together():
    rng = np.random.default_rng(2)
    sizes = [(4, 5), (8, 3), (2, 2)]
    several = [tuple(rng.random((3, h, w, 3)) for _ in range(2)) for h, w in sizes]
    pooled = PooledErrors(3, "forward")
    for estimate, target in several:
        pooled.add(estimate, target)
    assert pooled.clips == 3
    for i in range(3):
        estimate, target = (
            np.concatenate([clip[side][i].reshape(-1, 3) for clip in several]) for side in (0, 1)
        )
        assert pooled.psnr()[i] == pytest.approx(psnr(estimate, target), rel=1e-12)


def test_a_perfect_estimate_has_no_finite_psnr():
    target = np.random.default_rng(3).random((3, 2, 2, 3))
    pooled = PooledErrors(3, "best")
    pooled.add(target, target)
    assert pooled.psnr().tolist() == [math.inf] * 3


def test_mistakes_are_named():
    x = np.zeros((3, 4, 4, 3))
    with pytest.raises(ValueError, match=r"two sequences T×H×W×3, got \(3, 4, 4, 3\) and \(3, 4"):
        squared_errors(x, x[:, :, :3])
    with pytest.raises(FrameError, match="2 frames have no middle"):
        squared_errors(x[:2], x[:2])
    with pytest.raises(ValueError, match="valid: forward, best, pair, pixel"):
        PooledErrors(3, "backward")
    with pytest.raises(ValueError, match="valid: forward, best, pair, pixel"):
        frame_errors(squared_errors(x, x), "backward")
    with pytest.raises(ValueError, match="no clip was added yet"):
        PooledErrors(3, "best").psnr()
    with pytest.raises(ValueError, match="a clip of 3 frames; valid: 5"):
        PooledErrors(5, "best").add(x, x)
