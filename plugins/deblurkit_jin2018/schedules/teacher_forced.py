"""Teacher forcing (section 7): the true middle frame is given while the others train."""

from __future__ import annotations

from deblurkit.frames import middle
from deblurkit.graph import Node
from deblurkit.stages import Phase, Stage
from deblurkit_jin2018.schedules.staged import one_phase_a_stage


class TeacherForced:
    """As staged, but x[m] replaces φ_m(y): the middle and the others can train at the same time."""

    def phases(
        self, nodes: tuple[Node, ...], stages: tuple[Stage, ...], T: int
    ) -> tuple[Phase, ...]:
        """The stages in their order, as phases given the true middle frame."""
        return one_phase_a_stage(nodes, stages, given=(middle(T),))
