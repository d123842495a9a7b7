"""A recording with all that was measured of it, as the checks get it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from deblurkit.doctor.finding import Finding
from deblurkit.doctor.looking import Seen
from deblurkit.doctor.numbering import Gap
from deblurkit.doctor.survey import Survey
from deblurkit.doctor.timing import Timing
from deblurkit.footage.recording import Recording

_SINGLE = 8
"""Up to so many findings of one kind in a recording are told one by one, more as one."""


@dataclass(frozen=True)
class Case:
    """A recording under examination.

    Attributes:
        survey: The data set it belongs to.
        recording: Which.
        seen: What its frames look like.
        gaps: Missing numbers.
        timing: A video's time stamps; None for images.
        problem: Why it cannot be opened at all; empty: it can.
    """

    survey: Survey
    recording: Recording
    seen: Seen
    gaps: tuple[Gap, ...] = ()
    timing: Timing | None = None
    problem: str = ""

    def files(self, frames: Iterable[int]) -> tuple[str, ...]:
        """The files of frames, counted from 0, as paths below the data set."""
        found = [self.survey.below(self.recording.file_of(frame)) for frame in frames]
        return tuple(dict.fromkeys(found))

    @property
    def looked_at(self) -> list[int]:
        """Frames that were read, or could not be, counted from 0."""
        return [k for k, look in enumerate(self.seen.looks) if look is not None]


def few_or_one(
    found: Sequence[Finding], together: Callable[[tuple[int, ...]], str]
) -> list[Finding]:
    """Findings one by one, or as one where they are many.

    Args:
        found: Of one check and recording.
        together: What to say of them all, from their frames.
    """
    if len(found) <= _SINGLE:
        return list(found)
    first = found[0]
    frames = tuple(sorted({frame for one in found for frame in one.frames}))
    files = tuple(dict.fromkeys(file for one in found for file in one.files))
    worst = {
        key: max((one.numbers[key] for one in found if key in one.numbers), key=float)
        for key in first.numbers
        if not isinstance(first.numbers[key], str)
    }
    numbers = {"times": len(found), **{f"greatest_{key}": worst[key] for key in worst}}
    return [
        Finding(
            first.check, first.severity, first.recording, together(frames), first.remedy,
            frames, files, numbers,
        )
    ]  # fmt: skip
