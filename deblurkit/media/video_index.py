"""The index of a video file: how many frames can be read, and when each is shown.

Made once a file: from the packets alone where their codec and container tell enough, which
costs no more than reading the file, and by decoding where they do not.
"""

from __future__ import annotations

import functools
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from deblurkit.errors import DataError
from deblurkit.media.files import check_file
from deblurkit.media.image import MAX_PIXELS

# Codecs of which every packet gives one frame; in others some packets are never shown.
_PACKET_IS_FRAME = frozenset(
    {"h264", "hevc", "vp9", "av1", "mpeg1video", "mpeg2video", "mjpeg", "prores", "dnxhd"}
    | {"ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "png"}
)
# FFmpeg takes any text for a picture of a terminal.
_TEXT_CODECS = frozenset({"ansi", "bintext", "xbin", "idf"})
# Containers that do not say how long a packet is: the last of a broken file looks whole.
_OPEN_ENDED = frozenset({"mpegts", "mpeg", "h264", "hevc", "mpegvideo", "m4v"})
_REORDERED = 16  # frames that may be stored before one shown earlier: H.264's limit
_VALID = "a video file: MP4, MOV, MKV, WebM, AVI and others that FFmpeg reads"


@dataclass(frozen=True)
class VideoInfo:
    """What a video file holds.

    Attributes:
        frames: Number of frames that can be read.
        width: Pixels, as shown: after the rotation that the file asks for.
        height: Pixels, as shown.
        fps: Frames a second, on average.
        duration: Seconds.
    """

    frames: int
    width: int
    height: int
    fps: float
    duration: float


@dataclass(frozen=True)
class VideoIndex:
    """What `deblurkit.media.video` needs to find frames.

    Attributes:
        info: What people see of it.
        times: When each frame is shown, increasing, in units of the stream's time base;
            None where the file does not tell reliably.
        promised: Number of frames according to the file's header; 0 where it does not say.
    """

    info: VideoInfo
    times: tuple[int, ...] | None
    promised: int


def index_of(path: Path) -> VideoIndex:
    """The index of a video; made once, and again when the file changes.

    Raises:
        DataError: see `deblurkit.media.video.probe`.
    """
    check_file(path, "a video")
    status = path.stat()
    return _index(path, (status.st_size, status.st_mtime_ns))


@functools.lru_cache(maxsize=256)
def _index(path: Path, _version: tuple[int, int]) -> VideoIndex:
    with opened(path) as (container, stream):
        promised, rate = stream.frames, float(stream.average_rate or stream.guessed_rate or 0)
        unit = float(stream.time_base or Fraction(1, 1000))
        formats = set(container.format.name.split(","))
        reordered = bool(stream.codec_context.has_b_frames)
        # AVI keeps no times, only an order, which is not the order shown if there are B-frames.
        timed = not (reordered and "avi" in formats)
        usual = timed and stream.codec_context.name in _PACKET_IS_FRAME
        try:
            first = next(decoded(container, stream), None)
        except FFmpegError:
            first = None
    if first is None:
        raise _nothing(path)
    height, width = rgb(first).shape[:2]

    times = _packet_times(path, bool(formats & _OPEN_ENDED)) if usual else None
    frames = len(times) if times is not None else 0
    if times is None:
        frames, times = _decoded_times(path)
    times = times if timed else None
    if reordered and frames != promised:
        if times is not None:
            times = _without_gap(times, 1 / (rate * unit) if rate else None)
            frames = len(times)
        elif promised:
            frames -= _REORDERED
    if frames < 1:
        raise _nothing(path)

    duration = frames / rate if rate else 0.0
    if times is not None and frames > 1:
        duration = (times[-1] - times[0]) * unit * frames / (frames - 1)
    fps = frames / duration if duration > 0 else rate
    return VideoIndex(VideoInfo(frames, width, height, fps, duration), times, promised)


def _nothing(path: Path) -> DataError:
    return DataError(
        "not one frame of this video can be read",
        where=str(path),
        hint="copy or download it again, or convert it to MP4 (H.264)",
    )


def _packet_times(path: Path, open_ended: bool) -> tuple[int, ...] | None:
    """The times of the frames that can be decoded, in order; None if packets do not tell."""
    times: list[int] = []
    first_key: int | None = None
    with opened(path) as (container, stream):
        for packet in _whole_packets(container, stream):
            if packet.pts is None:
                return None
            if first_key is None and packet.is_keyframe:
                first_key = packet.pts
            if not packet.is_discard:
                times.append(packet.pts)
    if open_ended:
        times = times[:-1]
    if first_key is None or len(set(times)) != len(times):
        return None
    # What is shown before the first key frame lacks the frames that it was predicted from.
    return tuple(sorted(time for time in times if time >= first_key))


def _decoded_times(path: Path) -> tuple[int, tuple[int, ...] | None]:
    """The number of frames that can be decoded, and their times if each has its own."""
    times: list[int | None] = []
    with opened(path) as (container, stream):
        try:
            for frame in decoded(container, stream):
                if frame.is_corrupt:
                    break
                times.append(frame.pts)
        except FFmpegError:
            pass  # what came before the damage can be used
    known = [time for time in times if time is not None]
    reliable = len(known) == len(times) and known == sorted(set(known))
    return len(times), tuple(known) if reliable else None


def _without_gap(times: tuple[int, ...], interval: float | None) -> tuple[int, ...]:
    """End before a gap near the end.

    Packets come in the order of decoding: where a file breaks off, frames may be there that
    are shown after frames that are not.
    """
    steps = [after - before for before, after in pairwise(times)]
    usual = min([statistics.median(steps), *([interval] if interval else [])]) if steps else 0
    for k in range(max(0, len(steps) - _REORDERED), len(steps)):
        if steps[k] > 1.5 * usual:
            return times[: k + 1]
    return times


def _whole_packets(
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
    for packet in _whole_packets(container, stream):
        yield from stream.decode(packet)
    yield from stream.decode(None)


def rgb(frame: VideoFrame) -> npt.NDArray[np.uint8]:
    """A frame as H×W×3 uint8, turned as the file asks for."""
    image = np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
    # PyAV gives the turn that shows the picture upright, in degrees counter-clockwise.
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))


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
        return stream
    kinds = {stream.type for stream in container.streams}
    only = ", only sound" if kinds == {"audio"} else ""
    raise DataError(f"there is no moving picture in this file{only}", where=str(path), valid=_VALID)
