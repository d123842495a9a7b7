"""What clips look like before anything is trained on them: a contact sheet and a short movie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage.color import hsv2rgb

from deblurkit.footage.motion import motion_a_frame, small_flow
from deblurkit.frames import middle
from deblurkit.media.image import write_png
from deblurkit.media.video_writing import write_mp4
from deblurkit.report.contact_sheet import contact_sheet, to_uint8

_TILE, _MOVIE = 320, 480  # longest sides, pixels
_FAR = 160  # longest side of images whose flow is shown
_SHOWN = 5  # true frames on the sheet
_SECONDS = 6.0

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Preview:
    """A clip to look at.

    Attributes:
        label: Where it is from.
        blurry: H×W×3 floats in [0, 1].
        frames: The true frames, T×H×W×3 floats in [0, 1].
        averaged: How many frames were averaged for each true one: sub-frames.
    """

    label: str
    blurry: Floats
    frames: Floats
    averaged: int = 1


@dataclass(frozen=True)
class Motion:
    """How far things move, as optical flow sees it.

    Attributes:
        flow: From the first frame to the last, h×w×2, to the right and down, pixels of the clip;
            h×w is a smaller picture.
        a_frame: What all but the fastest twentieth of the pixels stay below between the middle
            frame and its neighbours, pixels.
    """

    flow: Floats
    a_frame: float


def measure_motion(frames: Floats) -> Motion:
    """Measure the motion in a clip by TV-L1 flow, at sizes at which that is quick.

    Args:
        frames: T×H×W×3 floats in [0, 1].
    """
    m = middle(len(frames)) - 1
    neighbours = [to_uint8(frames[k]) for k in (m - 1, m + 1) if 0 <= k < len(frames)]
    ends = to_uint8(frames[0]), to_uint8(frames[-1])
    return Motion(small_flow(*ends, _FAR), motion_a_frame(to_uint8(frames[m]), neighbours))


def preview_sheet(clips: Sequence[Preview], motions: Sequence[Motion], title: str) -> Bytes:
    """Blurry image, some true frames and the motion of each clip, a row each: H×W×3 uint8."""
    T = len(clips[0].frames)
    chosen = sorted({*np.linspace(1, T, min(T, _SHOWN)).round().astype(int).tolist(), middle(T)})
    rows = []
    tile = _common_size(clips)
    for clip, motion in zip(clips, motions, strict=True):
        pictures = [clip.blurry, *(clip.frames[i - 1] for i in chosen)]
        tiles: list[Bytes | None] = [_placed(to_uint8(p), tile) for p in pictures]
        rows.append((clip.label, [*tiles, _placed(flow_picture(motion.flow), tile, smooth=True)]))
    numbers = [f"{i} (middle)" if i == middle(T) else str(i) for i in chosen]
    return contact_sheet(rows, column_labels=["blurry", *numbers, f"motion 1 to {T}"], title=title)


def flow_picture(flow: Floats) -> Bytes:
    """Flow as colours: the hue is its direction, the strength its length beside the longest."""
    length = np.linalg.norm(flow, axis=-1)
    most = max(float(np.percentile(length, 99)), 1e-6)
    hue = (np.arctan2(flow[..., 1], flow[..., 0]) / (2 * np.pi)) % 1
    strength = np.clip(length / most, 0, 1)
    return to_uint8(hsv2rgb(np.stack([hue, strength, np.ones_like(hue)], -1)))


def write_preview(
    folder: Path, name: str, clips: Sequence[Preview], motions: Sequence[Motion], title: str
) -> tuple[Path, Path]:
    """Write `name.png`, the sheet, and `name.mp4`: blurry image and frames side by side, in turn.

    Args:
        folder: Where to.
        name: Of the files, without a suffix.
        clips: What to show; all of one T.
        motions: Of each clip; see `measure_motion`.
        title: Above the sheet.

    Raises:
        DataError: a file cannot be written.
        UnavailableError: there is no H.264 encoder; the sheet is there then.
    """
    sheet, movie = folder / f"{name}.png", folder / f"{name}.mp4"
    write_png(sheet, preview_sheet(clips, motions, title))
    size = _common_size(clips, _MOVIE)
    swings = []
    for clip in clips:
        still = _placed(to_uint8(clip.blurry), size)
        pairs = [
            np.concatenate([still, _placed(to_uint8(frame), size)], axis=1) for frame in clip.frames
        ]
        swings += [*pairs, *pairs[-2:0:-1]] * 2
    fps = 8.0
    repeats = max(1, round(_SECONDS * fps / len(swings)))
    write_mp4(movie, np.stack(swings), fps, repeats=repeats)
    return sheet, movie


def _common_size(clips: Sequence[Preview], longest: int = _TILE) -> tuple[int, int]:
    """Height and width of a tile into which every clip fits; small clips are not enlarged."""
    sizes = [_fitted_size(clip.blurry.shape[0], clip.blurry.shape[1], longest) for clip in clips]
    return max(h for h, _ in sizes), max(w for _, w in sizes)


def _fitted_size(height: int, width: int, longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(height, width))
    return max(1, round(scale * height)), max(1, round(scale * width))


def _placed(image: Bytes, size: tuple[int, int], *, smooth: bool = False) -> Bytes:
    """An image scaled to fit a tile, in its middle, on white."""
    scale = min(size[0] / image.shape[0], size[1] / image.shape[1])
    scale = scale if smooth else min(1.0, scale)
    height = max(1, min(size[0], round(scale * image.shape[0])))
    width = max(1, min(size[1], round(scale * image.shape[1])))
    kind = Image.Resampling.BILINEAR if smooth else Image.Resampling.LANCZOS
    if image.shape[:2] != (height, width):
        image = np.asarray(Image.fromarray(image).resize((width, height), kind))
    tile = np.full((*size, 3), 255, np.uint8)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    tile[top : top + height, left : left + width] = image
    return tile
