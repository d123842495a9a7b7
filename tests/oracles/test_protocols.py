"""Protocols against plain loops from their formulas, and against tricks that must not pay."""

from __future__ import annotations

import importlib.util
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity
from torchvision.models import alexnet

from deblurkit.errors import DataError, DeblurkitError, PluginError
from deblurkit.evaluation.lpips_distance import Lpips
from deblurkit.evaluation.measures import ScoreSheet, merged
from deblurkit.evaluation.named_scores import NamedScore
from deblurkit.evaluation.protocol import full_name, new_sheet
from deblurkit.evaluation.protocols import animation_from_blur, blur2vid
from deblurkit.evaluation.protocols import deblurkit as ours
from deblurkit.evaluation.protocols.lookup import PROTOCOLS, get_protocol

ROOT = Path(__file__).parents[2]


def load_benchmark() -> Any:
    spec = importlib.util.spec_from_file_location(
        "protocol_tables", ROOT / "benchmarks/protocols.py"
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch):
    """As on a machine without pretrained weights; single tests give some."""
    for module in (ours, animation_from_blur, blur2vid):
        monkeypatch.setattr(module, "why_unavailable", lambda net: "no weights here")
    monkeypatch.setattr(blur2vid, "why_raft_unavailable", lambda: "no flow here")


@pytest.fixture(scope="module")
def random_lpips():
    torch.manual_seed(0)
    return Lpips("alex", backbone=alexnet(weights=None))


@pytest.fixture
def with_lpips(monkeypatch, random_lpips):
    """LPIPS on a random backbone: other numbers, the same arithmetic."""
    for module in (ours, animation_from_blur, blur2vid):
        monkeypatch.setattr(module, "why_unavailable", lambda net: None)
        monkeypatch.setattr(module, "Lpips", lambda net: random_lpips)
    return random_lpips


