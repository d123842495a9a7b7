"""A photograph's EXIF block for stills made of it: the same bytes, but for what no longer holds."""

from __future__ import annotations

import struct

ORIENTATION = 0x0112
COLOUR_SPACE = 0xA001
_EXIF_IFD = 0x8769
_SHORT = 3
_PREFIX = b"Exif\x00\x00"
_ORDER = {b"II": "<", b"MM": ">"}


def upright_exif(block: bytes, *, srgb: bool) -> bytes:
    """An EXIF block of pixels that are upright now.

    Nothing but the values of two tags is touched, so that texts of any encoding, places of
    makers' notes and everything else stay what they are.

    Args:
        block: As in the file, with or without the six bytes that begin with "Exif" before it.
        srgb: The pixels were converted to sRGB, so that is their colour space now.

    Raises:
        ValueError, struct.error, IndexError: it is damaged.
    """
    block = block.removeprefix(_PREFIX)
    order = _ORDER.get(block[:2])
    if order is None:
        raise ValueError("no byte order")
    made = bytearray(block)
    (first,) = struct.unpack_from(order + "I", block, 4)
    more = _set(made, order, first, ORIENTATION, 1)
    if srgb and more:
        _set(made, order, more, COLOUR_SPACE, 1)
    return bytes(made)


def _set(block: bytearray, order: str, at: int, tag: int, value: int) -> int:
    """Set a short of one directory, where it has that; returns where its EXIF directory is."""
    (count,) = struct.unpack_from(order + "H", block, at)
    below = 0
    for entry in range(at + 2, at + 2 + 12 * count, 12):
        found, kind, _, place = struct.unpack_from(order + "HHII", block, entry)
        if found == tag and kind == _SHORT:
            struct.pack_into(order + "H", block, entry + 8, value)
        if found == _EXIF_IFD:
            below = place
    return below
