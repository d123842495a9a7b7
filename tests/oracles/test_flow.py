"""End point errors against plain loops, and the flow estimators on shifts that are known."""

from __future__ import annotations

import math
import urllib.error
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from torchvision.models import optical_flow

from deblurkit.errors import FrameError, UnavailableError, WeightsError
from deblurkit.evaluation import torchvision_weights
from deblurkit.evaluation.flow import (
    RAFT_URL,
    end_point_error,
    raft_kept,
    raft_large,
    tvl1_flow,
    why_raft_unavailable,
)

SHAPE = (3, 3, 4, 3)
FRAMES = arrays(np.float64, SHAPE, elements=st.floats(0, 1, width=32))


def made_up(first, second):
    """A flow that can be worked out by hand, and is not the negative of its reverse."""
    return np.stack([second[..., 0] - first[..., 1] ** 2, second[..., 2] * first[..., 0]], -1)


@settings(max_examples=40)
@given(estimate=FRAMES, target=FRAMES)
def test_the_end_point_error_is_that_of_a_plain_loop(estimate, target):
    true = made_up(target[0], target[2])
    found = 0.0
    for y in range(SHAPE[1]):
        for x in range(SHAPE[2]):
            lengths = []
            for first, last in ((0, 2), (2, 0)):
                ours = made_up(estimate[first], estimate[last])[y, x]
                lengths.append(math.hypot(ours[0] - true[y, x, 0], ours[1] - true[y, x, 1]))
            found += min(lengths)
    measure = end_point_error(estimate, target, made_up)
    assert measure.weight == 12
    assert measure.total == pytest.approx(found, abs=1e-9)
    assert end_point_error(target[::-1], target, made_up).total == 0


def test_a_frozen_sequence_misses_the_whole_flow():
    target = np.random.default_rng(0).random((5, 6, 7, 3))
    frozen = np.repeat(target[2:3], 5, 0)

    def flow(first, second):
        moved = float(not np.array_equal(first, second))
        return np.full((*first.shape[:2], 2), [3.0, 4.0]) * moved

    measure = end_point_error(frozen, target, flow)
    assert measure.total / measure.weight == pytest.approx(5)


def texture(height, width, seed=0):
    noise = np.random.default_rng(seed).random((height, width, 3))
    smooth = gaussian_filter(noise, (3, 3, 0))
    return (smooth - smooth.min()) / (smooth.max() - smooth.min())


def test_tvl1_finds_a_shift_in_x_and_y():
    """What is at (y, x) of the first lies 3 to the right and 2 up in the second."""
    whole = texture(90, 100)
    first, second = whole[10:74, 10:80], whole[12:76, 7:77]
    flow = tvl1_flow(first, second)
    assert flow.shape == (64, 70, 2) and flow.dtype == np.float64
    inside = flow[8:-8, 8:-8].reshape(-1, 2)
    np.testing.assert_allclose(np.median(inside, 0), [3, -2], atol=0.1)
    sequence = np.stack([first, first, second])
    assert end_point_error(sequence, sequence, tvl1_flow).total == 0
    still = np.stack([first] * 3)
    measure = end_point_error(still, sequence, tvl1_flow)
    assert measure.total / measure.weight == pytest.approx(math.hypot(3, 2), rel=0.1)


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return optical_flow.raft_large(weights=None).eval()


def by_torchvision(network, first, second, padding, scale=True):
    """Torchvision's network on images padded by numpy."""
    (top, bottom), (left, right) = padding
    tensors = []
    for image in (first, second):
        padded = np.pad(image, ((top, bottom), (left, right), (0, 0)), mode="edge")
        tensors.append(torch.from_numpy(padded).permute(2, 0, 1)[None].float())
    if scale:
        tensors = optical_flow.Raft_Large_Weights.C_T_SKHT_V2.transforms()(*tensors)
    with torch.no_grad():
        flow = network(*tensors)[-1][0].permute(1, 2, 0).numpy()
    return flow[top : flow.shape[0] - bottom, left : flow.shape[1] - right]


@pytest.mark.parametrize(
    ("size", "padding"),
    [
        ((128, 136), ((0, 0), (0, 0))),
        ((125, 131), ((1, 2), (2, 3))),
        ((40, 128), ((44, 44), (0, 0))),
    ],
)
def test_raft_is_torchvision_s_on_padded_images(network, size, padding):
    first, second = texture(*size), texture(*size, seed=1)
    flow = raft_large(network)(first, second)
    assert flow.shape == (*size, 2)
    np.testing.assert_allclose(
        flow, by_torchvision(network, first, second, padding), rtol=1e-3, atol=1e-3
    )


def test_the_range_that_blur2vid_used_is_an_option(network):
    first, second = texture(128, 128), texture(128, 128, seed=1)
    wanted = by_torchvision(network, first, second, ((0, 0), (0, 0)), scale=False)
    flow = raft_large(network, unit_range=True)(first, second)
    np.testing.assert_allclose(flow, wanted, rtol=1e-3, atol=1e-3)
    assert not np.allclose(flow, raft_large(network)(first, second), atol=1e-2)


def test_raft_serves_as_an_estimator(network, tmp_path):
    torch.save(network.state_dict(), tmp_path / "raft.pth")
    target = np.stack([texture(128, 128, seed) for seed in range(3)])
    measure = end_point_error(target[::-1], target, raft_large(tmp_path / "raft.pth"))
    assert measure.weight == 128 * 128 and measure.total == pytest.approx(0, abs=1e-3)


def test_weights_come_from_the_hub_s_folder_or_not_at_all(network, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.delenv("HF_HUB_OFFLINE")

    def refuse(*_: Any, **__: Any) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    torchvision_weights._unreachable.cache_clear()
    folder, name = tmp_path / "hub" / "checkpoints", "raft_large_C_T_SKHT_V2-ff5fadd5.pth"
    assert not raft_kept()
    reason = why_raft_unavailable() or ""
    assert name in reason and "no route to host" in reason and "\n" not in reason
    with pytest.raises(UnavailableError) as caught:
        raft_large()
    for words in ("RAFT-large", str(folder / name), RAFT_URL):
        assert words in str(caught.value)
    torchvision_weights._unreachable.cache_clear()
    folder.mkdir(parents=True)
    torch.save(network.state_dict(), folder / name)
    assert raft_kept() and why_raft_unavailable() is None
    raft_large()


def test_weights_that_do_not_fit_are_named(network, tmp_path: Path):
    with pytest.raises(WeightsError, match=r"RAFT-large, Linear: the weights do not fit: Missing"):
        raft_large(torch.nn.Linear(2, 2))
    with pytest.raises(WeightsError, match="there is no weights file"):
        raft_large(tmp_path / "none.pth")


def test_mistakes_are_named(network):
    x = np.zeros((3, 16, 16, 3))
    with pytest.raises(ValueError, match="two sequences T×H×W×3, got"):
        end_point_error(x, x[:, :8], made_up)
    with pytest.raises(FrameError, match="2 frames have no middle"):
        end_point_error(x[:2], x[:2], made_up)
    with pytest.raises(ValueError, match=r"has the shape \(16, 16, 3\), not H×W×2"):
        end_point_error(x, x, lambda first, second: first)
    with pytest.raises(ValueError, match="not finite"):
        end_point_error(x, x, lambda first, second: first[..., :2] + math.nan)
    assert end_point_error(x[:1], x[:1], made_up).weight == 0
    for flow in (tvl1_flow, raft_large(network)):
        with pytest.raises(ValueError, match=r"two images H×W×3, got \(16, 16, 3\) and \(8, 16"):
            flow(x[0], x[0, :8])
