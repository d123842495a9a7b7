"""An extraction as files: movies, pictures, a page. Each appears whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from deblurkit.errors import DataError, nearest
from deblurkit.extraction.result import Extraction
from deblurkit.extraction.viewer.page import viewer_page
from deblurkit.frames import middle
from deblurkit.media.image import write_gray_png, write_png
from deblurkit.media.stills import write_still
from deblurkit.media.video_writing import write_gif, write_mp4, write_webp
from deblurkit.report.contact_sheet import contact_sheet
from deblurkit.storage import atomic_file, atomic_folder

Loop = Literal["boomerang", "forward"]

_OURS = re.compile(r"\d+\.png")


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


@dataclass(frozen=True)
class Format:
    """A way to write a sequence.

    Attributes:
        summary: What it is, for help texts.
        ending: Of the file's name, after the photo's; a folder has none.
        side: The longest side that it is written with unless the user says, pixels; None: any.
        write: Writes it.
    """

    summary: str
    ending: str
    side: int | None
    write: Callable[[Extraction, Path, Style], None]


def _movie(result: Extraction, path: Path, style: Style) -> None:
    frames = _shown(result, style)
    if style.loop == "boomerang" and len(frames) > 2:
        frames = np.concatenate([frames, frames[-2:0:-1]])
    # A player does not loop by itself: at least three seconds of it.
    repeats = max(1, round(3 * style.fps / len(frames)))
    write_mp4(path, frames, style.fps, repeats=repeats)


def _gif(result: Extraction, path: Path, style: Style) -> None:
    write_gif(path, _shown(result, style), style.fps, loop=style.loop)


def _webp(result: Extraction, path: Path, style: Style) -> None:
    write_webp(path, _shown(result, style), style.fps, loop=style.loop)


def _html(result: Extraction, path: Path, style: Style) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(viewer_page(result, style, path.stem), "utf-8")


def _sheet(result: Extraction, path: Path, style: Style) -> None:
    side = style.side
    tiles = [result.blurry(side), *(result.picture(i, side=side) for i in result.indices)]
    columns = 4 if len(tiles) > 4 else len(tiles)
    names = ["photo", *(f"frame {i}" for i in result.indices)]
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
    digits = len(str(result.T))
    try:
        with atomic_folder(path, replace=True) as folder:
            for place, i in enumerate(result.indices, 1):
                pixels = result.picture(i, bits=result.photo.bits)
                write_still(folder / f"{place:0{digits}}.png", pixels, exif=result.photo.exif)
    except OSError as error:
        raise DataError(
            f"the folder cannot be written: {error.strerror or error}",
            where=str(path),
            hint="name a folder that can be written and has room left",
        ) from error


FORMATS: Mapping[str, Format] = {
    "mp4": Format("movie, H.264, for browsers and phones", ".mp4", 3840, _movie),
    "gif": Format("endless GIF, 256 colours", ".gif", 800, _gif),
    "webp": Format("endless WebP, all colours", ".webp", 1600, _webp),
    "html": Format("page with a time slider, before and after", ".html", 1920, _html),
    "sheet": Format("all frames in one PNG", "-sheet.png", 640, _sheet),
    "frames": Format("folder of one PNG a frame, full size, all bits", "-frames", None, _frames),
    "middle": Format("the middle frame as PNG, full size, all bits", "-middle.png", None, _middle),
    "error": Format("what the frames do not explain, gray PNG", "-error.png", None, _error),
}
"""Name of a format -> what it is."""

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
            valid=f"{', '.join(_BY_SUFFIX)}, or a name without an ending for a folder of frames",
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


def check_free(path: Path, *, force: bool) -> None:
    """See that nothing is overwritten that was not meant to be.

    Raises:
        DataError: something is there, and may not be or cannot be overwritten.
    """
    if not path.exists():
        return
    if not force:
        raise DataError("this is there already", where=str(path), hint="--force overwrites it")
    if path.is_dir() and any(not _OURS.fullmatch(entry.name) for entry in path.iterdir()):
        raise DataError(
            "this folder has other files than frames in it",
            where=str(path),
            hint="name another folder, or empty this one",
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
    if only and name in ("error", "sheet", "gif", "webp", "html", "mp4", "frames"):
        raise DataError(
            f"one frame is no sequence for '{name}'", where=str(path), valid="format middle, .png"
        )
    made = get_format(name)
    check_free(path, force=force)
    asked = Style(**style)
    made.write(result, path, replace(asked, side=asked.side or made.side))
    return (path,)


def _shown(result: Extraction, style: Style) -> Any:
    return np.stack([result.picture(i, side=style.side) for i in result.indices])
