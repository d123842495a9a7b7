"""The paper's networks as anyone would write them from the paper: the baseline of speed.

One colour after another, tensors as torch lays them out (B×C×H×W), eager, float32, one call a
frame. The weights are the project's own, so the output is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurkit.frames import BLURRY, ImageRef, indices
from deblurkit.graph import FrameGraph, needed


def plain_sequence(
    graph: FrameGraph, y: Tensor, frames: Iterable[int] | None = None
) -> dict[int, Tensor]:
    """Predict frames of y, 1×3×H×W, with a graph of `resampling-cnn` networks."""
    wanted = indices(graph.T) if frames is None else tuple(frames)
    images: dict[ImageRef, Tensor] = {BLURRY: y}
    for node in needed(graph.nodes, wanted):
        network: Any = graph.networks[node.network]
        images[node.frame] = plain_frame(
            network, [images[r] for r in node.inputs], images[node.base]
        )
    return {i: images[i] for i in wanted}


def plain_frame(network: Any, images: Sequence[Tensor], base: Tensor) -> Tensor:
    """One frame by one network."""
    height, width = base.shape[-2:]
    r = network.factor
    padding = (0, -width % r, 0, -height % r)
    colours = []
    for c in range(3):
        seen = [
            F.pixel_unshuffle(F.pad(i[:, c : c + 1], padding, mode="replicate"), r) for i in images
        ]
        x = torch.cat(
            [
                F.conv2d(s, stem.weight, padding=2)
                for s, stem in zip(seen, network.stems, strict=True)
            ],
            1,
        )
        fine = F.pixel_unshuffle(F.pad(base[:, c : c + 1], padding, mode="replicate"), r)
        for group, head in zip(network.groups, network.heads, strict=True):
            for block in group:
                x = _residual_block(x, block)
            fine = fine + _two_branch(x, head)
        colours.append(F.pixel_shuffle(fine, r))
    x = F.conv2d(torch.cat(colours, 1), network.fusion_in.weight, padding=1)
    block = network.fusion_block
    x = _residual_block(x, block) if hasattr(block, "short") else _two_branch(x, block)
    return base + _activated(x, network.fusion_out)[..., :height, :width]


def _residual_block(x: Tensor, block: Any) -> Tensor:
    return x + _activated(x, block.short) + _activated(_activated(x, block.first), block.second)


def _two_branch(x: Tensor, block: Any) -> Tensor:
    return _activated(x, block.narrow) + _activated(x, block.wide)


def _activated(x: Tensor, layer: Any) -> Tensor:
    x = F.relu(F.instance_norm(x, weight=layer.norm.weight, bias=layer.norm.bias))
    conv = layer.conv
    return F.conv2d(x, conv.weight, padding=conv.padding, dilation=conv.dilation)
