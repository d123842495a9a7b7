"""Photographs of every kind that cameras and programs write."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, ImageOps, PngImagePlugin

from deblurkit.errors import DataError, UnavailableError
from deblurkit.media.exif import upright_exif
from deblurkit.media.photo import read_photo
from deblurkit.media.stills import write_still

RNG = np.random.default_rng(0)
COLOURS = np.kron(RNG.integers(0, 256, (4, 5, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
DEEP = RNG.integers(0, 65536, (31, 42, 3), dtype=np.uint16)


@pytest.mark.parametrize("suffix", ["png", "tif", "bmp", "webp"])
def test_eight_bits_come_as_they_are(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(COLOURS).save(path, **({"lossless": True} if suffix == "webp" else {}))
    photo = read_photo(path)
    assert photo.bits == 8 and photo.size == (32, 40) and photo.notes == ()
    np.testing.assert_array_equal(photo.pixels, COLOURS)


def test_jpeg_is_near(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "a.jpg", quality=95, subsampling=0)
    assert np.abs(read_photo(tmp_path / "a.jpg").pixels.astype(int) - COLOURS).mean() < 3


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_sixteen_bits_of_tiff(tmp_path: Path, compression: str | None) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP, compression=compression)
    photo = read_photo(tmp_path / "a.tif")
    assert photo.bits == 16
    np.testing.assert_array_equal(photo.pixels, DEEP)


def test_sixteen_bits_of_png_there_and_back(tmp_path: Path) -> None:
    write_still(tmp_path / "a.png", DEEP)
    photo = read_photo(tmp_path / "a.png")
    assert photo.bits == 16
    np.testing.assert_array_equal(photo.pixels, DEEP)


def test_sixteen_bit_gray(tmp_path: Path) -> None:
    gray = DEEP[..., 0]
    Image.fromarray(gray).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", gray)
    for name in ("a.png", "a.tif"):
        photo = read_photo(tmp_path / name)
        assert photo.bits == 16
        for colour in range(3):
            np.testing.assert_array_equal(photo.pixels[..., colour], gray)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    source = Image.fromarray(COLOURS)
    if mode in ("LA", "RGBA"):
        source.putalpha(Image.new("L", source.size, 128))
    source.convert(mode).save(path)
    photo = read_photo(path)
    assert photo.pixels.shape == COLOURS.shape and photo.pixels.dtype == np.uint8
    if mode == "RGBA":
        assert "transparent" in photo.notes[0]
        expected = COLOURS * (128 / 255) + 255 * (127 / 255)
        assert np.abs(photo.pixels - expected).max() <= 1
    if mode == "CMYK":
        assert "CMYK" in photo.notes[0]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpg", "png", "tif", "deep.png", "deep.tif"])
def test_orientation_is_applied_and_the_other_metadata_kept(
    tmp_path: Path, orientation: int, kind: str
) -> None:
    path = tmp_path / f"a.{kind}"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Model] = "A Camera"
    deep = kind.startswith("deep")
    source: Any = DEEP if deep else COLOURS
    if kind == "deep.tif":
        tags = [(274, 3, 1, orientation, True), (272, 2, 0, "A Camera", True)]
        tifffile.imwrite(path, DEEP, extratags=tags)
    elif deep:
        write_still(path, DEEP, exif=exif.tobytes())
    else:
        Image.fromarray(COLOURS).save(
            path, exif=exif, **({"quality": 100, "subsampling": 0} if kind == "jpg" else {})
        )
    photo = read_photo(path)
    # Pillow's own way of turning images, one channel at a time where it has no such mode.
    turned = np.stack(
        [np.asarray(ImageOps.exif_transpose(_with_exif(source[..., c], exif))) for c in range(3)],
        axis=-1,
    )
    assert photo.pixels.shape == turned.shape and photo.bits == (16 if deep else 8)
    assert np.abs(photo.pixels.astype(int) - turned).mean() < 3
    kept = Image.Exif()
    kept.load(photo.exif)
    assert kept.get(ExifTags.Base.Model) == "A Camera"
    assert kept.get(ExifTags.Base.Orientation, 1) == 1


def _with_exif(channel: Any, exif: Image.Exif) -> Image.Image:
    held = io.BytesIO()
    Image.fromarray(channel).save(held, "PNG", exif=exif)
    return Image.open(held)


def _display_p3() -> bytes:
    """A profile with other primaries than sRGB's: Pillow makes sRGB, XYZ and LAB only."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def test_a_profile_is_applied_and_said(tmp_path: Path) -> None:
    lab = ImageCms.profileToProfile(
        Image.fromarray(COLOURS), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"),
        outputMode="LAB",
    )  # fmt: skip
    assert lab is not None
    lab.save(tmp_path / "a.tif", icc_profile=_display_p3())
    photo = read_photo(tmp_path / "a.tif")
    assert "to sRGB" in photo.notes[0]
    assert np.abs(photo.pixels.astype(int) - COLOURS).mean() < 6


