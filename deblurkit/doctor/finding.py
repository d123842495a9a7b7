"""What a check reports, and everything that was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Check = Literal[
    "missing",
    "damaged",
    "duplicates",
    "size",
    "kind",
    "short",
    "order",
    "dropped",
    "repeated",
    "cuts",
    "rate",
    "sharpness",
    "blur",
    "leaks",
]

CHECKS: Mapping[Check, str] = {
    "missing": "gaps in the numbers of files, pairs without a partner",
    "damaged": "files that are cut short or cannot be decoded",
    "duplicates": "the same file twice",
    "size": "images of another size than the rest",
    "kind": "gray or transparent images among others, 16 bits where 8 are read",
    "short": "recordings too short for a clip",
    "order": "frames that are not in the order of time",
    "dropped": "frames that are left out, by motion or time stamps",
    "repeated": "frames that are shown twice",
    "cuts": "cuts inside a recording",
    "rate": "another frame rate than is said, or one that varies",
    "sharpness": "frames that are blurry although they stand for sharp ones",
    "blur": "blurry images that are not made of their frames",
    "leaks": "the same scene on both sides of a split",
}
"""Every check with what it looks for, in the order of reports."""

Severity = Literal["error", "warning"]

VERSION = 1
"""Of the JSON. Keys are only ever added within a version."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        check: Which check found it.
        severity: `error`: clips would be wrong, or reading fails. `warning`: they may be.
        recording: Name of the recording or pair.
        text: What is wrong, one sentence.
        remedy: What to do, one sentence.
        frames: Which frames, counted from 1 in the order of the recording.
        files: Which files, as paths below the data set.
        numbers: What was measured.
    """

    check: Check
    severity: Severity
    recording: str
    text: str
    remedy: str
    frames: tuple[int, ...] = ()
    files: tuple[str, ...] = ()
    numbers: Mapping[str, float | str] = ()  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "numbers", dict(self.numbers))


@dataclass(frozen=True)
class Report:
    """What was examined and found.

    Attributes:
        path: The data set.
        dataset: The dataset whose layout it has.
        recordings: How many.
        pairs: How many blurry images with a sharp one.
        frames: How many frames there are.
        examined: How many of them were looked at.
        checks: The checks made, in the order of `CHECKS`.
        findings: In the order of `CHECKS`, then of recordings.
    """

    path: str
    dataset: str
    recordings: int
    pairs: int
    frames: int
    examined: int
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as JSON can say it; `docs/doctor.md` describes the keys."""
        said = asdict(self)
        said["findings"] = [
            {**asdict(finding), "frames": list(finding.frames), "files": list(finding.files)}
            for finding in self.findings
        ]
        return {"format": "deblurkit-doctor", "version": VERSION, **said, "checks": [*self.checks]}


def spans(frames: tuple[int, ...], most: int = 6) -> str:
    """Frame numbers as people say them: `3, 7-9, 20 and 31 more`."""
    runs: list[list[int]] = []
    for frame in sorted(frames):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    said = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in runs[:most])
    left = sum(b - a + 1 for a, b in runs[most:])
    return f"{said} and {left} more" if left else said


def frames_said(frames: tuple[int, ...]) -> str:
    """`frame 3`, `frames 3-5`."""
    return f"{'frame' if len(frames) == 1 else 'frames'} {spans(frames)}"
