"""Which instants one true frame averages."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_STEP = 0.5  # distance between two instants of a frame, pixels


def instants(
    motion: float, frames: int, frame_blur: float, most: int | None = None
) -> npt.NDArray[np.float64]:
    """The instants that T frames average, with t = -1/2 at the first frame and +1/2 at the last.

    Each frame has an equal share of the time, 1/(T-1) around its own instant, and averages the
    middle part of it: the part in which nothing goes further than `frame_blur` pixels, in
    instants at most half a pixel apart. So a frame is no blurrier than that, and the mean of
    all frames shows a step only where a frame's motion is more than about a pixel beyond it.
    The instants lie exactly symmetric about t = 0: reversed motion passes the same places.

    Args:
        motion: Largest path of anything within one frame's share of the time, pixels.
        frames: T. A single frame is the instant t = 0.
        frame_blur: Largest path within one frame, pixels; 0 for a single instant.
        most: Largest number of instants a frame.

    Returns:
        T×K instants, in order.
    """
    if frames == 1:
        return np.zeros((1, 1))
    blur = min(motion, frame_blur)
    k = max(1, math.ceil(blur / _STEP - 1e-9))
    k = min(k, most) if most else k
    share = blur / motion if motion else 0.0
    of_frames = (np.arange(frames) - (frames - 1) / 2) / (frames - 1)
    within = (2 * np.arange(k) + 1 - k) / (2 * k) * (share / (frames - 1))
    return np.asarray(of_frames[:, None] + within)
