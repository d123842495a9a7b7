"""Runs of frames, each of one exposure: recordings and pairs of data sets that come in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deblurkit.footage.recording import Pair, Recording, Split
from deblurkit_standard.layouts.image_folders import recording_of


@dataclass(frozen=True)
class Run:
    """The frames of one exposure.

    Attributes:
        name: Unique within its recording.
        blurry: The blurry image; None where there is none.
        frames: In order of time.
    """

    name: str
    blurry: Path | None
    frames: tuple[Path, ...]

    @property
    def middle(self) -> Path:
        """The frame in the middle; of an even number the earlier of the two."""
        return self.frames[(len(self.frames) - 1) // 2]


def recording_of_runs(
    folder: Path, name: str, runs: Sequence[Run], *, split: Split = ""
) -> Recording:
    """A recording in runs of one length; see `recording_of` for what it raises."""
    files = tuple(file for run in runs for file in run.frames)
    return recording_of(folder, name, split=split, files=files, window=len(runs[0].frames))


def pairs_of_runs(name: str, runs: Sequence[Run], *, split: Split = "") -> tuple[Pair, ...]:
    """The blurry images of a recording, its frames counted run by run."""
    return tuple(
        Pair(
            name=f"{name}/{run.name}",
            blurry=run.blurry,
            sharp=run.middle,
            scene=name,
            split=split,
            recording=name,
            first=k * len(run.frames),
            frames=len(run.frames),
            exact=False,
        )
        for k, run in enumerate(runs)
        if run.blurry is not None
    )
