"""Clips from video files."""

from __future__ import annotations

from deblurkit.footage.dataset import FootageDataset
from deblurkit_standard.layouts.video_files import VideoFiles


class Video(FootageDataset):
    """A video file, or a folder of them."""

    layout = VideoFiles()
