"""Which exposures a folder of prepared clips holds, and which shard each goes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from deblurkit.errors import DataError
from deblurkit.footage.dataset import FootageDataset
from deblurkit.footage.recording import Recording
from deblurkit.frames import check_length
from deblurkit.randomness import generator

SHARD_BYTES = 256 * 2**20
"""Most bytes of true frames in a shard; a single clip may have more."""


@dataclass(frozen=True)
class Exposure:
    """Consecutive used frames of a recording, `start` the first, counted in these from 0."""

    recording: Recording
    start: int


def clip_generator(dataset: FootageDataset, exposure: Exposure, seed: int) -> np.random.Generator:
    """What the camera of an exposure draws its random numbers from."""
    return generator(seed, "prepared", exposure.recording.name, exposure.start * dataset.stride)


@dataclass(frozen=True)
class Planned:
    """A shard to be made: exposures of one size, in order of recording and time."""

    number: int
    exposures: tuple[Exposure, ...]
    height: int
    width: int


def exposures(
    dataset: FootageDataset, *, frames: int, step: int, most: int = 0
) -> tuple[Exposure, ...]:
    """Whole-frame exposures of all recordings, one every `step` used frames.

    Args:
        dataset: The footage.
        frames: Used frames that an exposure takes.
        step: Distance of the first frames of two, >= 1.
        most: How many, at most; 0: all. Of more, an even choice over all is taken.

    Raises:
        DataError: no recording is long enough.
        ValueError: a number is out of range.
    """
    if frames < 1 or step < 1 or most < 0:
        raise ValueError(f"frames={frames}, step={step}, most={most}")
    found = [
        Exposure(recording, start)
        for recording in dataset.recordings
        for start in _apart(dataset.starts(recording, frames), step)
    ]
    if not found:
        longest = max(dataset.used_frames(r) for r in dataset.recordings)
        raise DataError(
            f"no recording has {frames} consecutive frames; the longest has {longest}",
            where=str(dataset.path),
            hint="use longer footage, a smaller stride or fewer frames",
        )
    if most and len(found) > most:
        chosen = np.linspace(0, len(found) - 1, most).round().astype(int)
        found = [found[k] for k in chosen]
    return tuple(found)


def _apart(starts: Sequence[int], step: int) -> Iterator[int]:
    """Starts of which each is at least `step` after the one before."""
    following = 0
    for start in starts:
        if start >= following:
            yield start
            following = start + step


def shards(
    dataset: FootageDataset, chosen: Sequence[Exposure], *, frames: int, most: int = SHARD_BYTES
) -> tuple[Planned, ...]:
    """Divide exposures into shards of one size each and of `most` bytes of true frames.

    Args:
        dataset: The footage.
        chosen: The exposures, in order.
        frames: True frames a clip, T.
        most: Bytes.
    """
    check_length(frames)
    planned: list[Planned] = []
    for (height, width), group in _runs(dataset, chosen):
        per = max(1, most // (frames * height * width * 3))
        for first in range(0, len(group), per):
            part = tuple(group[first : first + per])
            planned.append(Planned(len(planned), part, height, width))
    return tuple(planned)


def need(planned: Sequence[Planned], frames: int) -> int:
    """Bytes that the shards take on the disk."""
    return sum(len(s.exposures) * s.height * s.width * 3 * (frames + 1) for s in planned)


def _runs(
    dataset: FootageDataset, chosen: Sequence[Exposure]
) -> Iterator[tuple[tuple[int, int], list[Exposure]]]:
    """Runs of exposures of one size."""
    run: list[Exposure] = []
    size = (0, 0)
    for exposure in chosen:
        found = dataset.used_size(exposure.recording)
        if run and found != size:
            yield size, run
            run = []
        size = found
        run.append(exposure)
    if run:
        yield size, run
