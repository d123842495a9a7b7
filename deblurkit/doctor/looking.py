"""Reading a recording once, and keeping of each frame only what the checks need."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblurkit.doctor.likeness import Hash, perceptual_hash
from deblurkit.doctor.motion import Gray, small
from deblurkit.doctor.sharpness import Detail, detail, softness
from deblurkit.doctor.trace import Trace, Tracer
from deblurkit.errors import DataError
from deblurkit.footage.recording import Recording
from deblurkit.media.image import image_kind, is_transparent, opened, read_image
from deblurkit.media.video_reading import read_frames

Pixels = npt.NDArray[np.uint8]

RUN = 60
"""Frames that are looked at in a row where not all are: enough for every check of motion."""

_SOFT_EVERY = 10  # frames of which one is measured for blur by itself
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Look:
    """What is kept of a frame.

    Attributes:
        problem: Why it cannot be read; empty: it can.
        size: Height and width, pixels.
        kind: `rgb`, `gray`, `palette`, `other`; empty in a video.
        depth: Bits a value.
        transparent: Whether something shows through.
        detail: See `sharpness`; None where it was not asked for, as the next two.
        softness: See `sharpness`; of some frames only.
        hash: See `likeness`.
    """

    problem: str = ""
    size: tuple[int, int] = (0, 0)
    kind: str = ""
    depth: int = 8
    transparent: bool = False
    detail: Detail | None = None
    softness: float | None = None
    hash: Hash | None = None


@dataclass(frozen=True)
class Wanted:
    """What is to be measured beside whether frames can be read.

    Attributes:
        motion: How things move.
        sharpness: What `sharpness` needs.
        likeness: What `likeness` needs.
    """

    motion: bool = True
    sharpness: bool = True
    likeness: bool = True

    def __bool__(self) -> bool:
        return self.motion or self.sharpness or self.likeness


@dataclass(frozen=True)
class Seen:
    """A recording after it was read.

    Attributes:
        looks: By frame, counted from 0; None where a frame was not looked at.
        trace: How it moves.
    """

    looks: list[Look | None]
    trace: Trace


def chosen_runs(frames: int, most: int) -> tuple[range, ...]:
    """The frames to look at: all, or runs of `RUN` evenly over the recording, `most` in all."""
    if frames <= most:
        return (range(frames),) if frames else ()
    length = min(RUN, most)
    count = max(1, most // length)
    starts = np.linspace(0, frames - length, count).astype(int) if count > 1 else [0]
    return tuple(range(int(s), int(s) + length) for s in starts)


def watch(
    recording: Recording,
    runs: tuple[range, ...],
    breaks: frozenset[int],
    wanted: Wanted,
    pool: Executor,
    ahead: int,
    done: Callable[[int], None],
) -> Seen:
    """Read frames of a recording and measure them.

    At no time more than about 2·`ahead` frames are in memory.

    Args:
        recording: Which.
        runs: The frames.
        breaks: Frames, counted from 0, that do not follow the frame before.
        wanted: What to measure.
        pool: Threads: decoding and measuring release the interpreter.
        ahead: How many frames may be under way.
        done: Told of each frame, how many that was.
    """
    looks: list[Look | None] = [None] * recording.frames
    tracer = Tracer(recording.frames, pool, ahead)
    work: deque[tuple[int, Future[tuple[Look, Gray | None]]]] = deque()

    def collect() -> None:
        frame, future = work.popleft()
        look, image = future.result()
        looks[frame] = look
        if wanted.motion:
            tracer.look(frame, image, joined=frame not in breaks)
        done(1)

    firsts = {run.start for run in runs}
    breaks = breaks | firsts
    for frame, read in _read(recording, runs):
        soft = wanted.sharpness and frame % _SOFT_EVERY == 0
        work.append((frame, pool.submit(_look, read, wanted, soft)))
        if len(work) > ahead:
            collect()
    while work:
        collect()
    return Seen(looks, tracer.finish())


def look_at(path: Path, wanted: Wanted) -> Look:
    """Look at a single image."""
    return _look(path, wanted, wanted.sharpness)[0]


def frame_at(recording: Recording, frame: int) -> Pixels:
    """One frame, counted from 0, H×W×3.

    Raises:
        DataError: it cannot be read.
    """
    if recording.is_video:
        return next(read_frames(recording.path, frame, 1))
    return read_image(recording.files[frame])


def _read(
    recording: Recording, runs: tuple[range, ...]
) -> Iterator[tuple[int, Path | Pixels | DataError]]:
    for run in runs:
        if not recording.is_video:
            yield from ((k, recording.files[k]) for k in run)
            continue
        at, skip = run.start, 1
        while at < run.stop:
            try:
                for image in read_frames(recording.path, at, run.stop - at):
                    yield at, image
                    at, skip = at + 1, 1
            except DataError as error:
                # What follows a damaged frame can be read again from some frame on.
                for k in range(at, min(at + skip, run.stop)):
                    yield k, error
                at, skip = at + skip, 2 * skip


def _look(read: Path | Pixels | DataError, wanted: Wanted, soft: bool) -> tuple[Look, Gray | None]:
    if isinstance(read, DataError):
        return Look(problem=read.what), None
    if isinstance(read, Path):
        try:
            image = read_image(read)
            look = Look(
                damage(read), image.shape[:2], image_kind(read), _depth(read), is_transparent(read)
            )
        except DataError as error:
            return Look(problem=error.what), None
    else:
        image, look = read, Look(size=read.shape[:2])
    if look.problem:
        return look, None
    reduced = small(image) if wanted.motion or wanted.likeness else None
    look = replace(
        look,
        detail=detail(image) if wanted.sharpness else None,
        softness=softness(image) if soft else None,
        hash=perceptual_hash(reduced) if wanted.likeness and reduced is not None else None,
    )
    return look, reduced


def damage(path: Path) -> str:
    """What is wrong with the checksums of a PNG file, which a decoder may pass over; else empty."""
    data = path.read_bytes()
    if not data.startswith(_PNG):
        return ""
    at = len(_PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4])
        name = data[at + 4 : at + 8]
        if end > len(data):
            return "the image is cut short"
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end]):
            return f"a checksum of the image is wrong ({name.decode('latin-1')!r}): it was changed"
        if name == b"IEND":
            return ""
        at = end
    return "the image is cut short"


def _depth(path: Path) -> int:
    with opened(path) as image:
        if image.mode.startswith("I"):
            return 16
        if image.format == "PNG":
            with path.open("rb") as file:
                return max(8, file.read(25)[24])
        if image.format == "TIFF":
            bits = image.tag_v2.get(258, 8)  # type: ignore[attr-defined]
            return int(max(bits) if isinstance(bits, tuple) else bits)
    return 8
