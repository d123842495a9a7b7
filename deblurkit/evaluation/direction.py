"""Squared errors of a sequence where its direction in time is open.

One blurry image is as well explained by a sequence as by the same sequence backwards, so a
score must say how it chose. Four modes; each may replace frames of the estimate by those of
the estimate run backwards, and chooses by the smaller squared error:

- `forward`: nothing is replaced;
- `best`: the whole sequence at once;
- `pair`: each symmetric pair (i, T+1-i) on its own, all of its pixels at once;
- `pixel`: each pixel of each symmetric pair on its own, its colours at once: the least
  error that swapping the two estimates of a pair can reach at all.

Each mode's choices include those of the mode before it, so the error summed over the frames
of a clip never rises from one to the next: forward >= best >= pair >= pixel, and so for sums
over clips. That says nothing about one frame alone: choosing what is best for frames 1 and 7
together may cost frame 1 something. Where both are equal, the estimate stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.scores import psnr_of_mse
from deblurkit.frames import check_length

Mode = Literal["forward", "best", "pair", "pixel"]
Sequence = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]
Choice = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SquaredErrors:
    """Squared errors of an estimate, as it is and run backwards.

    Attributes:
        forward: T×H×W, mean over the colours of (estimate[i] - target[i])².
        backward: T×H×W, mean over the colours of (estimate[T+1-i] - target[i])².
    """

    forward: Floats
    backward: Floats


def squared_errors(estimate: Sequence, target: Sequence) -> SquaredErrors:
    """Compare every estimated frame with its true frame and with that one's partner.

    Args:
        estimate: T×H×W×3 floats in [0, 1], in order of time; T odd.
        target: The true frames, in the same shape.

    Raises:
        FrameError: T is even.
        ValueError: the shapes differ or are not T×H×W×C.
    """
    if estimate.shape != target.shape or estimate.ndim != 4:
        raise ValueError(f"expected two sequences T×H×W×3, got {estimate.shape} and {target.shape}")
    check_length(estimate.shape[0])
    ours, truth = estimate.astype(np.float64), target.astype(np.float64)
    return SquaredErrors(
        forward=np.square(ours - truth).mean(-1), backward=np.square(ours[::-1] - truth).mean(-1)
    )


def _forward(errors: SquaredErrors) -> Choice:
    return np.zeros((len(errors.forward), 1, 1), bool)


def _best(errors: SquaredErrors) -> Choice:
    gain = _gain(errors).sum((1, 2), keepdims=True).sum(0, keepdims=True)
    return np.broadcast_to(gain > 0, (len(errors.forward), 1, 1))


def _pair(errors: SquaredErrors) -> Choice:
    out: Choice = _gain(errors).sum((1, 2), keepdims=True) > 0
    return out


def _pixel(errors: SquaredErrors) -> Choice:
    return _gain(errors) > 0


def _gain(errors: SquaredErrors) -> Floats:
    """T×H×W: what swapping a pair saves at a pixel, the same number at both of its frames."""
    saved = errors.forward - errors.backward
    return saved + saved[::-1]


_CHOICES: Mapping[Mode, Callable[[SquaredErrors], Choice]] = {
    "forward": _forward,
    "best": _best,
    "pair": _pair,
    "pixel": _pixel,
}
MODES: tuple[Mode, ...] = tuple(_CHOICES)


def backwards(errors: SquaredErrors, mode: Mode) -> Choice:
    """Where a mode takes the estimate backwards: T×1×1 or, for `pixel`, T×H×W booleans.

    Raises:
        ValueError: the mode is unknown.
    """
    if mode not in _CHOICES:
        raise ValueError(f"unknown direction mode {mode!r}; valid: {', '.join(MODES)}")
    return _CHOICES[mode](errors)


def frame_errors(errors: SquaredErrors, mode: Mode) -> Floats:
    """The mean squared error of every frame, T values, frame 1 first, under a mode."""
    chosen = np.where(backwards(errors, mode), errors.backward, errors.forward)
    out: Floats = chosen.mean((1, 2))
    return out


def arrange(estimate: Sequence, errors: SquaredErrors, mode: Mode) -> Sequence:
    """The estimate as a mode turns it, T×H×W×3: for other scores than squared errors."""
    swapped = backwards(errors, mode)[..., None]
    out: Sequence = np.where(swapped, estimate[::-1], estimate)
    return out


class PooledErrors:
    """Squared errors of a mode, summed over clips: one PSNR of all of them, for every frame.

    Unlike a mean of the clips' PSNRs it cannot be carried by a few easy clips.
    """

    def __init__(self, T: int, mode: Mode) -> None:
        """Start empty, for sequences of T frames.

        Raises:
            FrameError: T is even.
            ValueError: the mode is unknown.
        """
        if mode not in _CHOICES:
            raise ValueError(f"unknown direction mode {mode!r}; valid: {', '.join(MODES)}")
        self.T, self.mode = check_length(T), mode
        self.clips = 0
        self._pixels = 0
        self._sums = np.zeros(T)

    def add(self, estimate: Sequence, target: Sequence) -> None:
        """Add a clip, two T×H×W×3 float arrays in [0, 1]; every pixel of all clips counts the same.

        Raises:
            ValueError: the shapes differ or are not T×H×W×C.
        """
        errors = squared_errors(estimate, target)
        if len(errors.forward) != self.T:
            raise ValueError(f"a clip of {len(errors.forward)} frames; valid: {self.T}")
        pixels = math.prod(errors.forward.shape[1:])
        self._sums += frame_errors(errors, self.mode) * pixels
        self._pixels += pixels
        self.clips += 1

    def mse(self) -> Floats:
        """The mean squared error of every frame over all clips; raises ValueError without any."""
        if not self.clips:
            raise ValueError("no clip was added yet")
        return self._sums / self._pixels

    def psnr(self) -> Floats:
        """The PSNR of every frame in dB, of the squared errors of all clips together."""
        return np.array([psnr_of_mse(float(error)) for error in self.mse()])
