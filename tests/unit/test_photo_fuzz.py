"""Damaged photographs: a picture or a message that names the file, in bounded time and memory."""

from __future__ import annotations

import random
import resource
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms

from deblurkit.errors import DeblurkitError
from deblurkit.media.image import read_image
from deblurkit.media.photo import Photo, read_photo
from deblurkit.media.stills import write_still

COUNT = 2000
SECONDS, MEMORY = 20, 1 << 30
KINDS = ("jpg", "png", "webp", "tif", "bmp", "gif", "ppm", "jp2", "avif", "deep.png", "deep.tif")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    """A photograph of every kind, with metadata: ending and bytes."""
    folder, rng = tmp_path_factory.mktemp("whole"), np.random.default_rng(0)
    pixels = rng.integers(0, 256, (24, 30, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Model] = "A Camera"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    found = []
    for kind in KINDS:
        path = folder / f"a.{kind}"
        if kind == "deep.png":
            write_still(
                path, rng.integers(0, 65536, (24, 30, 3), dtype=np.uint16), exif=exif.tobytes()
            )
        elif kind == "deep.tif":
            tifffile.imwrite(path, rng.integers(0, 65536, (24, 30, 3), dtype=np.uint16))
        else:
            more = {"exif": exif, "icc_profile": profile} if kind in ("jpg", "png", "webp") else {}
            Image.fromarray(pixels).save(path, **more)
        found.append((path.suffix, path.read_bytes()))
    return found


def mutated(content: bytes, rng: random.Random) -> bytes:
    """One way in which files are damaged, or made to do damage."""
    data = bytearray(content)
    way = rng.randrange(6)
    if way == 0:
        for _ in range(rng.randint(1, 20)):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif way == 1:
        del data[rng.randrange(len(data)) :]
    elif way == 2:  # a size, an offset or a count becomes huge
        place, order = rng.randrange(min(len(data), 200)), rng.choice("<>")
        value = rng.choice([0, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 13_000, 60_000])
        data[place : place + 4] = struct.pack(f"{order}I", value)
    elif way == 3:
        start = rng.randrange(len(data))
        data[start : start + rng.randint(1, 400)] = rng.randbytes(rng.randint(0, 400))
    elif way == 4:
        start, end = sorted(rng.randrange(len(data)) for _ in range(2))
        data[start:start] = data[start:end]
    else:
        data[rng.randrange(30) :] = rng.randbytes(rng.randint(1, 3000))
    return bytes(data)


@contextmanager
def time_limit(what: str) -> Iterator[None]:
    def end(*_: object) -> None:
        raise TimeoutError(what)

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.slow
def test_damaged_files_are_pictures_or_messages(
    whole: list[tuple[str, bytes]], tmp_path: Path
) -> None:
    rng = random.Random(7)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    read = refused = 0
    for number in range(COUNT):
        suffix, content = whole[number % len(whole)]
        if rng.random() < 0.1:
            suffix = rng.choice(whole)[0]
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(mutated(content, rng))
        found: Photo | DeblurkitError
        with time_limit(path.name):
            try:
                found = read_photo(path)
            except DeblurkitError as error:
                found = error
        if isinstance(found, Photo):
            read += 1
            # What other readers refuse is not passed over as a photograph.
            assert found.pixels.size == read_image(path).size
        else:
            refused += 1
            assert str(path) in str(found) and "\n" not in found.what, path
        path.unlink()
    assert read > 100 and refused > 500
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < MEMORY
