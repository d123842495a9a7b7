"""Frames out of video files, exactly those asked for.

Frames are counted from 0 in the order they are shown. Reading jumps close to the first
frame wanted and proves by its time that it is the right one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from av.error import FFmpegError
from av.video.frame import VideoFrame

from deblurkit.errors import DataError
from deblurkit.media.video_decoding import decoded, opened, rgb
from deblurkit.media.video_index import VideoIndex, VideoInfo, index_of
from deblurkit.media.video_writing import write_gif, write_mp4

__all__ = ["SUFFIXES", "VideoInfo", "probe", "read_frames", "write_gif", "write_mp4"]

SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".avi", ".mkv", ".webm", ".mpg", ".mpeg"}
    | {".ts", ".mts", ".m2ts", ".wmv", ".3gp"}
)
"""Files with these suffixes, in any case, are taken for videos when a folder is listed."""


def probe(path: Path) -> VideoInfo:
    """Say what a video holds; frames that a broken file only promises are not counted.

    Raises:
        DataError: the file is missing, a folder, empty, not a video, has no picture, or not
            one frame can be read.
    """
    return index_of(path).info


def read_frames(
    path: Path, start: int, count: int, stride: int = 1
) -> Iterator[npt.NDArray[np.uint8]]:
    """Read `count` frames: start, start + stride, start + 2·stride, ...

    Args:
        path: The video.
        start: First frame, counted from 0.
        count: How many, >= 0.
        stride: Distance of two, >= 1.

    Returns:
        Images H×W×3 uint8, one by one, turned as the file asks for.

    Raises:
        ValueError: a number is out of its range.
        DataError: as `probe`; the video has too few frames (raised at once, with both
            numbers); a frame on the way cannot be decoded (raised when it is reached).
    """
    if start < 0 or count < 0 or stride < 1:
        raise ValueError(f"start={start}, count={count}, stride={stride}")
    index = index_of(path)
    needed = start + (count - 1) * stride + 1 if count else 0
    if needed > index.info.frames:
        promised = f"; the file says it has {index.promised}, so it is cut short or damaged"
        shortfall = promised if index.promised > index.info.frames else ""
        raise DataError(
            f"{index.info.frames} frames can be read, {needed} are needed{shortfall}",
            where=str(path),
            hint="use a longer video, fewer frames or a smaller stride",
        )
    return _images(path, index, start, needed, stride)


def _images(
    path: Path, index: VideoIndex, start: int, stop: int, stride: int
) -> Iterator[npt.NDArray[np.uint8]]:
    done = start
    try:
        for frame in _frames_from(path, index, start) if stop > start else ():
            if (done - start) % stride == 0:
                image = rgb(frame)
                if image.shape[:2] != (index.info.height, index.info.width):
                    raise DataError(
                        f"frame {done + 1} has {image.shape[1]}×{image.shape[0]} pixels, the "
                        f"first {index.info.width}×{index.info.height}",
                        where=str(path),
                        hint="cut the video where its size changes",
                    )
                yield image
            done += 1
            if done == stop:
                return
    except FFmpegError:
        pass  # the message below says where
    if done < stop:
        raise DataError(
            f"frame {done + 1} of {index.info.frames} is damaged or missing, frames up to "
            f"{stop} are needed",
            where=str(path),
            hint="cut the damaged part out, or convert the video with a tool that repairs it",
        )


def _frames_from(path: Path, index: VideoIndex, start: int) -> Iterator[VideoFrame]:
    """Frames from `start` on; ends early where the next one is missing or damaged."""
    times = index.times
    for jump in (True, False) if times and start else (False,):
        # Frames after a jump or a damaged frame may lack what they are predicted from, up to
        # the next key frame.
        sound, expected = not jump, start
        with opened(path) as (container, stream):
            try:
                if times and jump:
                    container.seek(times[start], stream=stream)
                for k, frame in enumerate(decoded(container, stream)):
                    sound = not frame.is_corrupt and (sound or frame.key_frame)
                    ahead = (frame.pts or 0) - times[expected] if times else k - expected
                    if ahead > 0:
                        break
                    if ahead == 0 and sound:
                        yield frame
                        expected += 1
                        if expected == index.info.frames:
                            return
            except FFmpegError:
                if expected > start or not jump:
                    raise
        if expected > start:
            return
        # The jump went too far or is not possible in this file: read it from its beginning.
