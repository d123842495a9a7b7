"""The toy example of the paper's Fig. 2: two balls, four sequences, one average."""

from __future__ import annotations

import itertools

import numpy as np

from deblurkit_standard.rendering.frame_exposure import instants
from deblurkit_standard.rendering.shapes import Floats, Plain, Shape, render

_BACKGROUND = (0.93, 0.93, 0.9)
_RED, _GREEN = (0.8, 0.15, 0.12), (0.15, 0.6, 0.2)


def fig2_scenarios(size: int = 64, frames: int = 5) -> Floats:
    """The four motion scenarios of Jin et al. 2018, Fig. 2.

    A red ball above a green one, both moving sideways, each to the right or to the left. The
    balls never meet, so the average of the frames is the same for all four (2^2) scenarios,
    and so are sum and absolute difference of every symmetric pair of frames.

    Args:
        size: Side of the frames, pixels.
        frames: T, odd; 5 in the figure.

    Returns:
        4×T×size×size×3 in [0, 1]: red and green to the right; red right, green left; red left,
        green right; both to the left.
    """
    radius, path, middle = size / 8, size / 2, (size - 1) / 2
    red = Shape((middle, 0.3 * size), (path, 0.0), radius, _RED)
    green = Shape((middle, 0.7 * size), (path, 0.0), radius, _GREEN)
    times = instants(0.0, frames, 0.0)
    directions = itertools.product((red, red.reversed()), (green, green.reversed()))
    return np.stack([render(balls, Plain(_BACKGROUND), times, size) for balls in directions])
