"""Looking for the folders of a data set, and what to say where they are not."""

from __future__ import annotations

import os
import re
from pathlib import Path

from deblurkit.errors import DataError
from deblurkit.footage.layout import Layout
from deblurkit.footage.recording import Split
from deblurkit.media.files import check_folder, entries
from deblurkit.media.image import list_images

SIDES: dict[str, Split] = {"train": "train", "val": "test", "valid": "test", "test": "test"}
"""What folders and lists are called, and the side of what is in them."""


def absolute(path: Path) -> Path:
    """The path with all its names, also for `.` and `..`; links are not followed."""
    return Path(os.path.abspath(path))


def inside(path: Path) -> tuple[Path, ...]:
    """What is in a folder, in natural order; nothing where it is none or cannot be read."""
    try:
        return entries(path, "images")
    except DataError:
        return ()


def subfolders(path: Path) -> tuple[Path, ...]:
    """The folders in a folder, as `inside`."""
    return tuple(entry for entry in inside(path) if entry.is_dir())


def numbered(folder: Path, name: str = r"\d+") -> tuple[Path, ...]:
    """The images in a folder whose names without suffix are numbers, in order.

    Args:
        folder: The folder.
        name: Another pattern of the names.

    Raises:
        DataError: there is none.
    """
    images = list_images(folder)
    found = tuple(image for image in images if re.fullmatch(name, image.stem))
    if not found:
        raise DataError(
            f"no image is named by its number, the first is '{images[0].name}'",
            where=str(folder),
            hint="keep the names that the data set came with",
        )
    return found


def not_found(layout: Layout, path: Path) -> DataError:
    """The error where nothing of a data set is; it names the right level if that is near.

    Raises:
        DataError: the path is missing, a file or out of reach.
    """
    check_folder(path, "images")
    above = absolute(path).parents[:2]
    levels = [
        *(("above", folder) for folder in above),
        *(("in it", folder) for folder in subfolders(path)),
    ]
    better = next((f"{side}: {near}" for side, near in levels if layout.recognises(near)), None)
    return DataError(
        "nothing of this data set is here",
        where=str(path),
        valid=layout.title,
        hint=f"name the folder {better}" if better else "keep the folders as the set has them",
    )
