"""Direction modes against a search through every choice that a mode allows."""

from __future__ import annotations

import math
from itertools import product

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
    backwards,
    frame_errors,
    squared_errors,
    turned,
)
from deblurkit.evaluation.frame_scores import mse, psnr
from deblurkit.frames import pairs

ALL = ("forward", "endpoint", "best", "pair", "patch", "pixel")
SIDE = 2
NEVER_LESS = (
    ("forward", "best"),
    ("endpoint", "best"),
    ("best", "pair"),
    ("best", "patch"),
    ("pair", "pixel"),
    ("patch", "pixel"),
)
"""(a, b): the summed squared error of mode a is never below that of mode b."""


def side(mode):
    """The argument `patch` of a mode."""
    return SIDE if mode == "patch" else None


@st.composite
def clips(draw, lengths=(1, 3, 5, 7), size=(2, 3), colours=3):
    """An estimate and a target, of few values, so that ties are common."""
    shape = (draw(st.sampled_from(lengths)), *size, colours)
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


def patches_of(shape, patch):
    """The rectangles (rows, columns) of a grid from the top left corner, cut off at the border."""
    height, width = shape
    top = 0
    while top < height:
        left = 0
        while left < width:
            yield slice(top, min(top + patch, height)), slice(left, min(left + patch, width))
            left += patch
        top += patch


def cost(estimate, target, frames, rows, columns):
    """Squared errors over some frames (from 0) and a rectangle, one value after another."""
    found = 0.0
    for t in frames:
        for y in range(rows.start, rows.stop):
            for x in range(columns.start, columns.stop):
                for c in range(estimate.shape[-1]):
                    found += (float(estimate[t, y, x, c]) - float(target[t, y, x, c])) ** 2
    return found


def decisions(mode, T, shape, patch):
    """What a mode decides: (frames judged, frames then turned, rows, columns), frames from 0."""
    whole, everything = (slice(0, shape[0]), slice(0, shape[1])), tuple(range(T))
    both = [(i - 1, j - 1) for i, j in pairs(T)]
    if mode == "endpoint":
        yield (0, T - 1), everything, *whole
    elif mode == "best":
        yield everything, everything, *whole
    elif mode == "pair":
        yield from ((pair, pair, *whole) for pair in both)
    elif mode == "patch":
        yield from ((everything, everything, *place) for place in patches_of(shape, patch))
    elif mode == "pixel":
        for place in patches_of(shape, 1):
            yield from ((pair, pair, *place) for pair in both)


def arranged_by_loops(estimate, target, mode, patch=None):
    """What a mode makes of an estimate, by the modes' definitions and nothing clever."""
    back, out = estimate[::-1], estimate.copy()
    for judged, changed, rows, columns in decisions(
        mode, len(estimate), estimate.shape[1:3], patch
    ):
        ahead = cost(estimate, target, judged, rows, columns)
        if cost(back, target, judged, rows, columns) < ahead:
            for t in changed:
                out[t, rows, columns] = back[t, rows, columns]
    return out


@settings(max_examples=60)
@given(
    clip=clips(lengths=(1, 3, 5), size=(3, 5), colours=2),
    mode=st.sampled_from(ALL),
    patch=st.sampled_from([1, 2, 3, 4, 6]),
)
def test_each_mode_does_what_its_definition_says(clip, mode, patch):
    estimate, target = clip  # two colours of a few powers of 2: all sums are exact, so ties count
    patch = patch if mode == "patch" else None
    errors = squared_errors(estimate, target)
    wanted = arranged_by_loops(estimate, target, mode, patch)
    assert np.array_equal(arrange(estimate, errors, mode, patch), wanted)
    per_frame = [mse(x, t) for x, t in zip(wanted, target, strict=True)]
    np.testing.assert_allclose(frame_errors(errors, mode, patch), per_frame, atol=1e-12)


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
        shown = arrange(estimate, errors, mode, side(mode))
        assert shown.dtype == estimate.dtype and shown.shape == estimate.shape
        wanted = [mse(x, t) for x, t in zip(shown, target, strict=True)]
        np.testing.assert_allclose(frame_errors(errors, mode, side(mode)), wanted, atol=1e-12)
        assert np.array_equal(np.sort(shown, 0), np.sort(estimate, 0))
        middle = len(estimate) // 2
        assert np.array_equal(shown[middle], estimate[middle])


@settings(max_examples=60)
@given(several=st.lists(clips(lengths=(5,), size=(3, 5)), min_size=1, max_size=4))
def test_the_order_of_the_modes_is_kept(several):
    means = {}
    for mode in MODES:
        pooled = PooledErrors(5, mode, side(mode))
        for estimate, target in several:
            pooled.add(estimate, target)
        means[mode] = pooled.mse().mean()
    assert MODES == ALL
    assert all(means[worse] >= means[better] - 1e-12 for worse, better in NEVER_LESS)


