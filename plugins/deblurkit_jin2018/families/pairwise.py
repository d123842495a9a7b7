"""Each symmetric pair on its own (section 5.2, eq. 5)."""

from __future__ import annotations

from deblurkit.frames import BLURRY, ImageRef, middle, pairs
from deblurkit.graph import Node
from deblurkit.stages import Stage
from deblurkit_jin2018.families.names import (
    core_nodes,
    core_stage,
    middle_node,
    middle_stage,
    network_at,
    role_of,
)


class Pairwise:
    """φ_i(y) and φ_{T+1-i}(φ_i, y): the second frame of a pair sees which one the first chose.

    Args:
        feed_middle: Every network also sees the middle frame: φ_i(φ_m, y) and
            φ_{T+1-i}(φ_m, φ_i, y). The residual is then added to the middle frame, as in the
            paper's core networks, otherwise to y. The first pair is then the sequential
            family's core, network for network, and its training is shared with it.
    """

    def __init__(self, *, feed_middle: bool = True) -> None:
        self.feed_middle = feed_middle

    def graph(self, T: int) -> tuple[Node, ...]:
        """The middle first, then the pairs from the core outwards."""
        m, nodes = middle(T), [middle_node(T)]
        base: ImageRef = m if self.feed_middle else BLURRY
        seen: tuple[ImageRef, ...] = (BLURRY, m) if self.feed_middle else (BLURRY,)
        for i, j in pairs(T):
            if self.feed_middle and (i, j) == pairs(T)[0]:
                nodes += core_nodes(T)
                continue
            nodes.append(Node(i, network_at(i, T), seen, base, role_of(i, T)))
            nodes.append(Node(j, network_at(j, T), (BLURRY, i, *seen[1:]), base, role_of(j, T)))
        return tuple(nodes)

    def stages(self, T: int) -> tuple[Stage, ...]:
        """The middle, then one stage a pair."""
        each = [Stage(f"pair {k}", "others", pair) for k, pair in enumerate(pairs(T), start=1)]
        if self.feed_middle and each:
            each[0] = core_stage(T)
        return (middle_stage(T), *each)
