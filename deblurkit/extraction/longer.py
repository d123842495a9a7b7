"""More or fewer frames than the networks were trained for.

Networks that serve frames at several distances from the middle, as with `share: outer`
(section 5.3: "a recurrent network for all non-core frames"), go on outwards: a frame further out
is predicted from its neighbours as the outermost one is from its own. Fewer frames are those
around the middle.
"""

from __future__ import annotations

from deblurkit.errors import FrameError
from deblurkit.frames import ImageRef, check_length, middle
from deblurkit.graph import FrameGraph, Node


def with_length(graph: FrameGraph, T: int) -> FrameGraph:
    """The same networks for a sequence of T frames.

    Raises:
        FrameError: T is even, or larger and the outermost network serves one distance only.
    """
    check_length(T)
    shift = middle(T) - middle(graph.T)
    near = [_moved(n, shift) for n in graph.nodes if 1 <= n.frame + shift <= T]
    made = [*near, *(_further(graph, T) if T > graph.T else ())]
    return FrameGraph(T, made, {n.network: graph.networks[n.network] for n in made})


def lengths(graph: FrameGraph) -> str:
    """Which numbers of frames there can be, for people."""
    fewer = ", ".join(map(str, range(1, graph.T + 1, 2)))
    return f"{fewer}, {graph.T + 2}, {graph.T + 4}, ..." if _goes_on(graph) else fewer


def _further(graph: FrameGraph, T: int) -> list[Node]:
    if not _goes_on(graph):
        raise FrameError(
            f"these networks are for {graph.T} frames and fewer: no network serves frames at "
            "several distances from the middle",
            valid=f"{lengths(graph)} frames",
            hint="train with --set family.share=outer, which goes on outwards",
        )
    shift = middle(T) - middle(graph.T)
    ends = [node for node in graph.nodes if node.frame in (1, graph.T)]
    made = []
    for step in range(1, shift + 1):
        for node in ends:
            out = -step if node.frame == 1 else step
            made.append(_moved(node, shift + out))
    return made


def _goes_on(graph: FrameGraph) -> bool:
    """Whether the two outermost frames of each side are predicted alike by one network."""
    nodes = {node.frame: node for node in graph.nodes}
    if graph.T < 7 or any(i not in nodes for i in (1, 2, graph.T - 1, graph.T)):
        return False
    return nodes[1] == _moved(nodes[2], -1) and nodes[graph.T] == _moved(nodes[graph.T - 1], 1)


def _moved(node: Node, by: int) -> Node:
    def ref(image: ImageRef) -> ImageRef:
        return image + by if isinstance(image, int) else image

    inputs = tuple(ref(image) for image in node.inputs)
    return Node(node.frame + by, node.network, inputs, ref(node.base), node.role)
