"""A sensor that sees one colour a pixel, and the interpolation of the other two.

Malvar, He, Cutler, High-quality linear interpolation for demosaicing of Bayer-patterned color
images, ICASSP 2004: bilinear interpolation, corrected by the Laplacian of the colour that the
pixel has; linear filters of 5×5 pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_REACH = 2  # of the filters to each side, pixels


def bayer(image: Floats) -> Floats:
    """The Bayer mosaic of an image: red at even rows and columns, blue at odd ones, else green.

    Args:
        image: 3×H×W.

    Returns:
        H×W.
    """
    seen: Floats = image[1].copy()
    seen[::2, ::2] = image[0, ::2, ::2]
    seen[1::2, 1::2] = image[2, 1::2, 1::2]
    return seen


def demosaic(seen: Floats) -> Floats:
    """Interpolate the missing colours, Fig. 2 of the paper; exact where colours do not change.

    Beyond the border the mosaic is mirrored about its outermost pixels, which keeps the colours
    in their places.

    Args:
        seen: As `bayer` makes it, H×W.

    Returns:
        3×H×W; it may leave the range of `seen`.
    """
    height, width = seen.shape
    wide = np.pad(seen, _REACH, mode="reflect")

    def at(down: int, right: int) -> Floats:
        top, left = _REACH + down, _REACH + right
        return wide[top : top + height, left : left + width]

    beside, above = at(0, -1) + at(0, 1), at(-1, 0) + at(1, 0)
    far_beside, far_above = at(0, -2) + at(0, 2), at(-2, 0) + at(2, 0)
    corners = (at(-1, -1) + at(-1, 1)) + (at(1, -1) + at(1, 1))
    # Weights are those of Fig. 2, in eighths.
    far = far_beside + far_above
    green = (4 * seen + 2 * (beside + above) - far) / 8
    of_the_row = (5 * seen + 4 * beside - corners - far_beside + far_above / 2) / 8
    of_the_column = (5 * seen + 4 * above - corners - far_above + far_beside / 2) / 8
    diagonal = (6 * seen + 2 * corners - 1.5 * far) / 8

    out: Floats = np.stack([seen, seen, seen])
    reds, blues = (slice(0, None, 2),) * 2, (slice(1, None, 2),) * 2
    red_rows, blue_rows = (reds[0], blues[1]), (blues[0], reds[1])  # their green pixels
    for colour, own, other in ((0, reds, blues), (2, blues, reds)):
        beside_own, above_own = (red_rows, blue_rows) if colour == 0 else (blue_rows, red_rows)
        out[colour][beside_own] = of_the_row[beside_own]
        out[colour][above_own] = of_the_column[above_own]
        out[colour][other] = diagonal[other]
        out[1][own] = green[own]
    return out
