"""Blurry images that a data set came with, found by the frames that they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblurkit.errors import DataError
from deblurkit.footage.reading import Status, check_unchanged
from deblurkit.footage.recording import Pair, Recording
from deblurkit.media.image import read_image

_FORMED = "--set data.train.blurry=formed"


class PublishedBlur:
    """The pairs of a data set of which the frames are known; of others nothing is kept."""

    def __init__(self, pairs: Iterable[Pair]) -> None:
        self._pairs = {
            (pair.recording, pair.first, pair.frames): pair
            for pair in pairs
            if pair.recording and pair.first is not None
        }

    def has(self, recording: Recording, start: int, frames: int) -> bool:
        """Whether there is a blurry image of so many frames from `start` on, counted from 0."""
        return (recording.name, start, frames) in self._pairs

    def files(self, recordings: Iterable[Recording]) -> list[Path]:
        """The blurry images of these recordings."""
        names = {recording.name for recording in recordings}
        return [pair.blurry for pair in self._pairs.values() if pair.recording in names]

    def image(
        self, recording: Recording, start: int, frames: int, known: Mapping[Path, Status]
    ) -> npt.NDArray[np.uint8]:
        """A blurry image as it is stored, H×W×3.

        Args:
            recording: Whose frames it is of.
            start: The first of them, counted from 0.
            frames: How many.
            known: Size and time of files when they were listed.

        Raises:
            DataError: there is none, or its file is damaged, gone, of another size than the
                frames or has changed.
        """
        pair = self._pairs.get((recording.name, start, frames))
        if pair is None:
            raise DataError(
                f"the data set has no blurry image of frames {start + 1}-{start + frames}",
                where=str(recording.path),
                hint=_FORMED,
            )
        check_unchanged(pair.blurry, known)
        image = read_image(pair.blurry)
        if image.shape[:2] != (recording.height, recording.width):
            raise DataError(
                f"the blurry image has {image.shape[1]}×{image.shape[0]} pixels, its frames "
                f"{recording.width}×{recording.height}",
                where=str(pair.blurry),
                hint="unpack the data set again, or move the blurry image away",
            )
        return image

    def lacks(self, recording: Recording, frames: int) -> DataError:
        """What to say where a recording has no blurry image of so many frames."""
        lengths = sorted({length for name, _, length in self._pairs if name == recording.name})
        other = [length for length in lengths if length != frames]
        return DataError(
            f"there is no blurry image of {frames} of these frames"
            + (f"; the data set's own are of {' or '.join(map(str, other))}" if other else ""),
            where=str(recording.path),
            hint=f"--set frames={other[0]}, or {_FORMED}" if other else _FORMED,
        )
