"""Re-blurring against plain loops over pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deblurkit.errors import FrameError
from deblurkit.evaluation.reblur import blurry_psnr, reblur, reblur_error
from deblurkit.formation import form

SHAPE = (3, 2, 3, 3)
FRAMES = arrays(np.float64, SHAPE, elements=st.floats(0, 1, width=32))


def blurred_by_loops(frames, power):
    """(mean_t frames^power)^(1/power), one value after another."""
    out = np.zeros(frames.shape[1:])
    for place in np.ndindex(out.shape):
        light = math.fsum(float(f[place]) ** power for f in frames) / len(frames)
        out[place] = light ** (1 / power)
    return out


def squares(one, other):
    return math.fsum(
        (float(p) - float(q)) ** 2 for p, q in zip(one.ravel(), other.ravel(), strict=True)
    )


@settings(max_examples=40)
@given(frames=FRAMES, power=st.sampled_from([1.0, 1.8, 2.2]))
def test_the_mean_is_taken_in_linear_light(frames, power):
    ours = reblur(frames) if power == 1 else reblur(frames, "gamma", power)
    assert ours.dtype == np.float64 and ours.shape == SHAPE[1:]
    np.testing.assert_allclose(ours, blurred_by_loops(frames, power), atol=1e-9)
    assert np.allclose(reblur(frames[::-1], "gamma", power), reblur(frames, "gamma", power))


@settings(max_examples=40)
@given(estimate=FRAMES, blurry=arrays(np.float32, SHAPE[1:], elements=st.floats(0, 1, width=32)))
def test_the_error_is_against_the_blurry_image_given(estimate, blurry):
    measure = reblur_error(estimate, blurry)
    assert measure.weight == blurry.size
    assert measure.total == pytest.approx(squares(blurred_by_loops(estimate, 1), blurry), abs=1e-9)
    measure = reblur_error(estimate, blurry, "gamma", 2.0)
    assert measure.total == pytest.approx(squares(blurred_by_loops(estimate, 2), blurry), abs=1e-9)


@settings(max_examples=40)
@given(estimate=FRAMES, target=FRAMES)
def test_blurry_psnr_is_of_two_blurred_sequences(estimate, target):
    error = squares(*(blurred_by_loops(f, 2.2) for f in (estimate, target)))
    if error > 1e-12:
        wanted = -10 * math.log10(error / math.prod(SHAPE[1:]))
        assert blurry_psnr(estimate, target) == pytest.approx(wanted, rel=1e-6)
    assert blurry_psnr(target[::-1].copy(), target) > 150  # the direction leaves no trace


def test_the_truth_explains_its_blurry_image_but_for_noise_and_rounding():
    rng = np.random.default_rng(0)
    frames = rng.random((7, 16, 16, 3))
    for response in ("identity", "gamma", "srgb"):
        exact = reblur_error(frames, form(frames, response=response, bits=0), response)
        assert exact.total == 0
        rounded = reblur_error(frames, form(frames, response=response), response)
        assert -10 * math.log10(rounded.total / rounded.weight) == pytest.approx(58.9, abs=0.3)
    wrong = reblur_error(frames, form(frames, response="gamma"), "identity")
    assert wrong.total > 100 * rounded.total
    assert blurry_psnr(frames, frames) == math.inf


def test_float32_frames_are_blurred_in_float64():
    frames = np.random.default_rng(1).random((7, 8, 8, 3)).astype(np.float32)
    assert np.array_equal(reblur(frames), reblur(frames.astype(np.float64)))


def test_mistakes_are_named():
    x = np.zeros((3, 4, 4, 3))
    with pytest.raises(ValueError, match=r"expected a sequence T×H×W×3, got \(4, 4, 3\)"):
        reblur(x[0])
    with pytest.raises(FrameError, match="2 frames have no middle"):
        reblur(x[:2])
    with pytest.raises(TypeError, match="divide 8-bit values by 255"):
        reblur(x.astype(np.uint8))
    with pytest.raises(ValueError, match="unknown camera response 'film'"):
        reblur(x, "film")
    with pytest.raises(ValueError, match=r"frames of \(4, 4, 3\), a blurry image of \(4, 3, 3\)"):
        reblur_error(x, x[0, :, :3])
    with pytest.raises(ValueError, match=r"the estimate is \(3, 4, 4, 3\), the true sequence"):
        blurry_psnr(x, x[:1])
