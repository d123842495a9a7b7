"""Objects that are not rigid: a wave that bends outline and texture alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurkit_standard.rendering.shapes import Floats, Point

Singles = npt.NDArray[np.float32]

_LENGTHS = (2.0, 4.0)  # wavelengths, radii of the object
_CYCLES = (0.25, 1.0)  # how often it bends to and fro, a clip
_STEEPEST = 0.5  # how far parts slide along each other, pixels a pixel


@dataclass(frozen=True)
class Bending:
    """A wave that runs through an object and moves its parts to and fro, across its direction.

    The part at o goes to o + size sin(k·o + phase - 2π cycles t) n, where n is at a right angle
    to k. Parts slide along each other, and areas stay as they are: however large the wave,
    nothing is torn, folded or squeezed.

    Attributes:
        size: Pixels of the object.
        k: Wave vector, radians a pixel.
        phase: Radians.
        cycles: Waves that pass from the first frame to the last.
    """

    size: float = 0.0
    k: Point = (0.0, 0.0)
    phase: float = 0.0
    cycles: float = 0.0

    def undone(self, times: Floats, x: Singles, y: Singles) -> tuple[Singles, Singles]:
        """Where the parts that are at N×p×p places (x, y) at N instants belong."""
        if not self.size:
            return x, y
        kx, ky = self.k
        late = (self.phase - 2 * math.pi * self.cycles * times).astype(np.float32)
        across, down = np.float32(kx), np.float32(ky)
        moved = np.float32(self.size) * np.sin(across * x + down * y + late[:, None, None])
        length = math.hypot(kx, ky)
        return x + np.float32(ky / length) * moved, y - np.float32(kx / length) * moved

    @classmethod
    def draw(cls, largest: float, radius: float, rng: np.random.Generator) -> Bending:
        """Any direction, any size up to `largest` pixels, and never steep."""
        angle = rng.uniform(0, 2 * math.pi)
        size = float(rng.uniform(0, largest))
        k = 2 * math.pi / (radius * rng.uniform(*_LENGTHS))
        k = min(k, _STEEPEST / size) if size else k
        return cls(
            size=size,
            k=(k * math.cos(angle), k * math.sin(angle)),
            phase=float(rng.uniform(0, 2 * math.pi)),
            cycles=float(rng.choice([-1, 1]) * rng.uniform(*_CYCLES)),
        )


RIGID = Bending()
