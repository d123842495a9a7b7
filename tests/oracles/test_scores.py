"""Scores against scikit-image and against loops that follow the papers word by word."""

from __future__ import annotations

import math

import numpy as np
import pytest
import skimage.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deblurkit.evaluation.frame_scores import mse, psnr, ssim
from deblurkit.registry import get_registry


def images(seed: int, height: int = 17, width: int = 14) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.random((height, width, 3))
    return np.clip(target + 0.1 * rng.standard_normal(target.shape), 0, 1), target


def oracle_ssim(estimate: np.ndarray, target: np.ndarray) -> float:
    """Wang et al. 2004, eq. (13), window by window, in plain sums."""
    window = {
        (i, j): math.exp(-(i * i + j * j) / (2 * 1.5**2))
        for i in range(-5, 6)
        for j in range(-5, 6)
    }
    total = math.fsum(window.values())
    C1, C2 = 0.01**2, 0.03**2
    found = []
    for channel in range(target.shape[2]):
        x, y = estimate[..., channel], target[..., channel]
        for row in range(5, x.shape[0] - 5):
            for column in range(5, x.shape[1] - 5):
                m = np.zeros(5)  # weighted means of x, y, x², y², xy
                for (i, j), w in window.items():
                    a, b = float(x[row + i, column + j]), float(y[row + i, column + j])
                    m += w / total * np.array([a, b, a * a, b * b, a * b])
                luminance = (2 * m[0] * m[1] + C1) / (m[0] ** 2 + m[1] ** 2 + C1)
                variances = (m[2] - m[0] ** 2) + (m[3] - m[1] ** 2)
                found.append(luminance * (2 * (m[4] - m[0] * m[1]) + C2) / (variances + C2))
    return math.fsum(found) / len(found)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_psnr_and_mse_are_those_of_scikit_image_and_of_a_loop(dtype):
    estimate, target = (x.astype(dtype) for x in images(0))
    squares = [(float(a) - float(b)) ** 2 for a, b in zip(estimate.flat, target.flat, strict=True)]
    wanted = math.fsum(squares) / len(squares)
    assert mse(estimate, target) == pytest.approx(wanted, rel=1e-12)
    assert psnr(estimate, target) == pytest.approx(10 * math.log10(1 / wanted), rel=1e-12)
    theirs = skimage.metrics.peak_signal_noise_ratio(
        target.astype(float), estimate.astype(float), data_range=1
    )
    assert psnr(estimate, target) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_ssim_is_that_of_the_paper(seed):
    estimate, target = images(seed)
    assert ssim(estimate, target) == pytest.approx(oracle_ssim(estimate, target), abs=1e-9)


def test_ssim_of_the_smallest_image():
    estimate, target = images(2, 11, 11)
    assert ssim(estimate, target) == pytest.approx(oracle_ssim(estimate, target), abs=1e-9)


def test_known_values():
    flat = np.full((12, 12, 3), 0.5)
    assert psnr(flat, flat + 0.1) == pytest.approx(20)
    assert psnr(flat, flat) == math.inf
    assert ssim(flat, flat) == 1
    means = (2 * 0.5 * 0.6 + 1e-4) / (0.5**2 + 0.6**2 + 1e-4)  # no variance: only eq. (6) is left
    assert ssim(flat, flat + 0.1) == pytest.approx(means, rel=1e-9)


IMAGE = arrays(np.float32, (12, 11, 3), elements=st.floats(0, 1, width=32))


@settings(max_examples=30)
@given(estimate=IMAGE, target=IMAGE)
def test_scores_are_symmetric_and_in_range(estimate, target):
    assert mse(estimate, target) == mse(target, estimate)
    assert 0 <= mse(estimate, target) <= 1
    assert ssim(estimate, target) == pytest.approx(ssim(target, estimate), abs=1e-12)
    assert -1 - 1e-9 <= ssim(estimate, target) <= 1 + 1e-9
    assert ssim(target, target) == pytest.approx(1)


def test_half_precision_is_not_scored_in_half_precision():
    one = np.full((16, 16, 3), 0.5, np.float16)
    other = (one.astype(np.float64) + 2**-11).astype(np.float16)
    assert mse(one, other) == pytest.approx(2.0**-22, rel=1e-12)


@pytest.mark.parametrize("score", [mse, psnr, ssim])
def test_mistakes_are_named(score):
    x = np.zeros((16, 16, 3))
    with pytest.raises(ValueError, match=r"the estimate is \(16, 15, 3\), the true image"):
        score(x[:, :15], x)
    with pytest.raises(ValueError, match="got uint8; divide 8-bit values by 255"):
        score(x.astype(np.uint8), x.astype(np.uint8))


def test_ssim_says_what_it_needs():
    with pytest.raises(ValueError, match=r"10×16 pixels is too small.*at least 11×11"):
        ssim(np.zeros((10, 16, 3)), np.zeros((10, 16, 3)))
    with pytest.raises(ValueError, match=r"H×W×3, got the shape \(16, 16\)"):
        ssim(np.zeros((16, 16)), np.zeros((16, 16)))


@pytest.mark.parametrize(("name", "function"), [("psnr", psnr), ("ssim", ssim)])
def test_the_metric_plugins_give_these_functions(name, function):
    estimate, target = images(4)
    score = get_registry().resolve("metric", name).build()
    assert score(estimate, target) == function(estimate, target)
