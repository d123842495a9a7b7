"""Each effect of a camera against a computation of its own."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deblurkit.errors import FrameError
from deblurkit.formation import Camera, expose, form
from deblurkit.formation.exposure import open_shares, with_headroom
from deblurkit.formation.mosaic import bayer, demosaic
from deblurkit.formation.sensor import sense
from deblurkit.formation.storing import as_jpeg


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def scene(count: int = 7, side: int = 16, seed: int = 0) -> np.ndarray:
    return rng(seed).integers(0, 256, (count, 3, side, side), dtype=np.uint8)


def flat(value: int, count: int = 3, side: int = 128) -> np.ndarray:
    return np.full((count, 3, side, side), value, np.uint8)


# --- the defaults are eq. (1) ---------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"response": "gamma"}, {"response": "srgb", "bits": 16}])
def test_by_default_it_is_the_plain_formation_bit_by_bit(how):
    frames = scene()
    before = rng(4)
    y, true = expose(frames, Camera(**how, noise=0.02), before)
    x = frames.astype(np.float32) / np.float32(255)
    after = rng(4)
    assert np.array_equal(true, x)
    assert np.array_equal(y, form(x, **how, noise=0.02, rng=after))
    assert before.random() == after.random()  # as many numbers were drawn


def test_the_long_way_gives_the_same_image_where_nothing_is_switched_on():
    frames = scene()
    for how in ({}, {"response": "gamma"}, {"response": "srgb"}):
        short = expose(frames, Camera(**how), rng())[0]
        # A noise drawn from [0, 0] is none, and takes the way of all other settings.
        assert np.array_equal(expose(frames, Camera(**how, noise=(0.0, 0.0)), rng())[0], short)


# --- shutter ----------------------------------------------------------------------------------


def test_sub_frames_are_averaged_and_the_middle_ones_are_true():
    frames = scene(15)
    y, true = expose(frames, Camera(response="srgb", subframes=5), rng())
    x = frames.astype(np.float32) / np.float32(255)
    assert np.array_equal(true, x[[2, 7, 12]])
    assert np.array_equal(y, form(x, response="srgb"))


@pytest.mark.parametrize("K", [3, 5, 7])
@pytest.mark.parametrize("duty", ["1", "1/2", "1/7", "0.93"])
def test_the_open_time_is_the_middle_share(K, duty):
    """Against a mean over fine slices of time, each open or closed as a whole."""
    share, slices = Fraction(duty), 2 * 700
    opens, closes = K * (1 - share) / 2, K * (1 + share) / 2
    weights = [0] * K
    for n in range(K * slices):
        centre = Fraction(2 * n + 1, 2 * slices)
        weights[int(centre)] += opens < centre < closes
    assert open_shares(K, float(share)) == pytest.approx([w / slices for w in weights], abs=1e-3)
    assert sum(open_shares(K, float(share))) == pytest.approx(K * float(share))
    frames = scene(3 * K, 4)
    light = (frames / 255) ** 2.2
    expected = np.average(light, axis=0, weights=weights * 3) ** (1 / 2.2)
    camera = Camera(response="gamma", subframes=K, duty=float(share), bits=0)
    np.testing.assert_allclose(expose(frames, camera, rng())[0], expected, atol=2e-3)


# --- highlights -------------------------------------------------------------------------------


def test_a_white_dot_leaves_a_streak_as_bright_as_its_light():
    """One pixel, white in one of T frames before black: light headroom / T there, at most 1."""
    T = 5
    frames = np.zeros((T, 3, 1, T), np.uint8)
    for t in range(T):
        frames[t, :, 0, t] = 255
    for headroom, seen in ((1.0, 1 / 5), (2.5, 1 / 2), (5.0, 1.0), (50.0, 1.0)):
        y, true = expose(frames, Camera(headroom=headroom, bits=0), rng())
        np.testing.assert_allclose(y, seen, rtol=1e-6)
        assert np.array_equal(true, (frames / 255).astype(np.float32))
    grey = np.where(frames == 255, 249, frames).astype(np.uint8)
    y, _ = expose(grey, Camera(headroom=50.0, bits=0), rng())
    np.testing.assert_allclose(y, 249 / 255 / T, rtol=1e-6)


def test_light_of_highlights_rises_smoothly_from_its_own():
    own = np.linspace(0, 1, 256, dtype=np.float32) ** np.float32(2.2)
    light = with_headroom(own, 4.0)
    assert np.array_equal(light[:251], own[:251]) and light[255] == 4
    assert np.all(np.diff(light[250:]) > 0)
    for value in range(250, 256):
        p = (value - 250) / 5
        assert light[value] == pytest.approx(own[value] * (1 + 3 * (3 * p**2 - 2 * p**3)))
    assert np.array_equal(with_headroom(own, 1.0), own)


# --- noise ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shot", "read"), [(0.01, 0.0), (0.0, 0.02), (0.003, 0.01), (1e-4, 0.0)])
def test_noise_has_the_mean_and_the_variance_of_the_model(shot, read):
    for level in (0.2, 0.5):
        light = np.full((3, 200, 200), level, np.float32)
        seen = sense(light, shot_noise=shot, read_noise=read, rng=rng(1))
        variance = shot * level + read**2
        count = seen.size
        assert seen.mean() == pytest.approx(level, abs=5 * np.sqrt(variance / count))
        assert seen.var() == pytest.approx(variance, rel=5 * np.sqrt(2 / count) + shot)


def test_electrons_are_counted_one_by_one():
    light = np.full((3, 64, 64), 0.35, np.float32)
    electrons = sense(light, shot_noise=1 / 50, rng=rng(2)) * 50
    counts = rng(2).poisson(np.full((3, 64, 64), np.float32(0.35) * 50.0))
    assert len(np.unique(counts)) > 10
    np.testing.assert_allclose(electrons, counts, atol=1e-5)


def test_noise_of_light_passes_the_response():
    frames = flat(128)
    camera = Camera(response="gamma", read_noise=0.004, bits=0)
    y, _ = expose(frames, camera, rng(3))
    light = (128 / 255) ** 2.2
    slope = (1 / 2.2) * light ** (1 / 2.2 - 1)
    assert y.std() == pytest.approx(0.004 * slope, rel=0.03)
    assert y.mean() == pytest.approx(128 / 255, abs=1e-3)


def test_a_full_pixel_has_no_noise_and_light_below_0_is_kept_to_the_end():
    bright = np.full((3, 32, 32), 3.0, np.float32)
    assert np.all(sense(bright, shot_noise=0.01, read_noise=0.05, rng=rng()) == 1)
    read = np.float32(0.1) * rng(5).standard_normal((16, 16), dtype=np.float32)
    seen = sense(np.zeros((3, 16, 16), np.float32), read_noise=0.1, mosaic=True, rng=rng(5))
    assert np.array_equal(seen, demosaic(read).clip(0, 1))
    assert np.abs(seen - demosaic(read.clip(0))).max() > 0.05


# --- white balance ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"response": "srgb"}, {"response": "gamma", "bits": 16}])
def test_white_balance_changes_the_scene_that_both_see(how):
    frames = scene()
    gains = []
    for seed in range(12):
        y, true = expose(frames, Camera(**how, white_balance=0.5), rng(seed))
        steps = 2 ** how.get("bits", 8) - 1
        again = form(true, **how)  # the same camera saw these frames, but for rounding
        assert np.abs(y - again).max() <= 1.01 / steps and np.mean(y != again) < 0.02
        stored = true * 255
        assert np.array_equal(true, np.rint(stored).astype(np.float32) / np.float32(255))
        assert np.array_equal(np.rint(stored[:, 1]), frames[:, 1])
        for colour in (0, 2):
            pick = (frames[:, colour] > 100) & (stored[:, colour] < 254)
            linear = [v[:, colour][pick] / 255 for v in (frames.astype(float), stored)]
            if how.get("response") == "srgb":
                linear = [((v + 0.055) / 1.055) ** 2.4 for v in linear]
            elif how.get("response") == "gamma":
                linear = [v**2.2 for v in linear]
            ratios = np.log2(linear[1] / linear[0])
            gains.append(np.median(ratios))
            assert np.abs(ratios - gains[-1]).max() < 0.04  # one gain, to 8 bits
    assert np.abs(gains).max() <= 0.51 and np.ptp(gains) > 0.6
    assert max(abs(np.subtract(gains[::2], gains[1::2]))) > 0.2  # red and blue go their own ways


def test_highlights_with_head_room_stay_white_under_another_light():
    dot = np.where(scene(3) > 128, 255, 100).astype(np.uint8)
    for seed in range(5):
        _, true = expose(dot, Camera(white_balance=0.5, headroom=4.0), rng(seed))
        assert np.all(true[dot == 255] == 1)
        _, true = expose(dot, Camera(white_balance=0.0, headroom=4.0), rng(seed))
        assert np.array_equal(true, (dot / 255).astype(np.float32))


# --- mosaic -----------------------------------------------------------------------------------

GREEN = [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]]
ROW = [
    [0, 0, 0.5, 0, 0],
    [0, -1, 0, -1, 0],
    [-1, 4, 5, 4, -1],
    [0, -1, 0, -1, 0],
    [0, 0, 0.5, 0, 0],
]
DIAGONAL = [
    [0, 0, -1.5, 0, 0],
    [0, 2, 0, 2, 0],
    [-1.5, 0, 6, 0, -1.5],
    [0, 2, 0, 2, 0],
    [0, 0, -1.5, 0, 0],
]
"""Fig. 2 of Malvar, He, Cutler (2004), in eighths."""


def malvar(seen: np.ndarray) -> np.ndarray:
    """The paper's filters, pixel by pixel."""
    height, width = seen.shape
    out = np.zeros((3, height, width))

    def mirrored(k: int, size: int) -> int:
        return -k if k < 0 else 2 * (size - 1) - k if k >= size else k

    def filtered(weights: list[list[float]], i: int, j: int) -> float:
        return sum(
            weights[a + 2][b + 2] / 8 * seen[mirrored(i + a, height), mirrored(j + b, width)]
            for a in range(-2, 3)
            for b in range(-2, 3)
        )

    column = [list(line) for line in zip(*ROW, strict=True)]
    for i in range(height):
        for j in range(width):
            if i % 2 == j % 2:  # a red or a blue pixel
                own = 0 if i % 2 == 0 else 2
                out[own, i, j] = seen[i, j]
                out[1, i, j] = filtered(GREEN, i, j)
                out[2 - own, i, j] = filtered(DIAGONAL, i, j)
            else:
                of_row = 0 if i % 2 == 0 else 2
                out[1, i, j] = seen[i, j]
                out[of_row, i, j] = filtered(ROW, i, j)
                out[2 - of_row, i, j] = filtered(column, i, j)
    return out


