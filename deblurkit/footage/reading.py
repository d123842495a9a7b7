"""Frames of a recording, exactly those asked for, from images or from a video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblurkit.errors import DataError
from deblurkit.footage.recording import Recording
from deblurkit.media.image import read_image
from deblurkit.media.video_reading import read_frames

Status = tuple[int, int]
"""Size in bytes and time of the last change in nanoseconds."""


def status(path: Path) -> Status:
    """Size and time of a file, by which a change is noticed.

    Raises:
        DataError: it is gone or out of reach.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise DataError(
            f"the file was there when the footage was listed and is not now: {error.strerror}",
            where=str(path),
            hint="put it back, or run again to go on without it",
        ) from error
    return found.st_size, found.st_mtime_ns


def check_unchanged(path: Path, known: Mapping[Path, Status]) -> None:
    """Check that a file is as it was when the footage was listed.

    Raises:
        DataError: it has changed, or is gone.
    """
    if status(path) != known.get(path):
        raise DataError(
            "the file has changed since the footage was listed",
            where=str(path),
            hint="run again, when nothing writes to it any more",
        )


def images(
    recording: Recording,
    start: int,
    count: int,
    stride: int = 1,
    *,
    known: Mapping[Path, Status] | None = None,
) -> Iterator[npt.NDArray[np.uint8]]:
    """Frames start, start + stride, ..., `count` of them, H×W×3, as they are stored.

    Args:
        recording: Where they are.
        start: First frame, counted from 0.
        count: How many.
        stride: Distance of two.
        known: Size and time of files when they were listed; a file that differs is an error.

    Raises:
        DataError: a file is missing, damaged, of another size, or has changed.
    """
    for path in {recording.file_of(start + k * stride): None for k in range(count)}:
        if known is not None:
            check_unchanged(path, known)
    if recording.is_video:
        yield from read_frames(recording.path, start, count, stride)
        return
    for k in range(count):
        path = recording.files[start + k * stride]
        image = read_image(path)
        if image.shape[:2] != (recording.height, recording.width):
            raise DataError(
                f"the image has {image.shape[1]}×{image.shape[0]} pixels, its recording "
                f"{recording.width}×{recording.height}",
                where=str(path),
                hint="move images of another size to a folder of their own",
            )
        yield image
