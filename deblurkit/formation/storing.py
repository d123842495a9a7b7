"""What a file keeps of an image: noise of the display values, quantisation, JPEG."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.formation.arrays import ArrayT, namespace

_MOST_BITS = 16


def stored(
    y: ArrayT, *, noise: float | ArrayT, bits: int, rng: np.random.Generator | None
) -> ArrayT:
    """Add noise, clamp to [0, 1] and round to the nearest of 2^bits values.

    Args:
        y: Floats, a numpy array or a torch tensor.
        noise: Standard deviation of white Gaussian noise, drawn from `rng`; or the noise itself.
        bits: 1 to 16; 0 for no rounding.
        rng: Where the noise comes from. Arrays and tensors get the same noise from it.

    Raises:
        ValueError: bits out of range, noise of another shape than y, or noise to be drawn
            without an `rng`.
    """
    if isinstance(bits, bool) or not 0 <= bits <= _MOST_BITS:
        raise ValueError(
            f"y cannot be quantised to {bits!r} bits; valid: 1 to {_MOST_BITS}, or 0 for none"
        )
    xp, values = namespace(y), y
    shown: Any = (values + _noise(xp, values, noise, rng)).clip(0.0, 1.0)
    if bits:
        steps = 2**bits - 1
        shown = xp.round(shown * steps) / steps
    out: ArrayT = shown
    return out


def as_jpeg(y: npt.NDArray[np.float32], quality: int) -> npt.NDArray[np.float32]:
    """What is left of an image as a JPEG file: colour at half size (4:2:0), Pillow's encoder.

    Args:
        y: 3×H×W in [0, 1]; rounded to 8 bits first, whatever it was rounded to before.
        quality: 1 to 100.

    Returns:
        3×H×W in [0, 1], of 256 values.
    """
    from PIL import Image

    pixels = np.rint(y * np.float32(255)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(
        file, "JPEG", quality=quality, subsampling="4:2:0"
    )
    with Image.open(file) as image:
        back = np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))
    out: npt.NDArray[np.float32] = np.divide(back, np.float32(255), dtype=np.float32)
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
