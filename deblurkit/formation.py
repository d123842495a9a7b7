"""How T frames become one blurry image, eq. (1): y = g(mean_i g⁻¹(x[i])).

A sensor adds up light, so frames are averaged in linear light; the camera response g turns
linear light into the display-referred values that files store, g⁻¹ turns them back. Every
function takes a numpy array or a torch tensor and gives the same kind back; gradients flow
through torch tensors.
"""

from __future__ import annotations

import sys
from typing import Any, Literal, TypeVar, get_args

import numpy as np

from deblurkit.frames import check_length

Response = Literal["identity", "gamma", "srgb"]
"""Names of camera responses g."""

RESPONSES: tuple[Response, ...] = get_args(Response)

ArrayT = TypeVar("ArrayT")
"""A numpy array or a torch tensor of floats."""

_SRGB_SLOPE, _SRGB_OFFSET, _SRGB_POWER = 12.92, 0.055, 2.4
_SRGB_STORED_KNEE, _SRGB_LINEAR_KNEE = 0.04045, 0.0031308


def response(x_lin: ArrayT, kind: Response = "identity", gamma: float = 2.2) -> ArrayT:
    """The camera response g: linear light to display-referred values.

    identity: g(v) = v. gamma: g(v) = v^(1/gamma), 0 for v <= 0. srgb: IEC 61966-2-1,
    12.92 v up to v = 0.0031308 and 1.055 v^(1/2.4) - 0.055 above.

    Args:
        x_lin: Floats (32 or 64 bits) of any shape, meant to be in [0, 1]; not clamped.
        kind: Which response.
        gamma: The exponent where `kind` is gamma, > 0.

    Returns:
        Floats of the same shape and type.

    Raises:
        TypeError: `x_lin` does not hold floats.
        ValueError: the kind is unknown, or gamma is not above 0.
    """
    xp = _namespace(x_lin)
    v: Any = x_lin
    if kind == "gamma":
        v = _power(xp, v, 1 / _check_gamma(gamma))
    elif kind == "srgb":
        # The power is taken of the clamped value: where() would pass on its nan gradient below.
        curve = (1 + _SRGB_OFFSET) * _at_least(xp, v, _SRGB_LINEAR_KNEE) ** (1 / _SRGB_POWER)
        v = xp.where(v <= _SRGB_LINEAR_KNEE, v * _SRGB_SLOPE, curve - _SRGB_OFFSET)
    elif kind != "identity":
        raise _unknown(kind)
    out: ArrayT = v
    return out


def inverse_response(x: ArrayT, kind: Response = "identity", gamma: float = 2.2) -> ArrayT:
    """The inverse camera response g⁻¹: display-referred values to linear light.

    identity: v. gamma: v^gamma, 0 for v <= 0. srgb: IEC 61966-2-1, v / 12.92 up to
    v = 0.04045 and ((v + 0.055) / 1.055)^2.4 above.

    Args:
        x: Floats (32 or 64 bits) of any shape, meant to be in [0, 1]; not clamped.
        kind: Which response.
        gamma: The exponent where `kind` is gamma, > 0.

    Returns:
        Floats of the same shape and type.

    Raises:
        TypeError: `x` does not hold floats.
        ValueError: the kind is unknown, or gamma is not above 0.
    """
    xp = _namespace(x)
    v: Any = x
    if kind == "gamma":
        v = _power(xp, v, _check_gamma(gamma))
    elif kind == "srgb":
        base = (_at_least(xp, v, _SRGB_STORED_KNEE) + _SRGB_OFFSET) / (1 + _SRGB_OFFSET)
        v = xp.where(v <= _SRGB_STORED_KNEE, v / _SRGB_SLOPE, base**_SRGB_POWER)
    elif kind != "identity":
        raise _unknown(kind)
    out: ArrayT = v
    return out


_encode, _decode = response, inverse_response  # `form` has a parameter named response


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
    """Form the blurry image of T frames, eq. (1), with sensor noise and quantisation.

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
    xp = _namespace(frames)
    x: Any = frames
    check_length(int(x.shape[axis]))
    if isinstance(bits, bool) or not 0 <= bits <= 16:
        raise ValueError(f"y cannot be quantised to {bits!r} bits; valid: 1 to 16, or 0 for none")
    y: Any = _encode(_decode(x, response, gamma).mean(axis), response, gamma)
    y = (y + _noise(xp, y, noise, rng)).clip(0.0, 1.0)
    if bits:
        steps = 2**bits - 1
        y = xp.round(y * steps) / steps
    out: ArrayT = y
    return out


def _noise(xp: Any, y: Any, noise: Any, rng: np.random.Generator | None) -> Any:
    """The noise to add to y: 0, the array given, or one drawn from `rng`."""
    if hasattr(noise, "shape") and len(noise.shape):
        if tuple(noise.shape) != tuple(y.shape):
            raise ValueError(f"the noise is {tuple(noise.shape)}, the image {tuple(y.shape)}")
        return noise
    if float(noise) == 0:
        return 0.0
    if rng is None or not float(noise) > 0:
        raise ValueError(f"noise of {noise!r} needs a value >= 0 and an `rng` to draw it from")
    drawn = rng.standard_normal(tuple(y.shape), dtype=np.float32) * np.float32(noise)
    return drawn.astype(y.dtype) if xp is np else xp.from_numpy(drawn).to(y)


def _namespace(x: object) -> Any:
    """The module with x's functions; torch is only looked for where it is already imported."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        if x.dtype.is_floating_point:
            return torch
    elif isinstance(x, (np.ndarray, np.floating)):
        if np.issubdtype(x.dtype, np.floating):
            return np
    else:
        raise TypeError(f"expected a numpy array or a torch tensor, got {type(x).__name__}")
    raise TypeError(f"expected floats in [0, 1], got {x.dtype}; divide 8-bit values by 255 first")


def _power(xp: Any, v: Any, exponent: float) -> Any:
    """v^exponent for v > 0, else 0; its gradient is finite everywhere."""
    tiny = float(xp.finfo(v.dtype).tiny)
    return xp.where(v < tiny, v * 0.0, _at_least(xp, v, tiny) ** exponent)


def _at_least(xp: Any, v: Any, low: float) -> Any:
    return v.clip(min=low) if xp is not np else np.maximum(v, v.dtype.type(low))


def _check_gamma(gamma: float) -> float:
    if not gamma > 0:
        raise ValueError(f"gamma is {gamma!r}; valid: a number above 0, usually 2.2")
    return gamma


def _unknown(kind: object) -> ValueError:
    return ValueError(f"unknown camera response {kind!r}; valid: {', '.join(RESPONSES)}")
