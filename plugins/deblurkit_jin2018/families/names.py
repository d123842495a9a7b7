"""How the families name networks: by distance from the middle, so that names do not depend on T."""

from __future__ import annotations

from deblurkit.frames import BLURRY, core, middle, pairs
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


def core_nodes(T: int) -> tuple[Node, ...]:
    """φ_{m-1}(φ_m, y) and φ_{m+1}(φ_{m-1}, φ_m, y): the same wherever a core sees the middle.

    Inputs are in the order of the released networks: y, a reference, and the base that the
    residual is added to. For the first core frame reference and base are both the middle.
    """
    m, (before, after) = middle(T), pairs(T)[0]
    return (
        Node(before, network_at(before, T), (BLURRY, m, m), m, "core"),
        Node(after, network_at(after, T), (BLURRY, before, m), m, "core"),
    )


def core_stage(T: int) -> Stage:
    """The core trained on its own, given the middle frame."""
    return Stage("core", "others", pairs(T)[0])
