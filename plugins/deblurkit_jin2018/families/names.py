"""How the families name networks: by distance from the middle, so that names do not depend on T."""

from __future__ import annotations

from deblurkit.frames import BLURRY, core, middle
from deblurkit.graph import Node, Role
from deblurkit.stages import Stage

MIDDLE = "middle"


def network_at(i: int, T: int) -> str:
    """`before-1` for the frame just before the middle, `after-2` for the second after it."""
    distance = i - middle(T)
    if distance == 0:
        return MIDDLE
    return f"{'before' if distance < 0 else 'after'}-{abs(distance)}"


def role_of(i: int, T: int) -> Role:
    """The role of the network of frame i."""
    if i == middle(T):
        return "middle"
    return "core" if i in core(T) else "outer"


def middle_node(T: int) -> Node:
    """φ_m(y): the same in all families, so that they share its training."""
    return Node(middle(T), MIDDLE, (BLURRY,), BLURRY, "middle")


def middle_stage(T: int) -> Stage:
    """The middle frame trained on its own."""
    return Stage(MIDDLE, "middle", (middle(T),))
