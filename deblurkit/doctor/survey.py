"""What there is to examine: recordings and pairs, also where a layout would refuse them.

A layout stops at the first file it cannot read. Then folders are searched as they lie.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from deblurkit.errors import DataError
from deblurkit.footage.layout import Layout
from deblurkit.footage.recording import Pair, Recording, Split
from deblurkit.media.files import entries, natural_order
from deblurkit.media.image import is_image
from deblurkit.media.video_reading import SUFFIXES, probe

_SIDES: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "train_orig"), "train"),
    **dict.fromkeys(("test", "testing", "val", "valid", "validation", "val_orig"), "test"),
}
_BLURRY = re.compile(r"(?:(train|val|test)_)?(?:blur(?:ry|red)?|blur_\w+|input)")
_SHARP = re.compile(r"(?:(train|val|test)_)?(?:sharp|gt|target)")
_ALIKE = 0.5  # share of names that two folders of pairs have in common, at least


@runtime_checkable
class Lists(Protocol):
    """A layout that can say what belongs together without opening a file."""

    def listed(self, path: Path) -> tuple[Recording, ...]:
        """As `Layout.recordings`, whatever the files hold: height and width are 0."""


@dataclass(frozen=True)
class Survey:
    """What a data set holds.

    Attributes:
        path: Where.
        dataset: Name of the dataset whose layout it has.
        recordings: Height and width are 0 where the layout refused; a video that cannot be
            opened has 0 frames.
        pairs: Blurry images with their sharp ones.
        alone: Images of pairs without the other.
        refused: Why the layout refuses it; empty: it does not.
    """

    path: Path
    dataset: str
    recordings: tuple[Recording, ...]
    pairs: tuple[Pair, ...]
    alone: tuple[Path, ...] = ()
    refused: str = ""

    def below(self, path: Path) -> str:
        """A file's path below the data set."""
        root = self.path if self.path.is_dir() else self.path.parent
        try:
            return path.relative_to(root).as_posix()
        except ValueError:
            return str(path)


def survey(path: Path, dataset: str, layout: Layout) -> Survey:
    """List what is at `path`.

    Args:
        path: A folder or file that the layout recognises.
        dataset: Its dataset's name.
        layout: The dataset's layout.

    Raises:
        DataError: there is neither an image nor a video.
    """
    refused, alone = "", tuple[Path, ...]()
    try:
        recordings = layout.recordings(path)
    except DataError as error:
        refused = _said(error)
        recordings = layout.listed(path) if isinstance(layout, Lists) else _walked(path)
    try:
        pairs = layout.pairs(path)
    except DataError as error:
        refused = refused or _said(error)
        pairs, alone = _partners(path)
    if refused:
        recordings = _named_by(pairs, recordings)
    if not recordings and not pairs and not alone:
        raise DataError(
            "there is nothing to examine: neither an image nor a video",
            where=str(path),
            valid=layout.title,
            hint="name the folder that holds the data set",
        )
    recordings = tuple(replace(r, split=r.split or split_of(r.name)) for r in recordings)
    return Survey(path, dataset, recordings, pairs, alone, refused)


def split_of(name: str) -> Split:
    """The side of a split that the folders in a name tell; empty where they tell none, or both."""
    sides = {_SIDES[part.lower()] for part in name.split("/") if part.lower() in _SIDES}
    return sides.pop() if len(sides) == 1 else ""


def _named_by(pairs: Sequence[Pair], recordings: Sequence[Recording]) -> tuple[Recording, ...]:
    """Recordings without the images of pairs, by the names that pairs have for them."""
    sides = {file for pair in pairs for file in (pair.blurry, pair.sharp)}
    kept = [r for r in recordings if r.is_video or not sides.issuperset(r.files)]
    for name in {pair.recording for pair in pairs} - {"", *(r.name for r in kept)}:
        found = [k for k, r in enumerate(kept) if r.name.endswith(f"/{name}")]
        if len(found) == 1:
            kept[found[0]] = replace(kept[found[0]], name=name)
    return tuple(kept)


def _said(error: DataError) -> str:
    return f"{error.where}: {error.what}" if error.where else error.what


def _walked(path: Path) -> tuple[Recording, ...]:
    """Every folder of images and every video at or below a path."""
    if not path.is_dir():
        return (_video(path, path.name),)
    found = []
    for folder in _folders(path, set()):
        name = folder.relative_to(path).as_posix()
        name = path.resolve().name if name == "." else name
        inside = entries(folder, "images")
        images = tuple(file for file in inside if is_image(file))
        if images and not any(map(_BLURRY.fullmatch, name.split("/"))):
            found.append(Recording(name, folder, images, len(images), 0, 0))
        for file in inside:
            if file.suffix.lower() in SUFFIXES and file.is_file():
                title = file.relative_to(path).as_posix()
                found.append(_video(file, title))
    return tuple(found)


def _video(file: Path, name: str) -> Recording:
    try:
        info = probe(file)
    except DataError:
        return Recording(name, file, (file,), 0, 0, 0)
    return Recording(name, file, (file,), info.frames, info.height, info.width, info.fps)


def _folders(path: Path, seen: set[str]) -> Iterator[Path]:
    """This folder and all below it; links may go in circles."""
    place = os.path.realpath(path)
    if place in seen:
        return
    seen.add(place)
    yield path
    for entry in entries(path, "images"):
        if entry.is_dir():
            yield from _folders(entry, seen)


def _partners(path: Path) -> tuple[tuple[Pair, ...], tuple[Path, ...]]:
    """Images of one name in folders of blurry and of sharp ones that lie side by side."""
    pairs, alone = list[Pair](), list[Path]()
    for parent in _folders(path, set()) if path.is_dir() else ():
        inside = [entry for entry in entries(parent, "images") if entry.is_dir()]
        sharp = {known[1]: f for f in inside if (known := _SHARP.fullmatch(f.name))}
        for folder in inside:
            known = _BLURRY.fullmatch(folder.name)
            if not known or known[1] not in sharp:
                continue
            blurry, truths = _images_below(folder), _images_below(sharp[known[1]])
            if len(blurry.keys() & truths.keys()) < _ALIKE * len(blurry):
                continue  # named in another way
            for name in blurry.keys() & truths.keys():
                title = (folder / name).relative_to(path).as_posix()
                scene = (parent / name).relative_to(path).parent.as_posix()
                pairs.append(Pair(title, blurry[name], truths[name], scene, split_of(title)))
            alone += [blurry[name] for name in blurry.keys() - truths.keys()]
            alone += [truths[name] for name in truths.keys() - blurry.keys()]
    order = {file: k for k, file in enumerate(natural_order(pair.blurry for pair in pairs))}
    return tuple(sorted(pairs, key=lambda p: (p.scene, order[p.blurry]))), tuple(sorted(alone))


def _images_below(folder: Path) -> dict[str, Path]:
    return {
        file.relative_to(folder).with_suffix("").as_posix(): file
        for inner in _folders(folder, set())
        for file in entries(inner, "images")
        if is_image(file)
    }
