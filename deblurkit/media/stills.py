"""Stills of 8 and 16 bits as PNG, with the metadata of the photograph that they come from."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from deblurkit.media.files import writing

_HEAD = 33  # signature and IHDR
_SRGB = b"\x00"  # perceptual intent


def write_still(
    path: Path, image: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], *, exif: bytes = b""
) -> None:
    """Write an H×W×3 image as PNG of its own depth, marked as sRGB, whole or not at all.

    Args:
        path: Where to.
        image: uint8 or uint16 (0 to 65535).
        exif: EXIF block to put in, as Pillow gives it; empty for none.

    Raises:
        ValueError: the array is no such image.
        DataError: the file cannot be written.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16):
        raise ValueError(f"not an H×W×3 image of 8 or 16 bits: {image.shape} {image.dtype}")
    encoded = _deep(image) if image.dtype == np.uint16 else _plain(image)
    more = _chunk(b"sRGB", _SRGB)
    if exif:
        more += _chunk(b"eXIf", exif.removeprefix(b"Exif\x00\x00"))
    with writing(path) as temporary:
        temporary.write_bytes(encoded[:_HEAD] + more + encoded[_HEAD:])


def _plain(image: npt.NDArray[Any]) -> bytes:
    held = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(held, format="PNG")
    return held.getvalue()


def _deep(image: npt.NDArray[Any]) -> bytes:
    """Pillow writes no 16-bit colours; FFmpeg does."""
    context = av.CodecContext.create("png", "w")
    context.height, context.width = image.shape[:2]
    context.pix_fmt, context.time_base = "rgb48be", Fraction(1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb48le")
    packets = [*context.encode(frame.reformat(format="rgb48be")), *context.encode(None)]
    return _without(
        b"".join(bytes(packet) for packet in packets), b"pHYs", b"gAMA", b"cHRM", b"sRGB"
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def _without(png: bytes, *names: bytes) -> bytes:
    """A PNG without some of its chunks."""
    kept, at = [png[:8]], 8
    while at < len(png):
        end = at + 12 + int.from_bytes(png[at : at + 4], "big")
        if png[at + 4 : at + 8] not in names:
            kept.append(png[at:end])
        at = end
    return b"".join(kept)
