"""The index of a video file: how many frames can be read, and when each is shown.

Made once a file: from the packets alone where their codec and container tell enough, which
costs no more than reading the file, and by decoding where they do not.
"""

from __future__ import annotations

import functools
import statistics
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

from av.container import InputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from deblurkit.errors import DataError
from deblurkit.media.files import check_file
from deblurkit.media.video_decoding import decoded, opened, rgb, whole_packets

# Codecs of which every packet gives one frame; in others some packets are never shown.
_PACKET_IS_FRAME = frozenset(
    {"h264", "hevc", "vp9", "av1", "mpeg1video", "mpeg2video", "mjpeg", "prores", "dnxhd"}
    | {"ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "png"}
)
# Containers that do not say how long a packet is: the last of a broken file looks whole.
_OPEN_ENDED = frozenset({"mpegts", "mpeg", "h264", "hevc", "mpegvideo", "m4v"})
_REORDERED = 16  # most frames that may be stored before one shown earlier: H.264's limit


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
    """What `deblurkit.media.video_reading` needs to find frames.

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
        DataError: see `deblurkit.media.video_reading.probe`.
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
        reordered = stream.codec_context.has_b_frames and int(
            getattr(stream.codec_context, "reorder_depth", _REORDERED)  # PyAV 18 tells it
        )
        # AVI keeps no times, only an order, which is not the order shown if there are B-frames.
        timed = not (reordered and "avi" in formats)
        codec = stream.codec_context.name
        height, width, head = _head(container, stream)
    if not head:
        raise _nothing(path)

    interval = 1 / (rate * unit) if rate else None
    frames, times = 0, None
    if timed and codec in _PACKET_IS_FRAME:
        times = _packet_times(path, bool(formats & _OPEN_ENDED))
        if times and reordered and len(times) != promised:
            times = _without_gap(times, interval, reordered)
        # In some files packets have the times of their place in the file, not of their frame.
        if times and any(told != found for told, found in zip(times, head, strict=False)):
            times = None
    if not times:
        frames, times = _decoded_times(path)
        times = times if timed else None
        if reordered and frames != promised:
            times = _without_gap(times, interval, reordered) if times else None
            frames -= reordered
    frames = len(times) if times else frames
    if frames < 1:
        raise _nothing(path)

    duration = frames / rate if rate else 0.0
    if times is not None and frames > 1:
        duration = (times[-1] - times[0]) * unit * frames / (frames - 1)
    fps = frames / duration if duration > 0 else rate
    return VideoIndex(VideoInfo(frames, width, height, fps, duration), times, promised)


def _head(container: InputContainer, stream: VideoStream) -> tuple[int, int, list[int | None]]:
    """Height and width as shown, and the times of the first frames as the decoder has them."""
    height, width, times = 0, 0, list[int | None]()
    try:
        for frame in islice(decoded(container, stream), _REORDERED + 4):
            if not times:
                height, width = rgb(frame).shape[:2]
            times.append(frame.pts)
    except FFmpegError:
        pass  # what came before it tells enough
    return height, width, times


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
        for packet in whole_packets(container, stream):
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


def _without_gap(times: tuple[int, ...], interval: float | None, reordered: int) -> tuple[int, ...]:
    """End before a gap among the last `reordered` frames.

    Packets come in the order of decoding: where a file breaks off, frames may be there that
    are shown after frames that are not.
    """
    steps = [after - before for before, after in pairwise(times)]
    usual = min([statistics.median(steps), *([interval] if interval else [])]) if steps else 0
    for k in range(max(0, len(steps) - reordered), len(steps)):
        if steps[k] > 1.5 * usual:
            return times[: k + 1]
    return times
