"""Strips as the page holds them: one image a strip, as text, within a number of bytes."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from deblurkit.plurals import counted
from deblurkit.report.page.sample_clips import Frames, SampleClip

WEBP_SIDE = 16_383
"""WebP has no images with longer sides."""

QUALITIES = (97, 90, 75)
"""Of lossy WebP, tried in this order where lossless pictures do not fit."""

Encode = Callable[[Frames], str]


@dataclass(frozen=True)
class EncodedClip:
    """A clip with its strips as data addresses.

    Attributes:
        clip: What it holds.
        across: So many frames stand side by side in a strip; the next are on the next line.
        blurry: One image.
        true: Its strip.
        rows: Key of the row -> strip.
    """

    clip: SampleClip
    across: int
    blurry: str
    true: str
    rows: dict[str, str]

    @property
    def size(self) -> int:
        """Bytes in the page."""
        return sum(map(len, (self.blurry, self.true, *self.rows.values())))


def encode_within(
    clips: Sequence[SampleClip], budget: int
) -> tuple[tuple[EncodedClip, ...], tuple[str, ...]]:
    """Encode clips so that they take at most `budget` bytes of the page.

    Lossless where that fits; else compressed; else the last clips are left out, and at last,
    of a single clip, the last rows.

    Returns:
        The clips, and what a reader must know: that pictures are compressed, what was left out.
    """
    if not clips:
        return (), ()
    kept = _kept(clips, lossless, budget)
    if len(kept) == len(clips):
        return kept, ()
    quality = QUALITIES[0]
    for quality in QUALITIES:
        kept = _kept(clips, lossy(quality), budget)
        if len(kept) == len(clips):
            break
    said = (
        f"The pictures are compressed (WebP, quality {quality}): error maps show that, too. "
        "PSNR values are those of the uncompressed pictures."
    )
    notes = [said]
    if not kept:
        kept = (_fewer_rows(clips[0], lossy(quality), budget),)
        gone = len(clips[0].rows) - len(kept[0].rows)
        said = counted(len(clips[0].rows), "row")
        notes.append(f"{gone} of {said} {'is' if gone == 1 else 'are'} left out of the pictures.")
    if len(kept) < len(clips):
        notes.append(
            f"{len(clips) - len(kept)} of {counted(len(clips), 'clip')} "
            f"{'is' if len(clips) - len(kept) == 1 else 'are'} left out; "
            "choose fewer with --clips, or fewer runs."
        )
    return kept, tuple(notes)


def lossless(image: Frames) -> str:
    """An H×W×3 image as WebP, every value kept."""
    return _data(image, lossless=True, quality=60, method=4)


def lossy(quality: int) -> Encode:
    """An encoder that gives up a little of every picture."""
    return lambda image: _data(image, quality=quality, method=4)


def tiled(frames: Frames) -> tuple[Frames, int]:
    """T×H×W×3 as one image, and how many frames stand side by side in it.

    One line of frames where WebP can hold it, else several.
    """
    T, height, width, _ = frames.shape
    across = max(1, min(T, WEBP_SIDE // width))
    lines = math.ceil(T / across)
    empty = np.zeros((lines * across - T, height, width, 3), np.uint8)
    grid = np.concatenate([frames, empty]).reshape(lines, across, height, width, 3)
    return grid.transpose(0, 2, 1, 3, 4).reshape(lines * height, across * width, 3), across


def _kept(clips: Sequence[SampleClip], encode: Encode, budget: int) -> tuple[EncodedClip, ...]:
    """As many clips as fit, the first of every run before the second of any; in their order."""
    kept: dict[int, EncodedClip] = {}
    left = budget
    for place, clip in sorted(enumerate(clips), key=lambda item: item[1].rank):
        encoded = _encoded(clip, encode)
        left -= encoded.size
        if left < 0:
            break
        kept[place] = encoded
    return tuple(kept[place] for place in sorted(kept))


def _encoded(clip: SampleClip, encode: Encode) -> EncodedClip:
    strip, across = tiled(clip.true)
    rows = {key: encode(tiled(frames)[0]) for key, frames in clip.rows.items()}
    return EncodedClip(clip, across, encode(clip.blurry[0]), encode(strip), rows)


def _fewer_rows(clip: SampleClip, encode: Encode, budget: int) -> EncodedClip:
    """One clip with as many of its first rows as fit; blurry image and truth stay in any case."""
    encoded = _encoded(clip.without(clip.rows), encode)
    left = budget - encoded.size
    for key, frames in clip.rows.items():
        text = encode(tiled(frames)[0])
        left -= len(text)
        if left < 0:
            break
        encoded.rows[key] = text
    return encoded


def _data(image: Frames, **how: int) -> str:
    kept = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(kept, format="WEBP", **how)
    return "data:image/webp;base64," + base64.b64encode(kept.getvalue()).decode("ascii")
