"""The conformance suite of loss families."""

from __future__ import annotations

from typing import Any, get_args

import torch
from torch import Tensor, nn

from deblurkit.errors import FrameError
from deblurkit.frames import indices, middle
from deblurkit.graph import FrameGraph, Node, Role, check_nodes
from deblurkit.specs import FamilySpec
from deblurkit.stages import Family, Stage
from deblurkit.testing.subject import Component, Subject

LENGTHS = (3, 5, 7, 9)


def check_family(component: Component, /, **params: Any) -> None:
    """Check that a loss family keeps its contract (`deblurkit.stages.Family`).

    For 3, 5, 7 and 9 frames: the graph can be evaluated and predicts every frame; the stages
    cover every frame once, in an order in which each comes after those it depends on, with
    unique names and the right group, and no network belongs to two of them.

    Args:
        component: A `FamilySpec`, or a registered component with one.
        **params: The family's parameters by name; the rest take their defaults.

    Raises:
        AssertionError: what is wrong and how to mend it.
    """
    subject = Subject(component, FamilySpec, params)
    family: Family = subject.build()
    for T in LENGTHS:
        nodes = _check_graph(subject, family, T)
        _check_stages(subject, family, nodes, T)


class _Echo(nn.Module):
    """The smallest network: its base, moved a little by what it sees."""

    def forward(self, images: tuple[Tensor, ...], base: Tensor) -> Tensor:
        return base + 0.01 * torch.stack(images).mean(0)


def _check_graph(subject: Subject[FamilySpec], family: Family, T: int) -> tuple[Node, ...]:
    nodes = tuple(family.graph(T))
    subject.require(
        all(isinstance(node, Node) for node in nodes),
        f"graph({T}) gives something else than nodes",
        "return deblurkit.graph.Node objects",
    )
    try:
        check_nodes(nodes, T)
    except FrameError as error:
        raise subject.failure(
            f"graph({T}): {error}", "list each node after the frames it sees"
        ) from error
    subject.require(
        sorted(node.frame for node in nodes) == list(indices(T)),
        f"graph({T}) predicts frames {sorted(node.frame for node in nodes)}",
        f"give one node for each frame from 1 to {T}",
    )
    for node in nodes:
        subject.require(
            node.role in get_args(Role) and (node.role == "middle") == (node.frame == middle(T)),
            f"graph({T}): frame {node.frame} has the role '{node.role}'",
            "the middle frame has the role 'middle', all others 'core' or 'outer'",
        )
        subject.require(
            bool(node.inputs),
            f"graph({T}): frame {node.frame} sees no image",
            "let it see 'y' at least",
        )
    subject.require(
        nodes == tuple(family.graph(T)),
        f"graph({T}) gives other nodes the second time",
        "make it a pure function of T and the parameters",
    )
    y = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    frames = FrameGraph.build(T, nodes, lambda request: _Echo())(y)
    subject.require(len(frames) == T, f"graph({T}) gives {len(frames)} frames", f"give {T}")
    return nodes


def _check_stages(
    subject: Subject[FamilySpec], family: Family, nodes: tuple[Node, ...], T: int
) -> None:
    stages = tuple(family.stages(T))
    subject.require(
        all(isinstance(stage, Stage) for stage in stages),
        f"stages({T}) gives something else than stages",
        "return deblurkit.stages.Stage objects",
    )
    names = [stage.name for stage in stages]
    subject.require(
        len(set(names)) == len(names) and all(names),
        f"stages({T}) are called {names}",
        "give every stage a name of its own",
    )
    frames = [i for stage in stages for i in stage.frames]
    subject.require(
        sorted(frames) == list(indices(T)) and all(stage.frames for stage in stages),
        f"stages({T}) train frames {frames}",
        f"every frame from 1 to {T} belongs to exactly one stage, and no stage is empty",
    )
    for stage in stages:
        wanted = "middle" if stage.frames == (middle(T),) else "others"
        subject.require(
            stage.group == wanted and (wanted == "middle" or middle(T) not in stage.frames),
            f"stages({T}): '{stage.name}' with frames {stage.frames} is of group '{stage.group}'",
            "the middle frame is a stage of its own, of group 'middle'; the rest are 'others'",
        )
    place = {i: k for k, stage in enumerate(stages) for i in stage.frames}
    owner: dict[str, int] = {}
    for node in nodes:
        late = [i for i in node.depends if place[i] > place[node.frame]]
        subject.require(
            not late,
            f"stages({T}): frame {node.frame} sees frame {late}, which a later stage trains",
            "list stages so that each comes after those it depends on",
        )
        subject.require(
            owner.setdefault(node.network, place[node.frame]) == place[node.frame],
            f"stages({T}): two stages train the network '{node.network}'",
            "put all frames that share a network into one stage",
        )
    subject.require(
        stages == tuple(family.stages(T)),
        f"stages({T}) gives other stages the second time",
        "make it a pure function of T and the parameters",
    )