def clip(seed=0, T=5, height=48, width=84, noise=0.05):
    """A sequence in which a box moves, and an estimate: reversed here and there, with noise."""
    rng = np.random.default_rng(seed)
    target = np.empty((T, height, width, 3))
    target[:] = 0.2 + 0.4 * rng.random((height, width, 3))
    for t in range(T):
        target[t, 4 : height // 2, 3 * t + 2 : 3 * t + 12] = 0.9
        target[t, height // 2 + 2 : height - 4, width - 20 - 2 * t : width - 8 - 2 * t] = 0.1
    estimate = target.copy()
    estimate[:, : height // 2] = target[::-1, : height // 2]
    estimate = np.clip(estimate + noise * rng.standard_normal(target.shape), 0, 1)
    return estimate, target


def values(sheet: ScoreSheet) -> dict[str, list[float]]:
    return {c.key: sheet.values(c.key).tolist() for c in sheet.here}


def scored(protocol, *clips, blurry=None) -> dict[str, list[float]]:
    sheet = new_sheet(protocol, len(clips[0][1]))
    for k, (estimate, target) in enumerate(clips):
        sheet.add(str(k), protocol.score(estimate, target, blurry))
    return values(sheet)


# Plain loops: slow, from the formulas alone.


def mse(a, b):
    return math.fsum((float(p) - float(q)) ** 2 for p, q in zip(a.ravel(), b.ravel(), strict=True))


def decibels(a, b):
    error = mse(a, b) / a.size
    return 100.0 if error == 0 else min(100.0, -10 * math.log10(error))


def mean(numbers):
    numbers = list(numbers)
    return math.fsum(numbers) / len(numbers)


def directions(estimate):
    return estimate, estimate[::-1]


def gaussian_ssim(a, b):
    kind: Any = structural_similarity
    return kind(
        a, b, data_range=1.0, channel_axis=-1, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip


def mean_ssim(estimate, target):
    return mean(gaussian_ssim(p, g) for p, g in zip(estimate, target, strict=True))


def test_the_middle_frame_is_all_that_jin2018_middle_sees():
    clips = [clip(seed, T=3, height=6, width=8) for seed in (1, 2)]
    found = scored(get_protocol("jin2018-middle"), *clips)
    assert found == {"psnr-middle": [pytest.approx(mean(decibels(p[1], g[1]) for p, g in clips))]}


def test_hypercut_takes_the_direction_with_the_higher_mean_of_psnrs():
    clips = [clip(seed, T=5, height=8, width=30) for seed in (1, 2, 3)]
    clips[1] = (clips[1][0][::-1], clips[1][1])
    chosen = []
    for estimate, target in clips:
        both = [
            [decibels(p, g) for p, g in zip(d, target, strict=True)] for d in directions(estimate)
        ]
        chosen.append(max(both, key=mean))
    found = scored(get_protocol("hypercut-ppsnr"), *clips)
    assert found["ppsnr"] == [pytest.approx(mean(map(mean, chosen)))]
    assert found["ppsnr-frame"] == pytest.approx(
        [mean(frame) for frame in zip(*chosen, strict=True)]
    )


def test_the_direction_with_the_higher_mean_psnr_need_not_have_the_smaller_error():
    target = np.zeros((3, 4, 4, 3))
    target[2] = 0.5
    estimate = target[::-1].copy()  # forward: two frames far off; reversed: the middle one too
    estimate[0], estimate[2] = 0.001, 0.9
    found = scored(get_protocol("hypercut-ppsnr"), (estimate, target))
    both = [[decibels(p, g) for p, g in zip(d, target, strict=True)] for d in directions(estimate)]
    assert found["ppsnr-frame"] == pytest.approx(max(both, key=mean))


@pytest.mark.parametrize(("name", "patch"), [("blur2vid-gopro7", 40), ("blur2vid-baist", 32)])
def test_blur2vid_by_loops(name, patch):
    estimate, target = clip(T=3)
    T, height, width, colours = target.shape
    found = scored(get_protocol(name), (estimate, target))

    per_direction = [
        mean(decibels(p, g) for p, g in zip(d, target, strict=True)) for d in directions(estimate)
    ]
    assert found["psnr"] == [pytest.approx(max(per_direction))]

    least = [
        min(
            mean((float(d[t][place]) - float(target[t][place])) ** 2 for t in range(T))
            for d in directions(estimate)
        )
        for place in np.ndindex(height, width, colours)
    ]
    assert found["pw-psnr"] == [pytest.approx(-10 * math.log10(mean(least)))]

    similar = []
    for y in range(0, height - patch + 1, patch):
        for x in range(0, width - patch + 1, patch):
            at = np.s_[y : y + patch, x : x + patch]
            kind: Any = structural_similarity
            similar.append(
                max(
                    mean(
                        kind(d[t][at], target[t][at], data_range=1.0, channel_axis=2)
                        for t in range(T)
                    )
                    for d in directions(estimate)
                )
            )
    assert len(similar) == 2
    assert found["patch-ssim"] == [pytest.approx(mean(similar), abs=1e-9)]

    blurred = [
        np.array(
            [mean(float(f) ** 2.2 for f in column) ** (1 / 2.2) for column in s.reshape(T, -1).T]
        )
        for s in (estimate, target)
    ]
    assert found["blurry-psnr"] == [pytest.approx(decibels(*blurred))]
    assert get_protocol(name).unavailable() == {
        "patch-lpips": "no weights here", "epe": "no flow here",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "patch", "larger"), [("blur2vid-gopro7", 40, 1), ("blur2vid-baist", 32, 2)]
)
def test_blur2vid_lpips_patch_by_patch(name, patch, larger, with_lpips):
    estimate, target = clip(T=3)

    def cut(image, y, x):
        tensor = torch.from_numpy(image[y : y + patch, x : x + patch].transpose(2, 0, 1).copy())
        if larger > 1:
            side = larger * patch
            tensor = F.interpolate(
                tensor[None], size=(side, side), mode="bilinear", align_corners=False
            )[0]
        return tensor.numpy().transpose(1, 2, 0)

    wanted = mean(
        min(
            mean(with_lpips.distance(cut(d[t], 0, x), cut(target[t], 0, x)) for t in range(3))
            for d in directions(estimate)
        )
        for x in (0, patch)
    )
    found = scored(get_protocol(name), (estimate, target))
    assert found["patch-lpips"] == [pytest.approx(wanted, rel=1e-5)]


@pytest.mark.parametrize("key", ["epe", "epe-tvl1"])
def test_blur2vid_end_point_error_by_a_loop(key, monkeypatch):
    def flow(first, second):  # any function of two images will do
        return np.stack([10 * (second - first)[..., 0], second[..., 1] - 3 * first[..., 2]], -1)

    monkeypatch.setattr(blur2vid, "why_raft_unavailable", lambda: None)
    monkeypatch.setattr(blur2vid, "raft_large", lambda **how: flow)
    monkeypatch.setattr(blur2vid, "tvl1_flow", flow)
    estimate, target = clip(T=3)
    true = flow(target[0], target[-1])
    both = flow(estimate[0], estimate[-1]), flow(estimate[-1], estimate[0])
    wanted = mean(
        min(math.dist(f[place], true[place]) for f in both) for place in np.ndindex(true.shape[:2])
    )
    found = scored(blur2vid.GoPro7(classical_flow=True), (estimate, target))
    assert found[key] == [pytest.approx(wanted)]


def test_the_slow_classical_flow_is_there_only_when_asked_for():
    assert "epe-tvl1" not in {c.key for c in get_protocol("blur2vid-baist").columns(7)}
    asked = blur2vid.Baist(classical_flow=True).columns(7)
    assert [c.key for c in asked][-2:] == ["epe", "epe-tvl1"]


def test_animation_from_blur_takes_each_score_from_its_best_sample_and_direction(with_lpips):
    target = clip()[1]
    samples = np.stack([clip(seed, noise=n)[0] for seed, n in ((4, 0.2), (5, 0.01))])
    samples[1] = samples[1][::-1]
    orders = [d for sample in samples for d in directions(sample)]
    protocol = get_protocol("animation-from-blur")
    assert protocol.takes_samples
    found = scored(protocol, (samples, target))
    assert found["psnr"] == [pytest.approx(max(decibels(p, target) for p in orders))]
    assert found["ssim"] == [pytest.approx(max(mean_ssim(p, target) for p in orders))]
    distances = [
        mean(with_lpips.distance(p, g) for p, g in zip(d, target, strict=True)) for d in orders
    ]
    assert found["lpips"] == [pytest.approx(min(distances), rel=1e-5)]
    alone = scored(protocol, (samples[0], target))
    assert alone["psnr"] == [pytest.approx(max(decibels(p, target) for p in orders[:2]))]


def own_direction(estimate, target):
    """Forward or reversed, whichever has the smaller squared error over the whole sequence."""
    return min(directions(estimate), key=lambda d: mse(d, target))


def test_deblurkit_frame_scores_by_loops(with_lpips):
    clips = [clip(seed, height=32, width=40) for seed in (1, 2)]
    clips[1] = (clips[1][0][::-1], clips[1][1])
    found = scored(get_protocol("deblurkit"), *clips)
    turned = [own_direction(*c) for c in clips]
    n = sum(g.size for _, g in clips)

    def psnr(errors, count):
        return -10 * math.log10(math.fsum(errors) / count)

    def frame_psnr(t):
        return psnr([mse(p[t], g[t]) for p, (_, g) in zip(turned, clips, strict=True)], n / 5)

    assert found["psnr"] == [
        pytest.approx(psnr([mse(p, g) for p, (_, g) in zip(turned, clips, strict=True)], n))
    ]
    assert found["psnr-frame"] == pytest.approx([frame_psnr(t) for t in range(5)])
    assert found["psnr-forward"] == [pytest.approx(psnr([mse(p, g) for p, g in clips], n))]
    similar = [
        [gaussian_ssim(a, b) for a, b in zip(p, g, strict=True)]
        for p, (_, g) in zip(turned, clips, strict=True)
    ]
    assert found["ssim"] == [pytest.approx(mean(map(mean, similar)))]
    assert found["ssim-frame"] == pytest.approx([mean(t) for t in zip(*similar, strict=True)])
    distances = [
        mean(with_lpips.distance(a, b) for a, b in zip(p, g, strict=True))
        for p, (_, g) in zip(turned, clips, strict=True)
    ]
    assert found["lpips"] == [pytest.approx(mean(distances), rel=1e-5)]

    least = 0.0
    for p, g in clips:
        least += mse(p[2], g[2])
        for i, j in ((0, 4), (1, 3)):
            for place in np.ndindex(g.shape[1:3]):
                a, b, x, z = p[i][place], p[j][place], g[i][place], g[j][place]
                least += min(mse(a, x) + mse(b, z), mse(b, x) + mse(a, z))
    assert found["psnr-pixel"] == [pytest.approx(psnr([least], n))]


@pytest.mark.parametrize(("response", "power"), [("identity", 1.0), ("gamma", 2.0)])
def test_deblurkit_reblurs_by_a_loop(response, power):
    estimate, target = clip(T=3, height=12, width=24)
    columns = estimate.reshape(3, -1).T
    blurred = np.array([mean(float(v) ** power for v in c) ** (1 / power) for c in columns])
    given = np.random.default_rng(0).random(target.shape[1:])
    protocol = get_protocol("deblurkit", response=response, gamma=2.0)
    found = scored(protocol, (estimate, target), blurry=given)
    assert found["reblur-psnr"] == [pytest.approx(decibels(blurred, given.ravel()))]

    true = np.array(
        [mean(float(v) ** power for v in c) ** (1 / power) for c in target.reshape(3, -1).T]
    )
    rounded = np.array([round(255 * float(v)) / 255 for v in true])
    found = scored(protocol, (estimate, target))
    assert found["reblur-psnr"] == [pytest.approx(decibels(blurred, rounded), abs=1e-6)]


def test_deblurkit_motion_scores_by_loops():
    estimate, target = clip(T=7, height=36, width=40)
    found = scored(get_protocol("deblurkit"), (estimate, target))
    p, g = own_direction(estimate, target), target

    def dot(a, b):
        return math.fsum(float(u) * float(v) for u, v in zip(a.ravel(), b.ravel(), strict=True))

    pairs = [(2, 4), (1, 5), (0, 6)]
    along = [dot(p[i] - p[j], g[i] - g[j]) for i, j in pairs]
    energy = [dot(g[i] - g[j], g[i] - g[j]) for i, j in pairs]
    same = math.fsum(e for a, e in zip(along[1:], energy[1:], strict=True) if a * along[0] > 0)
    assert found["direction-agreement"] == [pytest.approx(same / math.fsum(energy[1:]))]

    moved = change = 0.0
    for i, j in pairs:
        ours, true = (f[i] - f[j] for f in (p, g))
        sign = math.copysign(1.0, dot(ours, true))
        here = [
            min(sign * dot(ours[at], true[at]), dot(true[at], true[at]))
            for at in np.ndindex(36, 40)
        ]
        moved += max(0.0, math.fsum(here))
        change += dot(true, true)
    assert found["pair-motion"] == [pytest.approx(moved / change)]

    error = 0.0
    for i, j in [*pairs, (3, 3)]:
        a, b, x, z = (f[k].ravel().tolist() for f, k in ((p, i), (p, j), (g, i), (g, j)))
        error += math.fsum(
            min((u - s) ** 2 + (v - t) ** 2, (u - t) ** 2 + (v - s) ** 2)
            for u, v, s, t in zip(a, b, x, z, strict=True)
        ) / (2 if i == j else 1)
    assert found["psnr-value"] == [pytest.approx(-10 * math.log10(error / g.size))]

    majority = moving = patched = 0.0
    for i, j in pairs:
        for y in range(0, 36, 16):
            for x in range(0, 40, 16):
                ahead = back = 0.0
                for place in np.ndindex(min(16, 36 - y), min(16, 40 - x), 3):
                    at = (y + place[0], x + place[1], place[2])
                    true, said = float(g[i][at] - g[j][at]), float(p[i][at] - p[j][at])
                    if abs(true) > 12 / 255:
                        moving += true**2
                        ahead += true**2 * (said * true > 0 and abs(said) > 0.1 * abs(true))
                        back += true**2 * (said * true < 0 and abs(said) > 0.1 * abs(true))
                majority += max(ahead, back)
    for y in range(0, 36, 16):
        for x in range(0, 40, 16):
            here = [f[:, y : y + 16, x : x + 16] for f in (p, p[::-1], g)]
            patched += min(mse(here[0], here[2]), mse(here[1], here[2]))
    assert found["psnr-patch"] == [pytest.approx(-10 * math.log10(patched / g.size))]
    assert found["direction-coherence"] == [pytest.approx(majority / moving)]

    present = change = 0.0
    for t in range(6):
        step, true = p[t + 1] - p[t], g[t + 1] - g[t]
        at_pixels = [
            min(dot(step[place], true[place]), dot(true[place], true[place]))
            for place in np.ndindex(36, 40)
        ]
        present += max(0.0, math.fsum(at_pixels))
        change += dot(true, true)
    assert found["motion-recall"] == [pytest.approx(present / change)]


# Tricks.


@pytest.fixture(scope="module")
def tricks():
    tables = load_benchmark()
    protocol = ours.Deblurkit()
    protocol.__dict__["_absent"] = {"lpips": "no weights here"}
    return {
        row: values(sheet)
        for row, sheet in tables.score_rows(protocol, tables.true_clips(4), 0.0).items()
    }


def test_the_truth_has_every_best_number(tricks):
    truth = {key: found[0] for key, found in tricks["truth"].items()}
    assert truth["psnr"] == truth["psnr-pixel"] == math.inf
    for key in ("ssim", "direction-agreement", "local-agreement", "motion-recall"):
        assert truth[key] == pytest.approx(1.0)
    assert truth["reblur-psnr"] > 58  # the blurry image has 8 bits


def test_the_truth_reversed_scores_exactly_as_the_truth(tricks):
    truth, back = dict(tricks["truth"]), dict(tricks["truth reversed"])
    assert truth.pop("psnr-forward") == [math.inf] and back.pop("psnr-forward")[0] < 25
    assert back == truth


@pytest.mark.parametrize(
    ("row", "key", "at_most"),
    [
        ("true middle frame repeated", "psnr", 30),
        ("true middle frame repeated", "ssim", 0.95),
        ("true middle frame repeated", "motion-recall", 0),
        ("true middle frame repeated", "direction-agreement", 0),
        ("true middle frame repeated", "direction-coherence", 0),
        ("true middle frame repeated", "reblur-psnr", 40),
        ("blurry image repeated", "psnr", 30),
        ("blurry image repeated", "ssim", 0.95),
        ("blurry image repeated", "motion-recall", 0),
        ("blurry image repeated", "direction-agreement", 0),
        ("blurry image repeated", "direction-coherence", 0),
        ("pairs in mixed directions", "psnr", 30),
        ("pairs in mixed directions", "ssim", 0.97),
        ("pairs in mixed directions", "motion-recall", 0.8),
        ("pairs in mixed directions", "direction-agreement", 0.7),
        ("true middle frame repeated", "pair-motion", 0),
        ("blurry image repeated", "pair-motion", 0),
        ("mean of the truth and its reverse", "psnr", 30),
        ("mean of the truth and its reverse", "pair-motion", 0),
        ("mean of the truth and its reverse", "direction-agreement", 0),
        ("each pixel of each pair at random", "pair-motion", 0.2),
        ("pairs in mixed directions", "local-agreement", 0.7),
        ("the same in the right half alone", "psnr", 30),
        ("the same in the right half alone", "local-agreement", 0.8),
        ("each pixel of each pair at random", "psnr", 30),
        ("each pixel of each pair at random", "ssim", 0.95),
        ("each pixel of each pair at random", "motion-recall", 0.7),
        ("each pixel of each pair at random", "direction-coherence", 0.65),
        ("each colour of each pixel at random", "direction-coherence", 0.65),
        ("each colour of each pixel at random", "psnr", 30),
        ("each colour of each pixel at random", "psnr-pixel", 32),
        ("each colour of each pixel at random", "pair-motion", 0.2),
    ],
)
def test_tricks_do_not_pay(tricks, row, key, at_most):
    assert tricks[row][key][0] <= at_most < tricks["truth"][key][0]


def test_what_single_columns_do_not_see_is_as_documented(tricks):
    """Why no column stands alone; the same is said in docs/protocols.md."""
    other = tricks["one of the two objects reversed"]  # as right as the truth
    assert other["psnr"][0] < 30 < 45 < other["psnr-patch"][0]
    assert other["direction-coherence"][0] > 0.99 and other["direction-agreement"] == [1.0]
    assert tricks["pairs in mixed directions"]["direction-coherence"] == [1.0]
    assert tricks["pairs in mixed directions"]["psnr-pixel"] == [math.inf]
    assert tricks["each pixel of each pair at random"]["psnr-pixel"] == [math.inf]
    assert tricks["blurry image repeated"]["reblur-psnr"] == [math.inf]


def test_the_tables_of_the_document_are_those_measured():
    tables = load_benchmark()
    document = (ROOT / "docs" / "protocols.md").read_text("utf-8").splitlines()
    measured = tables.tables(tables.true_clips(tables.CLIPS))
    heads = [line for line in measured if line.startswith("| |")]
    assert len(heads) == len(PROTOCOLS)
    assert heads == [line for line in document if line.startswith("| |")]
    rows = {tables.TRUTH, tables.NOISY, tables.OTHER, *tables.MADE}
    said, found = (
        [cells for line in lines if (cells := line.strip("| ").split(" | "))[0] in rows]
        for lines in (document, measured)
    )
    assert [row[0] for row in said] == [row[0] for row in found]
    assert len(found) == len(rows) * len(PROTOCOLS) - (len(PROTOCOLS) - 1)  # one has a yardstick
    for there, here in zip(said, found, strict=True):
        pairs = zip(there[1:], here[1:], strict=True)
        # Other processors may round the last digit another way.
        assert all(a == b or _near(a, b) for a, b in pairs), (there, here)


def _near(a: str, b: str) -> bool:
    last = 10 ** -len(b.partition(".")[2])
    return "exact" not in (a, b) and abs(float(a) - float(b)) <= 2.01 * last


# Properties.


@st.composite
def sequences(draw, T=3):
    """Of few or of many values, blocks of one value or pixels of their own."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values, block = draw(st.sampled_from([2, 4, 256])), draw(st.sampled_from([1, 3, 12]))
    shape = (T, 12 // block, 12 // block, 3)
    return tuple(
        (rng.integers(0, values, shape) / (values - 1))
        .repeat(block, 1)
        .repeat(block, 2)
        .astype(np.float32)
        for _ in range(2)
    )


@settings(max_examples=25)
@given(pair=sequences())
def test_reversing_an_estimate_changes_no_number_of_deblurkit(pair):
    estimate, target = pair
    if np.isclose(mse(estimate, target), mse(estimate[::-1], target), rtol=1e-9, atol=0):
        return  # a tie: it stays as it is, either way
    ahead, back = (scored(get_protocol(), (d, target)) for d in directions(estimate))
    del ahead["psnr-forward"], back["psnr-forward"]
    assert back.keys() == ahead.keys()
    for key, numbers in ahead.items():  # sums over pixels that tie round another way
        np.testing.assert_allclose(back[key], numbers, rtol=1e-12, err_msg=key)


@settings(max_examples=15)
@given(clips=st.lists(sequences(), min_size=2, max_size=3))
def test_clip_by_clip_is_the_same_as_all_at_once(clips):
    protocol = get_protocol()
    together = new_sheet(protocol, 3)
    alone = []
    for k, (estimate, target) in enumerate(clips):
        measures = protocol.score(estimate, target)
        together.add(str(k), measures)
        single = new_sheet(protocol, 3)
        single.add(str(k), measures)
        alone.append(single)
    np.testing.assert_equal(values(merged(alone)), values(together))
    turned = [own_direction(*c) for c in clips]
    error = sum(mse(p, g) for p, (_, g) in zip(turned, clips, strict=True))
    n = sum(g.size for _, g in clips)
    wanted = math.inf if error == 0 else -10 * math.log10(error / n)
    assert values(together)["psnr"] == [pytest.approx(wanted)]


# What all protocols have in common.


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("T", [1, 3])
def test_every_protocol_keeps_the_contract(name, T):
    protocol = get_protocol(name)
    assert protocol.name == name and full_name(protocol) == f"{name}/{protocol.version}"
    columns = protocol.columns(T)
    keys = [c.key for c in columns]
    assert len(set(keys)) == len(keys) and all(re.fullmatch(r"[a-z0-9-]+", key) for key in keys)
    assert all(c.definition and "\n" not in c.definition for c in columns)
    assert set(protocol.unavailable()) <= set(keys)
    estimate, target = clip(T=T, height=41, width=64)
    sheet = new_sheet(protocol, T)
    measures = protocol.score(estimate.astype(np.float32), target.astype(np.float32))
    assert set(measures) == {c.key for c in sheet.here}
    sheet.add("a", measures)
    sheet.add("b", protocol.score(target, target))  # without any error: still no nan in a sheet
    assert ScoreSheet.from_json(sheet.to_json()) == sheet


@pytest.mark.parametrize("name", PROTOCOLS)
def test_arrays_that_cannot_be_scored_are_refused(name):
    protocol = get_protocol(name)
    estimate, target = clip(T=3)
    for wrong, said in (
        (estimate[:2], "expected"),
        (estimate[:, :-1], "expected"),
        (estimate[..., :1], "expected"),
        ((255 * estimate).astype(np.uint8), "divide 8-bit"),
        (255 * estimate, "valid: floats in"),
        (np.where(estimate > 0.5, np.nan, estimate), "valid: floats in"),
    ):
        with pytest.raises(ValueError, match=said):
            protocol.score(wrong, target)
    with pytest.raises(ValueError, match="odd"):
        protocol.score(estimate[:2], target[:2])
    if name in ("deblurkit", "animation-from-blur", "blur2vid-gopro7"):
        with pytest.raises(DataError, match=r"30×10 pixels .* too small"):
            protocol.score(estimate[:, :10, :30], target[:, :10, :30])


def test_a_blurry_image_of_another_size_is_refused():
    estimate, target = clip(T=3)
    with pytest.raises(ValueError, match="blurry"):
        get_protocol().score(estimate, target, target[0][:-1])


def test_small_clips_have_no_lpips_but_all_the_rest(with_lpips):
    found = scored(get_protocol(), clip(T=3, height=20, width=26))
    assert math.isnan(found["lpips"][0]) and found["psnr"][0] > 0


def test_an_unknown_name_or_version_says_what_there_is():
    with pytest.raises(DeblurkitError, match="did you mean 'hypercut-ppsnr'") as caught:
        get_protocol("hypercut-psnr")
    assert all(name in str(caught.value) for name in PROTOCOLS)
    assert get_protocol("deblurkit/1").name == "deblurkit"
    with pytest.raises(DeblurkitError, match="in version 1, not '2'"):
        get_protocol("deblurkit/2")
    with pytest.raises(DeblurkitError, match="in version 1, not ''"):
        get_protocol("deblurkit/")


def metric(name, score, unit="", **more):
    return NamedScore(name, score, unit, higher_is_better=True, **more)


def test_further_metrics_are_columns_per_frame_in_the_clips_direction():
    def brightness(estimate, target):
        return float(estimate.mean() - 2 * target.mean())

    estimate, target = clip(T=3)
    estimate = np.clip(target[::-1] + np.array([0.0, 0.05, 0.1])[:, None, None, None], 0, 1)
    asked = (metric("psnr", max), metric("ssim", max), metric("brightness", brightness))
    protocol = get_protocol("deblurkit", metrics=asked)
    keys = [c.key for c in protocol.columns(3)]
    assert keys[-1] == "brightness-frame" and keys.count("psnr-frame") == 1
    found = scored(protocol, (estimate, target))["brightness-frame"]
    wanted = [brightness(p, g) for p, g in zip(estimate[::-1], target, strict=True)]
    assert found == pytest.approx(wanted)


def test_metrics_without_a_finite_number():
    estimate, target = clip(T=3)
    endless = get_protocol(
        metrics=(
            metric("other-psnr", lambda e, t: math.inf, "dB"),
            metric("ratio", lambda e, t: math.inf),
            metric("absent", max, unavailable="no licence"),
        )
    )
    found = scored(endless, (estimate, target))
    assert found["other-psnr-frame"] == [100.0] * 3
    assert all(math.isnan(v) for v in found["ratio-frame"])
    assert endless.unavailable()["absent-frame"] == "no licence" and "absent-frame" not in found
    with pytest.raises(PluginError, match="not a number"):
        get_protocol(metrics=(metric("broken", lambda e, t: math.nan),)).score(estimate, target)
