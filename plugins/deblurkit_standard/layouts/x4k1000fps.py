"""X4K1000FPS: short 4K recordings at 1000 frames a second, as images or as they are handed out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from deblurkit.footage.recording import Pair, Recording, Split
from deblurkit_standard.layouts import image_folders, video_files
from deblurkit_standard.layouts.search import (
    SIDES,
    absolute,
    inside,
    not_found,
    numbered,
    subfolders,
)

RATE = 1000.0
_FOLDERS = {
    "train": "train", "encoded_train": "train", "X-TRAIN": "train",
    "val": "val", "encoded_val": "val",
    "test": "test", "encoded_test": "test", "X-TEST": "test",
}  # fmt: skip
"""What folders are called, the decoded one first: it is taken where both are there."""

_TRAIN = re.compile(r"\d{3}"), re.compile(r"occ\d.*")
_TEST = re.compile(r"Type[123]"), re.compile(r"TEST\d.*")


class X4k:
    """Sim, Oh, Kim, ICCV 2021: X-TRAIN, 65 frames of 768×768; X-TEST, 33 frames of 4096×2160."""

    title = "train/%03d/occ*/%04d.png, test/Type{1,2,3}/TEST*/%04d.png, or encoded_*/.../*.mp4"
    general = False

    def recognises(self, path: Path) -> bool:
        """The folder of all, or one of those in it."""
        return next(_clips(path), None) is not None

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        """See `deblurkit.footage.layout.Layout`."""
        found = tuple(_recording(clip, name, split) for name, clip, split in _clips(path))
        if not found:
            raise not_found(self, path)
        return found

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        """None: these are frames alone."""
        return ()


def _clips(path: Path) -> Iterator[tuple[str, Path, Split]]:
    """Clips: names, folders of images or video files, sides."""
    here = absolute(path)
    parts = [(_FOLDERS[name], here / name) for name in _FOLDERS if (here / name).is_dir()]
    if not parts:
        parts = [(_FOLDERS.get(here.name, ""), here)]
    known: set[str] = set()
    for part, folder in parts:
        for name, clip, kind in _in(folder):
            side = part or kind
            whole = f"{side}/{name}"
            if whole not in known:
                known.add(whole)
                yield whole, clip, SIDES[side]


def _in(folder: Path) -> Iterator[tuple[str, Path, str]]:
    for scene in subfolders(folder):
        for kind, (outer, inner) in (("train", _TRAIN), ("test", _TEST)):
            if not outer.fullmatch(scene.name):
                continue
            for clip in inside(scene):
                if video_files.is_video(clip) and inner.fullmatch(clip.stem):
                    yield f"{scene.name}/{clip.stem}", clip, kind
                elif inner.fullmatch(clip.name) and clip.is_dir():
                    yield f"{scene.name}/{clip.name}", clip, kind


def _recording(clip: Path, name: str, split: Split) -> Recording:
    if clip.is_dir():
        files = numbered(clip)
        return image_folders.recording_of(clip, name, rate=RATE, split=split, files=files)
    return replace(video_files.recording_of(clip, name, split=split), rate=RATE)
