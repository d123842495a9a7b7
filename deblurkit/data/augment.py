"""Changes to training samples that a camera could have made too (section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from deblurkit.recipe.schema import Augmentation

Frames = npt.NDArray[np.uint8]
CHANNEL_ORDERS: tuple[tuple[int, int, int], ...] = tuple(permutations((0, 1, 2)))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Change:
    """One way to cut and turn a clip. The defaults leave it as it is.

    Attributes:
        top, left: Corner of the crop in the clip, pixels.
        channels: Which stored channel becomes red, green and blue.
        turns: Rotation by this many times 90 degrees, counter-clockwise.
        flip: Mirrored left to right, after the rotation.
        reverse: Run backwards in time.
    """

    top: int = 0
    left: int = 0
    channels: tuple[int, int, int] = (0, 1, 2)
    turns: int = 0
    flip: bool = False
    reverse: bool = False


def draw(
    augment: Augmentation, *, height: int, width: int, crop: int, rng: np.random.Generator
) -> Change:
    """Draw a change at random: a crop of crop×crop pixels, and what `augment` allows.

    Everything is always drawn, so that switching one change off leaves the others alone.
    """
    top = int(rng.integers(height - crop + 1))
    left = int(rng.integers(width - crop + 1))
    order, turns, flip, reverse = rng.integers((len(CHANNEL_ORDERS), 4, 2, 2)).tolist()
    return Change(
        top=top,
        left=left,
        channels=CHANNEL_ORDERS[order] if augment.permute_channels else (0, 1, 2),
        turns=turns if augment.rotate else 0,
        flip=bool(flip) and augment.flip,
        reverse=bool(reverse) and augment.reverse,
    )


def centre_crop(*, height: int, width: int, crop: int) -> Change:
    """The crop from the middle, and nothing else."""
    return Change(top=(height - crop) // 2, left=(width - crop) // 2)


def apply(change: Change, frames: Frames, crop: int) -> Frames:
    """Cut and turn a clip.

    Args:
        change: What to do.
        frames: T×H×W×3.
        crop: Side of the crop, pixels.

    Returns:
        T×3×crop×crop, channels first.
    """
    out = frames[:, change.top : change.top + crop, change.left : change.left + crop, :]
    out = np.rot90(out, change.turns, axes=(1, 2))
    if change.flip:
        out = out[:, :, ::-1]
    if change.reverse:
        out = out[::-1]
    # Copied before the channels are picked: picking from the turned view is far slower.
    out = np.ascontiguousarray(out.transpose(0, 3, 1, 2))
    return out if change.channels == (0, 1, 2) else out.take(change.channels, axis=1)


def add_noise(
    y: npt.NDArray[np.float32], sigma: float, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Add white Gaussian noise of standard deviation `sigma` to y and clamp to [0, 1].

    A network never sees values that no file holds; the price is that noise at black and at
    white is one-sided, as in a camera.
    """
    if sigma == 0:
        return y
    noisy = y + np.float32(sigma) * rng.standard_normal(y.shape, dtype=np.float32)
    return np.clip(noisy, 0, 1, out=noisy)
