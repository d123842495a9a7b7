"""One exposure of a camera: stored frames to a blurry image, and the true frames that it shows.

In order: white balance of the scene, light of the stored values with head-room, the open part
of each frame's time, the sensor, the response, noise, quantisation, JPEG.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from deblurkit.camera import Camera, Number
from deblurkit.errors import FrameError
from deblurkit.formation.averaging import form
from deblurkit.formation.responses import inverse_response, response
from deblurkit.formation.sensor import sense
from deblurkit.formation.storing import as_jpeg, stored
from deblurkit.frames import check_length

Stored = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

WHITE_FROM = 250
"""Stored values of 8 bits from here to 255 are taken to be clipped, the more the nearer to 255."""

_LEVELS = np.arange(256, dtype=np.float32) / np.float32(255)
_NOTHING = 1e-9  # of a sub-frame's time: rounding


def expose(frames: Stored, camera: Camera, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Take a picture of a moving scene.

    Where the camera only averages (`Camera.only_averages`) this is `form`, bit by bit. Otherwise
    all that a camera draws at random is drawn first, whatever is switched on, so that a setting
    leaves the numbers of the others alone; then the noise, pixel by pixel.

    Args:
        frames: T·K×3×h×w uint8 in order of time, display-referred as files store them; K is
            `camera.subframes`.
        camera: How.
        rng: Where all random numbers come from: the same state, the same picture.

    Returns:
        y, 3×h×w, and the true frames, T×3×h×w: the middle one of each K, with the scene's white
        balance, rounded to 8 bits so that files keep them as they are. Float32 in [0, 1].

    Raises:
        FrameError: the number of frames is not K times an odd number.
        TypeError: the frames are not 8-bit values.
    """
    if frames.dtype != np.uint8:
        raise TypeError(f"expected 8-bit frames as they are stored, uint8, got {frames.dtype}")
    K = camera.subframes
    if len(frames) % K:
        raise FrameError(
            f"{len(frames)} frames cannot be divided into groups of {K} sub-frames",
            valid=f"a multiple of {K}",
        )
    check_length(len(frames) // K)
    if camera.only_averages:
        assert not isinstance(camera.noise, tuple)
        x: Floats = np.divide(frames, np.float32(255), dtype=np.float32)
        y = form(
            x,
            response=camera.response,
            gamma=camera.gamma,
            noise=camera.noise,
            bits=camera.bits,
            rng=rng,
        )
        return y, x
    drawn = _draw(camera, rng)
    own = inverse_response(_LEVELS, camera.response, camera.gamma)
    light = with_headroom(own, drawn.headroom)
    if camera.white_balance:
        frames = _balanced(frames, own, light, camera, drawn)
    collected = _collected(frames, light, open_shares(K, camera.duty))
    seen = sense(
        collected,
        shot_noise=drawn.shot_noise,
        read_noise=drawn.read_noise,
        mosaic=camera.mosaic,
        rng=rng,
    )
    y = response(seen, camera.response, camera.gamma)
    y = stored(y, noise=drawn.noise, bits=camera.bits, rng=rng)
    if drawn.jpeg:
        y = as_jpeg(y, drawn.jpeg)
    return y, np.divide(frames[K // 2 :: K], np.float32(255), dtype=np.float32)


def open_shares(subframes: int, duty: float) -> tuple[float, ...]:
    """The share of each sub-frame's time in which the shutter is open; together duty·K.

    The shutter is open about the middle of the K: sub-frame k, from 0, lasts from k to k + 1, and
    the shutter opens at K·(1 - duty)/2 and closes at K·(1 + duty)/2.
    """
    opens, closes = (subframes * (1 + sign * duty) / 2 for sign in (-1, 1))
    return tuple(max(0.0, min(k + 1, closes) - max(k, opens)) for k in range(subframes))


def with_headroom(light: Floats, headroom: float) -> Floats:
    """The light that the 256 stored values stand for where white stands for `headroom`.

    What is stored as 250 to 255 was clipped by the camera that took the frames: its light rises
    smoothly, from its own to `headroom` times that, by p²(3 - 2p) of p = (value - 250) / 5. So a
    highlight that moves leaves a bright streak, as in a camera (saturated pixels in Rim et al.,
    Realistic Blur Synthesis for Learning Image Deblurring, ECCV 2022).

    Args:
        light: Linear light of the stored values 0 to 255 by the response alone.
        headroom: At least 1.
    """
    p = np.clip((np.arange(256) - WHITE_FROM) / (255 - WHITE_FROM), 0, 1)
    return light * (1 + p * p * (3 - 2 * p) * (headroom - 1)).astype(np.float32)


class _Drawn(NamedTuple):
    """What one picture has of all that a camera draws at random."""

    headroom: float
    shot_noise: float
    read_noise: float
    noise: float
    jpeg: int
    red: float
    blue: float


def _draw(camera: Camera, rng: np.random.Generator) -> _Drawn:
    headroom, shot, read, noise, jpeg, red, blue = rng.random(len(_Drawn._fields)).tolist()
    low, high = camera.jpeg if isinstance(camera.jpeg, tuple) else (camera.jpeg, camera.jpeg)
    return _Drawn(
        headroom=_at(camera.headroom, headroom),
        shot_noise=_at(camera.shot_noise, shot, by_ratio=True),
        read_noise=_at(camera.read_noise, read, by_ratio=True),
        noise=_at(camera.noise, noise),
        jpeg=low + int(jpeg * (high - low + 1)),
        red=2 ** (camera.white_balance * (2 * red - 1)),
        blue=2 ** (camera.white_balance * (2 * blue - 1)),
    )


def _at(number: Number, u: float, *, by_ratio: bool = False) -> float:
    """The number, or the one at u of its range, u from 0 to 1."""
    if not isinstance(number, tuple):
        return number
    low, high = number
    if by_ratio and low > 0:
        return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
    return low + u * (high - low)


def _balanced(frames: Stored, own: Floats, light: Floats, camera: Camera, drawn: _Drawn) -> Stored:
    """The frames as the same camera stores them under another light, 8 bits."""
    out = frames.copy()
    for colour, gain in ((0, drawn.red), (2, drawn.blue)):
        # A highlight keeps its stored value as long as the light that it stands for is enough.
        now = np.maximum(own * gain, np.minimum(light * gain, own)).clip(0, 1)
        levels = np.rint(response(now, camera.response, camera.gamma) * 255).astype(np.uint8)
        out[:, colour] = levels[frames[:, colour]]
    return out


def _collected(frames: Stored, light: Floats, shares: tuple[float, ...]) -> Floats:
    """The mean of the frames' light over the open time."""
    K = len(shares)
    time = sum(shares) * (len(frames) // K)
    tables = [(light * (share / time)).astype(np.float32) for share in shares]
    total = np.zeros(frames.shape[1:], np.float32)
    for k, frame in enumerate(frames):
        if shares[k % K] > _NOTHING:
            total += tables[k % K][frame]
    return total
