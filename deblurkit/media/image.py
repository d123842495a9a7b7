"""Images in and out: H×W×3 uint8 arrays, display-referred, as any viewer would show them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from deblurkit.errors import DataError
from deblurkit.media.files import check_file, entries, writing

SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif"}
    | {".ppm", ".pgm", ".pbm", ".jp2", ".avif"}
)
"""Files with these suffixes, in any case, are taken for images when a folder is listed."""

MAX_PIXELS = 178_956_970
"""Larger images are refused. Pillow's own limit, kept here where a program has lifted that."""

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "AVIF", "HEIF")
"""Pillow's names of the formats read. Not all it knows: some run other programs or match noise."""

_VALID = "an image: PNG, JPEG, WebP, TIFF, BMP, GIF, PPM, JPEG 2000 or AVIF"
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(path: Path, *, opaque: bool = False) -> npt.NDArray[np.uint8]:
    """Read an image as it is meant to be seen.

    The EXIF orientation is applied. Gray, palette and CMYK become RGB, transparent pixels
    lie on white, 16-bit values are rounded to 8 bits. Of several images in a file the first
    is read. Colour profiles are not applied: the values are those in the file.

    Args:
        path: The file.
        opaque: Refuse transparent pixels: what they lie on must not count.

    Returns:
        H×W×3 uint8.

    Raises:
        DataError: the file is missing, a folder, empty, damaged, cut short, not an image, too
            large or, where that is refused, transparent; the message names the file and says
            which.
    """
    with opened(path) as image:
        image.load()
        if opaque and is_transparent_image(image):
            raise DataError(
                "pixels of the image are transparent, so their colours are not known",
                where=str(path),
                valid="an opaque image",
                hint="lay it on what it belongs on and save it without an alpha channel",
            )
        turn = _TRANSPOSE.get(_orientation(image))
        return read_opened(image if turn is None else image.transpose(turn), path)


def image_size(path: Path) -> tuple[int, int]:
    """Height and width that `read_image` would give, in pixels, from the header alone.

    Raises:
        DataError: the file is missing, empty, too large or not an image. Damage behind the
            header goes unseen.
    """
    with opened(path) as image:
        width, height = image.size
        if isinstance(image, TiffImageFile):  # some Pillows have turned its size already
            width, height = int(image.tag_v2[256]), int(image.tag_v2[257])
        return (width, height) if _orientation(image) >= 5 else (height, width)


def image_kind(path: Path) -> Literal["rgb", "gray", "palette", "other"]:
    """How colours are stored, from the header alone: `read_image` makes RGB of them all.

    Raises:
        DataError: as `image_size`.
    """
    with opened(path) as image:
        if image.mode.startswith(("1", "L", "I", "F")) and image.mode != "LAB":
            return "gray"
        if image.mode in ("P", "PA"):
            return "palette"
        return "rgb" if image.mode.startswith("RGB") else "other"


def is_transparent(path: Path) -> bool:
    """Whether any pixel lets through what is behind; pixels are read only where any may.

    Raises:
        DataError: as `read_image`.
    """
    with opened(path) as image:
        return is_transparent_image(image)