def test_the_orders_that_are_not_given_do_not_hold():
    """Each of two modes can be the better one: neither order could be promised."""
    rng = np.random.default_rng(4)
    target = rng.random((5, 4, 4, 3))
    pair, patch, ends = (target.copy() for _ in range(3))
    pair[[0, 4]] = target[[4, 0]]
    patch[:, :2, :2] = target[::-1, :2, :2]
    ends[[0, 4]] = target[[4, 0]] * 0.6 + target[[0, 4]] * 0.4
    turned_round = target[::-1]

    def error(estimate, mode):
        return frame_errors(squared_errors(estimate, target), mode, side(mode)).sum()

    assert error(pair, "pair") < error(pair, "patch")
    assert error(patch, "patch") < error(patch, "pair")
    assert error(turned_round, "endpoint") < error(turned_round, "forward")
    assert error(ends, "endpoint") > error(ends, "forward") > 0


@settings(max_examples=40)
@given(clip=clips(size=(3, 5)))
def test_a_patch_of_a_pixel_or_of_the_picture(clip):
    """Patches as large as the picture are `best`; of one pixel and T = 3 they are `pixel`."""
    estimate, target = clip
    errors = squared_errors(estimate, target)
    for patch in (5, 7):
        assert np.array_equal(
            arrange(estimate, errors, "patch", patch), arrange(estimate, errors, "best")
        )
    if len(estimate) == 3:
        ours = frame_errors(errors, "patch", 1), frame_errors(errors, "pixel")
        np.testing.assert_allclose(*ours, atol=1e-12)


@settings(max_examples=40)
@given(clip=clips(size=(3, 5)))
def test_turned_says_what_was_done_to_the_whole_sequence(clip):
    estimate, target = clip
    errors = squared_errors(estimate, target)
    for mode in ("forward", "endpoint", "best"):
        shown = estimate[::-1] if turned(errors, mode) else estimate
        assert np.array_equal(arrange(estimate, errors, mode), shown)
    assert turned(errors) == turned(errors, "best")
    assert not turned(errors, "forward")


@settings(max_examples=40)
@given(clip=clips())
def test_backwards_is_as_good_as_forwards_but_for_the_mode_forward(clip):
    estimate, target = clip
    ahead, back = (squared_errors(x, target) for x in (estimate, estimate[::-1]))
    for mode in ("best", "pair", "patch", "pixel"):
        sums = [frame_errors(errors, mode, side(mode)).sum() for errors in (ahead, back)]
        assert sums[0] == pytest.approx(sums[1], abs=1e-12)


def test_each_mode_repairs_what_it_is_for():
    """A true sequence run backwards; one pair swapped; an object backwards, in patches and off."""
    target = np.random.default_rng(0).random((7, 4, 4, 3))
    pair, on_grid, off_grid = target.copy(), target.copy(), target.copy()
    pair[[0, 6]] = target[[6, 0]]
    on_grid[:, :2] = target[::-1, :2]
    off_grid[:, :1] = target[::-1, :1]
    for estimate, repaired in (
        (target, ALL),
        (target[::-1], ("endpoint", "best", "pair", "patch", "pixel")),
        (pair, ("pair", "pixel")),
        (on_grid, ("patch", "pixel")),
        (off_grid, ("pixel",)),
    ):
        errors = squared_errors(estimate, target)
        fits = tuple(mode for mode in MODES if frame_errors(errors, mode, side(mode)).sum() == 0)
        assert fits == repaired


def test_ties_leave_the_estimate_as_it_is():
    target = np.zeros((3, 2, 2, 3))
    estimate = np.random.default_rng(1).random(target.shape)
    for mode in MODES:
        errors = squared_errors(estimate, target)
        assert np.array_equal(arrange(estimate, errors, mode, side(mode)), estimate)


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
    with pytest.raises(ValueError, match="valid: forward, endpoint, best, pair, patch, pixel"):
        PooledErrors(3, "backward")
    with pytest.raises(ValueError, match="valid: forward, endpoint, best, pair, patch, pixel"):
        frame_errors(squared_errors(x, x), "backward")
    with pytest.raises(ValueError, match="no clip was added yet"):
        PooledErrors(3, "best").psnr()
    with pytest.raises(ValueError, match="a clip of 3 frames; valid: 5"):
        PooledErrors(5, "best").add(x, x)
    errors = squared_errors(x, x)
    for patch in (None, 0, -3, 2.0, True):
        with pytest.raises(ValueError, match=r"needs the side of a patch, in pixels, >= 1; got"):
            backwards(errors, "patch", patch)
    for use in (lambda: arrange(x, errors, "best", 4), lambda: PooledErrors(3, "pixel", 4)):
        with pytest.raises(ValueError, match="has no patches; leave `patch` out"):
            use()
    with pytest.raises(ValueError, match="'pair' turns no whole sequences; valid: forward, endp"):
        turned(errors, "pair")
