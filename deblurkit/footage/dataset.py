"""Clips from footage: what all data sets of consecutive frames have in common.

A recording is cut into passages of consecutive used frames. Passages are the sources, so
training and test clips never share one. Clips are cut at random within a passage.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError, nearest
from deblurkit.footage.layout import Layout
from deblurkit.footage.passages import Passage, check_runs, passages_of, too_short
from deblurkit.footage.published_blur import PublishedBlur
from deblurkit.footage.reading import Status, images, status
from deblurkit.footage.recording import Pair, Recording, Split
from deblurkit.storage import content_hash

Filter = Literal["lanczos", "area"]
Blurry = Literal["formed", "published"]
FILTERS = {"lanczos": Image.Resampling.LANCZOS, "area": Image.Resampling.BOX}


class FootageDataset:
    """Clips from footage; see `deblurkit.data.clip.ClipDataset`.

    A subclass names its `layout`, which finds the recordings.

    Args:
        path: The folder or file.
        stride: Every stride-th frame is used.
        downsample: Frames are scaled by this, in (0, 1]; the paper's is 0.45.
        filter: How: `lanczos` over the area of a new pixel, which keeps fine detail from jumping
            as it moves; or `area`, the mean over that area, which some protocols ask for.
        passage: Used frames of a passage, without those put between. A recording that has
            fewer is one passage; what is left behind the last whole one is not used.
        split: Only recordings that the data set's authors put on this side; empty: all.
        blurry: `formed`: clips are blurred by the recipe's formation; `published`: each clip
            carries the data set's own blurry image, and has the frames that belong to it.
        interpolate: Between any two of the used frames interpolate - 1 others are put; these are
            used frames too. See `deblurkit.footage.interpolation`.

    Methods count in used frames, from 0; `moment` says where in the recording one lies.
    """

    layout: Layout
    published_blur: bool = False

    def __init__(
        self,
        *,
        path: Path,
        stride: int = 1,
        downsample: float = 1.0,
        filter: Filter = "lanczos",  # noqa: A002  the word that recipes use
        passage: int = 60,
        split: Split = "",
        blurry: Blurry = "formed",
        interpolate: int = 1,
    ) -> None:
        self.path = Path(path).expanduser()
        self.stride, self.downsample, self.passage = stride, downsample, passage
        self.filter, self.split, self.interpolate = filter, split, interpolate
        if blurry == "published":
            self.published_blur = True
        self._known: dict[Path, Status] = {}

    @cached_property
    def recordings(self) -> tuple[Recording, ...]:
        """The recordings at `path` on the side that was asked for, in natural order.

        Raises:
            DataError: there is none, or one cannot be read, or it has frames of one exposure
                that would not be used as they are.
        """
        found = self.listed()
        chosen = tuple(r for r in found if not self.split or r.split == self.split)
        if not chosen:
            raise DataError(
                f"there is no recording for split '{self.split}'" if found else "no recordings",
                where=str(self.path),
                valid=", ".join(sorted({r.split for r in found if r.split})) or self.layout.title,
            )
        for recording in chosen:
            check_runs(recording, self.stride, self.interpolate, self.published_blur)
        # Now, not when they are read: what changes in between must be noticed.
        self._known = {file: status(file) for recording in chosen for file in recording.files}
        if self.published_blur:
            self._known |= {file: status(file) for file in self._published.files(chosen)}
        return chosen

    def listed(self) -> tuple[Recording, ...]:
        """All recordings at `path`, on whichever side."""
        return self.layout.recordings(self.path)

    def listed_pairs(self) -> tuple[Pair, ...]:
        """All blurry images of the data set's own at `path`."""
        return self.layout.pairs(self.path)

    def sources(self) -> tuple[str, ...]:
        """The passages, such as `box.mp4 frames 1-60`; frames are counted from 1."""
        return tuple(self._passages)

    def fingerprint(self) -> str:
        """Changes when a file does: by names, sizes and times, as footage is large.

        And where the order of frames in a run does, which a data set may say in a file.
        """
        self.sources()
        known = sorted((path.name, *seen) for path, seen in self._known.items())
        runs = [[r.name, *(file.name for file in r.files)] for r in self.recordings if r.window]
        return content_hash([known, runs] if runs else known)

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
        footage = self.window(passage.recording, passage.start + first, last - first)
        for t, y, x in corners:
            cut = footage[t - first : t - first + frames, y : y + size, x : x + size]
            begin = passage.start + t
            place = f"{self.span(begin, frames)}, from pixel x={x}, y={y}"
            own = self.blurry(passage.recording, begin, frames)
            yield Clip(
                cut.copy(),
                source,
                place,
                None if own is None else own[y : y + size, x : x + size].copy(),
            )

    def window(self, recording: Recording, start: int, count: int) -> npt.NDArray[np.uint8]:
        """Whole frames from `start` on, `count` of them, down-sampled: count×H×W×3.

        Raises:
            DataError: a frame is missing, damaged or has changed since the footage was listed.
        """
        footage = np.empty((count, *self.used_size(recording), 3), np.uint8)
        for k, image in enumerate(self.read(recording, start, count)):
            footage[k] = image
        return footage

    def read(self, recording: Recording, start: int, count: int) -> Iterator[npt.NDArray[np.uint8]]:
        """The frames of `window`, one by one: H×W×3 each, down-sampled."""
        first, skip = divmod(start, self.interpolate)
        own = math.ceil((skip + count - 1) / self.interpolate) + 1 if count else 0
        read = images(recording, first * self.stride, own, self.stride, known=self._known)
        scaled = (self.scaled(image) for image in read)
        if self.interpolate == 1 or not count:
            yield from scaled
            return
        from deblurkit.footage.interpolation import filled

        yield from filled(
            scaled, self.interpolate, skip, count, where=str(recording.path),
            number=lambda k: (first + k) * self.stride + 1,
        )  # fmt: skip

    def scaled(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """An image of the footage, H×W×3, down-sampled."""
        height, width = (max(1, round(side * self.downsample)) for side in image.shape[:2])
        if image.shape[:2] == (height, width):
            return image
        small = Image.fromarray(image).resize((width, height), FILTERS[self.filter])
        return np.asarray(small)

    def blurry(self, recording: Recording, start: int, frames: int) -> npt.NDArray[np.uint8] | None:
        """The data set's own blurry image of a clip, H×W×3, down-sampled as its frames are.

        Args:
            recording: Of the clip.
            start: The clip's first frame.
            frames: Frames of the clip.

        Returns:
            The image; None where clips are blurred by a formation.

        Raises:
            DataError: there is none for these frames, or its file is damaged, gone, of
                another size or has changed.
        """
        if not self.published_blur:
            return None
        return self.scaled(self._published.image(recording, start, frames, self._known))

    def starts(self, recording: Recording, frames: int) -> tuple[int, ...]:
        """Where a clip of so many frames may begin in a recording."""
        return self._open(Passage(recording, 0, self.used_frames(recording)), frames)

    def used_frames(self, recording: Recording) -> int:
        """How many frames of a recording are used: one in `stride`, and those put between."""
        return (self._kept(recording) - 1) * self.interpolate + 1

    def _kept(self, recording: Recording) -> int:
        """How many of a recording's own frames are used."""
        return math.ceil(recording.frames / self.stride)

    def moment(self, start: int) -> Fraction:
        """Where in a recording a used frame lies: between its own frames, counted from 0."""
        return Fraction(start * self.stride, self.interpolate)

    def samples(self, count: int) -> Iterator[tuple[str, npt.NDArray[np.uint8]]]:
        """Two neighbouring used frames of each of a few passages, to see how far things move.

        Args:
            count: Of how many passages at most, evenly chosen.

        Yields:
            Which they are, and the frames, 2×H×W×3.

        Raises:
            DataError: as `window`.
        """
        names = list(self._passages)
        for k in sorted({*np.linspace(0, len(names) - 1, count).round().astype(int).tolist()}):
            passage = self._passages[names[k]]
            if starts := passage.starts(2):
                start = passage.start + starts[len(starts) // 2]
                label = f"{passage.recording.name} {self.span(start, 2)}"
                yield label, self.window(passage.recording, start, 2)

    def used_size(self, recording: Recording) -> tuple[int, int]:
        """Height and width after down-sampling, pixels."""
        height = max(1, round(recording.height * self.downsample))
        return height, max(1, round(recording.width * self.downsample))

    def span(self, start: int, count: int) -> str:
        """Which frames, for people: those of the recording, counted from 1.

        `frames 3-9`, `frames 1-13 by 3`, `frames 3-4.5 in 7 steps`.
        """
        first, last = (1 + self.moment(k) for k in (start, start + count - 1))
        every = f" by {self.stride}" if self.stride > 1 else ""
        steps = f" in {count} steps" if self.interpolate > 1 else ""
        return f"frames {_decimal(first)}-{_decimal(last)}{every}{steps}"

    @cached_property
    def _published(self) -> PublishedBlur:
        return PublishedBlur(self.listed_pairs())

    @cached_property
    def _passages(self) -> dict[str, Passage]:
        passages = [
            passage
            for recording in self.recordings
            for passage in passages_of(
                recording, self._kept(recording), self.passage, self.interpolate
            )
        ]
        return {f"{p.recording.name} {self.span(p.start, p.frames)}": p for p in passages}

    def _open(self, passage: Passage, frames: int) -> tuple[int, ...]:
        """Where clips may begin in a passage, as far as blurry images are needed and there."""
        starts, recording = passage.starts(frames), passage.recording
        if not self.published_blur:
            return starts
        return tuple(t for t in starts if self._published.has(recording, passage.start + t, frames))

    def _starts(self, passage: Passage, frames: int) -> tuple[int, ...]:
        """Where clips may begin; at least one place."""
        if starts := self._open(passage, frames):
            return starts
        if self.published_blur and passage.starts(frames):
            raise self._published.lacks(passage.recording, frames)
        used = self.used_frames(passage.recording)
        raise too_short(passage, frames, used, self.stride, self.interpolate)

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


def _decimal(number: Fraction) -> str:
    return f"{float(number):.3f}".rstrip("0").rstrip(".")
