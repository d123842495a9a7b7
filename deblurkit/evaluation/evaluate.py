"""Score a frame graph on held-out clips, with what it must be compared with beside it.

The rows of the table: the estimate; the estimate with the true middle frame given (Fig. 5);
the blurry image in every frame; the true middle frame in every frame. A method is worth
something where it beats the last two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from deblurkit.errors import DeblurkitError, PluginError, TrainingError
from deblurkit.evaluation.direction import Mode, PooledErrors
from deblurkit.frames import middle
from deblurkit.graph import FrameGraph, stack

Floats = npt.NDArray[np.floating[Any]]
FrameScore = Callable[[Floats, Floats], float]

ROWS = {
    "estimate": "estimate",
    "true-middle": "with true middle given",
    "blurry": "blurry image, all frames",
    "frozen-middle": "true middle, all frames",
}
SCORED_MODES: tuple[Mode, ...] = ("forward", "best", "pixel")


@dataclass(frozen=True)
class NamedScore:
    """A frame score by name, with the unit and direction of its numbers."""

    name: str
    score: FrameScore
    unit: str
    higher_is_better: bool

    def frames(self, estimate: Floats, target: Floats) -> Floats:
        """The score of every frame of a clip, two T×H×W×3 arrays: T numbers.

        Raises:
            PluginError: the metric fails, or gives no number.
        """
        try:
            scores = [float(self.score(e, t)) for e, t in zip(estimate, target, strict=True)]
        except DeblurkitError:
            raise
        except Exception as error:
            raise PluginError(
                f"{type(error).__name__}: {error}",
                where=f"metric '{self.name}', frames of {target.shape[1]}×{target.shape[2]} pixels",
                hint="take it out of evaluation.metrics, or make data.clip_size larger",
            ) from error
        return np.array(scores)


class RowScores:
    """Scores of one row of the table, clip by clip.

    Args:
        T: Number of frames.
        metrics: The frame scores to take.
    """

    def __init__(self, T: int, metrics: tuple[NamedScore, ...]) -> None:
        self.metrics = metrics
        self.pooled = {mode: PooledErrors(T, mode) for mode in SCORED_MODES}
        self.frames: dict[str, dict[str, list[Floats]]] = {
            m.name: {"forward": [], "best": []} for m in metrics
        }

    def add(self, estimate: Floats, target: Floats) -> None:
        """Take in a clip: two T×H×W×3 float arrays in [0, 1]."""
        for pooled in self.pooled.values():
            pooled.add(estimate, target)
        for metric in self.metrics:
            ahead, back = (metric.frames(order, target) for order in (estimate, estimate[::-1]))
            best = ahead if _gain(ahead, back, metric.higher_is_better) >= 0 else back
            self.frames[metric.name]["forward"].append(ahead)
            self.frames[metric.name]["best"].append(best)

    def summary(self) -> dict[str, Any]:
        """Per-frame numbers, as JSON can say them."""
        said: dict[str, Any] = {
            "pooled_psnr": {mode: _plain(errors.psnr()) for mode, errors in self.pooled.items()}
        }
        for name, modes in self.frames.items():
            said[name] = {
                mode: _plain(np.mean(clips, axis=0), name) for mode, clips in modes.items()
            }
        return said


def evaluate(
    graph: FrameGraph,
    batches: Iterable[Mapping[str, torch.Tensor]],
    metrics: tuple[NamedScore, ...],
    *,
    device: str,
    precision: str,
    advance: Callable[[int], None] = lambda done: None,
) -> dict[str, Any]:
    """Score a graph on clips.

    Args:
        graph: The networks.
        batches: Held-out clips: "blurry" B×3×H×W and "frames" B×T×3×H×W, floats in [0, 1].
        metrics: Frame scores.
        device: Where to compute.
        precision: fp32, bf16 or fp16.
        advance: Told the number of clips done.

    Returns:
        `clips`, `frames`, `metrics` (the unit and direction of each), and `rows`: row ->
        `pooled_psnr` (from squared errors pooled over clips) -> mode -> T numbers, and metric
        -> mode -> T numbers, the mean over clips. Modes: forward; best, the better direction
        of the whole sequence; pixel (pooled only), the better order at every pixel of every
        pair.
    """
    rows = {name: RowScores(graph.T, metrics) for name in ROWS}
    m, done = middle(graph.T), 0
    graph = graph.to(device).eval()
    for batch in batches:
        blurry, frames = batch["blurry"].to(device), batch["frames"].to(device)
        given = {m: frames[:, m - 1]}
        estimates = {
            "estimate": predict(graph, blurry, None, precision),
            "true-middle": predict(graph, blurry, given, precision),
            "blurry": blurry[:, None].expand_as(frames),
            "frozen-middle": frames[:, m - 1 : m].expand_as(frames),
        }
        true = as_images(frames)
        for name, estimate in estimates.items():
            for clip, target in zip(as_images(estimate), true, strict=True):
                rows[name].add(clip, target)
        done += len(true)
        advance(done)
    return {
        "clips": done,
        "frames": graph.T,
        "metrics": {
            m.name: {"unit": m.unit, "higher_is_better": m.higher_is_better} for m in metrics
        },
        "rows": {name: scores.summary() for name, scores in rows.items()},
    }


@torch.no_grad()
def predict(
    graph: FrameGraph,
    blurry: torch.Tensor,
    given: Mapping[int, torch.Tensor] | None,
    precision: str,
) -> torch.Tensor:
    """All T frames, B×T×3×H×W float32 in [0, 1].

    Raises:
        TrainingError: a network gave numbers that are no image.
    """
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    with torch.autocast(blurry.device.type, dtype=kind, enabled=kind is not None):
        estimate = stack(graph(blurry, given))
    _check_finite(estimate)
    return estimate.float().clamp(0, 1)


def as_images(frames: torch.Tensor) -> Floats:
    """B×T×3×H×W to B×T×H×W×3, numpy."""
    images: Floats = frames.movedim(-3, -1).cpu().numpy()
    return images


def _gain(ahead: Floats, back: Floats, higher_is_better: bool) -> float:
    """What one order's scores have over the other's; a given frame is perfect in both."""
    both = np.isfinite(ahead) & np.isfinite(back)
    perfect = int(np.isinf(ahead).sum()) - int(np.isinf(back).sum())
    sign = 1 if higher_is_better else -1
    return perfect if perfect else sign * float((ahead[both] - back[both]).sum())


def _check_finite(estimates: torch.Tensor) -> None:
    finite = torch.isfinite(estimates).flatten(2).all(2).all(0)
    if not bool(finite.all()):
        wrong = [i for i, fine in enumerate(finite.tolist(), start=1) if not fine]
        raise TrainingError(
            f"the estimates of frames {', '.join(map(str, wrong))} are not finite",
            where="scoring",
            hint="the weights are damaged or training failed; train again with a lower rate",
        )


def _plain(values: Floats, name: str = "psnr") -> list[float | None]:
    """Numbers for JSON; the score of a perfect frame, infinite, is null.

    Raises:
        PluginError: a score is not a number.
    """
    if np.isnan(values).any():
        raise PluginError("it gave a score that is not a number", where=f"metric '{name}'")
    return [float(v) if np.isfinite(v) else None for v in values]
