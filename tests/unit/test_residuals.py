"""What networks add to their bases: a network that adds nothing is found."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from deblurkit.engine.plan import build_graph, make_plan
from deblurkit.evaluation.residuals import SILENT, residual_sizes, silent_frames
from deblurkit.frames import indices
from deblurkit.graph import FrameGraph
from deblurkit.recipe import load_recipe
from deblurkit.registry import get_registry
from deblurkit_jin2018.families.sequential import Sequential

T = 7


class Adds(nn.Module):
    def __init__(self, much: float) -> None:
        super().__init__()
        self.much = nn.Parameter(torch.tensor(much))

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        return base + self.much


def test_sizes_are_against_each_frames_own_base() -> None:
    """With networks that add 0.01 and more, outer frames are far from y and near their bases."""
    nodes = Sequential(share="none").graph(T)
    much = {node.network: 0.01 * node.frame for node in nodes}
    graph = FrameGraph(T, nodes, {name: Adds(value) for name, value in much.items()})
    sizes = residual_sizes(graph.eval(), torch.rand(2, 3, 16, 16), "fp32")
    assert sizes == pytest.approx([0.01 * i for i in indices(T)], abs=1e-6)
    assert silent_frames(sizes) == ()


def test_what_adds_less_than_can_be_seen_is_silent() -> None:
    assert silent_frames([2 * SILENT, 0.9 * SILENT, 1.1 * SILENT, 0.0]) == (2, 4)


@pytest.mark.parametrize("name", ["sequential_pairwise", "pairwise", "independent"])
def test_networks_that_were_never_trained_are_silent(name: str) -> None:
    recipe = load_recipe(name, scale="smoke")
    plan = make_plan(recipe, get_registry(), device="cpu", precision="fp32", data={})
    graph = build_graph(recipe, get_registry(), plan.nodes)
    sizes = residual_sizes(graph.eval(), torch.rand(1, 3, 40, 40), "fp32")
    assert silent_frames(sizes) == tuple(indices(recipe.frames))
