"""Every frame on its own from the blurry image and the middle frame: for clips with an order."""

from __future__ import annotations

from deblurkit.frames import BLURRY, core, indices, middle
from deblurkit.graph import Node
from deblurkit.stages import Stage


class FromMiddle:
    """φ_m(y), then φ_i(y, φ_m) for every other i, each with a network of its own.

    No frame sees the estimate of another but the middle's, which has no direction. What makes
    frames agree on one is the order of the training clips: with a loss that compares each
    frame with its own target, and no ordering, every network learns the mean of both.
    """

    def graph(self, T: int) -> tuple[Node, ...]:
        """The middle first, then the others in order of time."""
        m = middle(T)
        return (
            Node(m, "middle", (BLURRY,), BLURRY, "middle"),
            *(
                Node(
                    i,
                    f"{'before' if i < m else 'after'}-{abs(i - m)}",
                    (BLURRY, m),
                    m,
                    "core" if i in core(T) else "outer",
                )
                for i in indices(T)
                if i != m
            ),
        )

    def stages(self, T: int) -> tuple[Stage, ...]:
        """The middle; then all others at once."""
        m = middle(T)
        others = tuple(i for i in indices(T) if i != m)
        return (Stage("middle", "middle", (m,)), Stage("others", "others", others))
