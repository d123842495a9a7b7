"""REDS: 120 frames a second, and the blurry images that were made from them."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from deblurkit.footage.recording import Pair, Recording
from deblurkit.media.image import is_image
from deblurkit_standard.layouts.image_folders import recording_of
from deblurkit_standard.layouts.pair_folders import PairFolders
from deblurkit_standard.layouts.search import (
    SIDES,
    absolute,
    inside,
    not_found,
    numbered,
    subfolders,
)

RATE = 120.0
AVERAGED = 5
"""Frames at 120 a second from the first to the last instant of a blurry image."""

_CLIP = re.compile(r"\d{3}")
_FRAME = re.compile(r"\d{8}")


class Reds:
    """Nah et al., NTIRE 2019: clips of 500 frames at 120 a second; 100 blurry images of each.

    A blurry image is the mean of 65 frames at 1920 a second in a calibrated response: 5 of
    these frames and 15 interpolated ones between any two; its truth is the middle one (S. Nah,
    DeepDeblur_release, issue 49). 500 frames and 100 images of 5 leave one way to place them:
    image k begins at frame 5 k. Where a clip has other numbers of either, `first` is not known.
    """

    title = "{train,val}/{train,val}_orig/%03d/%08d.png"
    general = False

    def recognises(self, path: Path) -> bool:
        """The folder with the sides, one of them, or a folder `train_orig` or `val_orig`."""
        return any(_filmed(clip) for _, folder in _originals(path) for clip in _clips(folder))

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        """See `deblurkit.footage.layout.Layout`."""
        if not self.recognises(path):
            raise not_found(self, path)
        return tuple(
            recording_of(
                clip, f"{side}/{clip.name}", rate=RATE, split=SIDES[side], files=numbered(clip)
            )
            for side, folder in _originals(path)
            for clip in _clips(folder)
        )

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        """Those of the folders `train_blur` and `train_sharp`, or of val, where they lie beside."""
        found: list[Pair] = []
        for side, folder in _originals(path):
            layout = PairFolders(blur=f"{side}_blur", sharp=f"{side}_sharp")
            if (folder.parent / layout.blur).is_dir():
                found += _with_frames(layout.pairs(folder.parent), folder)
        if not found and not self.recognises(path):
            raise not_found(self, path)
        return tuple(found)


def _originals(path: Path) -> list[tuple[str, Path]]:
    """Folders of clips at 120 frames a second, with their sides."""
    here = absolute(path)
    named = {f"{side}_orig": side for side in ("train", "val")}
    if here.name in named:
        return [(named[here.name], here)]
    places = [
        (side, parent / name) for name, side in named.items() for parent in (here, here / side)
    ]
    return [(side, folder) for side, folder in places if folder.is_dir()]


def _clips(folder: Path) -> tuple[Path, ...]:
    return tuple(clip for clip in subfolders(folder) if _CLIP.fullmatch(clip.name))


def _filmed(clip: Path) -> bool:
    return any(_FRAME.fullmatch(file.stem) and is_image(file) for file in inside(clip))


def _with_frames(pairs: tuple[Pair, ...], folder: Path) -> list[Pair]:
    """Pairs with what is known of their frames, which are in a folder for each scene."""
    scenes: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        scenes[pair.scene].append(pair)
    found = []
    for scene, of_scene in scenes.items():
        clip = folder / scene.rpartition("/")[2]
        frames = len([file for file in inside(clip) if is_image(file)])
        whole = frames == AVERAGED * len(of_scene)
        for k, pair in enumerate(of_scene):
            first = AVERAGED * k if whole else None
            recording = scene if frames else ""
            found.append(
                replace(pair, recording=recording, first=first, frames=AVERAGED, exact=False)
            )
    return found
