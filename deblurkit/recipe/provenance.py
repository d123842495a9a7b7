"""What a resolved recipe was made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deblurkit.recipe.located import KeyPath


@dataclass(frozen=True)
class Provenance:
    """What a recipe was made from. All are equal: it is no part of what a recipe says.

    Attributes:
        source: The recipe file, or empty for a recipe made in Python.
        scale: The scale file or name, "none", or "resolved" for a recipe that was resolved
            before.
        changes: Overrides as typed, without `--set`, and `--seed N`.
        origins: For each value of the resolved recipe the layer it came from.
    """

    source: str = field(default="", compare=False)
    scale: str = field(default="none", compare=False)
    changes: tuple[str, ...] = field(default=(), compare=False)
    origins: Mapping[KeyPath, str] = field(default_factory=dict, compare=False)
