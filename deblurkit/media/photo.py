"""A photograph as its owner sees it: all its bits, sRGB, upright, with its metadata."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import tifffile
from av.error import FFmpegError
from PIL import ExifTags, Image

from deblurkit.errors import DataError, UnavailableError
from deblurkit.media.colour_profile import is_srgb, to_srgb
from deblurkit.media.exif import upright_exif
from deblurkit.media.image import is_transparent_image, opened, read_opened, unit_gray

Deep = npt.NDArray[np.uint16]
Pixels = npt.NDArray[np.uint8] | Deep

HEIF_SUFFIXES = frozenset({".heic", ".heif", ".hif"})

_PNG_BITS = 24
"""Where a PNG says how many bits a value has: signature, length and name of IHDR, two sides."""

_LAYOUT = (
    *range(254, 260), 262, 263, 266, 273, *range(277, 281), 284, *range(317, 326),
    330, 338, 339, 347, 512, 513, 514, 529, 530, 531, 532, 33723, 34377, 34675,
)  # fmt: skip
"""Tags by which a TIFF file says how its own pixels lie: of no meaning beside other pixels."""

_FIRST = "the file holds several pictures; the first was taken"
_ON_WHITE = "transparent pixels were laid on white"
_ROUNDED = "values of 16 bits were rounded to 8"
_NEAR = 2.0
"""Of 255, mean: what Pillow reads with 8 bits and another reader with 16 is the same picture."""

_OF_SEVERAL = frozenset({"GIF", "PNG", "TIFF", "WEBP"})

_STRIP = 1 << 20  # pixels


@dataclass(frozen=True)
class Photo:
    """A photograph, upright, in sRGB.

    Attributes:
        pixels: H×W×3, uint8 or, where the file has more than 8 bits, uint16 (0 to 65535).
        notes: What was done to the file's values to get there, a sentence each.
        exif: Its EXIF block without the orientation, which is applied; empty where it has none.
    """

    pixels: Pixels
    notes: tuple[str, ...] = ()
    exif: bytes = field(default=b"", repr=False)

    @property
    def bits(self) -> int:
        """Bits of a value: 8 or 16."""
        return 8 * self.pixels.itemsize

    @property
    def size(self) -> tuple[int, int]:
        """Height and width, pixels."""
        return self.pixels.shape[0], self.pixels.shape[1]


def read_photo(path: Path) -> Photo:
    """Read a photograph of any kind that cameras and programs write.

    The EXIF orientation is applied and an embedded colour profile is converted to sRGB. PNG and
    TIFF keep 16 bits; gray, palette and CMYK become RGB, transparent pixels lie on white.

    Raises:
        DataError: as `deblurkit.media.image.read_image`.
        UnavailableError: a HEIC file, and there is no reader for it here.
    """
    _ask_for_heif(path)
    with opened(path) as image:
        return photo_of(image, path, from_file=True)


def readable_photo(path: Path) -> None:
    """See that a file's beginning is that of a photograph; its pixels are not read.

    Raises:
        DataError, UnavailableError: as `read_photo`; damage behind the beginning goes unseen.
    """
    _ask_for_heif(path)
    with opened(path):
        pass


def photo_of(image: Image.Image, path: Path, *, from_file: bool = False) -> Photo:
    """A photograph from a Pillow image.

    Args:
        image: The image.
        path: Its file, for messages.
        from_file: The image is what the file has, untouched: bits that Pillow leaves out are
            read from the file.

    Raises:
        DataError: its values or colours cannot be turned into RGB, or two readers see
            different pictures in the file.
    """
    # A TIFF file is turned when it is loaded, so how it lies has to be asked before.
    lies = getattr(image, "tag_v2", {}).get(ExifTags.Base.Orientation, None)
    kind, profile = image.format or "", image.info.get("icc_profile")
    image.load()
    exif = _exif(image)
    turn = exif.get(ExifTags.Base.Orientation, 1) if exif is not None else 1
    notes: list[str] = []
    seen, hole = _opaque(image, notes)
    if profile:
        converted, said = to_srgb(seen, profile)
        notes += [said] if said else []
    else:
        converted = seen
        if image.mode == "CMYK":
            notes.append("CMYK without a colour profile: colours are approximate")
    plain = upright(read_opened(converted, path), turn)
    read_deep = _deep_reader(path, kind, image) if from_file else None
    found = read_deep(path) if read_deep and (not profile or is_srgb(profile)) else None
    deep = None if found is None else upright(found, turn if lies is None else lies)
    if read_deep:
        _check_readers(deep, plain, image, path)
    if deep is None and not read_deep and converted.mode.startswith(("I", "F")):
        deep = upright(_deep_gray(converted, path), turn)
    if read_deep and deep is None:
        notes.append(_ROUNDED)
    pixels: Any = plain if deep is None else deep
    if hole is not None:
        pixels = pixels.copy()
        pixels[upright(hole[..., None], turn)[..., 0]] = np.iinfo(pixels.dtype).max
    if from_file and kind in _OF_SEVERAL and getattr(image, "n_frames", 1) > 1:
        notes.append(_FIRST)
    turned = bool(profile) and converted is not seen
    return Photo(pixels, tuple(notes), _exif_block(image, exif, kind, srgb=turned))


def _opaque(
    image: Image.Image, notes: list[str]
) -> tuple[Image.Image, npt.NDArray[np.bool_] | None]:
    """An image with transparent pixels on white; of gray with 16 bits, where they are, instead."""
    if image.mode.startswith("I") and "transparency" in image.info:
        # Pillow would make 8 bits of all values first, and white of most.
        seen = image.copy()
        hole = np.asarray(image) == seen.info.pop("transparency")
        notes += [_ON_WHITE] if hole.any() else []
        return seen, hole
    if is_transparent_image(image):
        notes.append(_ON_WHITE)
    if image.has_transparency_data:
        flat = image.convert("RGBA")
        white = Image.new("RGBA", flat.size, "white")
        return Image.alpha_composite(white, flat).convert("RGB"), None
    return (image.convert("RGB") if image.mode in ("P", "1") else image), None


def _check_readers(
    deep: Deep | None, plain: npt.NDArray[np.uint8], image: Image.Image, path: Path
) -> None:
    """See that Pillow and the reader of 16 bits do not contradict each other.

    Raises:
        DataError: they do, or nobody is known to be right.
    """
    if deep is None and _pillow_is_wrong(image):
        raise DataError(
            "16-bit values are stored in a way that no reader here knows",
            where=str(path),
            hint="save it as PNG, or as TIFF without compression",
        )
    if deep is not None and not _same_picture(deep, plain) and not _pillow_is_wrong(image):
        raise DataError(
            "two readers see different pictures in this file: it is damaged, or of a rare kind",
            where=str(path),
            hint="open it in another program, look at it, and save it as PNG or TIFF",
        )


def _deep_gray(image: Image.Image, path: Path) -> Deep:
    """A gray image of integers (0 to 65535) or floats (0 to 1) with 16 bits, H×W×3.

    Raises:
        DataError: its values are out of that range.
    """
    gray = np.rint(unit_gray(np.asarray(image), image.mode, path) * 65535).astype(np.uint16)
    return gray[..., None].repeat(3, axis=2)


def upright(pixels: Any, orientation: Any) -> Any:
    """Turn H×W×C pixels by an EXIF orientation, 1 to 8; any other value leaves them."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def to_eight_bits(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """Pixels as uint8, rounded; strip by strip, without a larger copy."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    made = by_rows(pixels, np.uint8, lambda part: (part.astype(np.uint32) + 128) // 257)
    return np.asarray(made, np.uint8)


