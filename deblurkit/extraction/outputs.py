"""An extraction as files: movies, pictures, a page. Each appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import Any, get_args

import numpy as np

from deblurkit.errors import DataError, DeblurkitError, FailedError, nearest
from deblurkit.extraction.result import Extraction
from deblurkit.extraction.viewer.page import viewer_page
from deblurkit.frames import middle
from deblurkit.media.files import unwritten, writing
from deblurkit.media.image import write_gray_png, write_png
from deblurkit.media.stills import write_still
from deblurkit.media.video_writing import Loop, write_gif, write_mp4, write_webp
from deblurkit.report.contact_sheet import contact_sheet
from deblurkit.storage import atomic_folder

MOST_SIDE = 16383
"""Of movies and pages, pixels: what WebP can take."""

SECONDS = 3
"""An MP4 lasts so long at least."""

GIF_FPS = 50
"""Browsers play GIFs no faster."""


@dataclass(frozen=True)
class Style:
    """How a sequence is shown.

    Attributes:
        fps: Frames a second.
        loop: `boomerang` plays forwards and backwards in turn, `forward` starts anew.
        side: Movies and pages are scaled down so that no side is longer, pixels; None: as each
            format can take it. Frames and stills always keep their size.
    """

    fps: float = 12.0
    loop: Loop = "boomerang"
    side: int | None = None

    def __post_init__(self) -> None:
        """Check the numbers, before anything is computed with them.

        Raises:
            DeblurkitError: one is out of its range.
        """
        if not 0.1 <= self.fps <= 240:
            raise DeblurkitError(f"{self.fps} frames a second", valid="0.1 to 240")
        if self.loop not in get_args(Loop):
            raise DeblurkitError(f"no loop '{self.loop}'", valid=", ".join(get_args(Loop)))
        if self.side is not None and not 16 <= self.side <= MOST_SIDE:
            raise DeblurkitError(f"a side of {self.side} pixels", valid=f"16 to {MOST_SIDE}")


@dataclass(frozen=True)
class Format:
    """A way to write a sequence.

    Attributes:
        ending: Of the file's name, after the photo's; a folder has none.
        side: The longest side that it is written with unless the user says, pixels; None: any.
        write: Writes it.
    """

    ending: str
    side: int | None
    write: Callable[[Extraction, Path, Style], None]


def _movie(result: Extraction, path: Path, style: Style) -> None:
    frames = _shown(result, style)
    order = [*range(len(frames))]
    if style.loop == "boomerang":
        order += order[-2:0:-1]
    # A player does not loop by itself: at least three seconds of it.
    repeats = ceil(SECONDS * style.fps / len(order))
    write_mp4(path, frames, style.fps, repeats=repeats, order=order)


def _gif(result: Extraction, path: Path, style: Style) -> None:
    write_gif(path, _shown(result, style), style.fps, loop=style.loop)


def _webp(result: Extraction, path: Path, style: Style) -> None:
    write_webp(path, _shown(result, style), style.fps, loop=style.loop)


def _html(result: Extraction, path: Path, style: Style) -> None:
    with writing(path) as temporary:
        temporary.write_text(viewer_page(result, style, path.stem), "utf-8")


def _sheet(result: Extraction, path: Path, style: Style) -> None:
    side = style.side
    tiles = [result.blurry(side), *(result.picture(i, side=side) for i in result.indices)]
    columns = 4 if len(tiles) > 4 else len(tiles)
    # By their place in what is shown, as the names of files and the page have it.
    names = ["photo", *(f"frame {place}" for place in range(1, len(tiles)))]
    rows = [
        (", ".join(names[k : k + columns]), tiles[k : k + columns])
        for k in range(0, len(tiles), columns)
    ]
    write_png(path, contact_sheet(rows))


def _middle(result: Extraction, path: Path, _: Style) -> None:
    pixels = result.picture(middle(result.T), bits=result.photo.bits)
    write_still(path, pixels, exif=result.photo.exif)


def _error(result: Extraction, path: Path, _: Style) -> None:
    write_gray_png(path, result.error_map())


def _frames(result: Extraction, path: Path, _: Style) -> None:
    names = _frame_names(result.T)
    try:
        with atomic_folder(path, replace=True) as folder:
            for name, i in zip(names, result.indices, strict=False):
                pixels = result.picture(i, bits=result.photo.bits)
                write_still(folder / name, pixels, exif=result.photo.exif)
    except OSError as error:
        raise unwritten("the folder", path, error) from error
    except (DataError, FailedError) as error:  # of a file in a folder that is gone again
        raise type(error)(error.what, where=str(path), hint=error.hint) from error


def _frame_names(count: int) -> list[str]:
    digits = len(str(count))
    return [f"{place:0{digits}}.png" for place in range(1, count + 1)]


FORMATS: Mapping[str, Format] = {
    "mp4": Format(".mp4", 3840, _movie),
    "gif": Format(".gif", 800, _gif),
    "webp": Format(".webp", 1600, _webp),
    "html": Format(".html", 1920, _html),
    "sheet": Format("-sheet.png", 640, _sheet),
    "frames": Format("-frames", None, _frames),
    "middle": Format("-middle.png", None, _middle),
    "error": Format("-error.png", None, _error),
}
"""Name of a format -> what it is."""

FOR_ONE = frozenset({"middle", "error"})
"""Formats that are no sequence."""

_BY_SUFFIX = {".mp4": "mp4", ".gif": "gif", ".webp": "webp", ".html": "html", ".png": "sheet"}


def format_of(path: Path, *, middle_only: bool = False) -> str:
    """The format that a file's name asks for.

    Raises:
        DataError: its ending is none that can be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".png" and middle_only:
        return "middle"
    if not suffix:
        return "frames"
    if suffix not in _BY_SUFFIX:
        raise DataError(
            f"there is no way to write '{suffix}'",
            where=str(path),
            valid=f"{', '.join(_BY_SUFFIX)}, or a folder: a name without an ending",
        )
    return _BY_SUFFIX[suffix]


