"""Motion scores against plain loops, and what they say to sequences that would fool PSNR."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from deblurkit.errors import FrameError
from deblurkit.evaluation.direction import frame_errors, squared_errors
from deblurkit.evaluation.motion import (
    directed_motion,
    direction_agreement,
    direction_coherence,
    local_agreement,
    motion_recall,
)
from deblurkit.frames import pairs

T, SIDE = 7, 48
SCORES = {
    "agreement": direction_agreement,
    "local": local_agreement,
    "coherence": direction_coherence,
    "recall": motion_recall,
}


def value(measure):
    return measure.total / measure.weight


# --- plain loops ---------------------------------------------------------------------------


def dot(u, v):
    return math.fsum(float(p) * float(q) for p, q in zip(u.ravel(), v.ravel(), strict=True))


def pair_parts(estimate, target):
    """(a-b, x-z) of every pair, from the core outwards."""
    for i, j in pairs(len(target)):
        yield estimate[i - 1] - estimate[j - 1], target[i - 1] - target[j - 1]


def windows(image, window):
    height, width = image.shape[:2]
    for top in range(0, height, window):
        for left in range(0, width, window):
            yield slice(top, top + window), slice(left, left + window)


def agreement_by_loops(estimate, target):
    (ours, true), *rest = pair_parts(estimate, target)
    core = dot(ours, true)
    agreeing = [dot(v, v) for u, v in rest if dot(u, v) * core > 0]
    return math.fsum(agreeing), math.fsum(dot(v, v) for _, v in rest)


def local_by_loops(estimate, target, window):
    (ours, true), *rest = pair_parts(estimate, target)
    total = weight = 0.0
    for u, v in rest:
        for w in windows(v, window):
            here = min(dot(v[w], v[w]), dot(true[w], true[w]))
            weight += here
            if dot(u[w], v[w]) * dot(ours[w], true[w]) > 0:
                total += here
    return total, weight


def coherence_by_loops(estimate, target, window):
    total = weight = 0.0
    for u, v in pair_parts(estimate, target):
        for rows, columns in windows(v, window):
            sums = {1.0: 0.0, -1.0: 0.0}
            for p, q in zip(u[rows, columns].ravel(), v[rows, columns].ravel(), strict=True):
                if abs(q) <= 12 / 255:
                    continue
                weight += q * q
                if abs(p) > 0.1 * abs(q):
                    sums[math.copysign(1, p) * math.copysign(1, q)] += q * q
            total += max(sums.values())
    return total, weight


def recall_by_loops(estimate, target):
    if dot(estimate[::-1] - target, estimate[::-1] - target) < dot(
        estimate - target, estimate - target
    ):
        estimate = estimate[::-1]
    total = weight = 0.0
    for t in range(len(target) - 1):
        step = 0.0
        for place in np.ndindex(target.shape[1:3]):
            ours, true = (f[t + 1][place] - f[t][place] for f in (estimate, target))
            step += min(dot(ours, true), dot(true, true))
            weight += dot(true, true)
        total += max(step, 0.0)
    return total, weight


@st.composite
def clips(draw):
    """Of few values, which no threshold is near, and ties are exact."""
    shape = (draw(st.sampled_from([3, 5])), 3, 5, 3)
    values = arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
    return draw(values), draw(values)


@settings(max_examples=40)
@given(clip=clips(), window=st.sampled_from([1, 2, 4, 16]))
def test_every_measure_is_the_one_of_the_plain_loops(clip, window):
    ours = [
        direction_agreement(*clip),
        local_agreement(*clip, window),
        direction_coherence(*clip, window),
        motion_recall(*clip),
    ]
    wanted = [
        agreement_by_loops(*clip),
        local_by_loops(*clip, window),
        coherence_by_loops(*clip, window),
        recall_by_loops(*clip),
    ]
    for measure, (total, weight) in zip(ours, wanted, strict=True):
        assert measure.total == pytest.approx(total, abs=1e-12)
        assert measure.weight == pytest.approx(weight, abs=1e-12)
        assert 0 <= measure.total <= measure.weight + 1e-12


@settings(max_examples=40)
@given(clip=clips())
def test_the_sign_of_directed_motion_is_the_better_order_of_the_pair(clip):
    estimate, target = clip
    found = directed_motion(estimate, target)
    for number, (i, j) in zip(found, pairs(len(target)), strict=True):
        (a, b), (x, z) = (f[[i - 1, j - 1]] for f in clip)
        ahead, back = (dot(a - u, a - u) + dot(b - v, b - v) for u, v in ((x, z), (z, x)))
        energy = dot(x - z, x - z)
        assert number * -2 * energy == pytest.approx(ahead - back, abs=1e-12)
    np.testing.assert_array_equal(directed_motion(estimate[::-1], target), -found)


@settings(max_examples=30)
@given(clip=clips())
def test_a_sequence_and_its_reverse_score_the_same(clip):
    estimate, target = clip
    gap = squared_errors(estimate, target)
    for name, score in SCORES.items():
        ahead, back = score(estimate, target), score(estimate[::-1], target)
        assert back.weight == pytest.approx(ahead.weight, abs=1e-12)
        # Where both directions fit equally well, nothing says which one recall must look at.
        if name != "recall" or abs(gap.forward.sum() - gap.backward.sum()) > 1e-9:
            assert back.total == pytest.approx(ahead.total, abs=1e-9)


# --- sequences that would fool PSNR ---------------------------------------------------------


def render(*objects):
    """Textured discs over a smooth background, pixel by pixel: T×SIDE×SIDE×3.

    An object is its first centre (row, column), its step a frame, its radius and its colour;
    later ones hide earlier ones.
    """
    frames = np.zeros((T, SIDE, SIDE, 3))
    for t, y, x in np.ndindex(T, SIDE, SIDE):
        colour = np.array([0.3, 0.35, 0.4]) + 0.1 * math.sin(x / 9) + 0.1 * math.cos(y / 7)
        for (row, column), (down, right), radius, paint in objects:
            v, u = y - row - down * t, x - column - right * t
            cover = min(max(radius - math.hypot(u, v) + 0.5, 0), 1)
            texture = 1 + 0.3 * math.sin(u / 1.5) * math.sin(v / 1.5)
            colour = cover * texture * np.array(paint) + (1 - cover) * colour
        frames[t, y, x] = np.clip(colour, 0, 1)
    return frames


LEFT = ((14, 9), (3.0, 0.0), 6, (0.9, 0.7, 0.2))
RIGHT = ((36, 37), (-2.5, 0.3), 6, (0.15, 0.5, 0.9))
SCENES = {"one object": render(LEFT), "two objects": render(LEFT, RIGHT)}


@pytest.fixture(params=SCENES)
def truth(request):
    return SCENES[request.param]


def swapped(frames, *numbers, columns=slice(None)):
    """With pairs (i, T+1-i) swapped, in all or some columns of the picture."""
    out = frames.copy()
    for i in numbers:
        out[[i - 1, T - i], :, columns] = frames[[T - i, i - 1], :, columns]
    return out


def per_pixel(frames):
    """Each pixel of each pair in one of its two orders, at random."""
    out, rng = frames.copy(), np.random.default_rng(0)
    for i, j in pairs(T):
        chosen = rng.random((SIDE, SIDE)) < 0.5
        out[i - 1][chosen], out[j - 1][chosen] = frames[j - 1][chosen], frames[i - 1][chosen]
    return out


def scores_of(estimate, truth):
    return {name: value(score(estimate, truth)) for name, score in SCORES.items()}


def test_the_truth_scores_one_in_either_direction(truth):
    for estimate in (truth, truth[::-1], truth.astype(np.float32)):
        for name, found in scores_of(estimate, truth).items():
            assert found == pytest.approx(1, abs=1e-6), name


def test_what_does_not_move_scores_zero(truth):
    frozen = np.repeat(truth[T // 2 : T // 2 + 1], T, 0)
    blurry = np.repeat(truth.mean(0, keepdims=True), T, 0)
    for estimate in (frozen, blurry):
        assert set(scores_of(estimate, truth).values()) == {0.0}


def test_motion_that_no_file_would_show_is_none(truth):
    """A twentieth of the motion is no motion that could be called coherent."""
    faint = truth[T // 2] + 0.05 * (truth - truth[T // 2])
    assert value(direction_coherence(faint, truth)) == 0
    assert value(motion_recall(faint, truth)) == pytest.approx(0.05)
    faint = truth[T // 2] + 0.2 * (truth - truth[T // 2])
    assert value(direction_coherence(faint, truth)) > 0.95


@pytest.mark.parametrize("pair", [1, 2, 3])
def test_one_pair_in_the_other_direction_is_seen(truth, pair):
    """PSNR by `pair` or `pixel` calls this sequence perfect."""
    estimate = swapped(truth, pair)
    assert frame_errors(squared_errors(estimate, truth), "pair").sum() == 0
    found = scores_of(estimate, truth)
    energies = {i: np.square(truth[i - 1] - truth[T - i]).sum() for i in (1, 2)}
    agreeing = {1: energies[2], 2: energies[1], 3: 0.0}[pair]  # pair 3 is the core's
    assert found["agreement"] == pytest.approx(agreeing / sum(energies.values()))
    assert found["agreement"] < 0.65 and found["local"] < 0.65
    assert found["recall"] < 0.85
    assert found["coherence"] == 1


def test_pixels_that_choose_at_random_are_seen(truth):
    """PSNR by `pixel` calls this sequence perfect."""
    estimate = per_pixel(truth)
    assert frame_errors(squared_errors(estimate, truth), "pixel").sum() < 1e-12
    found = scores_of(estimate, truth)
    assert 0.5 < found["coherence"] < 0.65
    assert found["recall"] < 0.6 and found["local"] < 0.75


def test_objects_may_run_their_own_way_but_must_keep_it():
    """One of two objects backwards explains the blurry image as well; in mixed pairs it does not.

    Only the windows see the mixed pairs of an object that moves less than the rest.
    """
    truth = SCENES["two objects"]
    half = slice(SIDE // 2, None)
    backwards, mixed = swapped(truth, 1, 2, 3, columns=half), swapped(truth, 1, columns=half)
    found = scores_of(backwards, truth)
    assert found["agreement"] == 1 and found["coherence"] == 1 and found["local"] == 1
    assert 0.4 < found["recall"] < 0.8
    found = scores_of(mixed, truth)
    assert found["agreement"] == 1 and found["coherence"] == 1
    assert found["local"] < 0.85 and found["recall"] < 0.95


def test_recall_is_the_share_of_the_contrast_and_no_more_than_one(truth):
    middle = truth[T // 2]
    for contrast, wanted in ((0.25, 0.25), (0.7, 0.7), (1.5, 1.0), (3.0, 1.0)):
        estimate = middle + contrast * (truth - middle)
        assert value(motion_recall(estimate, truth)) == pytest.approx(wanted)


def test_exaggerating_one_object_does_not_pay_for_another():
    truth = SCENES["two objects"]
    middle, half = truth[T // 2], slice(SIDE // 2, None)
    estimate = middle + 2 * (truth - middle)
    estimate[:, :, half] = middle[:, half]
    share = np.square(np.diff(truth[:, :, : SIDE // 2], axis=0)).sum()
    share /= np.square(np.diff(truth, axis=0)).sum()
    assert value(motion_recall(estimate, truth)) == pytest.approx(share)


def test_noise_is_no_motion(truth):
    noise = 0.05 * np.random.default_rng(1).standard_normal(truth.shape)
    frozen = np.repeat(truth[T // 2 : T // 2 + 1], T, 0)
    found = scores_of(frozen + noise, truth)
    assert found["recall"] < 0.05 and found["coherence"] < 0.7
    found = scores_of(truth + noise, truth)
    assert found["recall"] > 0.85 and found["agreement"] == 1 and found["coherence"] > 0.9


# --- clips with little to say ---------------------------------------------------------------


def test_a_clip_that_does_not_move_has_no_weight():
    still = np.full((5, 20, 20, 3), 0.5)
    moving = np.random.default_rng(2).random(still.shape)
    for score in SCORES.values():
        measure = score(moving, still)
        assert (measure.total, measure.weight) == (0, 0)


def test_agreement_needs_two_pairs_and_motion_two_frames():
    for length, silent in ((1, SCORES), (3, ("agreement", "local"))):
        frames = np.random.default_rng(3).random((length, 20, 20, 3))
        for name, score in SCORES.items():
            measure = score(frames, frames)
            assert (measure.weight == 0) == (name in silent)


def test_changes_that_rounding_could_make_are_no_motion():
    target = np.full((3, 16, 16, 3), 0.5)
    target[0, ..., 0] += 11.9 / 255
    assert direction_coherence(target, target).weight == 0
    target[0, ..., 0] += 0.2 / 255
    assert direction_coherence(target, target).weight == pytest.approx(256 * (12.1 / 255) ** 2)


def test_noise_in_the_true_frames_is_no_motion():
    noise = 0.01 * np.random.default_rng(4).standard_normal((T, SIDE, SIDE, 3))
    still = direction_coherence(SCENES["one object"], 0.5 + noise)
    moving = direction_coherence(SCENES["one object"], SCENES["one object"])
    assert still.weight < 0.01 * moving.weight


def test_colours_that_choose_on_their_own_are_seen(truth):
    """PSNR by value calls this sequence perfect, and so does each colour of it alone."""
    estimate = truth.copy()
    estimate[..., 1] = truth[::-1, ..., 1]
    assert value(direction_coherence(truth, truth)) == 1
    energy = np.square(truth - truth[::-1])
    green = energy[..., 1].sum() / energy.sum()
    assert value(direction_coherence(estimate, truth)) < 1 - 0.5 * min(green, 1 - green)


def test_mistakes_are_named():
    x = np.zeros((3, 20, 20, 3))
    for score in (*SCORES.values(), directed_motion):
        with pytest.raises(ValueError, match="two sequences T×H×W×3, got"):
            score(x, x[:, :10])
        with pytest.raises(FrameError, match="2 frames have no middle"):
            score(x[:2], x[:2])
    for score in (direction_coherence, local_agreement):
        with pytest.raises(ValueError, match="a window of 0 pixels; valid: 1 or more"):
            score(x, x, 0)