def _deep_reader(path: Path, kind: str, image: Image.Image) -> Callable[[Path], Deep | None] | None:
    """What reads the 16 bits that Pillow cuts to 8; None for a file without them."""
    if kind == "PNG":
        with path.open("rb") as file:
            head = file.read(_PNG_BITS + 1)
        return _deep_png if len(head) > _PNG_BITS and head[_PNG_BITS] == 16 else None
    bits: Any = getattr(image, "tag_v2", {}).get(258, ()) if kind == "TIFF" else ()
    return _deep_tiff if bits and all(b == 16 for b in bits) else None


def _deep_png(path: Path) -> Deep | None:
    """Read by FFmpeg; None where it cannot."""
    try:
        with av.open(f"file:{path}", format="png_pipe") as container:
            frame = next(container.decode(video=0))
            if frame.format.name.startswith(("rgba", "ya")):
                return _on_white(np.asarray(frame.to_ndarray(format="rgba64le"), np.uint16))
            return np.asarray(frame.to_ndarray(format="rgb48le"), np.uint16)
    except (FFmpegError, ValueError, StopIteration):
        return None


def _deep_tiff(path: Path) -> Deep | None:
    """Read by tifffile: gray or RGB, with or without straight alpha; None for anything else."""
    try:
        with tifffile.TiffFile(path) as file:
            page: Any = file.pages[0]
            kinds = tifffile.PHOTOMETRIC
            channels = {kinds.MINISWHITE: 1, kinds.MINISBLACK: 1, kinds.RGB: 3}
            count = channels.get(page.photometric)
            if count is None or page.sampleformat != 1:
                return None
            more = tuple(page.extrasamples)
            pixels = np.asarray(page.asarray(), np.uint16)
            if page.planarconfig == 2 and pixels.ndim == 3:
                pixels = np.moveaxis(pixels, 0, -1)
            if page.photometric == kinds.MINISWHITE:
                pixels = 65535 - pixels
    except Exception:  # noqa: BLE001 - damaged files raise errors of many kinds
        return None
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.shape[2] != count + len(more):
        return None
    alpha = pixels[..., count : count + 1] if more == (tifffile.EXTRASAMPLE.UNASSALPHA,) else None
    if more and alpha is None:
        return None
    pixels = pixels[..., :count].repeat(3 // count, axis=2)
    return pixels if alpha is None else _on_white(np.concatenate([pixels, alpha], axis=2))


def _on_white(pixels: Deep) -> Deep:
    def laid(part: npt.NDArray[Any]) -> npt.NDArray[Any]:
        alpha = part[..., 3:].astype(np.float32) / 65535
        return np.rint(part[..., :3] * alpha + 65535 * (1 - alpha))

    return np.asarray(by_rows(pixels, np.uint16, laid), np.uint16)


def by_rows(
    pixels: npt.NDArray[Any], kind: Any, work: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
) -> Any:
    """H×W×3 of another kind, made some rows at a time."""
    height, width = pixels.shape[:2]
    out = np.empty((height, width, 3), kind)
    step = max(1, _STRIP // width)
    for start in range(0, height, step):
        out[start : start + step] = work(pixels[start : start + step])
    return out


def _same_picture(deep: Deep, plain: npt.NDArray[np.uint8]) -> bool:
    """Whether two readers saw the same: some pass over damage or kinds they do not know."""
    if deep.shape != plain.shape:
        return False
    height, width = plain.shape[:2]
    step = max(1, _STRIP // width)
    far = 0.0
    for start in range(0, height, step):
        rough = (deep[start : start + step] >> 8).astype(np.int16)
        worst = np.abs(rough - plain[start : start + step]).mean()
        far = max(far, float(worst))
    return far <= _NEAR


def _pillow_is_wrong(image: Image.Image) -> bool:
    """Kinds of TIFF with 16 bits that Pillow reads without an error, and not as they are meant."""
    tags: Any = getattr(image, "tag_v2", {})
    white_is_zero, planar, signed = tags.get(262) == 0, tags.get(284) == 2, 2 in _all(tags.get(339))
    return bool(tags) and (white_is_zero or planar or signed)


def _all(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _exif(image: Image.Image) -> Image.Exif | None:
    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 - damaged EXIF data raises errors of many kinds
        return None


def _exif_block(image: Image.Image, exif: Image.Exif | None, kind: str, *, srgb: bool) -> bytes:
    """The EXIF block for stills; a TIFF file has none of its own, its tags are put into one."""
    if exif is None or len(exif) == 0:
        return b""
    block = image.info.get("exif")
    try:
        if isinstance(block, bytes) and kind != "TIFF":
            return upright_exif(block, srgb=srgb)
        for tag in (ExifTags.Base.Orientation, *_LAYOUT):
            exif.pop(tag, None)
        return exif.tobytes() if len(exif) else b""
    except Exception:  # noqa: BLE001 - as above: metadata must not cost the picture
        return b""


def _ask_for_heif(path: Path) -> None:
    """Let Pillow read HEIC where its plugin is installed.

    Raises:
        UnavailableError: it is not.
    """
    if path.suffix.lower() not in HEIF_SUFFIXES:
        return
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise UnavailableError(
            "HEIC files need one more package",
            where=str(path),
            hint="pip install pillow-heif; or save the photo as JPEG or PNG",
        ) from None
    register_heif_opener()
