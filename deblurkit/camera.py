"""The settings of a camera, plain values without arrays: what decides how frames become y.

A recipe's `data.formation` makes one; `deblurkit.formation.expose` uses it. Each setting leaves
the image alone by default, so `Camera()` is eq. (1) with the identity and 8 bits.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, get_args

ResponseName = Literal["identity", "gamma", "srgb"]
Response = ResponseName | tuple[float, ...]
"""A camera response g: its name, or its values at equally spaced linear light from 0 to 1."""

RESPONSES: tuple[ResponseName, ...] = get_args(ResponseName)
"""Names of camera responses g."""

Number = float | tuple[float, float]
"""A number, or the least and the greatest of numbers drawn at random, one for each image."""

TABLE = (2, 4096)
"""Least and greatest number of values of a tabulated response."""

VALID_RESPONSE = (
    f"{', '.join(RESPONSES)}, or a table: {TABLE[0]} to {TABLE[1]} numbers that rise from 0 to 1, "
    "the response to equally spaced light"
)

LEAST_SHOT_NOISE = 1e-12
"""More electrons than its inverse are not counted; such noise could not be seen either."""

_SHOWN = 60  # letters of a value in a message


@dataclass(frozen=True)
class Camera:
    """How frames become a blurry image: shutter, sensor, response, file.

    Light is linear and 1 where the sensor is full; stored values are display-referred, 0 to 1.
    A `Number` is a number, or a pair of which one between is drawn for each image.

    Attributes:
        response: g, from light to stored values.
        gamma: Its exponent where the response is gamma, above 0.
        noise: White Gaussian noise on the stored values: standard deviation, 0 to 1. Uniform.
        bits: Values are rounded to so many bits, 1 to 16; 0: not.
        subframes: K, odd: T·K frames are exposed, and true frame i is the middle of the i-th K.
        duty: Share of each frame's time in which the shutter is open, about its middle; above 0,
            at most 1. Below 1 there are gaps between frames, which takes K of at least 3.
        headroom: The light that a white pixel of a frame stands for, 1 to 1000. Uniform.
        shot_noise: Variance of the photons' noise at light 1, which is 1 by the number of
            electrons there; 0, or 1e-12 to 1. Log-uniform.
        read_noise: Standard deviation of the read-out's noise in light, 0 to 1. Log-uniform, or
            uniform where the least is 0.
        white_balance: Red and blue light of the whole scene are multiplied by 2^u, one u for
            each, uniform within plus or minus so many stops, 0 to 4.
        mosaic: Whether each pixel has one colour only, by Bayer, and the others are interpolated.
        jpeg: Quality of JPEG compression, 1 to 100; 0: none. Uniform, whole numbers.

    Raises:
        ValueError: a setting is out of range, or duty is below 1 without sub-frames.
    """

    response: Response = "identity"
    gamma: float = 2.2
    noise: Number = 0.0
    bits: int = 8
    subframes: int = 1
    duty: float = 1.0
    headroom: Number = 1.0
    shot_noise: Number = 0.0
    read_noise: Number = 0.0
    white_balance: float = 0.0
    mosaic: bool = False
    jpeg: int | tuple[int, int] = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            try:
                check_setting(field.name, value)
            except ValueError as error:
                shown = repr(value)
                shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
                raise ValueError(f"{field.name}: {error}, got {shown}") from error
            if isinstance(value, list):
                object.__setattr__(self, field.name, tuple(value))
        if self.duty < 1 and self.subframes == 1:
            raise ValueError(
                f"a shutter that closes between frames, duty {self.duty:g}, needs several "
                "sub-frames a frame to choose from; valid: subframes of 3 or more, an odd number "
                "(3 frames of footage for each true frame), or duty 1"
            )

    @cached_property
    def only_averages(self) -> bool:
        """Whether y is eq. (1) of the frames, by a named response and a fixed noise, no more."""
        defaults = Camera()
        simple = ("response", "gamma", "noise", "bits")
        other = isinstance(self.noise, tuple) or isinstance(self.response, tuple)
        return not other and all(
            getattr(self, field.name) == getattr(defaults, field.name)
            for field in fields(self)
            if field.name not in simple
        )


def check_setting(name: str, value: Any) -> None:
    """See that a value is one that a `Camera` can have under a name.

    Raises:
        ValueError: it is not; the message says what it must be, without the name and the value.
    """
    if name == "response":
        check_response(value)
        return
    fits, valid = _VALID[name]
    if name in _DRAWN:
        valid += ", or two such values, [least, greatest]"
        if isinstance(value, list | tuple):
            whole = len(value) == 2 and all(map(fits, value)) and value[0] <= value[1]
            if whole and (name != "jpeg" or value[0] > 0):
                return
            raise ValueError(f"must be {valid}")
    if not fits(value):
        raise ValueError(f"must be {valid}")


def check_response(value: Any) -> None:
    """See that a value is a camera response: a name, or a table that rises from 0 to 1.

    Raises:
        ValueError: it is not; of a table, the message says which entry, counted from 1.
    """
    if isinstance(value, str) and value in RESPONSES:
        return
    if not isinstance(value, list | tuple):
        raise ValueError(f"must be {VALID_RESPONSE}")  # noqa: TRY004  as pydantic wants it
    if wrong := _wrong_entry(value):
        raise ValueError(f"{wrong}; valid: {VALID_RESPONSE}")


def _wrong_entry(table: Sequence[Any]) -> str | None:
    if not TABLE[0] <= len(table) <= TABLE[1]:
        return f"the table has {len(table)} {'entry' if len(table) == 1 else 'entries'}"
    for k, entry in enumerate(table, start=1):
        if not _is_number(entry):
            return f"entry {k} of the table is no finite number"
    if table[0] != 0:
        return f"entry 1 of the table is {table[0]!r} and not 0"
    for k, (before, entry) in enumerate(pairwise(table), start=2):
        if not entry > before:
            return f"entry {k} of the table is {entry!r}, which is not above entry {k - 1}"
    if table[-1] != 1:
        return f"entry {len(table)} of the table, the last, is {table[-1]!r} and not 1"
    return None


def response_text(response: str | Sequence[float], gamma: float | None = None) -> str:
    """A response in words: `srgb`, `gamma 2.2`, or a table's length and a mark of its values."""
    if isinstance(response, list | tuple):
        plain = [float(v) if isinstance(v, int) else v for v in response]
        mark = hashlib.sha256(repr(plain).encode()).hexdigest()[:6]
        return f"table of {len(plain)} values ({mark})"
    return f"gamma {gamma:g}" if response == "gamma" and gamma is not None else f"{response}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: _is_number(value) and low <= value <= high


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and _between(low, high)(value)


