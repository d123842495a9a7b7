"""GOPRO_Large_all: the frames at 240 a second behind the GoPro set's blurry images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from deblurkit.errors import DataError
from deblurkit.footage.recording import Pair, Recording, Split
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

ALL, PUBLISHED = "GOPRO_Large_all", "GOPRO_Large"
SEQUENCE = re.compile(r"GOPR\d{4}_(\d{2})_\d{2}")
"""Names of sequences; the number is how many frames the authors averaged."""

RATE = 240.0


class GoPro:
    """Nah, Kim, Lee, CVPR 2017. `GOPRxxxx_yy_zz`: the authors averaged yy frames.

    Pairs are those of GOPRO_Large where it lies beside. Its image k is the mean of the yy frames
    whose files are numbered from (k - 1) yy + 1: `GOPR0372_07_00/blur_gamma/000047` of 000323 to
    000329 (S. Nah, DeepDeblur_release, issues 22 and 59). That is by number, wherever a folder's
    numbers begin; where a number is not there, `first` is not known. Some of the published
    images do not match these frames (issues 65 and 66): sequences are blurred anew.
    """

    title = "GOPRO_Large_all/{train,test}/GOPRxxxx_yy_zz/%06d.png"
    general = False

    def recognises(self, path: Path) -> bool:
        """GOPRO_Large_all, one of its sides, or a folder that holds it."""
        return any(_filmed(sequence) for _, sequence in _sequences(_root(path)))

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        """See `deblurkit.footage.layout.Layout`."""
        return tuple(
            recording_of(folder, name, rate=RATE, split=split, files=numbered(folder))
            for name, (folder, split) in self._folders(path).items()
        )

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        """The pairs of GOPRO_Large, where it lies beside, of all kinds of blur."""
        folders, root = self._folders(path), _root(path)
        published = (root.parent if root.name in SIDES else root).parent / PUBLISHED
        if not PairFolders().recognises(published):
            return ()
        places = {
            name: {int(file.stem): k for k, file in enumerate(numbered(folder))}
            for name, (folder, _) in folders.items()
        }
        sides = {split for _, split in folders.values()}
        found = PairFolders().pairs(published)
        return tuple(_with_frames(pair, places) for pair in found if pair.split in sides)

    def _folders(self, path: Path) -> dict[str, tuple[Path, Split]]:
        """The sequences by name."""
        if not self.recognises(path):
            raise not_found(self, path)
        found: dict[str, tuple[Path, Split]] = {}
        for side, folder in _sequences(_root(path)):
            found[f"{side}/{folder.name}" if side else folder.name] = folder, SIDES.get(side, "")
        return found


def _root(path: Path) -> Path:
    here = absolute(path)
    return here / ALL if (here / ALL).is_dir() else here


def _sequences(root: Path) -> Iterator[tuple[str, Path]]:
    """Folders named like sequences, each with the side that its folder is named for."""
    sides = [folder for folder in subfolders(root) if folder.name in SIDES] or [root]
    for side in sides:
        for folder in subfolders(side):
            if SEQUENCE.fullmatch(folder.name):
                yield side.name if side.name in SIDES else "", folder


def _filmed(sequence: Path) -> bool:
    """Whether there are frames, and not folders of blurry and sharp images."""
    return any(is_image(file) for file in inside(sequence))


def _with_frames(pair: Pair, places: Mapping[str, Mapping[int, int]]) -> Pair:
    """A pair with what is known of the frames that were averaged."""
    known = SEQUENCE.fullmatch(pair.scene.rpartition("/")[2])
    if known is None:
        raise DataError(
            "this is not a sequence of the GoPro set",
            where=str(pair.blurry.parent.parent),
            valid="folders GOPRxxxx_yy_zz",
            hint="move it out of GOPRO_Large",
        )
    frames = int(known[1])
    pair = replace(pair, frames=frames, exact=True)
    place = places.get(pair.scene)
    if place is None:
        return pair
    pair = replace(pair, recording=pair.scene)
    if not pair.blurry.stem.isdecimal():
        return pair
    number = (int(pair.blurry.stem) - 1) * frames + 1
    first = place.get(number)
    if first is None or [place.get(number + t) for t in range(frames)] != [
        first + t for t in range(frames)
    ]:
        return pair
    return replace(pair, first=first)
