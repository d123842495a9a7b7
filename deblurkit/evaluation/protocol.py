"""The contract of a protocol: a named, versioned way to score a sequence.

A protocol says how direction is chosen, which frames and pixels count and which scores are
taken. Its version changes whenever a number of it could; tables name both, `deblurkit/1`, and
numbers under different versions are never put side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.measures import Column, Measure, ScoreSheet

Sequence = npt.NDArray[np.floating[Any]]
Image = npt.NDArray[np.floating[Any]]


class ScoringProtocol(Protocol):
    """A protocol for sequences of T frames.

    Attributes:
        name: Lower case letters, digits, hyphens.
        version: A whole number.
        summary: One line.
        reference: The paper, section or source it comes from.
        takes_samples: Whether several estimates of one clip may be handed in, S×T×H×W×3, the
            best of which counts.
    """

    name: str
    version: int
    summary: str
    reference: str
    takes_samples: bool

    def columns(self, T: int) -> tuple[Column, ...]:
        """What it measures on sequences of T frames, in the table's order."""

    def unavailable(self) -> Mapping[str, str]:
        """Column key -> why it cannot be computed here (weights that cannot be had)."""

    def score(
        self, estimate: Sequence, target: Sequence, blurry: Image | None = None
    ) -> Mapping[str, Measure]:
        """Score a clip.

        Args:
            estimate: T×H×W×3 floats in [0, 1], in order of time; S×T×H×W×3 where the protocol
                takes samples.
            target: The true frames, T×H×W×3.
            blurry: The image the estimate was made from, H×W×3; where it is None, protocols
                that compare with it form it from the true frames by a plain average.

        Returns:
            A measure for every column that is available.

        Raises:
            ValueError: shapes differ, T is even, or the arrays hold no floats in [0, 1].
            DataError: the images are too small for a score; says which and how large.
        """


def full_name(protocol: ScoringProtocol) -> str:
    """Name and version, as tables and files say it: `deblurkit/1`."""
    return f"{protocol.name}/{protocol.version}"


def new_sheet(protocol: ScoringProtocol, T: int) -> ScoreSheet:
    """An empty sheet for sequences of T frames."""
    return ScoreSheet(full_name(protocol), T, protocol.columns(T), dict(protocol.unavailable()))
