"""Movies for people: MP4 that plays in browsers and phones, and GIF."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal, cast

import av
import numpy as np
import numpy.typing as npt
from av.codec.codec import UnknownCodecError
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace
from av.video.stream import VideoStream
from PIL import Image

from deblurkit.errors import DataError, UnavailableError
from deblurkit.media.files import writing

ENCODERS = ("libx264", "libopenh264")
"""FFmpeg's names of H.264 encoders that need no particular hardware, the best first."""

_BT709 = 1  # ISO/IEC 23091-2: matrix, primaries and transfer characteristics alike
_LIMITED = 1  # AVCOL_RANGE_MPEG: luma from 16 to 235

Loop = Literal["boomerang", "forward"]


def write_mp4(
    path: Path,
    frames: npt.NDArray[np.uint8],
    fps: float,
    *,
    scale: int = 1,
    repeats: int = 1,
    order: Sequence[int] | None = None,
    quality: int = 16,
) -> None:
    """Write a movie as H.264, yuv420p, BT.709, whole or not at all.

    Odd sides are padded by one row or column, a copy of the last, as yuv420p needs even
    ones. There are no B-frames, and the index is in front (faststart).

    Args:
        path: Where to; should end in `.mp4`.
        frames: T×H×W×3 uint8.
        fps: Frames a second.
        scale: Every pixel becomes scale×scale pixels, so that small frames can be watched.
        repeats: How often the frames are played; players do not loop by themselves.
        order: Places of the frames, in the order in which they are played; all, once, by default.
        quality: x264's constant rate factor, 0 (lossless) to 51; 16 looks like the original.

    Raises:
        ValueError: the array is no such movie, or a number is out of its range.
        UnavailableError: there is no H.264 encoder in this PyAV.
        DataError: the file cannot be written.
    """
    _check(frames, fps, scale)
    if repeats < 1:
        raise ValueError(f"repeats={repeats}, must be >= 1")
    encoder = _encoder()
    with writing(path) as temporary:
        try:
            played = [*(range(len(frames)) if order is None else order)] * repeats
            _encode(temporary, encoder, frames, fps, scale, played, quality)
        except FFmpegError as error:
            raise DataError(
                f"the movie cannot be written: {error.strerror}",
                where=str(path),
                hint="name a folder that can be written and has room left",
            ) from error


def write_gif(
    path: Path,
    frames: npt.NDArray[np.uint8],
    fps: float,
    *,
    loop: Loop = "boomerang",
    scale: int = 1,
) -> None:
    """Write an endless GIF, whole or not at all.

    All frames share one palette of 256 colours made from all of them, and nothing is
    dithered, so that still parts stay still.

    Args:
        path: Where to; should end in `.gif`.
        frames: T×H×W×3 uint8.
        fps: Frames a second. A GIF counts in 1/100 s and viewers slow down below 2 of them,
            so the nearest of 50, 33, 25, 20, ... is used.
        loop: "boomerang" plays forwards and backwards in turn, "forward" starts anew.
        scale: Every pixel becomes scale×scale pixels.

    Raises:
        ValueError: the array is no such movie, or a number is out of its range.
        DataError: the file cannot be written.
    """
    _check(frames, fps, scale)
    count, height, width, _ = frames.shape
    # One picture of all frames below each other: one palette, and each colour's nearest in it.
    # The palette is improved until no more than one pixel in a hundred changes its colour.
    strip = Image.fromarray(frames.reshape(count * height, width, 3)).quantize(
        256,
        method=Image.Quantize.MEDIANCUT,
        kmeans=1 + count * height * width // 100,
        dither=Image.Dither.NONE,
    )
    palette = strip.getpalette() or []
    pictures = []
    for shown in np.asarray(strip).reshape(count, height, width):
        picture = Image.fromarray(_enlarged(shown, scale))
        picture.putpalette(palette)
        pictures.append(picture)
    pictures += _back(pictures, loop)
    with writing(path) as temporary:
        pictures[0].save(
            temporary,
            format="GIF",
            save_all=True,
            append_images=pictures[1:],
            duration=10 * max(2, round(100 / fps)),
            loop=0,
            optimize=False,
        )


def write_webp(
    path: Path,
    frames: npt.NDArray[np.uint8],
    fps: float,
    *,
    loop: Loop = "boomerang",
    quality: int = 90,
) -> None:
    """Write an endless animated WebP, whole or not at all.

    Args:
        path: Where to; should end in `.webp`.
        frames: T×H×W×3 uint8, no side above 16383 pixels.
        fps: Frames a second; a frame lasts whole milliseconds.
        loop: As `write_gif`.
        quality: 1 to 100.

    Raises:
        ValueError: the array is no such movie, or a number is out of its range.
        DataError: the file cannot be written.
    """
    _check(frames, fps, 1)
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures += _back(pictures, loop)
    with writing(path) as temporary:
        pictures[0].save(
            temporary,
            format="WEBP",
            save_all=True,
            append_images=pictures[1:],
            duration=max(1, round(1000 / fps)),
            loop=0,
            quality=quality,
            method=4,
        )


def _back(pictures: list[Image.Image], loop: Loop) -> list[Image.Image]:
    """The pictures that lead back to the first."""
    if loop not in ("boomerang", "forward"):
        raise ValueError(f"loop={loop!r}, must be 'boomerang' or 'forward'")
    return pictures[-2:0:-1] if loop == "boomerang" else []


def _encode(
    path: Path,
    encoder: str,
    frames: npt.NDArray[np.uint8],
    fps: float,
    scale: int,
    played: Sequence[int],
    quality: int,
) -> None:
    height, width = frames.shape[1] * scale, frames.shape[2] * scale
    to_even = ((0, height % 2), (0, width % 2), (0, 0))
    with av.open(
        f"file:{path}", "w", format="mp4", options={"movflags": "+faststart"}
    ) as container:
        rate = Fraction(fps).limit_denominator(1001)
        stream = cast(VideoStream, container.add_stream(encoder, rate))
        stream.height, stream.width = height + height % 2, width + width % 2
        stream.pix_fmt = "yuv420p"
        stream.max_b_frames = 0
        stream.colorspace = stream.color_primaries = stream.color_trc = _BT709
        stream.color_range = _LIMITED
        if encoder == "libx264":
            stream.options = {"crf": str(quality), "preset": "slow"}
        else:
            stream.bit_rate = 4 * stream.height * stream.width * max(1, round(fps))
        for k, place in enumerate(played):
            image = np.pad(_enlarged(frames[place], scale), to_even, mode="edge")
            frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
            )
            frame.pts = k
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _check(frames: npt.NDArray[np.uint8], fps: float, scale: int) -> None:
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or frames.size == 0:
        raise ValueError(f"not T×H×W×3 uint8 frames: {frames.shape} {frames.dtype}")
    if not 0 < fps <= 1000 or scale < 1:
        raise ValueError(f"fps={fps}, must be in (0, 1000]; scale={scale}, must be >= 1")


def _enlarged(image: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    return image.repeat(scale, axis=0).repeat(scale, axis=1)


def _encoder() -> str:
    for name in ENCODERS:
        try:
            av.Codec(name, "w")
        except UnknownCodecError:
            continue
        return name
    raise UnavailableError(
        "this installation of PyAV has no H.264 encoder, so no MP4 can be written",
        valid="one of " + ", ".join(ENCODERS),
        hint="install PyAV's own wheel: pip install --force-reinstall av; GIF works without",
    )
