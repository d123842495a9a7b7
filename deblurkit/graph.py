"""The frame graph: for each frame the network that predicts it and the images it sees.

One argument carries both teacher forcing (section 7) and the experiment of Fig. 5: `given`
replaces a prediction by an image, in training by the true middle frame, at test time by
anyone's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from deblurkit.errors import FrameError
from deblurkit.frames import BLURRY, FrameSet, ImageRef, check_index, check_length, indices, middle

Role = Literal["middle", "core", "outer"]
"""Which size of network predicts a frame; an architecture has one set of parameters a role."""


@dataclass(frozen=True)
class Node:
    """How one frame is predicted.

    Attributes:
        frame: The frame predicted, 1-based.
        network: Name of its network; nodes that name the same network share its weights.
        inputs: The images it sees, in the network's order: "y" or frame indices.
        base: The image its residual is added to, "y" or a frame index.
        role: Which of the architecture's sizes the network has.
    """

    frame: int
    network: str
    inputs: tuple[ImageRef, ...]
    base: ImageRef
    role: Role

    @property
    def depends(self) -> tuple[int, ...]:
        """The frames that must be there before this one, each once, in order of time."""
        return tuple(sorted({r for r in (*self.inputs, self.base) if isinstance(r, int)}))


@dataclass(frozen=True)
class NetworkRequest:
    """What must be built for one network name: its role and how many images it sees."""

    network: str
    role: Role
    inputs: int


def check_nodes(nodes: Iterable[Node], T: int) -> tuple[Node, ...]:
    """Return the nodes if they can be evaluated in their order.

    A node may see a frame that no node predicts; it can be evaluated when that is given.

    Raises:
        FrameError: a frame is predicted twice, comes before a frame it needs, sees an
            unknown image, or two nodes want different shapes of one network.
    """
    ready: set[int] = set()
    shapes: dict[str, NetworkRequest] = {}
    nodes = tuple(nodes)
    predicted = {n.frame for n in nodes}
    for node in nodes:
        check_index(node.frame, check_length(T))
        where = f"frame graph, frame {node.frame}"
        if node.frame in ready:
            raise FrameError("the frame is predicted twice", where=where)
        for ref in (*node.inputs, node.base):
            if ref == BLURRY:
                continue
            if not isinstance(ref, int):
                raise FrameError(
                    f"unknown image {ref!r}", where=where, valid=f"{BLURRY!r} or a frame index"
                )
            check_index(ref, T)
            if ref in predicted and ref not in ready:
                raise FrameError(
                    f"it sees frame {ref}, which is predicted later",
                    where=where,
                    hint="list nodes so that each comes after the frames it sees",
                )
        request = NetworkRequest(node.network, node.role, len(node.inputs))
        if shapes.setdefault(node.network, request) != request:
            raise FrameError(
                f"network '{node.network}' is wanted as {request} and as {shapes[node.network]}",
                where=where,
                hint="nodes that share a network must see the same number of images",
            )
        ready.add(node.frame)
    return nodes


def requests(nodes: Iterable[Node]) -> tuple[NetworkRequest, ...]:
    """The networks that the nodes need, each once, in the order of first use."""
    seen = {n.network: NetworkRequest(n.network, n.role, len(n.inputs)) for n in nodes}
    return tuple(seen.values())


def needed(
    nodes: Iterable[Node], frames: Iterable[int], given: Iterable[int] = ()
) -> tuple[Node, ...]:
    """The nodes that must be evaluated for `frames` when `given` are there already, in order.

    Raises:
        FrameError: a frame is neither given nor predicted by any node.
    """
    by_frame = {n.frame: n for n in nodes}
    have, wanted, chosen = set(given), list(frames), dict[int, Node]()
    asked_by: dict[int, int] = {}
    while wanted:
        i = wanted.pop()
        if i in have or i in chosen:
            continue
        if i not in by_frame:
            reason = f" (frame {asked_by[i]} is predicted from it)" if i in asked_by else ""
            raise FrameError(
                f"frame {i} cannot be predicted: there is no network for it{reason}",
                valid="frames with a network: " + (", ".join(map(str, sorted(by_frame))) or "none"),
                hint=f"hand it in: given={{{i}: image}}, or load weights that include it",
            )
        chosen[i] = by_frame[i]
        for j in by_frame[i].depends:
            asked_by.setdefault(j, i)
            wanted.append(j)
    return tuple(n for n in by_frame.values() if n.frame in chosen)


class FrameGraph(nn.Module):
    """Networks wired into a sequence: y in, frames out.

    Args:
        T: Number of frames, odd and >= 1.
        nodes: How frames are predicted, each after the frames it sees. Frames without a node
            can only be given.
        networks: One module for each network name. A network is called as
            `network(images, base)` with `images` a sequence of B×C×H×W tensors in the node's
            order and `base` one of the images, and returns B×C×H×W.

    Raises:
        FrameError: the nodes cannot be evaluated in their order or a network is missing.
    """

    def __init__(self, T: int, nodes: Iterable[Node], networks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.T = check_length(T)
        self.nodes = check_nodes(nodes, T)
        names = [r.network for r in requests(self.nodes)]
        if missing := [n for n in names if n not in networks]:
            raise FrameError(
                f"no network named {', '.join(map(repr, missing))}",
                valid="networks here: " + (", ".join(sorted(networks)) or "none"),
            )
        self.networks = nn.ModuleDict({n: networks[n] for n in names})

    @classmethod
    def build(
        cls,
        T: int,
        nodes: Iterable[Node],
        make: Callable[[NetworkRequest], nn.Module],
    ) -> FrameGraph:
        """Make each network once, by `make(request)`, and wire the graph."""
        nodes = check_nodes(nodes, T)
        return cls(T, nodes, {r.network: make(r) for r in requests(nodes)})

    def forward(
        self,
        y: Tensor,
        given: Mapping[int, Tensor] | None = None,
        frames: Iterable[int] | None = None,
    ) -> FrameSet[Tensor]:
        """Predict frames; only what is asked for, and what that depends on, is computed.

        Args:
            y: Blurry image, B×C×H×W in [0, 1].
            given: Images, shaped as y, that replace predictions; they are not computed.
            frames: The frames wanted, 1-based; all T by default.

        Returns:
            The wanted frames by index, B×C×H×W, not clamped. Given ones are handed back.

        Raises:
            FrameError: a wanted frame has neither network nor image, a given image's shape
                differs from y's, or a network does not give an image of y's shape.
        """
        given = dict(given or {})
        for i, image in given.items():
            check_index(i, self.T)
            if image.shape != y.shape:
                raise FrameError(
                    f"given frame {i} has shape {tuple(image.shape)}, the blurry image "
                    f"{tuple(y.shape)}",
                    valid="one shape, B×C×H×W, for all images",
                )
        wanted = (
            indices(self.T) if frames is None else tuple(check_index(i, self.T) for i in frames)
        )
        images: dict[ImageRef, Tensor] = {BLURRY: y} | {i: given[i] for i in given}
        for node in needed(self.nodes, wanted, given):
            network = self.networks[node.network]
            seen = tuple(images[r] for r in node.inputs)
            estimate = network(seen, images[node.base])
            if not isinstance(estimate, Tensor) or estimate.shape != y.shape:
                got = tuple(estimate.shape) if isinstance(estimate, Tensor) else type(estimate)
                raise FrameError(
                    f"network '{node.network}' gave {got} for images of shape {tuple(y.shape)}",
                    where=f"frame graph, frame {node.frame}",
                    valid="one image of the shape of its base",
                    hint="deblurkit.testing.check_architecture finds such mistakes",
                )
            images[node.frame] = estimate
        return FrameSet(self.T, {i: images[i] for i in wanted}, y)


def middle_alone(graph: FrameGraph) -> FrameGraph:
    """The middle frame's network as a graph of one frame; weights are shared, not copied.

    Raises:
        FrameError: the middle frame has no network, or is predicted from other frames.
    """
    m = middle(graph.T)
    found = [node for node in graph.nodes if node.frame == m]
    if not found or found[0].depends:
        raise FrameError(
            f"frame {m} is predicted from frames {', '.join(map(str, found[0].depends))}"
            if found
            else f"frame {m}, the middle, has no network",
            valid="a middle frame that is predicted from the blurry image alone",
        )
    node = replace(found[0], frame=1)
    return FrameGraph(1, (node,), {node.network: graph.networks[node.network]})


def stack(frames: FrameSet[Tensor]) -> Tensor:
    """Stack the frames here in order of time: B×N×C×H×W."""
    return torch.stack([frames[i] for i in frames], dim=1)
