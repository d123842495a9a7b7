"""All stages at once: one phase, the losses of all stages summed."""

from __future__ import annotations

from deblurkit.graph import Node
from deblurkit.stages import Group, Phase, Stage
from deblurkit_jin2018.schedules.dependencies import trained_by


class Joint:
    """One phase that trains every network on the others' current estimates."""

    def phases(
        self, nodes: tuple[Node, ...], stages: tuple[Stage, ...], T: int
    ) -> tuple[Phase, ...]:
        """A single phase, with the training settings of the others."""
        group: Group = "others" if any(s.group == "others" for s in stages) else "middle"
        return (Phase("joint", stages, group, tuple(trained_by(nodes, stages))),)
