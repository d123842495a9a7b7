"""What every protocol asks of the arrays it gets."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.errors import DataError

Sequence = npt.NDArray[np.floating[Any]]
Floats = npt.NDArray[np.float64]


def checked(
    estimate: Sequence, target: Sequence, *, samples: bool = False
) -> tuple[Floats, Floats]:
    """Both sequences as float64, once they are fit to be scored.

    Args:
        estimate: T×H×W×3 floats in [0, 1]; S×T×H×W×3 where `samples` are taken.
        target: The true frames, T×H×W×3.
        samples: Whether the estimate may be several; it then comes back as S×T×H×W×3, S >= 1.

    Raises:
        ValueError: shapes differ, T is even, or the arrays hold no floats in [0, 1].
    """
    if samples and estimate.ndim == target.ndim:
        estimate = estimate[None]
    shape = estimate.shape[1:] if samples else estimate.shape
    if target.ndim != 4 or target.shape[-1] != 3 or shape != target.shape or not estimate.size:
        wanted = "two sequences T×H×W×3" + (", or samples S×T×H×W×3 and one" if samples else "")
        raise ValueError(f"expected {wanted}, got {estimate.shape} and {target.shape}")
    if target.shape[0] % 2 == 0:
        raise ValueError(f"{target.shape[0]} frames have no middle frame; T must be odd")
    return in_range(estimate, "the estimate"), in_range(target, "the true sequence")


def in_range(array: Sequence, what: str) -> Floats:
    """An array as float64, if it holds floats in [0, 1]; raises ValueError otherwise."""
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"{what} holds {array.dtype}, not floats; divide 8-bit values by 255")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):  # also refuses not-a-number
        raise ValueError(f"{what} runs from {low:g} to {high:g}; valid: floats in [0, 1]")
    return array.astype(np.float64)


def check_room(target: Sequence, least: int, what: str) -> None:
    """Check that frames have room for a score's window or patch.

    Raises:
        DataError: a side is below `least` pixels.
    """
    height, width = target.shape[1:3]
    if min(height, width) < least:
        raise DataError(
            f"frames of {width}×{height} pixels (width × height) are too small for {what}",
            valid=f"at least {least}×{least} pixels",
            hint="score larger frames, or under a protocol without it",
        )
