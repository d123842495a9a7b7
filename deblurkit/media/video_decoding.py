"""Opening video files and decoding them from where they stand, whole or broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

from deblurkit.errors import DataError
from deblurkit.media.image import MAX_PIXELS

# FFmpeg takes any text for a picture of a terminal.
_TEXT_CODECS = frozenset({"ansi", "bintext", "xbin", "idf"})
_VALID = "a video file: MP4, MOV, MKV, WebM, AVI and others that FFmpeg reads"


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a video; raises DataError if it is none."""
    try:
        # "file:" keeps a colon in a name from being taken for a protocol.
        container = av.open(f"file:{path}", metadata_errors="replace")
    except FFmpegError as error:
        raise DataError(
            f"this is not a video, or it is damaged or cut short ({error.strerror})",
            where=str(path),
            valid=_VALID,
            hint="copy or download it again, or convert it to MP4 (H.264)",
        ) from None
    with container:
        yield container, _picture(container, path)


def _picture(container: InputContainer, path: Path) -> VideoStream:
    """The first stream with a moving picture; raises DataError if there is none."""
    for stream in container.streams.video:
        context = stream.codec_context
        if context is None or context.name in _TEXT_CODECS or "pipe" in container.format.name:
            continue  # no decoder, a text or a still image
        if stream.disposition & Disposition.attached_pic:
            continue  # the cover of a piece of music
        if context.width * context.height > MAX_PIXELS:
            raise DataError(
                f"its frames are too large: {context.width}×{context.height} pixels",
                where=str(path),
                valid=f"at most {MAX_PIXELS // 10**6} million pixels",
            )
        # Threads share a frame, which is the default: with a frame each, what comes out of a
        # damaged file depends on which is faster, and turning frames to RGB takes longer anyway.
        return stream
    kinds = {stream.type for stream in container.streams}
    only = ", only sound" if kinds == {"audio"} else ""
    raise DataError(f"there is no moving picture in this file{only}", where=str(path), valid=_VALID)


def whole_packets(
    container: InputContainer, stream: VideoStream
) -> Iterator[av.Packet[VideoStream]]:
    """Packets to the end, or to where the file breaks off."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, FFmpegError):
            return
        if packet.is_corrupt:
            return
        if packet.size:
            yield packet


def decoded(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """All frames from where the container stands, to the end or to where the file breaks off.

    Raises:
        FFmpegError: a packet cannot be decoded.
    """
    for packet in whole_packets(container, stream):
        yield from stream.decode(packet)
    yield from stream.decode(None)


def rgb(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    """A frame as H×W×3 uint8, turned as the file asks for."""
    # The colour space of RGB must be said: some PyAVs take over the frame's own.
    pixels = frame.to_ndarray(format="rgb24", dst_colorspace=Colorspace.DEFAULT)
    image = np.asarray(pixels, dtype=np.uint8)
    # PyAV gives the turn that shows the picture upright, in degrees counter-clockwise.
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))
