from __future__ import annotations

import io
import os
import resource
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, features
from real_data import real_data

from deblurkit.errors import DataError
from deblurkit.media.image import (
    image_kind,
    image_size,
    is_transparent,
    list_images,
    read_image,
    write_png,
)

Pixels = npt.NDArray[np.uint8]
RNG = np.random.default_rng(7)
SMOOTH = np.stack(
    np.broadcast_arrays(
        np.linspace(0, 250, 32)[:, None], np.linspace(250, 0, 48)[None], np.full((1, 1), 90)
    ),
    axis=-1,
).astype(np.uint8)


def gray(values: npt.NDArray[np.generic]) -> Pixels:
    return np.repeat(np.rint(values).astype(np.uint8)[..., None], 3, axis=2)


def on_white(colour: npt.NDArray[np.generic], alpha: npt.NDArray[np.generic]) -> Pixels:
    share = alpha.astype(float)[..., None] / 255
    return np.rint(colour * share + 255 * (1 - share)).astype(np.uint8)


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format=form, **options)
    return file.getvalue()


def close(found: Pixels, wanted: Pixels, within: int = 1) -> bool:
    return found.shape == wanted.shape and bool(
        np.all(np.abs(found.astype(int) - wanted.astype(int)) <= within)
    )


# Each mode: random values of one image, how it is saved, and what must be read by definition.