@pytest.mark.parametrize("shape", [(8, 8), (9, 7), (6, 11)])
def test_the_mosaic_is_interpolated_by_the_papers_filters(shape):
    seen = rng().random(shape, dtype=np.float32)
    np.testing.assert_allclose(demosaic(seen), malvar(seen), atol=1e-6)


def test_the_mosaic_is_red_green_green_blue():
    image = np.stack([np.full((4, 6), v, np.float32) for v in (0.1, 0.2, 0.3)])
    expected = np.tile(np.float32([[0.1, 0.2], [0.2, 0.3]]), (2, 3))
    assert np.array_equal(bayer(image), expected)


def test_one_colour_everywhere_and_straight_slopes_come_back():
    plain = np.stack([np.full((10, 13), v, np.float32) for v in (0.9, 0.2, 0.5)])
    np.testing.assert_allclose(demosaic(bayer(plain)), plain, atol=1e-6)
    i, j = np.mgrid[0:12, 0:15].astype(np.float32)
    slopes = np.stack([0.1 + 0.02 * i, 0.5 - 0.01 * j, 0.2 + 0.01 * i + 0.03 * j])
    inner = (slice(None), slice(2, -2), slice(2, -2))  # a mirror bends a slope
    np.testing.assert_allclose(demosaic(bayer(slopes))[inner], slopes[inner], atol=1e-6)