_DRAWN = ("noise", "headroom", "shot_noise", "read_noise", "jpeg")
_MOST_HEADROOM, _MOST_STOPS, _MOST_SUBFRAMES = 1000, 4, 999
_VALID: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "gamma": (lambda v: _is_number(v) and v > 0, "a number above 0"),
    "noise": (_between(0, 1), "0 to 1"),
    "bits": (_whole(0, 16), "0 to 16, a whole number"),
    "subframes": (
        lambda v: _whole(1, _MOST_SUBFRAMES)(v) and v % 2 == 1,
        f"an odd number, 1 to {_MOST_SUBFRAMES}: the sub-frame in the middle is the true frame",
    ),
    "duty": (lambda v: _between(0, 1)(v) and v > 0, "above 0 and at most 1"),
    "headroom": (_between(1, _MOST_HEADROOM), f"1 to {_MOST_HEADROOM}"),
    "shot_noise": (
        lambda v: _is_number(v) and (v == 0 or LEAST_SHOT_NOISE <= v <= 1),
        f"0, or {LEAST_SHOT_NOISE:g} to 1",
    ),
    "read_noise": (_between(0, 1), "0 to 1"),
    "white_balance": (_between(0, _MOST_STOPS), f"0 to {_MOST_STOPS} stops"),
    "mosaic": (lambda v: isinstance(v, bool), "true or false"),
    "jpeg": (_whole(0, 100), "0 for none, or a quality of 1 to 100"),
}
