"""Clips from video files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblurkit.errors import DataError
from deblurkit.media.files import entries
from deblurkit.media.video_reading import SUFFIXES, probe, read_frames
from deblurkit_standard.datasets.passages import FootageDataset, Recording


class Video(FootageDataset):
    """A video file, or a folder of them; other files in the folder are ignored.

    Of a file that breaks off, the part that can be read is used.
    """

    def recordings(self) -> tuple[Recording, ...]:
        if not self.path.is_dir():
            return (_recording(self.path),)
        found = entries(self.path, "videos")
        videos = [path for path in found if path.suffix.lower() in SUFFIXES and path.is_file()]
        if not videos:
            raise DataError(
                "there is no video in this folder" if found else "the folder is empty",
                where=str(self.path),
                valid="files ending in " + ", ".join(sorted(SUFFIXES)),
                hint="for a folder of images use --set data.train.name=frames",
            )
        return tuple(_recording(path) for path in videos)

    def images(
        self, recording: Recording, start: int, count: int
    ) -> Iterator[npt.NDArray[np.uint8]]:
        return read_frames(recording.path, start, count, self.stride)


def _recording(path: Path) -> Recording:
    info = probe(path)
    return Recording(path.name, path, (path,), info.frames, info.height, info.width)
