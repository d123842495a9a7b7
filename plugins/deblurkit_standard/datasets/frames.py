"""Clips from folders of consecutive images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblurkit.errors import DataError
from deblurkit.media.files import entries
from deblurkit.media.image import SUFFIXES, image_size, is_image, list_images, read_image
from deblurkit_standard.datasets.passages import FootageDataset, Recording


class Frames(FootageDataset):
    """A folder of images, or a folder of such folders (GoPro's: `train/GOPR.../*.png`).

    Images are taken in the natural order of their names; other files are ignored. All
    images of one folder have one size.
    """

    def recordings(self) -> tuple[Recording, ...]:
        found = entries(self.path, "images")
        folders = tuple(
            folder
            for folder in found
            if folder.is_dir() and any(is_image(path) for path in entries(folder, "images"))
        )
        if any(is_image(path) for path in found):
            if folders:
                raise DataError(
                    f"this folder holds images and also folders of images ('{folders[0].name}')",
                    where=str(self.path),
                    valid="a folder of images, or a folder of such folders",
                    hint="name one of the folders, or move the images into one of their own",
                )
            folders = (self.path,)
        if not folders:
            raise DataError(
                "there is no image in this folder, nor in the folders in it",
                where=str(self.path),
                valid="files ending in " + ", ".join(sorted(SUFFIXES)),
                hint="name the folder that holds the images, or the one above it",
            )
        return tuple(_recording(folder) for folder in folders)

    def images(
        self, recording: Recording, start: int, count: int
    ) -> Iterator[npt.NDArray[np.uint8]]:
        for path in recording.files[start : start + count * self.stride : self.stride]:
            image = read_image(path)
            if image.shape[:2] != (recording.height, recording.width):
                raise DataError("the image has changed since the folder was read", where=str(path))
            yield image


def _recording(folder: Path) -> Recording:
    files = list_images(folder)
    height, width = image_size(files[0])
    for path in files[1:]:
        if (size := image_size(path)) != (height, width):
            raise DataError(
                f"'{path.name}' has {size[1]}×{size[0]} pixels, '{files[0].name}' {width}×{height}",
                where=str(folder),
                valid="images of one size in a folder",
                hint="move images of another size to a folder of their own",
            )
    name = Path(os.path.abspath(folder)).name  # also for "." and ".."
    return Recording(name, folder, files, len(files), height, width)
