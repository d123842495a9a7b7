"""From the middle outwards, each frame seeing the two before it (section 5.3, Table 1).

Table 1 as printed pairs frames (1,6) and (2,7) in its third step; the symmetric pairs are
(1,7) and (2,6).
"""

from __future__ import annotations

from typing import Literal

from deblurkit.frames import BLURRY, middle, outer, partner
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

Share = Literal["none", "pair", "outer"]


class Sequential:
    """Each frame from the two before it, counted from the middle.

    φ_m(y); φ_{m-1}(φ_m, y); φ_{m+1}(φ_{m-1}, φ_m, y); then outwards φ_i(φ_{i+1}, φ_{i+2}, y)
    and φ_{T+1-i}(φ_{T-i}, φ_{T-1-i}, y).

    Inputs are in the order of `core_nodes`.

    Args:
        share: `none`: every outer frame has its own network; `pair`: the two frames of a pair
            share one, run in both directions of time; `outer`: one network for all outer
            frames, "a recurrent network for all non-core frames", for any T.
    """

    def __init__(self, *, share: Share = "pair") -> None:
        self.share = share

    def graph(self, T: int) -> tuple[Node, ...]:
        """Middle, core, then pairs outwards."""
        m = middle(T)
        nodes = [middle_node(T)]
        if T >= 3:
            nodes += core_nodes(T)
        for i in range(m - 2, 0, -1):
            for frame, base, reference in (
                (i, i + 1, i + 2),
                (partner(i, T), partner(i, T) - 1, partner(i, T) - 2),
            ):
                seen = (BLURRY, reference, base)
                nodes.append(Node(frame, self._outer(frame, T), seen, base, role_of(frame, T)))
        return tuple(nodes)

    def stages(self, T: int) -> tuple[Stage, ...]:
        """The three steps of Table 1: middle, core, outer."""
        stages = [middle_stage(T)]
        if T >= 3:
            stages.append(core_stage(T))
        if T >= 5:
            stages.append(Stage("outer", "others", outer(T)))
        return tuple(stages)

    def _outer(self, frame: int, T: int) -> str:
        if self.share == "outer":
            return "outer"
        return network_at(frame, T) if self.share == "none" else f"outer-{abs(frame - middle(T))}"