def _l(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    x = r.integers(0, 256, shape, dtype=np.uint8)
    return saved(Image.fromarray(x), "PNG"), gray(x)


def _bits(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    x = r.integers(0, 2, shape).astype(bool)
    return saved(Image.fromarray(x), "PNG"), gray(x * 255)


def _la(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    x = r.integers(0, 256, (*shape, 2), dtype=np.uint8)
    return saved(Image.frombytes("LA", shape[::-1], x.tobytes()), "PNG"), on_white(
        gray(x[..., 0]), x[..., 1]
    )


def _rgb(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    x = r.integers(0, 256, (*shape, 3), dtype=np.uint8)
    return saved(Image.fromarray(x), "PNG"), x


def _rgba(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    x = r.integers(0, 256, (*shape, 4), dtype=np.uint8)
    return saved(Image.fromarray(x), "PNG"), on_white(x[..., :3], x[..., 3])


def _keyed(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    x = r.integers(0, 2, (*shape, 3), dtype=np.uint8) * 200
    clear = np.all(x == 0, axis=-1)
    data = saved(Image.fromarray(x), "PNG", transparency=(0, 0, 0))
    return data, np.where(clear[..., None], 255, x).astype(np.uint8)


def _palette(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    colours = r.integers(0, 256, (8, 3), dtype=np.uint8)
    index = r.integers(0, 8, shape, dtype=np.uint8)
    image = Image.fromarray(index)
    image.putpalette(colours.tobytes())
    return saved(image, "PNG"), colours[index]


def _palette_clear(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    colours = r.integers(0, 256, (8, 3), dtype=np.uint8)
    alpha = r.integers(0, 256, 8, dtype=np.uint8)
    index = r.integers(0, 8, shape, dtype=np.uint8)
    image = Image.fromarray(index)
    image.putpalette(colours.tobytes())
    data = saved(image, "PNG", transparency=alpha.tobytes())
    return data, on_white(colours[index], alpha[index])


def _gray16(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    x = r.integers(0, 65536, shape, dtype=np.uint16)
    return saved(Image.fromarray(x), "PNG"), gray(x / 257)


def _gray16_tiff(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    x = r.integers(0, 65536, shape, dtype=np.uint16)
    return saved(Image.fromarray(x), "TIFF"), gray(x / 257)


def _float(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    x = r.random(shape, dtype=np.float32)
    return saved(Image.fromarray(x), "TIFF"), gray(x.astype(float) * 255)


def _cmyk(r: np.random.Generator, shape: tuple[int, int]) -> tuple[bytes, Pixels]:
    x = r.integers(0, 256, (*shape, 4), dtype=np.uint8)
    light = 255 - x.astype(float)
    rgb = np.rint(light[..., :3] * light[..., 3:] / 255).astype(np.uint8)
    return saved(Image.frombytes("CMYK", shape[::-1], x.tobytes()), "TIFF"), rgb


MODES: dict[str, Callable[[np.random.Generator, tuple[int, int]], tuple[bytes, Pixels]]] = {
    "gray": _l,
    "bits": _bits,
    "gray with alpha": _la,
    "rgb": _rgb,
    "rgb with alpha": _rgba,
    "rgb with a clear colour": _keyed,
    "palette": _palette,
    "palette with alpha": _palette_clear,
    "16-bit gray": _gray16,
    "16-bit gray TIFF": _gray16_tiff,
    "float TIFF": _float,
    "cmyk TIFF": _cmyk,
}


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 2**32 - 1))
def test_every_mode_is_read_as_it_is_seen(
    tmp_path_factory: pytest.TempPathFactory, mode: str, height: int, width: int, seed: int
) -> None:
    data, wanted = MODES[mode](np.random.default_rng(seed), (height, width))
    path = tmp_path_factory.getbasetemp() / "mode.image"
    path.write_bytes(data)
    found = read_image(path)
    assert found.dtype == np.uint8 and found.flags.writeable
    assert close(found, wanted)
    assert image_size(path) == (height, width)


ORIENTED: dict[int, Callable[[Pixels], Pixels]] = {
    # EXIF 2.3, 4.6.4: where row 0 and column 0 of what is stored are seen.
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: x.swapaxes(0, 1)[:, ::-1],
    7: lambda x: x.swapaxes(0, 1)[::-1, ::-1],
    8: lambda x: x.swapaxes(0, 1)[::-1],
}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", ORIENTED)
def test_orientation_is_applied(tmp_path: Path, form: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    options = {"JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True}}
    path = tmp_path / "turned"
    path.write_bytes(
        saved(Image.fromarray(SMOOTH), form, exif=exif.tobytes(), **options.get(form, {}))
    )
    found = read_image(path)
    assert close(found, ORIENTED[orientation](SMOOTH), within=6)
    assert image_size(path) == found.shape[:2]


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"Exif\0\0"]
)
def test_damaged_exif_does_not_cost_the_image(tmp_path: Path, exif: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(saved(Image.fromarray(SMOOTH), "JPEG", quality=98, exif=b"Exif\0\0" + exif))
    assert read_image(path).shape == SMOOTH.shape


def test_of_several_images_the_first_is_read(tmp_path: Path) -> None:
    other = Image.new("RGB", (48, 32), "red")
    path = tmp_path / "a.tiff"
    path.write_bytes(saved(Image.fromarray(SMOOTH), "TIFF", save_all=True, append_images=[other]))
    assert np.array_equal(read_image(path), SMOOTH)


NOISY = np.clip(SMOOTH + RNG.integers(-9, 9, SMOOTH.shape), 0, 255).astype(np.uint8)
CODED: dict[str, tuple[str, dict[str, object]]] = {
    "png": ("PNG", {}),
    "jpeg": ("JPEG", {"quality": 80}),
    "progressive jpeg": ("JPEG", {"quality": 80, "progressive": True}),
    "webp": ("WEBP", {"quality": 80}),
    "lossless webp": ("WEBP", {"lossless": True}),
    "tiff": ("TIFF", {}),
    "deflated tiff": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "lzw tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "bmp": ("BMP", {}),
    "gif": ("GIF", {}),
    "ppm": ("PPM", {}),
    "jpeg 2000": ("JPEG2000", {}),
    "avif": ("AVIF", {}),
}


def coded(kind: str) -> bytes:
    form, options = CODED[kind]
    needs = {"AVIF": "avif", "JPEG2000": "jpg_2000", "WEBP": "webp"}.get(form)
    if needs and needs not in features.get_supported():
        pytest.skip(f"this Pillow has no {form}")
    return saved(Image.fromarray(NOISY), form, **options)


def read_or_refuse(path: Path) -> Pixels | None:
    """The image, or None where it is refused, by name; any other error is the test's failure."""
    try:
        return read_image(path)
    except DataError as error:
        if str(path) not in str(error):
            raise AssertionError(f"the message does not name the file: {error}") from error
        return None


@pytest.mark.parametrize("kind", CODED)
def test_a_truncated_image_is_whole_or_an_error(tmp_path: Path, kind: str) -> None:
    data, path = coded(kind), tmp_path / "cut"
    path.write_bytes(data)
    whole = read_image(path)
    assert close(whole, NOISY, within=255 if kind == "gif" else 70)
    refused = 0
    cuts = {*np.linspace(1, len(data) - 1, 60).astype(int).tolist()}
    for cut in sorted(cuts | set(range(len(data) - 6, len(data)))):
        path.write_bytes(data[:cut])
        found = read_or_refuse(path)
        refused += found is None
        assert found is None or np.array_equal(found, whole), f"{cut} of {len(data)} bytes"
    assert refused >= 50


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["png", "jpeg", "webp", "deflated tiff", "bmp", "gif", "ppm"]),
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damage_anywhere_gives_an_image_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, kind: str, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(coded(kind))
    for place, value in flips:
        data[place % min(len(data), 400)] = value
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data)
    found = read_or_refuse(path)
    assert found is None or (found.ndim == 3 and found.shape[2] == 3)


def bomb(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    idat = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", idat) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("limited", [True, False], ids=["Pillow's limit", "limit lifted"])
def test_too_large_an_image_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limited: bool
) -> None:
    if not limited:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(60000, 60000))
    for read in (read_image, image_size):
        with pytest.raises(DataError, match=r"bomb\.png: the image is too large"):
            read(path)


def test_a_large_image_gives_no_warning(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(bomb(12000, 10000))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert image_size(path) == (10000, 12000)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("missing.png", None, "there is no such file"),
        ("empty.png", b"", r"empty \(0 bytes\)"),
        ("text.png", b"this is not an image\n" * 50, "not an image"),
        ("page.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        ("zero.jpg", bytes(5000), "not an image"),
        ("page.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    ],
)
def test_what_is_no_image_is_named_with_the_reason(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for read in (read_image, image_size):
        with pytest.raises(DataError, match=said) as caught:
            read(path)
        assert str(path) in str(caught.value)


def test_folders_and_pipes_are_no_images(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="folder"):
        read_image(tmp_path)
    with pytest.raises(DataError, match="pipe"):
        read_image(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="cannot be used"):
        read_image(tmp_path / "pipe.png" / "below.png")
    with pytest.raises(DataError, match="cannot be used"):
        read_image(tmp_path / "nul\0.png")


def test_values_of_unknown_white_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    for values in (
        np.array([[0, 70000]], np.int32),
        np.array([[0, 17.5]], np.float32),
        np.array([[0, np.nan]], np.float32),
    ):
        path.write_bytes(saved(Image.fromarray(values), "TIFF"))
        with pytest.raises(DataError, match="what is white is not known"):
            read_image(path)


def test_colours_that_cannot_be_turned_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(image: Image.Image, mode: str) -> Image.Image:
        raise ValueError(f"conversion from {image.mode} to {mode} not supported")

    path = tmp_path / "a.tiff"
    path.write_bytes(saved(Image.new("LAB", (4, 4)), "TIFF"))
    monkeypatch.setattr(Image.Image, "convert", convert)  # as Pillow before 12 for LAB
    with pytest.raises(DataError, match=r"a\.tiff: its colours \(LAB\) cannot"):
        read_image(path)


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 20), width=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
def test_png_round_trip(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, seed: int
) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (width, height, 3), dtype=np.uint8)
    path = tmp_path_factory.getbasetemp() / "round" / "trip.png"
    write_png(path, image.swapaxes(0, 1))
    assert np.array_equal(read_image(path), image.swapaxes(0, 1))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3)),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_only_rgb_bytes_are_written(tmp_path: Path, image: Pixels) -> None:
    with pytest.raises(ValueError, match="uint8"):
        write_png(tmp_path / "a.png", image)
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_png(path, SMOOTH)
    before = path.read_bytes()
    noise = RNG.integers(0, 256, (200, 200, 3), dtype=np.uint8)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))  # as on a full disk
    try:
        with pytest.raises(DataError, match=r"a\.png: the file cannot be written"):
            write_png(path, noise)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(DataError, match="cannot be written"):
        write_png(path / "below.png", SMOOTH)


def test_images_are_listed_as_people_count(tmp_path: Path) -> None:
    names = ["f10.png", "f2.PNG", "f1.jpg", "F3.tif", "f02.png", "b.webp"]
    for name in [*names, "notes.txt", ".hidden.png", "._f1.jpg", "f4.mp4"]:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    found = [path.name for path in list_images(tmp_path)]
    assert found == ["b.webp", "f1.jpg", "f02.png", "f2.PNG", "F3.tif", "f10.png"]


@given(st.permutations(["a", "a1", "a1b", "a1b2", "a1b10", "a2", "a10", "b", "1", "2", "10"]))
@settings(max_examples=20, deadline=None)
def test_the_order_does_not_depend_on_the_file_system(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("listed")
    for name in names:
        (folder / f"{name}.png").write_bytes(b"x")
    assert [path.stem for path in list_images(folder)] == [
        "1", "2", "10", "a", "a1", "a1b", "a1b2", "a1b10", "a2", "a10", "b",
    ]  # fmt: skip


def test_folders_without_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        list_images(tmp_path / "missing")
    with pytest.raises(DataError, match="empty"):
        list_images(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"no image in this folder[\s\S]*\.png"):
        list_images(tmp_path)
    with pytest.raises(DataError, match="this is a file"):
        list_images(tmp_path / "notes.txt")


def test_a_broken_link_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "nowhere.png")
    (path,) = list_images(tmp_path)
    with pytest.raises(DataError, match="there is no such file"):
        read_image(path)


def test_real_images() -> None:
    found = {path.name: read_image(path).shape for path in list_images(real_data("real_blur"))}
    assert len(found) > 5
    assert all(image_size(real_data("real_blur") / name) == found[name][:2] for name in found)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGB", "rgb"), ("RGBA", "rgb"), ("L", "gray"), ("LA", "gray"), ("1", "gray"),
     ("P", "palette"), ("I;16", "gray"), ("CMYK", "other"), ("LAB", "other")],
)  # fmt: skip
def test_how_colours_are_stored(tmp_path: Path, mode: str, kind: str) -> None:
    path = tmp_path / "a.tif"
    Image.new(mode, (5, 4)).save(path)
    assert image_kind(path) == kind


def test_transparency_is_seen_and_can_be_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    image = Image.fromarray(SMOOTH).convert("RGBA")
    image.save(path)
    assert not is_transparent(path)
    assert (read_image(path, opaque=True) == SMOOTH).all()
    image.putpixel((0, 0), (1, 2, 3, 254))
    image.save(path)
    assert is_transparent(path)
    with pytest.raises(DataError, match=r"a\.png: pixels of the image are transparent"):
        read_image(path, opaque=True)
    palette = Image.fromarray(SMOOTH).convert("P")
    palette.save(path)
    assert not is_transparent(path)
    palette.save(path, transparency=palette.getpixel((0, 0)))
    assert is_transparent(path)