# --- files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", [1, 30, 75, 100])
def test_jpeg_is_what_pillow_makes_of_it(quality):
    pixels = scene(1, 24)[0]
    file = io.BytesIO()
    Image.fromarray(pixels.transpose(1, 2, 0)).save(
        file, "jpeg", quality=quality, subsampling=2, optimize=False
    )
    expected = np.array(Image.open(file)).transpose(2, 0, 1) / 255
    made = as_jpeg((pixels / 255).astype(np.float32), quality)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, expected, atol=1e-7)
    still = np.repeat(pixels[None], 3, 0)
    for bits in (0, 8, 16):  # in the end a JPEG has 8
        y, _ = expose(still, Camera(jpeg=quality, bits=bits), rng())
        np.testing.assert_allclose(y, expected, atol=1e-7)


def test_noise_and_rounding_come_before_the_file():
    frames = flat(100, side=64)
    camera = Camera(noise=(0.05, 0.05), bits=3, jpeg=90)
    y, _ = expose(frames, camera, rng(7))
    before, _ = expose(frames, Camera(noise=(0.05, 0.05), bits=3), rng(7))
    assert len(np.unique(before)) <= 8
    assert np.array_equal(y, as_jpeg(before, 90))


# --- what is drawn ----------------------------------------------------------------------------


def test_ranges_are_drawn_uniformly_light_noise_by_its_ratio():
    frames = flat(128, side=48)
    stops = []
    for seed in range(60):
        y, _ = expose(frames, Camera(read_noise=(1e-3, 1e-1), bits=0), rng(seed))
        stops.append(np.log10(y.std()))
    assert -3.05 < min(stops) < -2.8 and -1.2 < max(stops) < -0.95
    assert np.mean(stops) == pytest.approx(-2, abs=0.25)
    highs = [
        expose(flat(255), Camera(headroom=(1.0, 3.0), duty=1.0, bits=0), rng(s))[0].max()
        for s in range(3)
    ]
    assert highs == [1, 1, 1]
    dot = np.concatenate([flat(255, 1, 8), flat(0, 4, 8)])
    lights = [expose(dot, Camera(headroom=(1.0, 3.0)), rng(s))[0][0, 0, 0] * 5 for s in range(60)]
    assert 1 <= min(lights) < 1.2 and 2.8 < max(lights) <= 3.01
    assert np.mean(lights) == pytest.approx(2, abs=0.25)


def test_qualities_are_whole_numbers_both_ends_among_them():
    frames = scene(3, 8)
    plain = expose(frames, Camera(), rng())[0]
    made = {q: as_jpeg(plain, q).tobytes() for q in (40, 41, 42)}
    seen = {expose(frames, Camera(jpeg=(40, 42)), rng(s))[0].tobytes() for s in range(40)}
    assert seen == set(made.values())


def test_a_setting_leaves_the_draws_of_the_others_alone():
    """Head-room is the same with and without a white balance and noise."""
    dot = np.concatenate([flat(255, 1, 8), flat(0, 4, 8)])
    alone = expose(dot, Camera(headroom=(1.0, 3.0), bits=0), rng(9))[0]
    more = Camera(headroom=(1.0, 3.0), bits=0, read_noise=(1e-7, 1e-6), white_balance=0.2)
    np.testing.assert_allclose(expose(dot, more, rng(9))[0][1], alone[1], atol=1e-4)


# --- everything together ----------------------------------------------------------------------

TABLE = tuple(np.linspace(0, 1, 9) ** 0.6)
NUMBER = st.floats(0, 0.3)


@st.composite
def cameras(draw) -> Camera:
    K = draw(st.sampled_from([1, 3, 5]))
    pair = st.tuples(NUMBER, NUMBER).map(lambda p: tuple(sorted(p)))
    electrons = st.floats(1e-6, 0.3)
    return Camera(
        response=draw(st.sampled_from(["identity", "gamma", "srgb", TABLE])),
        gamma=draw(st.floats(0.5, 3)),
        noise=draw(NUMBER | pair),
        bits=draw(st.sampled_from([0, 1, 8, 16])),
        subframes=K,
        duty=draw(st.floats(0.01, 1)) if K > 1 else 1.0,
        headroom=draw(st.floats(1, 1000) | st.just((1.0, 8.0))),
        shot_noise=draw(st.just(0.0) | electrons | electrons.map(lambda a: (a, 0.3))),
        read_noise=draw(NUMBER | pair),
        white_balance=draw(st.floats(0, 4)),
        mosaic=draw(st.booleans()),
        jpeg=draw(st.just(0) | st.integers(1, 100) | st.just((1, 100))),
    )


@settings(max_examples=60, deadline=None)
@given(
    camera=cameras(),
    T=st.sampled_from([1, 3, 5]),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    seed=st.integers(0, 2**32),
)
def test_any_camera_gives_images_and_the_same_from_the_same_seed(camera, T, shape, seed):
    frames = rng(seed).integers(0, 256, (T * camera.subframes, 3, *shape), dtype=np.uint8)
    given_frames = frames.copy()
    y, true = expose(frames, camera, rng(seed))
    assert np.array_equal(frames, given_frames)
    assert y.shape == (3, *shape) and true.shape == (T, 3, *shape)
    for image in (y, true):
        assert image.dtype == np.float32 and np.isfinite(image).all()
        assert image.min() >= 0 and image.max() <= 1
    again = expose(frames, camera, rng(seed))
    assert np.array_equal(again[0], y) and np.array_equal(again[1], true)


def test_frames_that_cannot_be_exposed_are_named():
    with pytest.raises(FrameError, match="8 frames cannot be divided into groups of 3"):
        expose(scene(8), Camera(subframes=3), rng())
    with pytest.raises(FrameError, match="no middle frame"):
        expose(scene(6), Camera(subframes=3), rng())
    with pytest.raises(TypeError, match="8-bit frames"):
        expose(scene(3).astype(np.float32), Camera(), rng())
