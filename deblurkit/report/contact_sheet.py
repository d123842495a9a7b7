"""Contact sheets: images in labelled rows and columns, as one picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Picture = npt.NDArray[Any]
"""H×W×3: floats in [0, 1], or uint8."""

Row = tuple[str, Sequence[Picture | None]]
"""A label and the tiles of a row; None leaves a place empty."""

_WHITE, _BLACK, _GRAY = (255, 255, 255), (0, 0, 0), (90, 90, 90)
_TEXT, _TITLE = 14, 16  # height of letters, pixels
_GAP, _MARGIN = 6, 10
_PLAIN = str.maketrans({"×": "x", "–": "-", "—": "-", "−": "-", "→": "->", "ß": "ss"})


def contact_sheet(
    rows: Sequence[Row],
    *,
    column_labels: Sequence[str] = (),
    title: str = "",
    scale: int = 1,
) -> npt.NDArray[np.uint8]:
    """Lay out tiles of one size on white, with a title, column labels above and row labels left.

    Columns grow with their labels and the title is wrapped, so no text overlaps another.

    Args:
        rows: Label and tiles of each row; rows may differ in length.
        column_labels: Label of each column; fewer than columns leaves the rest without.
        title: Above everything.
        scale: Every pixel of a tile becomes scale×scale pixels.

    Returns:
        H×W×3 uint8.

    Raises:
        ValueError: there is no tile, tiles differ in size, or there are more labels than
            columns.
    """
    tiles = [[None if tile is None else to_uint8(tile) for tile in row] for _, row in rows]
    sizes = {tile.shape for row in tiles for tile in row if tile is not None}
    columns = max((len(row) for row in tiles), default=0)
    unfit = len(sizes) != 1 or any(size[2:] != (3,) for size in sizes)
    if unfit or len(column_labels) > columns or scale < 1:
        raise ValueError(
            f"tiles of sizes {sorted(sizes)}, {len(column_labels)} labels for {columns} columns, "
            f"scale {scale}; tiles need one H×W×3, a label its column, scale >= 1"
        )
    height, width = (side * scale for side in sizes.pop()[:2])
    font, title_font = ImageFont.load_default(_TEXT), ImageFont.load_default(_TITLE)

    labels = [*map(_drawable, column_labels), *[""] * (columns - len(column_labels))]
    names = [_drawable(name) for name, _ in rows]
    widths = [max(width, _width(label, font)) for label in labels]
    margin = max(_width(name, font) for name in names)
    left = _MARGIN + (margin + _GAP if margin else 0)
    lefts = [left + sum(widths[:k]) + k * _GAP for k in range(columns)]
    right = lefts[-1] + widths[-1]
    lines = _wrapped(title, title_font, right - _MARGIN)
    right = max([right, *(_MARGIN + _width(line, title_font) for line in lines)])

    line_height, title_height = _height(font), _height(title_font)
    top = _MARGIN + len(lines) * title_height + (_GAP if lines else 0)
    first = top + (line_height + _GAP if any(labels) else 0)
    step = max(height, line_height) + _GAP
    sheet = Image.new("RGB", (right + _MARGIN, first + len(rows) * step - _GAP + _MARGIN), _WHITE)
    draw = ImageDraw.Draw(sheet)
    for k, line in enumerate(lines):
        draw.text((_MARGIN, _MARGIN + k * title_height), line, _BLACK, title_font)
    for x, label, wide in zip(lefts, labels, widths, strict=True):
        draw.text((x + (wide - _width(label, font)) // 2, top), label, _GRAY, font)
    for k, (name, row) in enumerate(zip(names, tiles, strict=True)):
        y = first + k * step
        draw.text((_MARGIN, y + (step - _GAP - line_height) // 2), name, _GRAY, font)
        for x, wide, tile in zip(lefts, widths, row, strict=False):
            if tile is not None:
                large = tile.repeat(scale, axis=0).repeat(scale, axis=1)
                sheet.paste(Image.fromarray(large), (x + (wide - width) // 2, y))
    return np.array(sheet)


def to_uint8(image: Picture) -> npt.NDArray[np.uint8]:
    """Floats in [0, 1] as uint8, rounded; what lies outside is clipped, not-a-number is black.

    Args:
        image: Any shape; uint8 is handed back as it is.
    """
    if image.dtype == np.uint8:
        return image
    known = np.nan_to_num(np.asarray(image, np.float64), nan=0.0)
    return np.rint(np.clip(known, 0, 1) * 255).astype(np.uint8)


Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def _drawable(text: str) -> str:
    """One line in letters that the font inside Pillow has, which are few beyond ASCII."""
    letters = unicodedata.normalize("NFKD", " ".join(text.split()).translate(_PLAIN))
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return kept.encode("ascii", "replace").decode()


def _width(text: str, font: Font) -> int:
    return int(np.ceil(font.getlength(text)))


def _height(font: Font) -> int:
    return int(np.ceil(font.getbbox("Agjp|")[3])) + 2


def _wrapped(text: str, font: Font, width: int) -> list[str]:
    """Lines of words no wider than `width`, where no single word is wider."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        line = ""
        for word in _drawable(paragraph).split():
            longer = f"{line} {word}" if line else word
            if line and _width(longer, font) > width:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines
