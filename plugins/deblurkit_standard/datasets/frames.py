"""Clips from folders of consecutive images."""

from __future__ import annotations

from deblurkit.footage.dataset import FootageDataset
from deblurkit_standard.layouts.image_folders import ImageFolders


class Frames(FootageDataset):
    """A folder of images, or a folder of such folders, in natural order of their names."""

    layout = ImageFolders()
