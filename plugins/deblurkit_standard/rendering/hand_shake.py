"""How a hand shakes a camera: two plain waves, or drift and tremor as they are in people.

Of tremor: the hand's position is the sum of a drift, a random walk, and of the physiological
tremor at 8 to 12 Hz (McAuley & Marsden, "Physiological and pathological tremors and rhythmic
central motor control", Brain 123, 2000). Camera shake as the sum of both, and how random walks
alone fall short of it: Gavant et al., "A physiological camera shake model for image
stabilization systems", IEEE Sensors 2011. The bounds and heights below are choices of ours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from deblurkit_standard.rendering.shapes import Floats, Point

ShakeKind = Literal["waves", "tremor"]

DRIFT_HZ = (0.25, 8.0)
TREMOR_HZ = (8.0, 12.0)
_TREMOR_POWER = 4.0  # of the velocity's spectrum in the tremor's band, times that of the drift
_DRIFT_WAVES, _TREMOR_WAVES = 12, 8
_WAVES = (1.0, 2.0)  # cycles a clip
_FINE = 1024  # points at which a trajectory's size is measured


@dataclass(frozen=True)
class Shake:
    """A sum of sine waves, smooth and known at any t.

    Attributes:
        waves: For each wave: cycles a clip, phases of x and y, sizes of x and y in pixels.
        offset: Added to it all, pixels.
    """

    waves: tuple[tuple[float, float, float, float, float], ...] = ()
    offset: Point = (0.0, 0.0)

    def at(self, times: Floats) -> Floats:
        """N×2 places (x, y), pixels."""
        place = np.broadcast_to(np.asarray(self.offset), (len(times), 2))
        for cycles, phase_x, phase_y, size_x, size_y in self.waves:
            swing = 2 * math.pi * cycles * times
            wave = [size_x * np.sin(swing + phase_x), size_y * np.sin(swing + phase_y)]
            place = place + np.stack(wave, axis=1)
        return place

    def missed(self, step: float) -> float:
        """How far it goes, at most, beyond its places at instants `step` apart, pixels.

        Where it turns back it is parted from a straight line by acceleration alone, and half a
        step at most from an instant that is looked at.
        """
        return sum(
            max(size_x, size_y) * (math.pi * cycles * step) ** 2 / 2
            for cycles, _, _, size_x, size_y in self.waves
        )


STILL = Shake()


def draw_waves(size: float, rng: np.random.Generator) -> Shake:
    """One swing and two swings a clip, together no larger than `size` along x and along y."""
    shares = rng.dirichlet(np.ones(len(_WAVES)))
    phases = rng.uniform(0, 2 * math.pi, (len(_WAVES), 2))
    return Shake(
        tuple(
            (cycles, float(x), float(y), float(size * share), float(size * share))
            for cycles, (x, y), share in zip(_WAVES, phases, shares, strict=True)
        )
    )


def draw_tremor(
    size: float, exposure: tuple[float, float], t_end: float, rng: np.random.Generator
) -> Shake:
    """A hand's drift and tremor while the shutter is open.

    The velocity's spectrum is even over the drift's band, as a random walk's is, and stands
    higher in the tremor's band; x and y are independent. Frequencies are drawn one from each
    equal part of a band (of its logarithm for the drift), so no trajectory repeats itself.

    Args:
        size: Largest distance from the middle of its extent, pixels; 0 for no shake.
        exposure: Shortest and longest exposure in seconds; any between them is as likely on a
            logarithmic scale.
        t_end: The exposure lasts from t = -t_end to t_end.
        rng: Decides the rest.
    """
    seconds = math.exp(rng.uniform(math.log(exposure[0]), math.log(exposure[1])))
    low, high = (math.log(end) for end in DRIFT_HZ)
    drift = np.exp(_one_from_each((low, high), _DRIFT_WAVES, rng))
    tremor = _one_from_each(TREMOR_HZ, _TREMOR_WAVES, rng)
    # The power of a wave is the spectrum's height times the width of the wave's part of the band.
    width = (high - low) / _DRIFT_WAVES
    tremor_width = (TREMOR_HZ[1] - TREMOR_HZ[0]) / _TREMOR_WAVES
    speed = np.sqrt(np.append(drift * width, np.full(len(tremor), _TREMOR_POWER * tremor_width)))
    hertz = np.append(drift, tremor)
    phases = rng.uniform(0, 2 * math.pi, (len(hertz), 2))
    sizes = rng.rayleigh(size=(len(hertz), 2)) * (speed / hertz)[:, None]
    cycles = hertz * seconds / (2 * t_end)
    waves = np.column_stack([cycles, phases, sizes])

    free = Shake(tuple(tuple(wave) for wave in waves.tolist()))
    places = free.at(np.linspace(-t_end, t_end, _FINE))
    middle = (places.min(axis=0) + places.max(axis=0)) / 2
    scale = size / np.linalg.norm(places - middle, axis=1).max()
    waves[:, 3:] *= scale
    x, y = (-middle * scale).tolist()
    return Shake(tuple(tuple(wave) for wave in waves.tolist()), (x, y))


def _one_from_each(ends: tuple[float, float], parts: int, rng: np.random.Generator) -> Floats:
    """A number from each of some equal parts of a range."""
    shares = (np.arange(parts) + rng.uniform(size=parts)) / parts
    return np.asarray(ends[0] + (ends[1] - ends[0]) * shares)
