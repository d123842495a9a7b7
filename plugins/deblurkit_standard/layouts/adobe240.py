"""Adobe240: the 240 fps videos of Deep Video Deblurring."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from deblurkit.footage.recording import Pair, Recording
from deblurkit_standard.layouts.search import absolute, inside, not_found
from deblurkit_standard.layouts.split_lists import sides_of
from deblurkit_standard.layouts.video_files import is_video, recording_of

RATE = 240.0
FOLDER = "original_high_fps_videos"
_TELLING = re.compile(r"720p_240fps_\d+\w*")


class Adobe240:
    """Su et al., CVPR 2017: hand-held videos of three cameras.

    The data set has no sides of its own; where lists of names such as
    `adobe240fps_folder_train.txt` lie in the folder or in the one above, these decide.
    """

    title = f"{FOLDER}/*.{{mov,MOV,mp4,m4v}}, 720p_240fps_*.mov among them"
    general = False

    def recognises(self, path: Path) -> bool:
        """The folder of videos, by its name or theirs, or the folder above it."""
        folder = _folder(path)
        videos = [file for file in inside(folder) if is_video(file)]
        named = folder.name.endswith(FOLDER) or any(_TELLING.fullmatch(v.stem) for v in videos)
        return named and bool(videos)

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        """See `deblurkit.footage.layout.Layout`."""
        if not self.recognises(path):
            raise not_found(self, path)
        folder = _folder(path)
        videos = [file for file in inside(folder) if is_video(file)]
        sides = sides_of([video.name for video in videos], (folder, folder.parent))
        return tuple(
            replace(recording_of(video, split=sides.get(video.name, "")), rate=RATE)
            for video in videos
        )

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        """None: the set's blurry images are in an archive of their own."""
        return ()


def _folder(path: Path) -> Path:
    here = absolute(path)
    return here / FOLDER if (here / FOLDER).is_dir() else here
