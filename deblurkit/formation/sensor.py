"""Light to what a sensor makes of it: noise, saturation, mosaic.

Noise in linear light is Poissonian-Gaussian: Foi, Trimeche, Katkovnik, Egiazarian, Practical
Poissonian-Gaussian noise modeling and fitting for single-image raw-data, IEEE TIP 2008.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from deblurkit.formation.mosaic import bayer, demosaic

Floats = npt.NDArray[np.float32]


def sense(
    light: Floats,
    *,
    shot_noise: float = 0.0,
    read_noise: float = 0.0,
    mosaic: bool = False,
    rng: np.random.Generator,
) -> Floats:
    """Expose a sensor to light.

    Each pixel counts electrons, a Poisson number of mean L / shot_noise for light L, and is read
    with Gaussian noise: variance shot_noise·L + read_noise². Light above 1 fills a pixel, which
    then gives 1 whatever its noise. Values below 0 are kept until all is done, so dark areas
    have the mean that they should, also in the interpolation of a mosaic.

    Args:
        light: Linear light, 3×H×W, 0 and above; 1 fills a pixel.
        shot_noise: Variance of the count at light 1, in light; 0 for none.
        read_noise: Standard deviation, in light; 0 for none.
        mosaic: Whether each pixel sees one colour only; see `mosaic`.
        rng: Where noise comes from, the electrons first.

    Returns:
        3×H×W in [0, 1].
    """
    seen = bayer(light) if mosaic else light
    if shot_noise:
        electrons = rng.poisson(seen / np.float64(shot_noise))
        seen = (electrons * shot_noise).astype(np.float32)
    if read_noise:
        seen = seen + np.float32(read_noise) * rng.standard_normal(seen.shape, dtype=np.float32)
    seen = np.minimum(seen, np.float32(1))
    return (demosaic(seen) if mosaic else seen).clip(0, 1)
