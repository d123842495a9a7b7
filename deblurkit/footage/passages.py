"""Passages: parts of recordings, which are the sources that a split divides."""

from __future__ import annotations

from dataclasses import dataclass

from deblurkit.errors import DataError
from deblurkit.footage.recording import Recording


@dataclass(frozen=True)
class Passage:
    """Some used frames of a recording: start, start + stride, ..., counted from 0."""

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


def passages_of(recording: Recording, used: int, stride: int, length: int) -> list[Passage]:
    """A recording cut into passages; what is left behind the last whole one is not used.

    Args:
        recording: The recording.
        used: How many of its frames are used.
        stride: Distance of two used frames.
        length: Used frames of a passage; a recording that has fewer is one passage.

    Raises:
        DataError: frames come in runs of one exposure, and not all of them would be used.
    """
    if recording.window and stride > 1:
        raise DataError(
            f"frames come in runs of {recording.window}, of which each is one exposure",
            where=str(recording.path),
            valid="stride: 1",
        )
    length = min(length, used)
    if recording.window:
        length = max(length - length % recording.window, recording.window)
    starts = range(0, used - length + 1, length)
    return [Passage(recording, start * stride, length) for start in starts]


def too_short(passage: Passage, frames: int, used: int, stride: int) -> DataError:
    """What to say where no clip of so many used frames fits in a passage.

    Args:
        passage: The passage.
        frames: What a clip needs.
        used: How many frames of the recording are used.
        stride: Distance of two.
    """
    recording = passage.recording
    if recording.window:
        return DataError(
            f"frames come in runs of {recording.window} and a clip needs {frames}",
            where=str(recording.path),
            hint=f"--set frames={recording.window - 1 + recording.window % 2} or less",
        )
    every = f", of which one in {stride} is used" if stride > 1 else ""
    return DataError(
        f"a passage has {passage.frames} frames and a clip needs {frames}; the "
        f"recording has {recording.frames} in all{every}",
        where=str(recording.path),
        hint=f"--set data.train.passage={frames} or more"
        if used >= frames
        else "use longer footage, a smaller stride (--set data.train.stride=...) or "
        "shorter clips (--set frames=...)",
    )
