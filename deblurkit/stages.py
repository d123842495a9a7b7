"""What is trained together (a stage) and how a schedule runs it (a phase)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from deblurkit.graph import Node

Group = Literal["middle", "others"]
"""Which part of a recipe's `loss` and `training` a stage takes: the middle frame is trained
with other terms, batch sizes and steps than all the others (section 5, section 7)."""


@dataclass(frozen=True)
class Stage:
    """Frames trained together, with the loss terms of their group.

    Attributes:
        name: Unique among the stages of a family; the same name with the same frames and
            networks means the same work, so families that share a stage share its result.
        group: `middle` or `others`.
        frames: The frames whose estimates the loss terms see, 1-based.
    """

    name: str
    group: Group
    frames: tuple[int, ...]


@dataclass(frozen=True)
class Phase:
    """One or more stages as a schedule runs them.

    Attributes:
        name: Unique among the phases of a run.
        stages: What is trained at once; their losses are summed.
        group: Whose steps, batch size and optimiser apply. `ordering` is the engine's own: the
            phase that trains a recipe's ordering, without stages; schedules do not give it.
        trains: Names of the networks that learn; all others that are needed are frozen.
        given: Frames whose true image replaces the estimate as an input (teacher forcing).
        needs: Names of the phases whose networks this one starts from, frozen.
    """

    name: str
    stages: tuple[Stage, ...]
    group: Group | Literal["ordering"]
    trains: tuple[str, ...]
    given: tuple[int, ...] = ()
    needs: tuple[str, ...] = ()


class Family(Protocol):
    """A loss family: what each frame's network sees, and which frames are trained together."""

    def graph(self, T: int) -> tuple[Node, ...]:
        """Nodes for all T frames (T odd, >= 3), each after the frames it depends on."""

    def stages(self, T: int) -> tuple[Stage, ...]:
        """Stages that together cover all T frames, each after those it depends on."""


class Schedule(Protocol):
    """In which order networks are trained."""

    def phases(
        self, nodes: tuple[Node, ...], stages: tuple[Stage, ...], T: int
    ) -> tuple[Phase, ...]:
        """Turn stages into phases whose `needs` form a directed graph without cycles."""
