"""A folder of consecutive images, or a folder of such folders."""

from __future__ import annotations

import os
from pathlib import Path

from deblurkit.errors import DataError
from deblurkit.footage.recording import Pair, Recording, Split
from deblurkit.media.files import entries
from deblurkit.media.image import SUFFIXES, image_size, is_image, list_images


class ImageFolders:
    """Images in the natural order of their names; other files are ignored.

    All images of one folder have one size.
    """

    title = "a folder of images, or of such folders"
    general = True

    def recognises(self, path: Path) -> bool:
        """A folder with an image in it, or in a folder in it."""
        if not path.is_dir():
            return False
        found = entries(path, "images")
        if any(is_image(file) for file in found):
            return True
        return any(is_image(file) for f in found if f.is_dir() for file in entries(f, "images"))

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        """See `deblurkit.footage.layout.Layout`."""
        found = entries(path, "images")
        folders = tuple(
            folder
            for folder in found
            if folder.is_dir() and any(is_image(file) for file in entries(folder, "images"))
        )
        if any(is_image(file) for file in found):
            if folders:
                raise DataError(
                    f"this folder holds images and also folders of images ('{folders[0].name}')",
                    where=str(path),
                    valid="a folder of images, or a folder of such folders",
                    hint="name one of the folders, or move the images into one of their own",
                )
            folders = (path,)
        if not folders:
            raise DataError(
                "there is no image in this folder, nor in the folders in it",
                where=str(path),
                valid="files ending in " + ", ".join(sorted(SUFFIXES)),
                hint="name the folder that holds the images, or the one above it",
            )
        return tuple(recording_of(folder) for folder in folders)

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        """None: these are frames alone."""
        return ()


def recording_of(
    folder: Path,
    name: str = "",
    *,
    rate: float | None = None,
    split: Split = "",
    files: tuple[Path, ...] = (),
    window: int = 0,
) -> Recording:
    """The images of a folder as a recording.

    Args:
        folder: The folder.
        name: The recording's; the folder's by default.
        rate: Frames a second, where it is known.
        split: The authors' side, where they said one.
        files: Which images, in order of time; by default all, in natural order.
        window: See `Recording`.

    Raises:
        DataError: there is no image in it, one cannot be read, or sizes differ.
    """
    files = files or list_images(folder)
    height, width = image_size(files[0])
    for path in files[1:]:
        if (size := image_size(path)) != (height, width):
            raise DataError(
                f"'{path.name}' has {size[1]}×{size[0]} pixels, '{files[0].name}' {width}×{height}",
                where=str(folder),
                valid="images of one size in a folder",
                hint="move images of another size to a folder of their own",
            )
    name = name or Path(os.path.abspath(folder)).name  # also for "." and ".."
    return Recording(name, folder, files, len(files), height, width, rate, split, window)
