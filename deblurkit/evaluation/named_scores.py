"""Frame scores by name, as metric plugins give them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.errors import DeblurkitError, PluginError

Floats = npt.NDArray[np.floating[Any]]
FrameScore = Callable[[Floats, Floats], float]


@dataclass(frozen=True)
class NamedScore:
    """A frame score by name, with the unit and direction of its numbers.

    Attributes:
        name: As recipes say it.
        score: Two H×W×3 images in [0, 1] to a number.
        unit: Printed behind numbers; empty where there is none.
        higher_is_better: Whether more is better.
        unavailable: Why it cannot be computed here (weights that cannot be had), or None.
    """

    name: str
    score: FrameScore
    unit: str
    higher_is_better: bool
    unavailable: str | None = None

    def frames(self, estimate: Floats, target: Floats) -> Floats:
        """The score of every frame of a clip, two T×H×W×3 arrays: T numbers.

        Raises:
            PluginError: the metric fails, or gives no number.
        """
        try:
            scores = [float(self.score(e, t)) for e, t in zip(estimate, target, strict=True)]
        except DeblurkitError:
            raise
        except Exception as error:
            raise PluginError(
                f"{type(error).__name__}: {error}",
                where=f"metric '{self.name}', frames of {target.shape[1]}×{target.shape[2]} pixels",
                hint="take it out of evaluation.metrics, or make data.clip_size larger",
            ) from error
        if np.isnan(scores).any():
            raise PluginError("it gave a score that is not a number", where=f"metric '{self.name}'")
        return np.array(scores)
