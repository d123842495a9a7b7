"""Photographs to move things before or to move before: scikit-image's, or a folder of them."""

from __future__ import annotations

import math
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from deblurkit.errors import DataError
from deblurkit.media.image import image_size, list_images, read_image

Pixels = npt.NDArray[np.uint8]

BUNDLED = {
    "astronaut": "astronaut.png",
    "chelsea": "chelsea.png",
    "coffee": "coffee.png",
    "immunohistochemistry": "ihc.png",
    "motorcycle": "motorcycle_left.png",
    "retina": "retina.jpg",
    "rocket": "rocket.jpg",
}
"""The colour photographs inside scikit-image's wheel, by its names for them.

Left out: those that are drawings, that are nearly black (`hubble_deep_field`) or that show the
same scene again (the right one of the two motorcycles).
"""


def photo_names(folder: Path | None) -> tuple[str, ...]:
    """Names of the photographs, the sources of a dataset.

    Args:
        folder: A folder of the user's, then the names are those of its image files, in
            natural order; files that do not end like an image and folders in it are ignored.
            None: the photographs inside scikit-image.

    Raises:
        DataError: the folder is missing or has no image; or an image in it cannot be read,
            which is never passed over: leaving it out would change who trains and who tests.
    """
    if folder is None:
        return tuple(BUNDLED)
    found = list_images(folder)
    for path in found:
        image_size(path)
    return tuple(path.name for path in found)


def load_photo(folder: Path | None, name: str, downsample: float) -> Pixels:
    """Read a photograph and scale it.

    Args:
        folder: As for `photo_names`.
        name: One of those names.
        downsample: Factor, 1 or less; by Lanczos' filter, which leaves no aliasing.

    Returns:
        H×W×3 uint8, read-only.

    Raises:
        DataError: the file is missing, damaged or not an image.
    """
    path = _bundled_path(name) if folder is None else folder / name
    # Size and time of the file are part of the key: a replaced photo is read again.
    status = path.stat() if path.exists() else None
    return _load(path, downsample, (status.st_mtime_ns, status.st_size) if status else None)


@lru_cache(maxsize=4)
def _load(path: Path, downsample: float, _version: tuple[int, int] | None) -> Pixels:
    pixels = read_image(path)
    if downsample < 1:
        height, width = (max(1, round(side * downsample)) for side in pixels.shape[:2])
        image = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
        pixels = np.array(image)
    pixels.flags.writeable = False
    return pixels


def _bundled_path(name: str) -> Path:
    path = Path(str(files("skimage").joinpath("data", BUNDLED[name])))
    if not path.is_file():
        raise DataError(
            f"the installed scikit-image lacks the photograph '{name}'",
            where=str(path),
            valid="scikit-image as its wheel installs it",
            hint="reinstall scikit-image, or name a folder of photographs",
        )
    return path


def check_room(pixels: Pixels, need: int, photo: str, downsample: float) -> None:
    """Check that a photograph, scaled already, has `need` pixels on both sides.

    Args:
        pixels: H×W×3.
        need: Least side, pixels.
        photo: Its name, for the message.
        downsample: Factor it was scaled by, for the message.

    Raises:
        DataError: it is smaller; the message says how large a photograph must be.
    """
    height, width = pixels.shape[:2]
    if min(height, width) >= need:
        return
    scaled = "" if downsample == 1 else f" after scaling by {downsample:g}"
    file_need = math.ceil((need - 0.5) / downsample)
    file_need += round(file_need * downsample) < need
    # The scaled side may have been rounded up by half a pixel.
    raised = math.ceil(100 * downsample * need / (min(height, width) - 0.5)) / 100
    larger = f", or downsample {raised:g} or more" if raised <= 1 else ""
    raise DataError(
        f"the photograph is too small: {width}×{height} pixels{scaled}; the clips with their "
        f"motion need {need}×{need}",
        where=photo,
        valid=f"photographs of at least {file_need}×{file_need} pixels{larger}",
        hint="use larger photographs, a smaller clip_size or less motion",
    )
