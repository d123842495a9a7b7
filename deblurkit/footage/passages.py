"""Passages: parts of recordings, which are the sources that a split divides."""

from __future__ import annotations

import math
from dataclasses import dataclass

from deblurkit.errors import DataError
from deblurkit.footage.recording import Recording


@dataclass(frozen=True)
class Passage:
    """Used frames of a recording, `start` the first, counted in used frames from 0."""

    recording: Recording
    start: int
    frames: int

    def starts(self, frames: int) -> tuple[int, ...]:
        """Where clips of so many used frames may begin, counted in used frames of the passage."""
        window = self.recording.window
        last = self.frames - frames
        if not window:
            return tuple(range(last + 1))
        return tuple(t for t in range(last + 1) if t % window + frames <= window)


def check_runs(recording: Recording, stride: int, interpolate: int, published: bool) -> None:
    """Check that frames which belong to one exposure are taken as they are.

    Raises:
        DataError: some would be left out, or others put between them.
    """
    if stride == interpolate == 1 or not (recording.window or published):
        return
    raise DataError(
        f"frames come in runs of {recording.window}, of which each is one exposure"
        if recording.window
        else "blurry images that were published belong to the frames as they are",
        where=str(recording.path),
        valid="stride: 1" if interpolate == 1 else "stride: 1, interpolate: 1",
    )


def passages_of(
    recording: Recording, kept: int, length: int, interpolate: int = 1
) -> list[Passage]:
    """A recording cut into passages; what is left behind the last whole one is not used.

    Nor are frames between the last of a passage and the first of the next: they would show both.

    Args:
        recording: The recording.
        kept: How many of its own frames are used.
        length: How many of these a passage has; a recording that has fewer is one passage.
        interpolate: Parts into which frames put between two of these divide the way.
    """
    length = min(length, kept)
    if recording.window:
        length = max(length - length % recording.window, recording.window)
    frames = (length - 1) * interpolate + 1
    starts = range(0, kept - length + 1, length)
    return [Passage(recording, start * interpolate, frames) for start in starts]


def too_short(
    passage: Passage, frames: int, used: int, stride: int, interpolate: int = 1
) -> DataError:
    """What to say where no clip of so many used frames fits in a passage.

    Args:
        passage: The passage.
        frames: What a clip needs.
        used: How many frames of the recording are used.
        stride: Distance of two.
        interpolate: Parts into which frames put between two of these divide the way.
    """
    recording = passage.recording
    if recording.window:
        return DataError(
            f"frames come in runs of {recording.window} and a clip needs {frames}",
            where=str(recording.path),
            hint=f"--set frames={recording.window - 1 + recording.window % 2} or less",
        )
    every = f", of which one in {stride} is used" if stride > 1 else ""
    more = f", with {interpolate - 1} put between any two" if interpolate > 1 else ""
    return DataError(
        f"a passage has {passage.frames} frames and a clip needs {frames}; the "
        f"recording has {recording.frames} in all{every}{more}",
        where=str(recording.path),
        hint=f"--set data.train.passage={math.ceil((frames - 1) / interpolate) + 1} or more"
        if used >= frames
        else "use longer footage, a smaller stride (--set data.train.stride=...) or "
        "shorter clips (--set frames=...)",
    )
