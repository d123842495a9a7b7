"""Footage in passages: what folders of images and video files have in common.

A recording is cut into passages of consecutive used frames. Passages are the sources, so
training and test clips never share one. Clips are cut at random within a passage.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError, nearest
from deblurkit.storage import content_hash


@dataclass(frozen=True)
class Recording:
    """Consecutive frames filmed in one go.

    Attributes:
        name: Unique within the dataset.
        path: The video file, or the folder of images.
        files: The images in the order of time, or the video file alone.
        frames: How many frames there are.
        height: Pixels, before down-sampling.
        width: Pixels, before down-sampling.
    """

    name: str
    path: Path
    files: tuple[Path, ...]
    frames: int
    height: int
    width: int


@dataclass(frozen=True)
class Passage:
    """Some used frames of a recording: start, start + stride, ..., counted from 0."""

    recording: Recording
    start: int
    frames: int


class FootageDataset(ABC):
    """Clips from footage; see `deblurkit.data.clip.ClipDataset`.

    Args:
        path: The folder or file.
        stride: Every stride-th frame is used.
        downsample: Frames are scaled by this, in (0, 1]; the paper's is 0.45. The filter is
            Lanczos over the area of a new pixel: a box filter would let fine detail jump as
            it moves wherever 1/downsample is not a whole number.
        passage: Used frames of a passage. A recording that has fewer is one passage; what
            is left behind the last whole passage of a longer one is not used.
    """

    def __init__(
        self, *, path: Path, stride: int = 1, downsample: float = 1.0, passage: int = 60
    ) -> None:
        self.path = Path(path).expanduser()
        self.stride, self.downsample, self.passage = stride, downsample, passage
        self._passages: dict[str, Passage] | None = None

    @abstractmethod
    def recordings(self) -> tuple[Recording, ...]:
        """The recordings at `path`, in natural order; raises DataError if there is none."""

    @abstractmethod
    def images(
        self, recording: Recording, start: int, count: int
    ) -> Iterator[npt.NDArray[np.uint8]]:
        """Frames start, start + stride, ..., `count` of them, H×W×3, before down-sampling."""

    def sources(self) -> tuple[str, ...]:
        """The passages, such as `box.mp4 frames 1-60`; frames are counted from 1."""
        return tuple(self._all())

    def fingerprint(self) -> str:
        """Changes when a file does: by names, sizes and times, as footage is large."""
        recordings = {passage.recording for passage in self._all().values()}
        files = sorted({file for recording in recordings for file in recording.files})
        status = [(file.name, file.stat()) for file in files]
        return content_hash([(name, s.st_size, s.st_mtime_ns) for name, s in status])

    def clips(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Clip]:
        """Cut `count` clips from a passage, each at a random time and place.

        The part of the passage that is needed is decoded once, and is all that is held in
        memory.

        Raises:
            DataError: the passage is shorter than `frames`, its frames are smaller than
                `size`, or a frame is damaged.
        """
        if source not in (passages := self._all()):
            raise DataError(
                f"there is no passage {source!r}",
                where=str(self.path),
                valid=nearest(source, passages),
                hint="the footage has changed since its passages were listed; run again",
            )
        passage = passages[source]
        height, width = self._check(passage, frames, size)
        room = (passage.frames - frames + 1, height - size + 1, width - size + 1)
        corners = rng.integers(0, room, size=(count, 3)).tolist()
        first = min((t for t, _, _ in corners), default=0)
        last = max((t + frames for t, _, _ in corners), default=0)
        footage = self._footage(passage, first, last - first, height, width)
        for t, y, x in corners:
            cut = footage[t - first : t - first + frames, y : y + size, x : x + size]
            begin = passage.start + t * self.stride
            yield Clip(cut.copy(), source, f"{self._span(begin, frames)}, from pixel x={x}, y={y}")

    def _all(self) -> dict[str, Passage]:
        if self._passages is None:
            passages = [p for recording in self.recordings() for p in self._split(recording)]
            self._passages = {
                f"{p.recording.name} {self._span(p.start, p.frames)}": p for p in passages
            }
        return self._passages

    def _split(self, recording: Recording) -> list[Passage]:
        used = self._used(recording)
        length = min(self.passage, used)
        starts = range(0, used - length + 1, length)
        return [Passage(recording, start * self.stride, length) for start in starts]

    def _used(self, recording: Recording) -> int:
        return math.ceil(recording.frames / self.stride)

    def _span(self, start: int, count: int) -> str:
        every = f" by {self.stride}" if self.stride > 1 else ""
        return f"frames {start + 1}-{start + (count - 1) * self.stride + 1}{every}"

    def _check(self, passage: Passage, frames: int, size: int) -> tuple[int, int]:
        """Height and width after down-sampling, if clips can be cut from the passage."""
        recording = passage.recording
        if passage.frames < frames:
            used = self._used(recording)
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
        height = max(1, round(recording.height * self.downsample))
        width = max(1, round(recording.width * self.downsample))
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

    def _footage(
        self, passage: Passage, first: int, count: int, height: int, width: int
    ) -> npt.NDArray[np.uint8]:
        """Used frames first, first + 1, ... of a passage, down-sampled: count×H×W×3."""
        footage = np.empty((count, height, width, 3), np.uint8)
        start = passage.start + first * self.stride
        for k, image in enumerate(self.images(passage.recording, start, count)):
            if image.shape[:2] == (height, width):
                footage[k] = image
            else:
                small = Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS)
                footage[k] = np.asarray(small)
        return footage