def test_srgb_needs_no_conversion_and_a_damaged_profile_costs_no_picture(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(COLOURS).save(tmp_path / "a.png", icc_profile=srgb)
    Image.fromarray(COLOURS).save(tmp_path / "b.png", icc_profile=srgb[:200])
    assert read_photo(tmp_path / "a.png").notes == ()
    damaged = read_photo(tmp_path / "b.png")
    assert "was not applied" in damaged.notes[0]
    for photo in (read_photo(tmp_path / "a.png"), damaged):
        np.testing.assert_array_equal(photo.pixels, COLOURS)


def test_heic_without_its_reader_says_what_is_missing(tmp_path: Path) -> None:
    try:
        import pillow_heif  # noqa: F401
    except ImportError:
        (tmp_path / "a.heic").write_bytes(b"0000ftypheic0000")
        with pytest.raises(UnavailableError, match="HEIC") as caught:
            read_photo(tmp_path / "a.heic")
        assert "pip install pillow-heif" in str(caught.value)
    else:
        pytest.skip("pillow-heif is installed")


def test_stills_carry_metadata_and_say_srgb(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "A Camera"
    for name, pixels in (("a.png", COLOURS), ("b.png", DEEP)):
        write_still(tmp_path / name, pixels, exif=exif.tobytes())
        with Image.open(tmp_path / name) as image:
            assert isinstance(image, PngImagePlugin.PngImageFile)
            image.load()
            assert image.getexif()[ExifTags.Base.Model] == "A Camera"
            assert image.info["srgb"] == 0
    for wrong in (COLOURS[..., 0], COLOURS.astype(np.float32)):
        with pytest.raises(ValueError, match="8 or 16 bits"):
            write_still(tmp_path / "c.png", wrong)


def test_what_is_no_photograph_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="not an image"):
        read_photo(tmp_path / "a.png")
    write_still(tmp_path / "b.png", DEEP)
    whole = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="damaged or cut short"):
        read_photo(tmp_path / "b.png")


@pytest.mark.parametrize(
    "how", [{"tile": (16, 16)}, {"bigtiff": True}, {"byteorder": ">"}], ids=str
)
def test_tiff_files_of_every_layout_keep_their_bits(tmp_path: Path, how: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DEEP, photometric="rgb", **how)
    photo = read_photo(tmp_path / "a.tif")
    assert photo.bits == 16 and photo.notes == ()
    np.testing.assert_array_equal(photo.pixels, DEEP)


