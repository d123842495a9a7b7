"""Squared errors of a sequence where its direction in time is open.

One blurry image is as well explained by a sequence as by the same sequence backwards, so a
score must say how it chose. Six modes; each may replace frames of the estimate by those of
the estimate run backwards, and chooses by the smaller squared error, summed over

- `forward`: nothing, as nothing is replaced;
- `endpoint`: frames 1 and T; by them the whole sequence is turned or not;
- `best`: all frames; the whole sequence is turned or not;
- `pair`: the two frames of a symmetric pair (i, T+1-i), all of their pixels; each pair is
  swapped or not;
- `patch`: a patch of all frames; each patch is turned or not. Patches are squares of `patch`
  pixels in a grid from the top left corner; the last ones of a row or column are smaller where
  the image ends;
- `pixel`: a pixel of the two frames of a symmetric pair, its colours at once; each is swapped
  or not. The least error that swapping the two estimates of a pair can reach at all.

Where both orders are equally good the estimate stays as it is. Where all of one mode's choices
are among another's, the squared error summed over the frames of a clip cannot be smaller under
the first, nor can sums over clips:

    forward >= best      endpoint >= best      best >= pair >= pixel      best >= patch >= pixel

Two orders are *not* given: `patch` against `pair` (one mends an object that runs backwards, the
other a pair in the wrong order), and `endpoint` against `forward` (the end frames can mislead).
Nothing is said about one frame alone: choosing what is best for frames 1 and 7 together may
cost frame 1 something. Nor about other scores: `best` has the smaller squared error, not
necessarily the higher mean of the frames' PSNRs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.frame_scores import psnr_of_mse
from deblurkit.frames import check_length

Mode = Literal["forward", "endpoint", "best", "pair", "patch", "pixel"]
Sequence = npt.NDArray[np.floating]
Floats = npt.NDArray[np.float64]
Choice = npt.NDArray[np.bool_]
MODES: tuple[Mode, ...] = get_args(Mode)
_WHOLE: tuple[Mode, ...] = ("forward", "endpoint", "best")


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


def backwards(errors: SquaredErrors, mode: Mode, patch: int | None = None) -> Choice:
    """Where a mode takes the estimate backwards.

    Args:
        errors: Of one estimate.
        mode: How the direction is chosen.
        patch: The side of a patch in pixels, >= 1, for the mode `patch` and no other.

    Returns:
        T×H×W booleans for `patch` and `pixel`, T×1×1 for the others. What they say of the middle
        frame changes nothing: it is its own partner.

    Raises:
        ValueError: the mode is unknown, or `patch` is missing, below 1, or given to a mode that
            has no patches.
    """
    _check_mode(mode, patch)
    gain = _gain(errors)
    T = len(gain)
    if mode == "forward":
        return np.zeros((T, 1, 1), bool)
    if mode in ("endpoint", "best"):
        asked = gain[:1] if mode == "endpoint" else gain
        total = asked.sum((1, 2), keepdims=True).sum(0, keepdims=True)
        gain = np.broadcast_to(total, (T, 1, 1))
    elif mode == "pair":
        gain = gain.sum((1, 2), keepdims=True)
    elif mode == "patch":
        gain = np.broadcast_to(_patch_sums(gain.sum(0), patch or 1), gain.shape)
    # Sums that are equal but for rounding are a tie.
    out: Choice = gain > _ROUNDING * errors.forward.sum()
    return out


def turned(errors: SquaredErrors, mode: Mode = "best") -> bool:
    """Whether a mode that turns whole sequences (forward, endpoint, best) turned this one.

    Raises:
        ValueError: the mode chooses for parts of a sequence, so there is no single answer.
    """
    if mode not in _WHOLE:
        raise ValueError(f"'{mode}' turns no whole sequences; valid: {', '.join(_WHOLE)}")
    return bool(backwards(errors, mode).all())


def frame_errors(errors: SquaredErrors, mode: Mode, patch: int | None = None) -> Floats:
    """The mean squared error of every frame, T values, frame 1 first, under a mode.

    Raises:
        ValueError: as `backwards`.
    """
    chosen = np.where(backwards(errors, mode, patch), errors.backward, errors.forward)
    out: Floats = chosen.mean((1, 2))
    return out


def arrange(
    estimate: Sequence, errors: SquaredErrors, mode: Mode, patch: int | None = None
) -> Sequence:
    """The estimate as a mode turns it, T×H×W×3: for other scores than squared errors.

    Raises:
        ValueError: as `backwards`.
    """
    swapped = backwards(errors, mode, patch)[..., None]
    out: Sequence = np.where(swapped, estimate[::-1], estimate)
    return out


def patch_starts(length: int, patch: int) -> npt.NDArray[np.intp]:
    """Where the patches of a row or column of `length` pixels begin: 0, patch, 2·patch, ..."""
    return np.arange(0, length, patch)


_ROUNDING = 1e-12
"""Of a clip's squared error: sums of squares in float64 are not known better."""


def _gain(errors: SquaredErrors) -> Floats:
    """T×H×W: what swapping a pair saves at a pixel, the same number at both of its frames."""
    saved = errors.forward - errors.backward
    return saved + saved[::-1]


def _patch_sums(values: Floats, patch: int) -> Floats:
    """H×W: at every pixel the sum over its patch."""
    out = values
    for axis, length in enumerate(values.shape):
        starts = patch_starts(length, patch)
        sums = np.add.reduceat(out, starts, axis=axis)
        out = np.repeat(sums, np.diff(starts, append=length), axis=axis)
    return out


def _check_mode(mode: Mode, patch: int | None) -> None:
    if mode not in MODES:
        raise ValueError(f"unknown direction mode {mode!r}; valid: {', '.join(MODES)}")
    if mode != "patch" and patch is not None:
        raise ValueError(f"the direction mode '{mode}' has no patches; leave `patch` out")
    whole = isinstance(patch, int) and not isinstance(patch, bool)
    if mode == "patch" and not (whole and patch is not None and patch >= 1):
        raise ValueError(
            f"the direction mode 'patch' needs the side of a patch, in pixels, >= 1; got {patch!r}"
        )


class PooledErrors:
    """Squared errors of a mode, summed over clips: one PSNR of all of them, for every frame.

    Unlike a mean of the clips' PSNRs it cannot be carried by a few easy clips.
    """

    def __init__(self, T: int, mode: Mode, patch: int | None = None) -> None:
        """Start empty, for sequences of T frames.

        Raises:
            FrameError: T is even.
            ValueError: the mode is unknown, or `patch` does not fit it; as `backwards`.
        """
        _check_mode(mode, patch)
        self.T, self.mode, self.patch = check_length(T), mode, patch
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
        self._sums += frame_errors(errors, self.mode, self.patch) * pixels
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
