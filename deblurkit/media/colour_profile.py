"""Embedded colour profiles: an image's colours as sRGB."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image, ImageCms

_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_SAME = 2  # of 255: a profile that moves no colour by more is sRGB by another name


def is_srgb(profile: bytes) -> bool:
    """Whether a profile leaves RGB colours as sRGB has them; judged by what it does."""
    ramp = np.linspace(0, 255, 18).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(ramp, ramp, ramp), axis=-1).reshape(18, -1, 3)
    try:
        turned = _converted(Image.fromarray(grid), profile)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False
    return bool(np.abs(np.asarray(turned).astype(int) - grid).max() <= _SAME)


def to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, str | None]:
    """Convert an opaque image by its profile.

    Args:
        image: RGB, gray, CMYK or LAB.
        profile: The ICC profile embedded in its file.

    Returns:
        The image in sRGB, and what was done to it, a sentence; None where that is nothing. A
        profile that is damaged or of another kind is not applied, and that is said.
    """
    if image.mode == "RGB" and is_srgb(profile):
        return image, None
    try:
        return _converted(image, profile), f"colours were converted from '{_name(profile)}' to sRGB"
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image, "its colour profile is damaged or of another kind and was not applied"


def _converted(image: Image.Image, profile: bytes) -> Image.Image:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            _INTENT,
            outputMode="RGB",
        )
    assert made is not None
    return made


def _name(profile: bytes) -> str:
    found = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    return found.strip() or "a profile without a name"
