"""All frames but the middle at once, by the formation model alone (section 5.1, eq. 4)."""

from __future__ import annotations

from deblurkit.frames import others
from deblurkit.graph import Node
from deblurkit.stages import Stage
from deblurkit_jin2018.families.independent import Independent
from deblurkit_jin2018.families.names import middle_stage


class GlobalModel:
    """φ_i(y) for every i; the middle by its own loss, the others jointly."""

    def graph(self, T: int) -> tuple[Node, ...]:
        """The same networks as the independent family."""
        return Independent().graph(T)

    def stages(self, T: int) -> tuple[Stage, ...]:
        """The middle, then all others together."""
        return (middle_stage(T), Stage("others", "others", others(T)))
