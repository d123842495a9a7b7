"""Stage after stage (Table 1): each trains on the frozen estimates of the earlier ones."""

from __future__ import annotations

from deblurkit.graph import Node
from deblurkit.stages import Phase, Stage
from deblurkit_jin2018.schedules.dependencies import trained_by, upstream


class Staged:
    """One phase a stage. A phase needs the phases that train the networks it builds on."""

    def phases(
        self, nodes: tuple[Node, ...], stages: tuple[Stage, ...], T: int
    ) -> tuple[Phase, ...]:
        """The stages in their order, as phases."""
        return one_phase_a_stage(nodes, stages, given=())


def one_phase_a_stage(
    nodes: tuple[Node, ...], stages: tuple[Stage, ...], given: tuple[int, ...]
) -> tuple[Phase, ...]:
    """Phases that freeze what earlier ones trained; frames in `given` are not depended on."""
    owner = trained_by(nodes, stages)
    phases = []
    for stage in stages:
        true = tuple(i for i in given if i not in stage.frames)
        above = upstream(nodes, stage.frames, true)
        used_true = tuple(i for i in true if any(i in n.depends for n in nodes if n.frame in above))
        trains = tuple(n for n, s in owner.items() if s == stage.name)
        needs = {owner[n.network] for n in nodes if n.frame in above} - {stage.name}
        phases.append(
            Phase(
                name=stage.name,
                stages=(stage,),
                group=stage.group,
                trains=trains,
                given=used_true,
                needs=tuple(s.name for s in stages if s.name in needs),
            )
        )
    return tuple(phases)
