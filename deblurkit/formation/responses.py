"""Camera responses g: linear light to the display-referred values that files store, and back.

Every function takes a numpy array or a torch tensor and gives the same kind back; gradients
flow through torch tensors.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.camera import VALID_RESPONSE, Response, check_response
from deblurkit.formation.arrays import ArrayT, namespace

_SRGB_SLOPE, _SRGB_OFFSET, _SRGB_POWER = 12.92, 0.055, 2.4
_SRGB_STORED_KNEE, _SRGB_LINEAR_KNEE = 0.04045, 0.0031308


def response(x_lin: ArrayT, kind: Response = "identity", gamma: float = 2.2) -> ArrayT:
    """The camera response g: linear light to display-referred values.

    identity: g(v) = v. gamma: g(v) = v^(1/gamma), 0 for v <= 0. srgb: IEC 61966-2-1,
    12.92 v up to v = 0.0031308 and 1.055 v^(1/2.4) - 0.055 above. A table of n values: straight
    lines between its values at v = 0, 1/(n-1), ..., 1; v is clamped to [0, 1].

    Args:
        x_lin: Floats (32 or 64 bits) of any shape, meant to be in [0, 1]; not clamped but by a
            table.
        kind: Which response: a name, or a table.
        gamma: The exponent where `kind` is gamma, > 0.

    Returns:
        Floats of the same shape and type.

    Raises:
        TypeError: `x_lin` does not hold floats.
        ValueError: the kind is unknown, a table's entry is wrong, or gamma is not above 0.
    """
    xp = namespace(x_lin)
    v: Any = x_lin
    if kind == "gamma":
        v = _power(xp, v, 1 / _check_gamma(gamma))
    elif kind == "srgb":
        # The power is taken of the clamped value: where() would pass on its nan gradient below.
        curve = (1 + _SRGB_OFFSET) * _at_least(xp, v, _SRGB_LINEAR_KNEE) ** (1 / _SRGB_POWER)
        v = xp.where(v <= _SRGB_LINEAR_KNEE, v * _SRGB_SLOPE, curve - _SRGB_OFFSET)
    elif isinstance(kind, (tuple, list)):
        stored, light = _table(tuple(kind))
        v = _between_points(xp, v, light, stored)
    elif kind != "identity":
        raise _unknown(kind)
    out: ArrayT = v
    return out


def inverse_response(x: ArrayT, kind: Response = "identity", gamma: float = 2.2) -> ArrayT:
    """The inverse camera response g⁻¹: display-referred values to linear light.

    identity: v. gamma: v^gamma, 0 for v <= 0. srgb: IEC 61966-2-1, v / 12.92 up to
    v = 0.04045 and ((v + 0.055) / 1.055)^2.4 above. A table: the inverse of its straight lines.

    Args:
        x: Floats (32 or 64 bits) of any shape, meant to be in [0, 1]; not clamped but by a table.
        kind: Which response: a name, or a table.
        gamma: The exponent where `kind` is gamma, > 0.

    Returns:
        Floats of the same shape and type.

    Raises:
        TypeError: `x` does not hold floats.
        ValueError: the kind is unknown, a table's entry is wrong, or gamma is not above 0.
    """
    xp = namespace(x)
    v: Any = x
    if kind == "gamma":
        v = _power(xp, v, _check_gamma(gamma))
    elif kind == "srgb":
        base = (_at_least(xp, v, _SRGB_STORED_KNEE) + _SRGB_OFFSET) / (1 + _SRGB_OFFSET)
        v = xp.where(v <= _SRGB_STORED_KNEE, v / _SRGB_SLOPE, base**_SRGB_POWER)
    elif isinstance(kind, (tuple, list)):
        stored, light = _table(tuple(kind))
        v = _between_points(xp, v, stored, light)
    elif kind != "identity":
        raise _unknown(kind)
    out: ArrayT = v
    return out


def _power(xp: Any, v: Any, exponent: float) -> Any:
    """v^exponent for v > 0, else 0; its gradient is finite everywhere."""
    tiny = float(xp.finfo(v.dtype).tiny)
    return xp.where(v < tiny, v * 0.0, _at_least(xp, v, tiny) ** exponent)


def _at_least(xp: Any, v: Any, low: float) -> Any:
    return v.clip(min=low) if xp is not np else np.maximum(v, v.dtype.type(low))


@lru_cache(maxsize=16)
def _table(values: tuple[float, ...]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A table's values and the light at each."""
    check_response(values)
    return np.array(values, np.float64), np.linspace(0, 1, len(values))


def _between_points(
    xp: Any, v: Any, at: npt.NDArray[np.float64], values: npt.NDArray[np.float64]
) -> Any:
    """Straight lines between points, in float64: neighbours of a table may agree in float32."""
    if xp is np:
        return np.interp(v, at, values).astype(v.dtype)
    points, heights = (xp.from_numpy(a).to(v.device) for a in (at, values))
    wide = v.double().clip(0.0, 1.0)
    k = xp.searchsorted(points, wide.detach().contiguous(), right=True).clip(1, len(at) - 1)
    slopes = (heights[1:] - heights[:-1]) / (points[1:] - points[:-1])
    return (heights[k - 1] + (wide - points[k - 1]) * slopes[k - 1]).to(v.dtype)


def _check_gamma(gamma: float) -> float:
    if not gamma > 0:
        raise ValueError(f"gamma is {gamma!r}; valid: a number above 0, usually 2.2")
    return gamma


def _unknown(kind: object) -> ValueError:
    return ValueError(f"unknown camera response {kind!r}; valid: {VALID_RESPONSE}")
