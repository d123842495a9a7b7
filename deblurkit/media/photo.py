"""A photograph as its owner sees it: all its bits, sRGB, upright, with its metadata."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.error import FFmpegError
from PIL import ExifTags, Image, ImageCms

from deblurkit.media.image import opened, read_opened

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_DEEP = {"PNG": ("png", b"\x89PNG\r\n\x1a\n"), "TIFF": ("tiff", b"")}
_PNG_BITS = 24
"""Where a PNG says how many bits a value has: signature, length and name of IHDR, two sides."""

_LAYOUT = (
    *range(254, 260), 262, 263, 266, 273, *range(277, 281), 284, *range(317, 326),
    330, 338, 339, 347, 512, 513, 514, 529, 530, 531, 532, 33723, 34377, 34675,
)  # fmt: skip
"""Tags by which a TIFF file says how its own pixels lie: of no meaning beside other pixels."""

_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_HEIF = frozenset({".heic", ".heif", ".hif"})


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
        notes: list[str] = []
        exif, profile = _exif(image), image.info.get("icc_profile")
        kind, mode = image.format or "", image.mode
        deep = _deep_pixels(path, kind, image)
        if deep is not None and profile and not _is_srgb(profile):
            notes.append("16-bit values were rounded to 8 bits to apply the colour profile")
            deep = None
        if deep is not None:
            return Photo(_turned(deep, exif), tuple(notes), _without_orientation(exif))
        image.load()
        seen: Image.Image = image
        if profile:
            seen, said = _to_srgb(image, profile)
            notes += said
        if image.has_transparency_data:
            notes.append("transparent pixels were laid on white")
        elif mode == "CMYK" and not profile:
            notes.append("CMYK without a colour profile: colours are approximate")
        pixels = read_opened(seen, path)
    return Photo(_turned(pixels, exif), tuple(notes), _without_orientation(exif))


def _deep_pixels(path: Path, kind: str, image: Image.Image) -> npt.NDArray[np.uint16] | None:
    """The pixels of a file with 16 bits, which Pillow would cut to 8; None for any other."""
    if kind not in _DEEP or not _is_deep(path, kind, image):
        return None
    try:
        with av.open(f"file:{path}", format=f"{_DEEP[kind][0]}_pipe") as container:
            frame = next(container.decode(video=0))
            if "rgba" in frame.format.name or "ya" in frame.format.name:
                return _on_white(np.asarray(frame.to_ndarray(format="rgba64le"), np.uint16))
            return np.asarray(frame.to_ndarray(format="rgb48le"), np.uint16)
    except (FFmpegError, ValueError, StopIteration):
        return None  # Pillow reads it, with 8 bits, or says what is wrong


def _is_deep(path: Path, kind: str, image: Image.Image) -> bool:
    if kind == "PNG":
        with path.open("rb") as file:
            head = file.read(_PNG_BITS + 1)
        return len(head) > _PNG_BITS and head[_PNG_BITS] == 16
    bits: Any = getattr(image, "tag_v2", {}).get(258, ())
    return isinstance(bits, tuple) and len(bits) >= 1 and all(b == 16 for b in bits)


def _on_white(pixels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    alpha = pixels[..., 3:].astype(np.float32) / 65535
    mixed = pixels[..., :3] * alpha + 65535 * (1 - alpha)
    return np.rint(mixed).astype(np.uint16)


def _is_srgb(profile: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return False
    return "srgb" in name.lower()


def _to_srgb(image: Image.Image, profile: bytes) -> tuple[Image.Image, list[str]]:
    """The image in sRGB; as it is, and said so, where its profile is damaged or no help."""
    try:
        said = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(said).strip() or "without a name"
        if "srgb" in name.lower():
            return image, []
        alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
        source = image if alpha is None else image.convert(image.mode.removesuffix("A"))
        if source.mode in ("P", "PA", "1"):
            source = source.convert("RGB")
        turned = ImageCms.profileToProfile(
            source, said, ImageCms.createProfile("sRGB"), _INTENT, outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image, ["its colour profile is damaged or of another kind and was not applied"]
    assert turned is not None
    if alpha is not None:
        turned.putalpha(alpha)
    return turned, [f"colours were converted from '{name}' to sRGB"]


def _exif(image: Image.Image) -> Image.Exif | None:
    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 - damaged EXIF data raises errors of many kinds
        return None


def _turned(pixels: Any, exif: Image.Exif | None) -> Any:
    """Pixels upright, by the EXIF orientation, 1 to 8."""
    value = exif.get(ExifTags.Base.Orientation, 1) if exif is not None else 1
    if value in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if value in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if value in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _without_orientation(exif: Image.Exif | None) -> bytes:
    if exif is None or len(exif) == 0:
        return b""
    try:
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
    if path.suffix.lower() not in _HEIF:
        return
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        from deblurkit.errors import UnavailableError

        raise UnavailableError(
            "HEIC files need one more package",
            where=str(path),
            hint="pip install pillow-heif; or save the photo as JPEG or PNG",
        ) from None
    register_heif_opener()
