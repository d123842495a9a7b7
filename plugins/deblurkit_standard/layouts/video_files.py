"""A video file, or a folder of them."""

from __future__ import annotations

from pathlib import Path

from deblurkit.errors import DataError
from deblurkit.footage.recording import Pair, Recording, Split
from deblurkit.media.files import entries
from deblurkit.media.video_reading import SUFFIXES, probe


class VideoFiles:
    """Videos; other files in the folder are ignored.

    Of a file that breaks off, the part that can be read is used.
    """

    title = "a video file, or a folder of them"
    general = True

    def recognises(self, path: Path) -> bool:
        """A file with a video's name, or a folder with one in it."""
        return is_video(path) or (path.is_dir() and any(map(is_video, entries(path, "videos"))))

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        """See `deblurkit.footage.layout.Layout`."""
        if not path.is_dir():
            return (recording_of(path),)
        found = entries(path, "videos")
        videos = [file for file in found if is_video(file)]
        if not videos:
            raise DataError(
                "there is no video in this folder" if found else "the folder is empty",
                where=str(path),
                valid="files ending in " + ", ".join(sorted(SUFFIXES)),
                hint="for a folder of images use --set data.train.name=frames",
            )
        return tuple(recording_of(file) for file in videos)

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        """None: these are frames alone."""
        return ()


def is_video(path: Path) -> bool:
    """A file that is named like a video."""
    return path.suffix.lower() in SUFFIXES and path.is_file()


def recording_of(path: Path, name: str = "", *, split: Split = "") -> Recording:
    """A video as a recording; see `deblurkit.media.video_reading.probe` for what it raises."""
    info = probe(path)
    return Recording(
        name or path.name, path, (path,), info.frames, info.height, info.width, info.fps, split
    )