def write_png(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """Write an H×W×3 uint8 image as PNG, whole or not at all.

    Raises:
        ValueError: the array is no such image.
        DataError: the file cannot be written.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"not an H×W×3 uint8 image: {image.shape} {image.dtype}")
    with writing(path) as temporary:
        Image.fromarray(np.ascontiguousarray(image)).save(temporary, format="PNG")


def write_gray_png(path: Path, image: npt.NDArray[np.uint8]) -> None:
    """Write an H×W uint8 image as gray PNG, whole or not at all.

    Raises:
        ValueError: the array is no such image.
        DataError: the file cannot be written.
    """
    if image.ndim != 2 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"not an H×W uint8 image: {image.shape} {image.dtype}")
    with writing(path) as temporary:
        Image.fromarray(np.ascontiguousarray(image)).save(temporary, format="PNG")


def list_images(folder: Path, more: frozenset[str] = frozenset()) -> tuple[Path, ...]:
    """The image files of a folder, by suffix, in natural order; all other files are ignored.

    Args:
        folder: The folder.
        more: Suffixes, in lower case, beside those of `SUFFIXES`.

    Raises:
        DataError: the folder is missing, a file, empty or has no image.
    """
    found = entries(folder, "images")
    images = tuple(p for p in found if is_image(p) or p.suffix.lower() in more)
    if not images:
        raise DataError(
            "there is no image in this folder" if found else "the folder is empty",
            where=str(folder),
            valid="files ending in " + ", ".join(sorted(SUFFIXES | more)),
            hint="folders in it are not searched: name them"
            if any(entry.is_dir() for entry in found)
            else None,
        )
    return images


def is_image(path: Path) -> bool:
    """Whether this looks like an image file, by its suffix."""
    return path.suffix.lower() in SUFFIXES and not path.is_dir()


@contextmanager
def opened(path: Path) -> Iterator[Image.Image]:
    """Open an image of a known format; what Pillow raises inside becomes a DataError."""
    check_file(path, "an image")
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            # Pillow warns of oddities that do not matter; what matters ends in an error.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=formats) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise Image.DecompressionBombError(f"{width}×{height} pixels")
                yield image
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(
            "this is not an image of a kind that can be read, or its beginning is damaged",
            where=str(path),
            valid=_VALID,
            hint="open it in an image viewer and save it as PNG",
        ) from None
    except (Image.DecompressionBombError, MemoryError) as error:
        raise DataError(
            f"the image is too large: {error}",
            where=str(path),
            valid=f"at most {MAX_PIXELS // 10**6} million pixels",
            hint="make it smaller, or cut out the part that matters",
        ) from None
    except PermissionError:
        raise DataError("the file may not be read", where=str(path)) from None
    except Exception as error:  # Pillow's decoders raise errors of many kinds on damaged files
        raise DataError(
            f"the image is damaged or cut short: {error}",
            where=str(path),
            hint="copy or download it again",
        ) from error


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; damaged EXIF data must not cost the image."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # noqa: BLE001 - of many kinds, as above
        return 1
    return value if isinstance(value, int) and value in _TRANSPOSE else 1


def is_transparent_image(image: Image.Image) -> bool:
    """Whether any pixel of an open image lets through what is behind."""
    if not image.has_transparency_data:
        return False
    return bool((np.asarray(image.convert("RGBA"))[..., 3] < 255).any())


def read_opened(image: Image.Image, path: Path) -> npt.NDArray[np.uint8]:
    """An image in memory as H×W×3 uint8, as `read_image` says it, but for the orientation.

    Raises:
        DataError: its values or colours cannot be turned into RGB.
    """
    if image.mode.startswith("I") or image.mode == "F":
        gray = unit_gray(np.asarray(image), image.mode, path)
        return np.repeat(np.rint(gray * 255).astype(np.uint8)[..., None], 3, axis=2)
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen)
    try:
        return np.array(image.convert("RGB"))
    except ValueError:
        raise DataError(
            f"its colours ({image.mode}) cannot be turned into RGB",
            where=str(path),
            hint="save it as RGB, for instance as PNG",
        ) from None


def unit_gray(values: npt.NDArray[np.generic], mode: str, path: Path) -> npt.NDArray[np.float64]:
    """Gray values of 16-bit integers (0 to 65535) or floats (0 to 1), as floats in [0, 1]."""
    gray = values.astype(np.float64)
    limit = 1 if mode == "F" else 65535
    low, high = float(gray.min()), float(gray.max())
    if not (low >= 0 and high <= limit):  # also refuses not-a-number
        raise DataError(
            f"its values run from {low:g} to {high:g}, and what is white is not known",
            where=str(path),
            valid=f"gray values from 0 to {limit} for this kind of file",
            hint="save it with 8 or 16 bits",
        )
    return gray / limit
