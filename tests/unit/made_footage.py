"""Synthetic footage for tests: textured scenes filmed by a moving or a still camera."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

Pixels = npt.NDArray[np.uint8]
KINDS = ("pan", "object", "shaky")


def texture(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    """H×W×3 in [20, 235]: blobs of several sizes, and boxes with hard edges."""
    image = np.zeros((height, width, 3))
    for size in (1.0, 2.5, 6.0, 14.0):
        layer = ndimage.gaussian_filter(rng.standard_normal((height, width, 3)), (size, size, 0))
        image += layer / layer.std() * (8 + 2 * size)
    for _ in range(height * width // 500):
        y, x = int(rng.integers(height)), int(rng.integers(width))
        h, w = rng.integers(4, 16, 2).tolist()
        image[y : y + h, x : x + w] += rng.normal(0, 35, 3)
    image = ndimage.gaussian_filter(image, (0.6, 0.6, 0))
    return np.clip(127 + (image - image.mean()), 20, 235)


def path_of(kind: str, rng: np.random.Generator, count: int) -> npt.NDArray[np.float64]:
    """Where the camera looks: count×2, pixels."""
    t = np.arange(count)[:, None]
    if kind == "object":
        return np.zeros((count, 2))
    angle = rng.uniform(0, 2 * np.pi)
    pan = 1.6 * t * np.array([[np.sin(angle), np.cos(angle)]])
    if kind == "pan":
        return pan
    phase, period = rng.uniform(0, 2 * np.pi, (2, 3, 2)), rng.uniform(14, 40, (3, 2))
    sway = sum(3.0 / (k + 1) * np.sin(2 * np.pi * t / period[k] + phase[0, k]) for k in range(3))
    return 0.5 * pan + sway


def film(
    kind: str = "pan",
    seed: int = 0,
    count: int = 30,
    size: tuple[int, int] = (60, 80),
    noise: float = 0.0,
) -> Pixels:
    """A recording, count×H×W×3.

    Args:
        kind: `pan`: the camera pans; `object`: it stands still, and an object moves; `shaky`: it
            is held by hand. In the first and the last an object moves, too.
        seed: Of the scene and the motion.
        count: Frames.
        size: Height and width.
        noise: Standard deviation of the sensor's noise, grey levels.
    """
    rng = np.random.default_rng([KINDS.index(kind), seed])
    height, width = size
    margin = 2 * count + 20
    ground = texture(rng, height + 2 * margin, width + 2 * margin)
    side = height // 3
    thing = texture(rng, side, side)
    ground, thing = (
        ndimage.spline_filter1d(ndimage.spline_filter1d(image, axis=0), axis=1)
        for image in (ground, thing)
    )
    places = path_of(kind, rng, count) + margin
    speed = rng.choice([-1, 1], 2) * rng.uniform(0.8, 1.5, 2)
    begin = np.array([(height - side) / 2, (width - side) / 2]) - speed * count / 2
    frames = []
    for t in range(count):
        y, x = np.indices((height, width), float)
        frame = sampled(ground, y + places[t, 0], x + places[t, 1])
        at = begin + speed * t
        cover = [
            np.clip(side / 2 + 0.5 - abs(v - c - side / 2), 0, 1)
            for v, c in ((y, at[0]), (x, at[1]))
        ]
        alpha = (cover[0] * cover[1])[..., None]  # edges move by parts of a pixel, too
        frame += alpha * (sampled(thing, y - at[0], x - at[1]) - frame)
        frames.append(frame + noise * rng.standard_normal(frame.shape))
    return np.rint(np.clip(frames, 0, 255)).astype(np.uint8)


def sampled(
    image: npt.NDArray[np.float64], y: npt.NDArray[np.float64], x: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Values between the pixels of an image, of which its cubic spline is given: H×W×3."""
    values = [
        ndimage.map_coordinates(image[..., c], [y, x], mode="nearest", prefilter=False)
        for c in range(3)
    ]
    return np.stack(values, -1)


def write_frames(folder: Path, frames: Pixels | Sequence[Pixels], first: int = 1) -> Path:
    """Frames as `000001.png` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{first + k:06d}.png", compress_level=1)
    return folder