def get_format(name: str) -> Format:
    """A format by its name.

    Raises:
        DataError: there is no such format.
    """
    if name not in FORMATS:
        raise DataError(f"there is no format '{name}'", valid=nearest(name, FORMATS))
    return FORMATS[name]


def check_fits(name: str, path: Path, *, only_one: bool) -> None:
    """See that a format is one for so many frames.

    Raises:
        DataError: it is for sequences, and there is one frame.
    """
    if only_one and name not in FOR_ONE:
        raise DataError(
            f"one frame is no sequence for '{name}'",
            where=str(path),
            valid="the middle frame as PNG: --format middle, or -o NAME.png",
        )


def check_free(path: Path, kind: str, *, force: bool) -> None:
    """See that an output can be put where it is wanted, and overwrites nothing unasked.

    Raises:
        DataError: something is there that may not be or cannot be overwritten.
    """
    if not os.path.lexists(path):
        _check_place(path)
        return
    if not force:
        raise DataError("this is there already", where=str(path), hint="--force overwrites it")
    folder = os.path.isdir(path) and not os.path.islink(path)  # noqa: PTH112, PTH114
    if folder != (kind == "frames"):
        raise DataError(
            "this is a folder" if folder else "this is no folder",
            where=str(path),
            valid="a folder for frames, a file for everything else",
            hint="name another place with -o",
        )
    there = {entry.name for entry in path.iterdir()} if folder else set[str]()
    if not there <= set(_frame_names(len(there))):
        raise DataError(
            "this folder has other files than frames in it",
            where=str(path),
            hint="name another folder, or empty this one",
        )


def _check_place(path: Path) -> None:
    """See that there can be a file or folder of this name, before anything is computed.

    Raises:
        DataError: what should be the folder is a file, or may not be written.
    """
    where = next(p for p in path.absolute().parents if os.path.lexists(p))
    if not where.is_dir():
        raise DataError("this is a file, not a folder", where=str(where), valid="a folder")
    if not os.access(where, os.W_OK | os.X_OK):
        raise DataError(
            "this folder may not be written", where=str(where), hint="name another place with -o"
        )


def save(
    result: Extraction, path: Path, *, kind: str | None = None, force: bool = False, **style: Any
) -> tuple[Path, ...]:
    """Write one output; see `Extraction.save`.

    Args:
        result: What to write.
        path: Where to.
        kind: The name of its format; by default what the path's ending asks for.
        force: Overwrite what is there.
        **style: Of `Style`.

    Raises:
        DataError: it cannot be written, is there already, or nothing is written like this.
    """
    only = len(result.rows) == 1
    name = kind or format_of(path, middle_only=only)
    check_fits(name, path, only_one=only)
    made, asked = get_format(name), Style(**style)
    check_free(path, name, force=force)
    made.write(result, path, replace(asked, side=asked.side or made.side))
    return (path,)


def _shown(result: Extraction, style: Style) -> Any:
    return np.stack([result.picture(i, side=style.side) for i in result.indices])
