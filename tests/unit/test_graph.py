"""The frame graph: what is computed, in which order, with which weights."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from deblurkit.errors import FrameError
from deblurkit.graph import FrameGraph, NetworkRequest, Node, requests, stack
from deblurkit_jin2018.families.independent import Independent
from deblurkit_jin2018.families.pairwise import Pairwise
from deblurkit_jin2018.families.sequential import Sequential


class Recorder(nn.Module):
    """base + weight * sum of inputs; counts its calls."""

    def __init__(self, request: NetworkRequest) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((), 0.5))
        self.request, self.calls = request, 0

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        assert len(images) == self.request.inputs
        self.calls += 1
        return base + self.weight * torch.stack(list(images)).sum(0)


def sequential(T: int = 7) -> FrameGraph:
    return FrameGraph.build(T, Sequential(share="pair").graph(T), Recorder)


def calls(graph: FrameGraph) -> dict[str, int]:
    return {name: network.calls for name, network in graph.networks.items()}  # type: ignore[misc]


Y = torch.rand(2, 3, 4, 4)


@pytest.mark.parametrize("T", [1, 3, 5, 7, 9, 11])
@pytest.mark.parametrize("family", [Sequential(share="outer"), Pairwise(), Independent()])
def test_any_odd_number_of_frames(T: int, family: Sequential | Pairwise | Independent) -> None:
    frames = FrameGraph.build(T, family.graph(T), Recorder)(Y)
    assert list(frames) == list(range(1, T + 1))
    assert stack(frames).shape == (2, T, 3, 4, 4)


def test_only_what_is_asked_for_is_computed() -> None:
    graph = sequential()
    out = graph(Y, frames=[5])
    assert list(out) == [5]
    assert calls(graph) == {
        "middle": 1, "before-1": 1, "after-1": 1, "outer-2": 0, "outer-3": 0
    }  # fmt: skip


def test_shared_networks_are_one_module() -> None:
    graph = sequential()
    graph(Y)
    assert calls(graph)["outer-2"] == calls(graph)["outer-3"] == 2
    assert sum(1 for _ in graph.parameters()) == 5


def test_outer_sharing_makes_weights_independent_of_the_number_of_frames() -> None:
    family = Sequential(share="outer")
    state = FrameGraph.build(7, family.graph(7), Recorder).state_dict()
    longer = FrameGraph.build(11, family.graph(11), Recorder)
    assert longer.load_state_dict(state).missing_keys == []


def test_given_replaces_a_prediction_and_everything_above_it() -> None:
    graph = sequential()
    x4 = torch.rand_like(Y)
    out = graph(Y, given={4: x4}, frames=[3, 4])
    assert out[4] is x4
    assert calls(graph)["middle"] == 0
    torch.testing.assert_close(out[3], x4 + 0.5 * (Y + 2 * x4))
    assert not torch.equal(graph(Y, frames=[3])[3], out[3])


def test_the_papers_wiring_of_seven_frames() -> None:
    seen = {n.frame: (n.inputs, n.base) for n in Sequential().graph(7)}
    assert seen == {
        4: (("y",), "y"),
        3: (("y", 4, 4), 4),
        5: (("y", 3, 4), 4),
        2: (("y", 4, 3), 3),
        6: (("y", 4, 5), 5),
        1: (("y", 3, 2), 2),
        7: (("y", 5, 6), 6),
    }


def test_gradients_reach_the_networks_below() -> None:
    graph = sequential()
    graph(Y, frames=[1])[1].sum().backward()
    assert {n for n, m in graph.networks.items() if m.weight.grad is not None} == {  # type: ignore[union-attr]
        "middle", "before-1", "outer-2", "outer-3"
    }  # fmt: skip


def test_a_frame_whose_inputs_are_not_there_is_a_clear_error() -> None:
    middle_only = FrameGraph.build(7, Sequential().graph(7)[:1], Recorder)
    with pytest.raises(FrameError) as caught:
        middle_only(Y)
    text = str(caught.value)
    assert "cannot be predicted: there is no network for it" in text
    assert "frames with a network: 4" in text
    assert "given={" in text
    assert list(middle_only(Y, frames=[4])) == [4]
    no_middle = FrameGraph.build(7, Sequential().graph(7)[1:], Recorder)
    with pytest.raises(FrameError, match=r"frame 4 cannot .*\(frame 3 is predicted from it\)"):
        no_middle(Y, frames=[3])
    assert list(no_middle(Y, given={4: Y})) == [1, 2, 3, 4, 5, 6, 7]


def test_nodes_out_of_order_are_refused() -> None:
    nodes = Sequential().graph(7)
    with pytest.raises(FrameError, match="it sees frame 4, which is predicted later"):
        FrameGraph.build(7, (nodes[1], nodes[0]), Recorder)


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([Node(1, "n", ("y",), "y", "outer")] * 2, "predicted twice"),
        ([Node(1, "n", ("z",), "y", "outer")], "unknown image 'z'"),
        ([Node(9, "n", ("y",), "y", "outer")], "there is no frame 9"),
        (
            [Node(1, "n", ("y",), "y", "outer"), Node(2, "n", ("y", 1), "y", "outer")],
            "network 'n' is wanted as",
        ),
    ],
)
def test_graphs_that_cannot_work_are_refused(nodes: list[Node], said: str) -> None:
    with pytest.raises(FrameError, match=said):
        FrameGraph.build(7, nodes, Recorder)


def test_missing_networks_and_misshapen_given_images_are_refused() -> None:
    with pytest.raises(FrameError, match="no network named 'middle'"):
        FrameGraph(7, Sequential().graph(7), {})
    with pytest.raises(FrameError, match=r"given frame 4 has shape \(2, 3, 4, 5\)"):
        sequential()(Y, given={4: torch.rand(2, 3, 4, 5)})
    with pytest.raises(FrameError, match="there is no frame 8"):
        sequential()(Y, frames=[8])


def test_requests_name_each_network_once() -> None:
    wanted = requests(Sequential(share="outer").graph(9))
    assert [r.network for r in wanted] == ["middle", "before-1", "after-1", "outer"]
    assert [r.inputs for r in wanted] == [1, 3, 3, 3]
