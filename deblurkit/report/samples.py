"""A held-out clip and its estimate, for looking at: contact sheet, MP4 and GIF."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from deblurkit.frames import check_length, middle
from deblurkit.media.image import write_png
from deblurkit.media.video_writing import write_gif, write_mp4
from deblurkit.report.contact_sheet import Picture, contact_sheet, to_uint8

ERROR_GAIN = 4
"""Errors are shown this many times as large, or nobody would see them."""

_MOVIE_SECONDS = 6


def write_samples(
    folder: Path,
    name: str,
    blurry: Picture,
    true: Picture,
    estimate: Picture,
    caption: str,
    fps: float = 8.0,
) -> tuple[Path, Path, Path]:
    """Write `name.png`, `name.gif` and `name.mp4`, each whole or not at all, in this order.

    The picture has the true frames, the estimated ones and the absolute error times four,
    with the blurry image before them. The movies show blurry image, estimate and truth
    side by side, forwards and backwards in turn; the MP4 lasts at least six seconds.

    Args:
        folder: Where to; made if it is not there.
        name: Of the files, without a suffix.
        blurry: H×W×3 in [0, 1].
        true: T×H×W×3 in [0, 1].
        estimate: T×H×W×3, in the order of time it is to be shown in.
        caption: Above the contact sheet.
        fps: Frames a second.

    Returns:
        The paths written.

    Raises:
        ValueError: shapes do not fit.
        DataError: a file cannot be written.
        UnavailableError: there is no H.264 encoder; the other two files are there then.
    """
    images = (blurry, true, estimate)
    if estimate.shape != true.shape or true.shape[1:] != blurry.shape or true.ndim != 4:
        shapes = ", ".join(str(image.shape) for image in images)
        raise ValueError(f"shapes {shapes}; must be H×W×3, T×H×W×3, T×H×W×3")
    if not all(np.issubdtype(image.dtype, np.floating) for image in images):
        raise ValueError("images must be floats in [0, 1]")
    png, gif, mp4 = (folder / f"{name}{suffix}" for suffix in (".png", ".gif", ".mp4"))
    write_png(png, sample_sheet(blurry, true, estimate, caption))
    frames = _side_by_side(blurry, true, estimate)
    write_gif(gif, frames, fps, loop="boomerang")
    swing = np.concatenate([frames, frames[-2:0:-1]])
    write_mp4(mp4, swing, fps, repeats=max(1, round(_MOVIE_SECONDS * fps / len(swing))))
    return png, gif, mp4


def sample_sheet(blurry: Picture, true: Picture, estimate: Picture, caption: str) -> Picture:
    """The contact sheet of `write_samples`, from the same arguments: H×W×3 uint8."""
    T = check_length(len(true))
    numbers = [f"{i} (middle)" if i == middle(T) else str(i) for i in range(1, T + 1)]
    error = ERROR_GAIN * np.abs(np.clip(estimate, 0, 1) - true)
    return contact_sheet(
        [
            ("true", [blurry, *true]),
            ("estimate", [None, *estimate]),
            (f"error x{ERROR_GAIN}", [None, *error]),
        ],
        column_labels=["blurry", *numbers],
        title=caption,
        scale=_scale(blurry, 112),
    )


def _side_by_side(blurry: Picture, true: Picture, estimate: Picture) -> Picture:
    """T×H×W×3 uint8: the three panels under their labels, enlarged."""
    return np.stack(
        [
            contact_sheet(
                [("", [blurry, shown, real])],
                column_labels=["blurry", "estimate", "true"],
                scale=_scale(blurry, 224),
            )
            for shown, real in zip(to_uint8(estimate), to_uint8(true), strict=True)
        ]
    )


def _scale(image: Picture, least: int) -> int:
    """The smallest whole factor that gives the shorter side at least `least` pixels."""
    height, width = map(int, image.shape[:2])
    return max(1, math.ceil(least / min(height, width)))
