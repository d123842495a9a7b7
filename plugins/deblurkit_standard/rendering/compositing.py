"""Laying moving, partly covering patches over frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def patch_grid(centres: Floats, radius: float) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """The pixels around a moving point, in whole pixels of the image.

    Args:
        centres: N×2 places (x, y) of the point, pixels.
        radius: Everything nearer than this is in the patch, and a pixel more.

    Returns:
        N×p columns and N×p rows, measured from the point, and N×2 places (x, y) of the
        patches' top left pixels in the image.
    """
    corners = np.floor(centres - radius - 1).astype(np.int64)
    span = np.arange(int(np.ceil(2 * radius)) + 4)
    return corners[:, :1] + span - centres[:, :1], corners[:, 1:] + span - centres[:, 1:], corners


def lay_over(
    canvas: npt.NDArray[np.floating],
    coverage: npt.NDArray[np.floating],
    colour: npt.NDArray[np.floating],
    corners: npt.NDArray[np.int64],
) -> None:
    """Lay a patch over each image, in place: seen + coverage * (colour - seen).

    Args:
        canvas: N×3×H×W images.
        coverage: N×p×p, from 0 to 1.
        colour: N×3×p×p.
        corners: N×2 places (x, y) of the patches' top left pixels; what is outside the image
            is left away.
    """
    p = coverage.shape[-1]
    height, width = canvas.shape[2:]
    for n, (x, y) in enumerate(corners.tolist()):
        rows, cols = slice(max(y, 0), min(y + p, height)), slice(max(x, 0), min(x + p, width))
        if rows.start >= rows.stop or cols.start >= cols.stop:
            continue
        inside = slice(rows.start - y, rows.stop - y), slice(cols.start - x, cols.stop - x)
        seen = canvas[n, :, rows, cols]
        seen += coverage[n][inside] * (colour[n][:, inside[0], inside[1]] - seen)
