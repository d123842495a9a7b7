"""Which consecutive frames, through which camera response, average to a blurry image.

y = g(mean of g⁻¹(x_i)) over a run of frames: eq. (1) of Jin, Meishvili and Favaro, CVPR 2018.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from deblurkit.camera import Response
from deblurkit.formation import inverse_response, response

Pixels = npt.NDArray[np.uint8]

_VALUES = 24_000
"""Values that are compared, from a grid over the image: the fit has three unknowns."""

_WHITE = 250  # values from here may have been cut off before averaging
_CLEAR = 0.1  # share of values below white from which only these are used
_CLEARLY = 0.8  # of the residual of a usual response that a gamma of its own must leave, at most


@dataclass(frozen=True)
class Curve:
    """A camera response, and its exponent where it is `gamma`."""

    kind: Response
    gamma: float = 2.2

    def __str__(self) -> str:
        return f"gamma {self.gamma:.3g}" if self.kind == "gamma" else str(self.kind)


CURVES = (Curve("identity"), Curve("gamma"), Curve("srgb"))
"""The responses that are tried before one is fitted."""


@dataclass(frozen=True)
class Fit:
    """How well a run of frames makes a blurry image.

    Attributes:
        start: First frame, counted from 0 in the frames that were searched.
        frames: How many.
        curve: The camera response.
        residual: Root mean square of the difference, grey levels. Rounding alone gives 0.3 to 0.4.
    """

    start: int
    frames: int
    curve: Curve
    residual: float

    @property
    def psnr(self) -> float:
        """Of the run's mean against the blurry image, decibel; 99 at most."""
        return min(99.0, float(20 * np.log10(255 / max(self.residual, 1e-9))))

    @property
    def middle(self) -> tuple[int, ...]:
        """The frame in the middle of the run; of an even number, the two."""
        last = self.start + self.frames - 1
        return tuple(dict.fromkeys(((self.start + last) // 2, -(-(self.start + last) // 2))))


@dataclass(frozen=True)
class Samples:
    """The same few values of an image and of frames, in [0, 1].

    Attributes:
        image: n.
        frames: frames×n.
    """

    image: npt.NDArray[np.float64]
    frames: npt.NDArray[np.float64]

    @classmethod
    def of(cls, image: Pixels, frames: Iterable[Pixels]) -> Samples:
        """Take them from images of one size, H×W×3, one at a time."""
        height, width = image.shape[:2]
        step = max(1, int(np.sqrt(image.size / _VALUES)))
        # Rows are offset, so that no column of the scene is left out.
        y, x = np.meshgrid(np.arange(0, height, step), np.arange(0, width, step), indexing="ij")
        x = np.minimum(x + (y // step * 7) % step, width - 1)
        taken = np.stack([frame[y, x].ravel() for frame in frames])
        values = image[y, x].ravel()
        clear: npt.NDArray[np.bool_] = np.asarray((taken < _WHITE).all(0))
        if float(np.mean(clear)) >= _CLEAR:
            values, taken = values[clear], taken[:, clear]
        return cls(values / 255.0, taken / 255.0)

    def apart(self) -> npt.NDArray[np.float64]:
        """Root mean square difference of each frame from the image, grey levels."""
        found: npt.NDArray[np.float64] = 255 * np.sqrt(((self.frames - self.image) ** 2).mean(1))
        return found

    def residual(self, start: int, frames: int, curve: Curve) -> float:
        """Of a run's mean, grey levels."""
        light = inverse_response(self.frames[start : start + frames], curve.kind, curve.gamma)
        return self._off(light.mean(0), curve)

    def fit(self, start: int, frames: int) -> Fit:
        """The response that fits a run best.

        One of `CURVES`, or a gamma fitted to the run where that leaves clearly less.
        """
        tried = [Fit(start, frames, c, self.residual(start, frames, c)) for c in CURVES]
        best = min(tried, key=lambda fit: fit.residual)
        if frames > 1:
            solved = minimize_scalar(
                lambda gamma: self.residual(start, frames, Curve("gamma", float(gamma))),
                bounds=(1.0, 4.0), method="bounded", options={"xatol": 0.01},
            )  # fmt: skip
            if solved.fun < _CLEARLY * best.residual and best.residual - solved.fun > 0.05:
                best = Fit(start, frames, Curve("gamma", float(solved.x)), float(solved.fun))
        return best

    def best(self, lengths: Sequence[int]) -> Fit:
        """The run, of one of these lengths, and the response that fit best."""
        found = list[Fit]()
        for curve in CURVES:
            light = inverse_response(self.frames, curve.kind, curve.gamma)
            total = np.concatenate([np.zeros_like(light[:1]), np.cumsum(light, 0)])
            found += [
                Fit(s, n, curve, self._off((total[s + n] - total[s]) / n, curve))
                for n in lengths
                for s in range(len(light) - n + 1)
            ]
        best = min(found, key=lambda fit: fit.residual)
        return self.fit(best.start, best.frames)

    def _off(self, light: npt.NDArray[np.float64], curve: Curve) -> float:
        made = response(np.maximum(light, 0.0), curve.kind, curve.gamma)
        return float(255 * np.sqrt(np.mean((made - self.image) ** 2)))
