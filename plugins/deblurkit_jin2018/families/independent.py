"""Every frame on its own: φ_i(y), the paper's negative result (section 7, L_indep)."""

from __future__ import annotations

from deblurkit.frames import BLURRY, indices, middle
from deblurkit.graph import Node
from deblurkit.stages import Stage
from deblurkit_jin2018.families.names import middle_node, middle_stage, network_at, role_of


class Independent:
    """φ_i(y) for every i, each with a network and a stage of its own."""

    def graph(self, T: int) -> tuple[Node, ...]:
        """The middle first, then the others in order of time."""
        return (
            middle_node(T),
            *(
                Node(i, network_at(i, T), (BLURRY,), BLURRY, role_of(i, T))
                for i in indices(T)
                if i != middle(T)
            ),
        )

    def stages(self, T: int) -> tuple[Stage, ...]:
        """One stage a frame."""
        return (
            middle_stage(T),
            *(
                Stage(f"frame {network_at(i, T)}", "others", (i,))
                for i in indices(T)
                if i != middle(T)
            ),
        )
