"""Scoring a graph: what is compared with what, and what must not pass for good."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deblurkit.errors import PluginError, TrainingError
from deblurkit.evaluation.evaluate import estimates, evaluate, summary
from deblurkit.evaluation.frame_scores import ssim
from deblurkit.evaluation.measures import ScoreSheet
from deblurkit.evaluation.named_scores import NamedScore
from deblurkit.evaluation.protocols.lookup import get_protocol
from deblurkit.evaluation.rows import ROWS
from deblurkit.graph import FrameGraph
from deblurkit_jin2018.families.independent import Independent

RNG = np.random.default_rng(0)


def sequence(T: int = 5) -> np.ndarray:
    return RNG.random((T, 16, 16, 3)).astype(np.float32)


class Copy(nn.Module):
    def __init__(self, add: float = 0.0) -> None:
        super().__init__()
        self.add = nn.Parameter(torch.tensor(add))

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        return base + self.add


class Recorded(nn.Module):
    """A network that knows its frame."""

    def __init__(self, frame: Tensor) -> None:
        super().__init__()
        self.register_buffer("frame", frame)

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        return self.frame.expand_as(base)


def batch_of(*sequences: np.ndarray) -> dict[str, Tensor]:
    frames = torch.from_numpy(np.stack(sequences)).movedim(-1, 2)
    return {"blurry": frames.mean(1), "frames": frames}


def scored(add: float, metrics: tuple[NamedScore, ...] = ()) -> dict[str, ScoreSheet]:
    graph = FrameGraph.build(5, Independent().graph(5), lambda request: Copy(add))
    batch = batch_of(sequence(), sequence())
    return evaluate(
        graph, [batch], get_protocol(metrics=metrics), count=2, device="cpu", precision="fp32"
    )


def test_rows_are_what_they_say() -> None:
    found = summary(scored(0.0))
    rows = found["rows"]
    assert found["clips"] == 2
    assert set(rows) == set(ROWS)
    for column in ("psnr", "psnr-frame", "ssim", "motion-recall"):
        assert rows["estimate"][column] == rows["blurry"][column]
    assert rows["frozen-middle"]["psnr-frame"][2] is None  # no error: it is the true one
    assert rows["true-middle"]["psnr-frame"][2] is None
    assert rows["true-middle"]["psnr-frame"][0] == pytest.approx(rows["estimate"]["psnr-frame"][0])
    assert rows["truth"]["psnr"] is None
    assert rows["truth"]["motion-recall"] == pytest.approx(1)
    assert rows["frozen-middle"]["motion-recall"] == 0
    assert rows["mean-of-both"]["pair-motion"] == 0
    assert rows["blurry"]["psnr"] < rows["mean-of-both"]["psnr"]
    other = summary(scored(0.2))["rows"]
    assert other["blurry"] != other["estimate"]


def test_reordering_by_hand_puts_every_pair_the_better_way_round() -> None:
    true = sequence()
    mixed = np.clip(true[[4, 1, 2, 3, 0]] + 0.001, 0, 1)  # the outer pair swapped
    frames = torch.from_numpy(mixed).movedim(-1, 1)
    nodes = Independent().graph(5)
    by_name = {node.network: Recorded(frames[node.frame - 1]) for node in nodes}
    graph = FrameGraph(5, nodes, by_name)
    batch = batch_of(true)
    rows = estimates(graph, batch["blurry"], batch["frames"], "fp32")
    np.testing.assert_allclose(rows["estimate"][0], mixed, atol=1e-6)
    np.testing.assert_allclose(rows["reordered"][0], true, atol=2e-3)
    assert (rows["true-middle"][0][2] == true[2]).all()


def test_what_was_put_into_order_by_hand_says_nothing_of_order() -> None:
    rows = summary(scored(0.1))["rows"]
    for column in ("direction-agreement", "local-agreement"):
        assert rows["reordered"][column] is None and rows["truth"][column] == 1.0
    assert rows["reordered"]["direction-coherence"] is not None


def test_sheets_are_over_the_same_clips_in_the_same_order() -> None:
    sheets = scored(0.1)
    assert {tuple(sheet.clips) for sheet in sheets.values()} == {("clip-01", "clip-02")}


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


def test_a_metric_that_is_unavailable_is_said_and_nothing_stands_in() -> None:
    def never(estimate: object, target: object) -> float:
        raise AssertionError("asked")

    gone = NamedScore("gone", never, "", True, unavailable="its weights are elsewhere")
    found = summary(scored(0.0, (gone,)))
    assert found["unavailable"]["gone-frame"] == "its weights are elsewhere"
    assert all("gone-frame" not in row for row in found["rows"].values())


def test_a_further_metric_has_a_column_per_frame() -> None:
    error = NamedScore("error", lambda e, t: float(np.abs(e - t).mean()), "", False)
    rows = summary(scored(0.0, (error,)))["rows"]
    assert rows["truth"]["error-frame"] == [0.0] * 5
    assert all(v > 0 for v in rows["blurry"]["error-frame"])