def test_kinds_of_alpha_in_tiff(tmp_path: Path) -> None:
    alpha = np.full((*DEEP.shape[:2], 1), 32768, np.uint16)
    four = np.concatenate([DEEP, alpha], axis=2)
    tifffile.imwrite(
        tmp_path / "straight.tif", four, photometric="rgb", extrasamples=["unassalpha"]
    )
    photo = read_photo(tmp_path / "straight.tif")
    assert photo.bits == 16 and "transparent" in photo.notes[0]
    expected = DEEP * (32768 / 65535) + 65535 * (32767 / 65535)
    assert np.abs(photo.pixels - expected).max() <= 1
    # Infrared of a scanner is no transparency; Pillow's eight bits of it are the judge.
    tifffile.imwrite(tmp_path / "more.tif", four, photometric="rgb", extrasamples=["unspecified"])
    other = read_photo(tmp_path / "more.tif")
    assert other.bits == 8 and "rounded to 8" in other.notes[-1]
    assert np.abs(other.pixels.astype(int) - DEEP // 257).max() <= 1


def test_damage_is_not_passed_over(tmp_path: Path) -> None:
    big = RNG.integers(0, 256, (300, 200, 3), dtype=np.uint8)
    Image.fromarray(big).save(tmp_path / "a.png")
    write_still(tmp_path / "b.png", np.kron(DEEP, np.ones((6, 4, 1), np.uint16)))
    for name in ("a.png", "b.png"):
        content = bytearray((tmp_path / name).read_bytes())
        for place in (0.3, 0.5, 0.7):
            damaged = bytearray(content)
            at = int(len(content) * place)
            damaged[at : at + 2] = bytes(255 - b for b in damaged[at : at + 2])
            (tmp_path / name).write_bytes(damaged)
            with pytest.raises(DataError, match="damaged"):
                read_photo(tmp_path / name)


def test_a_profile_is_judged_by_what_it_does_and_alpha_before_it(tmp_path: Path) -> None:
    from deblurkit.media.colour_profile import is_srgb

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert is_srgb(srgb)
    # The same primaries with a straight curve, under a name that has "sRGB" in it.
    linear = linear_srgb(srgb)
    assert not is_srgb(linear)
    gray = np.full((20, 20, 3), 64, np.uint8)
    Image.fromarray(gray).save(tmp_path / "a.png", icc_profile=linear)
    photo = read_photo(tmp_path / "a.png")
    assert abs(int(photo.pixels[0, 0, 0]) - 137) <= 2 and "to sRGB" in photo.notes[0]
    clear = np.dstack([gray, np.zeros((20, 20), np.uint8)])
    Image.fromarray(clear).save(tmp_path / "b.png", icc_profile=linear)
    seen = read_photo(tmp_path / "b.png")
    assert seen.pixels.min() >= 254 and "white" in seen.notes[0]
    opaque = np.dstack([gray, np.full((20, 20), 255, np.uint8)])
    Image.fromarray(opaque).save(tmp_path / "c.png")
    assert read_photo(tmp_path / "c.png").notes == ()


def linear_srgb(profile: bytes) -> bytes:
    """A profile whose curves are replaced by the identity: `curv` with no entries."""
    data = bytearray(profile)
    for k in range(int.from_bytes(data[128:132], "big")):
        entry = 132 + 12 * k
        if data[entry : entry + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            at = int.from_bytes(data[entry + 4 : entry + 8], "big")
            data[at : at + 12] = b"curv" + bytes(8)
            data[entry + 8 : entry + 12] = (12).to_bytes(4, "big")
    return bytes(data)


# --- kinds that some readers get wrong without saying so ----------------------------------------


@pytest.mark.parametrize(
    ("how", "shape"),
    [
        ({"photometric": "rgb", "planarconfig": "separate"}, "colour"),
        ({"photometric": "rgb", "planarconfig": "separate", "compression": "zlib"}, "colour"),
        ({"photometric": "miniswhite"}, "gray"),
        ({"photometric": "miniswhite", "tile": (16, 16)}, "gray"),
    ],
    ids=str,
)
def test_rare_layouts_of_sixteen_bits_are_the_right_picture(
    tmp_path: Path, how: dict[str, Any], shape: str
) -> None:
    stored = np.moveaxis(DEEP, -1, 0) if shape == "colour" else 65535 - DEEP[..., 0]
    tifffile.imwrite(tmp_path / "a.tif", np.ascontiguousarray(stored), **how)
    photo = read_photo(tmp_path / "a.tif")
    wanted = DEEP if shape == "colour" else DEEP[..., :1].repeat(3, axis=2)
    assert photo.bits == 16
    np.testing.assert_array_equal(photo.pixels, wanted)


def test_signed_values_are_an_error(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", (DEEP[..., 0] // 2).astype(np.int16))
    with pytest.raises(DataError, match="no reader here knows"):
        read_photo(tmp_path / "a.tif")


def test_gray_of_sixteen_bits_with_a_transparent_value(tmp_path: Path) -> None:
    gray = DEEP[..., 0].copy()
    gray[3, 4] = 1234
    content = io.BytesIO()
    Image.fromarray(gray).save(content, "PNG")
    encoded = content.getvalue()
    head = encoded.index(b"IDAT") - 4
    body = b"tRNS" + (1234).to_bytes(2, "big")
    chunk = (2).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(encoded[:head] + chunk + encoded[head:])
    photo = read_photo(tmp_path / "a.png")
    assert photo.bits == 16 and "transparent" in photo.notes[0]
    expected = gray[..., None].repeat(3, axis=2)
    expected[gray == 1234] = 65535
    np.testing.assert_array_equal(photo.pixels, expected)


def test_floats_and_gray_keep_more_than_eight_bits(tmp_path: Path) -> None:
    unit = (DEEP[..., 0] / 65535).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", unit)
    photo = read_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.pixels[..., 1], np.rint(unit.astype(np.float64) * 65535))


def test_the_first_of_several_pictures_is_taken_and_said(tmp_path: Path) -> None:
    first, second = (Image.fromarray(c) for c in (COLOURS, 255 - COLOURS))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    photo = read_photo(tmp_path / "a.tif")
    np.testing.assert_array_equal(photo.pixels, COLOURS)
    assert "several pictures" in photo.notes[0]


def test_exif_texts_keep_their_bytes(tmp_path: Path) -> None:
    """Pillow reads Latin-1 and writes ASCII; the standard's own files have UTF-8 in them."""
    name = "Jürgen Žák, 日本".encode() + b"\0"
    entries = struct.pack(">HHII", 0x0112, 3, 1, 6 << 16) + struct.pack(
        ">HHII", 0x013B, 2, len(name), 8 + 2 + 24 + 4
    )
    block = b"MM\0*" + struct.pack(">IH", 8, 2) + entries + struct.pack(">I", 0) + name
    Image.fromarray(COLOURS).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + block)
    photo = read_photo(tmp_path / "a.jpg")
    assert name in photo.exif
    kept = Image.Exif()
    kept.load(photo.exif)
    assert kept[ExifTags.Base.Orientation] == 1
    write_still(tmp_path / "b.png", photo.pixels, exif=photo.exif)
    assert name in (tmp_path / "b.png").read_bytes()


def test_exif_says_srgb_where_colours_were_converted() -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = 65535
    exif[ExifTags.Base.Model] = "A Camera"
    for srgb, wanted in ((False, 65535), (True, 1)):
        kept = Image.Exif()
        kept.load(b"Exif\0\0" + upright_exif(exif.tobytes(), srgb=srgb))
        assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] == wanted


@given(st.binary(max_size=200), st.integers(0, 60), st.integers(0, 255))
def test_damaged_exif_costs_nothing_but_itself(tail: bytes, at: int, value: int) -> None:
    block = bytearray(b"II*\0\x08\0\0\0\x02\0" + tail)
    block[min(at, len(block) - 1)] = value
    with contextlib.suppress(ValueError, struct.error, IndexError):
        assert len(upright_exif(bytes(block), srgb=True)) == len(block)
