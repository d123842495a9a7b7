"""Eq. (1): y = g(mean_i g⁻¹(x[i])).

A sensor adds up light, so frames are averaged in linear light; the camera response g turns
linear light into the display-referred values that files store, g⁻¹ turns them back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deblurkit.camera import Response
from deblurkit.formation.arrays import ArrayT, namespace
from deblurkit.formation.responses import inverse_response as _decode
from deblurkit.formation.responses import response as _encode
from deblurkit.formation.storing import stored
from deblurkit.frames import check_length


def form(
    frames: ArrayT,
    *,
    response: Response = "identity",
    gamma: float = 2.2,
    noise: float | ArrayT = 0.0,
    bits: int = 8,
    rng: np.random.Generator | None = None,
    axis: int = 0,
) -> ArrayT:
    """Form the blurry image of T frames, eq. (1), with noise and quantisation.

    y = quantise(clamp(g(mean_i g⁻¹(x[i])) + n, 0, 1)); quantising rounds to the nearest of
    2^bits values. With `bits=0` the result is differentiable in the frames.

    Args:
        frames: Floats (32 or 64 bits), display-referred in [0, 1]. T, an odd number, is the
            length of `axis`: T×C×H×W with axis 0, B×T×C×H×W with axis 1.
        response: The camera response g, see `response`.
        gamma: The exponent where the response is gamma.
        noise: Standard deviation of white Gaussian noise on y, of 1, drawn from `rng`; or the
            noise itself, an array of y's shape.
        bits: Quantisation of y; 0 for none.
        rng: Where the noise comes from. Arrays and tensors get the same noise from it.
        axis: The axis of time.

    Returns:
        y in [0, 1]: the shape of `frames` without `axis`.

    Raises:
        FrameError: the number of frames is even.
        TypeError: `frames` does not hold floats.
        ValueError: an unknown response, a gamma or number of bits out of range, noise of
            another shape than y, or noise to be drawn without an `rng`.
    """
    namespace(frames)
    x: Any = frames
    check_length(int(x.shape[axis]))
    y: ArrayT = _encode(_decode(x, response, gamma).mean(axis), response, gamma)
    return stored(y, noise=noise, bits=bits, rng=rng)
