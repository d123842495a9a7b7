"""What each network adds to the image that its residual goes on: nothing, where training failed.

A network whose output is its base image still gives a sharp-looking frame, the one before it, and
a table of scores does not show why. So runs keep how much every frame differs from its base.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from deblurkit.frames import BLURRY, indices
from deblurkit.graph import FrameGraph

SILENT = 0.03 / 255
"""A network that changes its base by less than this, mean over all values, has learned nothing:
no value of an 8-bit file would be another, but for a few. Networks that learn have 1/255 and more.
"""


@torch.no_grad()
def residual_sizes(graph: FrameGraph, blurry: torch.Tensor, precision: str) -> list[float]:
    """Mean |estimate - base| of every frame, not clamped.

    Args:
        graph: The networks, in evaluation mode.
        blurry: B×3×H×W in [0, 1], on the graph's device.
        precision: fp32, bf16 or fp16.

    Returns:
        T numbers, frame 1 first, in the images' units.
    """
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)
    with torch.autocast(blurry.device.type, dtype=kind, enabled=kind is not None):
        frames = graph(blurry)
    bases = {node.frame: node.base for node in graph.nodes}
    sizes = []
    for i in indices(graph.T):
        base = blurry if bases[i] == BLURRY else frames[bases[i]]
        sizes.append(float((frames[i].float() - base.float()).abs().mean()))
    return sizes


def silent_frames(sizes: Sequence[float]) -> tuple[int, ...]:
    """The frames, from 1, whose networks add nothing."""
    return tuple(i for i, size in enumerate(sizes, start=1) if size < SILENT)
