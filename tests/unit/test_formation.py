"""Formation against eq. (1) computed value by value in float64."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deblurkit.errors import FrameError
from deblurkit.formation import form, inverse_response, response

KINDS = [("identity", 2.2), ("gamma", 2.2), ("gamma", 1.0), ("gamma", 0.7), ("srgb", 2.2)]
UNIT = st.floats(0, 1, width=32)


def oracle_g(v: float, kind: str, gamma: float) -> float:
    if kind == "identity":
        return v
    if kind == "gamma":
        return math.exp(math.log(v) / gamma) if v > 0 else 0.0
    return 12.92 * v if v <= 0.0031308 else 1.055 * math.exp(math.log(v) / 2.4) - 0.055


def oracle_g_inverse(v: float, kind: str, gamma: float) -> float:
    if kind == "identity":
        return v
    if kind == "gamma":
        return math.exp(math.log(v) * gamma) if v > 0 else 0.0
    return v / 12.92 if v <= 0.04045 else math.exp(2.4 * math.log((v + 0.055) / 1.055))


def oracle_y(frames: np.ndarray, kind: str, gamma: float) -> np.ndarray:
    """The unquantised y of T×... frames, every value on its own."""
    y = np.zeros(frames.shape[1:])
    for place in product(*map(range, y.shape)):
        light = [oracle_g_inverse(float(x[place]), kind, gamma) for x in frames]
        y[place] = oracle_g(math.fsum(light) / len(light), kind, gamma)
    return y


def random_frames(T: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((T, 3, 4, 5), dtype=np.float32)


@pytest.mark.parametrize(("kind", "gamma"), KINDS)
@pytest.mark.parametrize("T", [1, 3, 5, 7, 9])
def test_numpy_and_torch_agree_with_the_oracle(T, kind, gamma):
    frames = random_frames(T, seed=T)
    frames[:, 0, 0] = 0.0
    frames[:, 0, 1] = 1.0
    expected = oracle_y(frames, kind, gamma)
    ours = form(frames, response=kind, gamma=gamma, bits=0)
    tensor = form(torch.from_numpy(frames), response=kind, gamma=gamma, bits=0)
    assert ours.dtype == np.float32 and ours.shape == (3, 4, 5)
    assert tensor.dtype == torch.float32
    np.testing.assert_allclose(ours, expected, atol=2e-6)
    np.testing.assert_allclose(tensor.numpy(), expected, atol=2e-6)


@pytest.mark.parametrize(("kind", "gamma"), KINDS)
def test_float64_is_exact_to_rounding(kind, gamma):
    frames = random_frames(5).astype(np.float64)
    y = form(frames, response=kind, gamma=gamma, bits=0)
    np.testing.assert_allclose(y, oracle_y(frames, kind, gamma), rtol=1e-13)
    tensor = form(torch.from_numpy(frames), response=kind, gamma=gamma, bits=0)
    np.testing.assert_allclose(tensor.numpy(), y, rtol=1e-13)


@pytest.mark.parametrize(("kind", "gamma"), KINDS)
@pytest.mark.parametrize("bits", [8, 16])
def test_quantised_values_are_the_nearest_multiples(kind, gamma, bits):
    frames = random_frames(7, seed=3)
    exact = oracle_y(frames, kind, gamma)
    steps = 2**bits - 1
    for y in (
        form(frames, response=kind, gamma=gamma, bits=bits),
        form(torch.from_numpy(frames), response=kind, gamma=gamma, bits=bits).numpy(),
    ):
        levels = np.rint(y * steps)
        assert np.array_equal(y, (levels / steps).astype(np.float32))
        assert np.abs(y - exact).max() <= 0.5 / steps + 2e-6


def test_eight_bit_frames_average_to_the_same_bits_everywhere():
    """A mean of an odd number of bytes is never halfway between two: no rounding is in doubt."""
    stored = np.random.default_rng(1).integers(0, 256, (7, 3, 16, 16), dtype=np.uint8)
    frames = stored.astype(np.float32) / np.float32(255)
    expected = (2 * stored.sum(0, dtype=int) + 7) // 14  # round to nearest in whole numbers
    for y in (form(frames), form(torch.from_numpy(frames)).numpy()):
        assert np.array_equal(y, expected.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kind", "gamma"), KINDS)
@given(value=UNIT)
def test_round_trip(kind, gamma, dtype, value):
    tolerance = 1e-5 if dtype == np.float32 else 1e-7
    x = np.array([value], dtype)
    back = response(inverse_response(x, kind, gamma), kind, gamma)
    np.testing.assert_allclose(back, x, atol=tolerance)
    tensor = response(inverse_response(torch.from_numpy(x), kind, gamma), kind, gamma)
    np.testing.assert_allclose(tensor.numpy(), x, atol=tolerance)


@pytest.mark.parametrize("function", [response, inverse_response])
@pytest.mark.parametrize(("kind", "gamma"), KINDS)
def test_end_points_stay_and_curves_rise(function, kind, gamma):
    grid = np.linspace(0, 1, 5001)
    curve = function(grid, kind, gamma)
    assert curve[0] == 0 and curve[-1] == pytest.approx(1, abs=1e-12)
    assert np.all(np.diff(curve) > 0)


def test_srgb_known_values():
    """Half of the stored range, the 18 % grey card and both sides of the knee."""
    assert inverse_response(np.array([0.5]), "srgb")[0] == pytest.approx(0.21404114, abs=1e-8)
    assert response(np.array([0.18]), "srgb")[0] == pytest.approx(0.46135613, abs=1e-8)
    below, above = response(np.array([0.0031308, 0.00313081]), "srgb")
    assert below == pytest.approx(0.040449936, abs=1e-9)
    assert above == pytest.approx(below, abs=1e-6)


@pytest.mark.parametrize(("kind", "gamma"), KINDS)
@settings(max_examples=25)
@given(image=arrays(np.uint8, (3, 2, 2)), T=st.sampled_from([1, 3, 5, 7, 9]))
def test_a_still_scene_is_not_blurred(kind, gamma, image, T):
    x = image.astype(np.float32) / np.float32(255)
    y = form(np.repeat(x[None], T, 0), response=kind, gamma=gamma, bits=8)
    assert np.array_equal(y, x)


def test_the_axis_of_time():
    batch = np.stack([random_frames(3, 1), random_frames(3, 2)])
    together = form(batch, response="srgb", axis=1)
    apart = np.stack([form(clip, response="srgb") for clip in batch])
    assert together.shape == (2, 3, 4, 5)
    assert np.array_equal(together, apart)


def test_noise_is_of_the_size_asked_for_and_the_same_for_both_kinds():
    frames = np.full((3, 3, 64, 64), 0.5, np.float32)
    noisy = form(frames, noise=0.02, bits=0, rng=np.random.default_rng(5))
    assert np.std(noisy - 0.5) == pytest.approx(0.02, rel=0.03)
    tensor = form(torch.from_numpy(frames), noise=0.02, bits=0, rng=np.random.default_rng(5))
    assert np.array_equal(tensor.numpy(), noisy)
    given_noise = np.float32(0.02) * np.random.default_rng(5).standard_normal(
        (3, 64, 64), dtype=np.float32
    )
    assert np.array_equal(form(frames, noise=given_noise, bits=0), noisy)


def test_noise_never_leaves_the_range():
    frames = np.tile(np.float32([0, 1])[:, None, None], (3, 1, 32, 32))
    y = form(frames, noise=0.5, bits=8, rng=np.random.default_rng(0))
    assert y.min() == 0 and y.max() == 1


@pytest.mark.parametrize(("kind", "gamma"), KINDS)
def test_gradients_are_right_and_finite(kind, gamma):
    torch.manual_seed(0)
    frames = torch.rand(3, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x: form(x, response=kind, gamma=gamma, bits=0), (frames,)
    )
    edge = torch.tensor([0.0, 1.0, 1e-30, -0.1, 1.1]).repeat(3, 1).requires_grad_()
    form(edge, response=kind, gamma=gamma, bits=0).sum().backward()
    assert edge.grad is not None and torch.isfinite(edge.grad).all()


def test_mistakes_are_named():
    frames = random_frames(3)
    with pytest.raises(FrameError, match="4 frames have no middle"):
        form(random_frames(4))
    with pytest.raises(TypeError, match="divide 8-bit values by 255"):
        form(np.zeros((3, 3, 2, 2), np.uint8))
    with pytest.raises(TypeError, match="divide 8-bit values by 255"):
        form(torch.zeros(3, 3, 2, 2, dtype=torch.uint8))
    with pytest.raises(TypeError, match="got list"):
        response([0.5])
    with pytest.raises(ValueError, match="valid: identity, gamma, srgb"):
        form(frames, response="linear")
    with pytest.raises(ValueError, match="above 0"):
        inverse_response(frames, "gamma", 0.0)
    with pytest.raises(ValueError, match="an `rng` to draw it from"):
        form(frames, noise=0.1)
    with pytest.raises(ValueError, match=r"the noise is \(2, 2\), the image \(3, 4, 5\)"):
        form(frames, noise=np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match="valid: 1 to 16"):
        form(frames, bits=17)


def test_numpy_needs_no_torch():
    code = (
        "import sys, numpy as np; from deblurkit.formation import form; "
        "form(np.zeros((3, 2)), response='srgb'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
