"""Which phase trains which network, and what a stage's frames depend on."""

from __future__ import annotations

from deblurkit.errors import FrameError
from deblurkit.graph import Node, needed
from deblurkit.stages import Stage


def trained_by(nodes: tuple[Node, ...], stages: tuple[Stage, ...]) -> dict[str, str]:
    """Network name -> name of the stage that trains it, in the order of the stages.

    Raises:
        FrameError: two stages would train one network; the second would undo the first.
    """
    owner: dict[str, str] = {}
    for stage in stages:
        for node in nodes:
            if node.frame in stage.frames and owner.setdefault(node.network, stage.name) != (
                stage.name
            ):
                raise FrameError(
                    f"network '{node.network}' belongs to stages '{owner[node.network]}' "
                    f"and '{stage.name}'",
                    hint="put all frames that share a network into one stage",
                )
    return owner


def upstream(
    nodes: tuple[Node, ...], frames: tuple[int, ...], given: tuple[int, ...]
) -> frozenset[int]:
    """The frames that must be predicted to predict `frames`, themselves included."""
    return frozenset(n.frame for n in needed(nodes, frames, given))
