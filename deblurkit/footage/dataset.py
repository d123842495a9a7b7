"""Clips from footage: what all data sets of consecutive frames have in common.

A recording is cut into passages of consecutive used frames. Passages are the sources, so
training and test clips never share one. Clips are cut at random within a passage.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError, nearest
from deblurkit.footage.layout import Layout
from deblurkit.footage.reading import Status, images, status
from deblurkit.footage.recording import Recording, Split
from deblurkit.storage import content_hash

Filter = Literal["lanczos", "area"]
FILTERS = {"lanczos": Image.Resampling.LANCZOS, "area": Image.Resampling.BOX}


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


class FootageDataset:
    """Clips from footage; see `deblurkit.data.clip.ClipDataset`.

    A subclass names its `layout`, which finds the recordings.

    Args:
        path: The folder or file.
        stride: Every stride-th frame is used.
        downsample: Frames are scaled by this, in (0, 1]; the paper's is 0.45.
        filter: How: `lanczos` over the area of a new pixel, which keeps fine detail from jumping
            as it moves; or `area`, the mean over that area, which some protocols ask for.
        passage: Used frames of a passage. A recording that has fewer is one passage; what
            is left behind the last whole passage of a longer one is not used.
        split: Only recordings that the data set's authors put on this side; empty: all.
    """

    layout: ClassVar[Layout]

    def __init__(
        self,
        *,
        path: Path,
        stride: int = 1,
        downsample: float = 1.0,
        filter: Filter = "lanczos",  # noqa: A002  the word that recipes use
        passage: int = 60,
        split: Split = "",
    ) -> None:
        self.path = Path(path).expanduser()
        self.stride, self.downsample, self.passage = stride, downsample, passage
        self.filter, self.split = filter, split
        self._known: dict[Path, Status] = {}

    @cached_property
    def recordings(self) -> tuple[Recording, ...]:
        """The recordings at `path` on the side that was asked for, in natural order.

        Raises:
            DataError: there is none, or one cannot be read.
        """
        found = self.layout.recordings(self.path)
        chosen = tuple(r for r in found if not self.split or r.split in (self.split, ""))
        # Now, not when they are read: what changes in between must be noticed.
        self._known = {file: status(file) for recording in chosen for file in recording.files}
        if not chosen:
            raise DataError(
                f"there is no recording for split '{self.split}'" if found else "no recordings",
                where=str(self.path),
                valid=", ".join(sorted({r.split for r in found if r.split})) or self.layout.title,
            )
        return chosen

    def sources(self) -> tuple[str, ...]:
        """The passages, such as `box.mp4 frames 1-60`; frames are counted from 1."""
        return tuple(self._passages)

    def fingerprint(self) -> str:
        """Changes when a file does: by names, sizes and times, as footage is large."""
        self.sources()
        known = sorted((path.name, *seen) for path, seen in self._known.items())
        return content_hash(known)

    def clips(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Clip]:
        """Cut `count` clips from a passage, each at a random time and place.

        The part of the passage that is needed is decoded once, and is all that is held in
        memory.

        Raises:
            DataError: the passage is shorter than `frames`, its frames are smaller than
                `size`, or a frame is damaged, gone or has changed.
        """
        if source not in (passages := self._passages):
            raise DataError(
                f"there is no passage {source!r}",
                where=str(self.path),
                valid=nearest(source, passages),
                hint="the footage has changed since its passages were listed; run again",
            )
        passage = passages[source]
        starts = self._starts(passage, frames)
        height, width = self._size(passage.recording, size)
        room = (len(starts), height - size + 1, width - size + 1)
        corners = [(starts[t], y, x) for t, y, x in rng.integers(0, room, size=(count, 3)).tolist()]
        first = min((t for t, _, _ in corners), default=0)
        last = max((t + frames for t, _, _ in corners), default=0)
        footage = self.window(passage.recording, passage.start + first * self.stride, last - first)
        for t, y, x in corners:
            cut = footage[t - first : t - first + frames, y : y + size, x : x + size]
            begin = passage.start + t * self.stride
            yield Clip(cut.copy(), source, f"{self.span(begin, frames)}, from pixel x={x}, y={y}")

    def window(self, recording: Recording, start: int, count: int) -> npt.NDArray[np.uint8]:
        """Whole frames start, start + stride, ..., `count` of them, down-sampled: count×H×W×3.

        Raises:
            DataError: a frame is missing, damaged or has changed since the footage was listed.
        """
        height, width = self.used_size(recording)
        footage = np.empty((count, height, width, 3), np.uint8)
        read = images(recording, start, count, self.stride, known=self._known)
        for k, image in enumerate(read):
            if image.shape[:2] == (height, width):
                footage[k] = image
            else:
                small = Image.fromarray(image).resize((width, height), FILTERS[self.filter])
                footage[k] = np.asarray(small)
        return footage

    def used_frames(self, recording: Recording) -> int:
        """How many frames of a recording are used: one in `stride`."""
        return math.ceil(recording.frames / self.stride)

    def used_size(self, recording: Recording) -> tuple[int, int]:
        """Height and width after down-sampling, pixels."""
        height = max(1, round(recording.height * self.downsample))
        return height, max(1, round(recording.width * self.downsample))

    def span(self, start: int, count: int) -> str:
        """Which frames, for people, counted from 1: `frames 3-9`."""
        every = f" by {self.stride}" if self.stride > 1 else ""
        return f"frames {start + 1}-{start + (count - 1) * self.stride + 1}{every}"

    @cached_property
    def _passages(self) -> dict[str, Passage]:
        passages = [p for recording in self.recordings for p in self._split(recording)]
        return {f"{p.recording.name} {self.span(p.start, p.frames)}": p for p in passages}

    def _split(self, recording: Recording) -> list[Passage]:
        if recording.window and self.stride > 1:
            raise DataError(
                f"frames come in runs of {recording.window}, of which each is one exposure",
                where=str(recording.path),
                valid="stride: 1",
            )
        used = self.used_frames(recording)
        length = min(self.passage, used)
        if recording.window:
            length = max(length - length % recording.window, recording.window)
        starts = range(0, used - length + 1, length)
        return [Passage(recording, start * self.stride, length) for start in starts]

    def _starts(self, passage: Passage, frames: int) -> tuple[int, ...]:
        """Where clips may begin; at least one place."""
        recording = passage.recording
        if starts := passage.starts(frames):
            return starts
        if recording.window:
            raise DataError(
                f"frames come in runs of {recording.window} and a clip needs {frames}",
                where=str(recording.path),
                hint=f"--set frames={recording.window - 1 + recording.window % 2} or less",
            )
        used = self.used_frames(recording)
        every = f", of which one in {self.stride} is used" if self.stride > 1 else ""
        raise DataError(
            f"a passage has {passage.frames} frames and a clip needs {frames}; the "
            f"recording has {recording.frames} in all{every}",
            where=str(recording.path),
            hint=f"--set data.train.passage={frames} or more"
            if used >= frames
            else "use longer footage, a smaller stride (--set data.train.stride=...) or "
            "shorter clips (--set frames=...)",
        )

    def _size(self, recording: Recording, size: int) -> tuple[int, int]:
        """Height and width after down-sampling, if clips of this size fit in."""
        height, width = self.used_size(recording)
        if min(height, width) < size:
            least = math.ceil(100 * size / min(recording.height, recording.width)) / 100
            larger = f"--set data.train.downsample={least:g} or " if least <= 1 else ""
            raise DataError(
                f"frames of {recording.width}×{recording.height} pixels down-sampled by "
                f"{self.downsample:g} are {width}×{height}, too small for clips of {size}×{size}",
                where=str(recording.path),
                hint=f"{larger}--set data.clip_size={min(height, width)} or less, with "
                "data.crop no larger",
            )
        return height, width
