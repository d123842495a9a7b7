"""Small videos for tests, written straight by PyAV, with frames that tell their number."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

Pixels = npt.NDArray[np.uint8]


def moving_frames(count: int, height: int = 48, width: int = 64) -> Pixels:
    """A textured ground that moves two pixels a frame: T×H×W×3."""
    rng = np.random.default_rng(5)
    ground = rng.integers(0, 256, (height // 4, (width + 2 * count) // 4 + 1, 3))
    ground = ground.repeat(4, axis=0).repeat(4, axis=1)
    return np.stack([ground[:, 2 * t : 2 * t + width] for t in range(count)]).astype(np.uint8)


def write_video(
    path: Path,
    frames: Pixels,
    codec: str = "libx264",
    *,
    pixels: str = "yuv420p",
    key_every: int = 10,
    b_frames: int = 2,
    times: Sequence[int] | None = None,
    in_stored_order: bool = False,
    **container_options: str,
) -> Path:
    """Write a video at 25 frames a second.

    Args:
        path: Its suffix decides the container.
        frames: T×H×W×3.
        codec: FFmpeg's name of an encoder.
        pixels: FFmpeg's name of a pixel format.
        key_every: Distance of key frames.
        b_frames: Most B-frames in a row; for codecs that have them.
        times: When each frame is shown, in 1/25 s; 0, 1, 2, ... by default.
        in_stored_order: Packets say that they are shown in the order in which they are stored,
            which some programs write and is wrong where there are B-frames.
        container_options: FFmpeg's options of the container.
    """
    options = {"bf": str(b_frames)} if codec in {"libx264", "mpeg4", "mpeg2video"} else {}
    with av.open(str(path), "w", options=container_options) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=25, options=options))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        stream.gop_size = key_every
        stream.thread_count = 1
        for k, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = k if times is None else times[k]
            frame.time_base = Fraction(1, 25)
            packets = stream.encode(frame)
            for packet in packets:
                packet.pts = packet.dts if in_stored_order else packet.pts
                container.mux(packet)
        for packet in stream.encode(None):
            packet.pts = packet.dts if in_stored_order else packet.pts
            container.mux(packet)
    return path


def decoded_by_av(path: Path) -> list[Pixels]:
    """All frames as PyAV decodes them from the beginning: what reading is compared with."""
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(format="rgb24", dst_colorspace=Colorspace.DEFAULT)
            for frame in container.decode(video=0)
        ]
