"""A clip, and the contract of a dataset that gives clips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Clip:
    """T true frames and where they came from.

    Attributes:
        frames: T×H×W×3 uint8, display-referred, in order of time. The blurry image is not
            stored: it is formed from the frames by the recipe's formation.
        source: The source, one of the dataset's `sources()`.
        place: Where in the source, for people: frame numbers, seeds, motion.
        blurry: H×W×3 uint8, the data set's own blurry image, of datasets whose
            `published_blur` is true; None of all others.
    """

    frames: npt.NDArray[np.uint8]
    source: str
    place: str = ""
    blurry: npt.NDArray[np.uint8] | None = None


class ClipDataset(Protocol):
    """Where clips come from.

    A dataset is a pure function of its parameters: the same source, numbers and generator
    state give the same clips. It must be picklable; clips are rendered by several processes.

    Two more members are looked for. `fingerprint() -> str` changes when files that it reads do.
    `published_blur`, an attribute that is true, says that each clip carries the blurry image
    that its data set was published with: then nothing is blurred here.
    """

    def sources(self) -> tuple[str, ...]:
        """The independent pieces of material: a photo, a video passage, a seeded scene.

        Training and test sets never share one. Names are stable: they are recorded and
        decide the split.

        Raises:
            DataError: the material is missing, empty or cannot be read.
        """

    def clips(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Clip]:
        """Give `count` clips of `frames` frames, size×size pixels, cut from one source.

        Raises:
            DataError: the source is too small, too short or damaged; the message names the
                file and the number that was too small.
        """


def publishes_blur(dataset: ClipDataset) -> bool:
    """Whether a dataset's clips carry the blurry images that it was published with."""
    return bool(getattr(dataset, "published_blur", False))
