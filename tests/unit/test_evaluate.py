"""Scoring a graph: what is compared with what, and what must not pass for good."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deblurkit.errors import PluginError, TrainingError
from deblurkit.evaluation.evaluate import NamedScore, RowScores, evaluate
from deblurkit.evaluation.scores import psnr, ssim
from deblurkit.graph import FrameGraph
from deblurkit_jin2018.families.independent import Independent

PSNR = NamedScore("psnr", psnr, "dB", True)
RNG = np.random.default_rng(0)


def sequence(T: int = 5) -> np.ndarray:
    return RNG.random((T, 12, 12, 3)).astype(np.float32)


@pytest.mark.parametrize("given", [False, True])
def test_a_right_answer_backwards_is_right_in_the_better_direction(given: bool) -> None:
    """Also where the middle was given: it is perfect in both directions and decides nothing."""
    true = sequence()
    estimate = np.clip(true[::-1] + 0.01, 0, 1)
    if given:
        estimate[2] = true[2]
    row = RowScores(5, (PSNR,))
    row.add(estimate, true)
    said = row.summary()
    for score in ("pooled_psnr", "psnr"):
        assert all(v is None or v > 35 for v in said[score]["best"])
        assert said[score]["forward"][0] < 15
    assert (said["psnr"]["best"][2] is None) == given


def test_lower_may_be_better() -> None:
    true = sequence()
    error = NamedScore("error", lambda e, t: float(np.abs(e - t).mean()), "", False)
    row = RowScores(5, (error,))
    row.add(true[::-1], true)
    assert row.summary()["error"]["best"] == [0.0] * 5


class Copy(nn.Module):
    def __init__(self, add: float = 0.0) -> None:
        super().__init__()
        self.add = nn.Parameter(torch.tensor(add))

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        return base + self.add


def scored(add: float, metrics: tuple[NamedScore, ...] = (PSNR,)) -> dict[str, dict]:
    graph = FrameGraph.build(5, Independent().graph(5), lambda request: Copy(add))
    frames = torch.from_numpy(np.stack([sequence(), sequence()])).movedim(-1, 2)
    batch = {"blurry": frames.mean(1), "frames": frames}
    return evaluate(graph, [batch], metrics, device="cpu", precision="fp32")


def test_rows_are_what_they_say() -> None:
    found = scored(0.0)
    rows = found["rows"]
    assert found["clips"] == 2
    assert rows["estimate"] == rows["blurry"]
    assert rows["frozen-middle"]["pooled_psnr"]["forward"][2] is None
    assert rows["true-middle"]["pooled_psnr"]["forward"][2] is None
    assert rows["true-middle"]["pooled_psnr"]["forward"][0] == pytest.approx(
        rows["estimate"]["pooled_psnr"]["forward"][0]
    )
    assert scored(0.2)["rows"]["blurry"] != scored(0.2)["rows"]["estimate"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_images_that_are_not_finite_are_an_error_not_a_perfect_score(bad: float) -> None:
    with pytest.raises(TrainingError, match="estimates of frames 1, 2, 3, 4, 5 are not finite"):
        scored(bad)


def test_a_metric_that_fails_or_gives_no_number_is_named() -> None:
    nan = NamedScore("odd", lambda e, t: float("nan"), "", True)
    with pytest.raises(PluginError, match="metric 'odd'"):
        scored(0.0, (nan,))
    small = NamedScore("ssim", ssim, "", True)
    true = sequence()[:, :8, :8]
    with pytest.raises(PluginError, match="metric 'ssim', frames of 8×8 pixels"):
        small.frames(true, true)
