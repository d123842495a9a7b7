"""Score a frame graph on held-out clips, with what it must be compared with beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from deblurkit.errors import TrainingError
from deblurkit.evaluation.clip_names import clip_name
from deblurkit.evaluation.direction import arrange, squared_errors
from deblurkit.evaluation.measures import Measure, ScoreSheet
from deblurkit.evaluation.protocol import ScoringProtocol, new_sheet
from deblurkit.evaluation.rows import ROWS
from deblurkit.frames import middle
from deblurkit.graph import FrameGraph, stack

Floats = npt.NDArray[np.floating[Any]]
_NOTHING = Measure(0.0, 0.0)


def evaluate(
    graph: FrameGraph,
    batches: Iterable[Mapping[str, torch.Tensor]],
    protocol: ScoringProtocol,
    *,
    count: int,
    device: str,
    precision: str,
    advance: Callable[[int], None] = lambda done: None,
) -> dict[str, ScoreSheet]:
    """Score a graph on clips.

    Args:
        graph: The networks.
        batches: Held-out clips: "blurry" B×3×H×W and "frames" B×T×3×H×W, floats in [0, 1].
        protocol: How.
        count: Number of clips in all batches; their names follow from it.
        device: Where to compute.
        precision: fp32, bf16 or fp16.
        advance: Told the number of clips done.

    Returns:
        A sheet for each of `ROWS`, over the same clips, `clip-01`, `clip-02`, ...

    Raises:
        TrainingError: the networks' images are not finite.
        DataError, PluginError: the clips are too small for a score, or a metric fails.
    """
    sheets = {name: new_sheet(protocol, graph.T) for name in ROWS}
    # What was put into order by hand says nothing of the order that a method finds.
    ordering = [c.key for c in sheets["reordered"].here if c.of_order]
    done = 0
    graph = graph.to(device).eval()
    for batch in batches:
        blurry, frames = batch["blurry"].to(device), batch["frames"].to(device)
        images, true = as_images(blurry[:, None])[:, 0], as_images(frames)
        for name, sequences in estimates(graph, blurry, frames, precision).items():
            for k, (sequence, target, image) in enumerate(
                zip(sequences, true, images, strict=True), start=1
            ):
                clip, scores = clip_name(done + k, count), protocol.score(sequence, target, image)
                if name == "reordered":
                    scores = {**scores, **dict.fromkeys(ordering, _NOTHING)}
                sheets[name].add(clip, scores)
        done += len(true)
        advance(done)
    return sheets


def estimates(
    graph: FrameGraph, blurry: torch.Tensor, frames: torch.Tensor, precision: str
) -> dict[str, Floats]:
    """All rows' sequences for a batch: for each of `ROWS` B×T×H×W×3 in [0, 1].

    Args:
        graph: The networks, in evaluation mode.
        blurry: B×3×H×W in [0, 1], on the graph's device.
        frames: The true frames, B×T×3×H×W.
        precision: fp32, bf16 or fp16.

    Raises:
        TrainingError: a network gave numbers that are no image.
    """
    m = middle(graph.T)
    estimate = as_images(predict(graph, blurry, None, precision))
    given = as_images(predict(graph, blurry, {m: frames[:, m - 1]}, precision))
    true = as_images(frames)
    return {
        "estimate": estimate,
        "true-middle": given,
        "reordered": np.stack(
            [
                arrange(clip, squared_errors(clip, target), "pair")
                for clip, target in zip(estimate, true, strict=True)
            ]
        ),
        "blurry": np.broadcast_to(as_images(blurry[:, None]), true.shape),
        "frozen-middle": np.broadcast_to(true[:, m - 1 : m], true.shape),
        "mean-of-both": (true + true[:, ::-1]) / 2,
        "truth": true,
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


def summary(sheets: Mapping[str, ScoreSheet]) -> dict[str, Any]:
    """What `metrics.json` says: the numbers of every row over all clips.

    Returns:
        `protocol`, `frames`, `clips`, `columns` (key -> title, unit, definition, ...),
        `unavailable` and `rows`: row -> column -> a number, or T numbers for a column per
        frame. null: no error at all (a given frame), or nothing to say.
    """
    first = next(iter(sheets.values()))
    columns = {c.key: {k: v for k, v in asdict(c).items() if k != "key"} for c in first.here}
    rows = {}
    for name, sheet in sheets.items():
        numbers = {c.key: [_plain(float(v)) for v in sheet.values(c.key)] for c in sheet.here}
        rows[name] = {
            c.key: numbers[c.key] if c.per_frame else numbers[c.key][0] for c in sheet.here
        }
    return {
        "protocol": first.protocol,
        "frames": first.frames,
        "clips": len(first.clips),
        "columns": columns,
        "unavailable": dict(first.unavailable),
        "rows": rows,
    }


def headlines(found: Mapping[str, Any]) -> dict[str, Any]:
    """Of a `summary`, what weights say of themselves: the estimate's scores of whole sequences."""
    numbers = {k: v for k, v in found["rows"]["estimate"].items() if not isinstance(v, list)}
    return {"protocol": found["protocol"], "clips": found["clips"], **numbers}


def _check_finite(estimates: torch.Tensor) -> None:
    finite = torch.isfinite(estimates).flatten(2).all(2).all(0)
    if not bool(finite.all()):
        wrong = [i for i, fine in enumerate(finite.tolist(), start=1) if not fine]
        raise TrainingError(
            f"the estimates of frames {', '.join(map(str, wrong))} are not finite",
            where="scoring",
            hint="the weights are damaged or training failed; train again with a lower rate",
        )


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None
