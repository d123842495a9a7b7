"""Blurry images beside the sharp ones of the middle of their exposures, in two folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deblurkit.errors import DataError
from deblurkit.footage.layout import Layout
from deblurkit.footage.recording import Pair, Recording, Split
from deblurkit.media.image import is_image
from deblurkit_standard.layouts.search import SIDES, absolute, inside, not_found, subfolders

KINDS = {
    "blur": "blurred by its authors; GoPro: the mean of stored values (response identity)",
    "blur_gamma": "GoPro: the mean in linear light (response gamma, 2.2)",
    "blur_comp": "REDS: blurred, and compressed as a video",
    "blurry": "",
    "input": "",
}
"""What folders of blurry images are called, behind the side in REDS, and what is known of them."""

_SIDE = "(?:(train|val|test)_)?"
_BLURRY = re.compile(f"{_SIDE}({'|'.join(KINDS)})")
_SHARP = re.compile(f"{_SIDE}(sharp|gt|target)")
_WORDS = "blur|blurry|sharp|gt|input|target"
_MARK = re.compile(rf"^(?:{_WORDS})[_-]|[_-](?:{_WORDS})$")
_LAST_NUMBER = re.compile(r"[-_ .]*\d+$")
_OF_VIDEO = re.compile(r"\d+from(.+)")
_LEVELS = 3


@dataclass(frozen=True)
class _Holder:
    """A folder with blurry images beside sharp ones, and what its pairs' names begin with."""

    folder: Path
    label: str


@dataclass(frozen=True)
class _Half:
    """Blurry or sharp images: a folder of a kind, on a side that its name may say."""

    folder: Path
    side: str
    kind: str


@dataclass(frozen=True)
class _Found:
    """A blurry image, and where its sharp one must be: `truths[key]`, in `folder`."""

    key: str
    blurry: Path
    truths: Mapping[str, Path]
    folder: Path
    name: str
    scene: str


class PairFolders:
    """Folders `blur` and `sharp`, `input` and `target`, and the like, or NAME_blur, NAME_sharp.

    They may be in a folder for each scene, on each side: GOPRO_Large `train/SCENE/blur`, REDS
    `train/train_blur/SCENE`. A blurry and a sharp image belong together that have one name, but
    for a word such as `blur` before or behind it.

    Args:
        blur: Only blurry images from folders of this name, such as `blur_gamma`; empty: all.
        sharp: The folder of sharp images; empty: the only one that there is.
    """

    title = (
        "blurry beside sharp images: {train,test}/SCENE/{blur,sharp}, "
        "{train,val}/{train,val}_{blur,sharp}/SCENE, {input,target}, NAME_{blur,sharp}.png"
    )
    general = False

    def __init__(self, *, blur: str = "", sharp: str = "") -> None:
        self.blur, self.sharp = blur, sharp

    def recognises(self, path: Path) -> bool:
        """A blurry image with its sharp one; footage with its frames is another data set's."""
        from deblurkit_standard.layouts.gopro import GoPro
        from deblurkit_standard.layouts.reds import Reds

        footage: tuple[Layout, ...] = (GoPro(), Reds())
        if any(layout.recognises(path) for layout in footage):
            return False
        return any(self._matches(holder.folder) for holder in self._holders(path))

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        """None: only the middle of an exposure is known."""
        return ()

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        """See `deblurkit.footage.layout.Layout`; of all kinds of blur, unless one is chosen."""
        found = [
            _pair(image) for holder in self._holders(path) for image in self._blurry_images(holder)
        ]
        if not found:
            raise self._nothing(path)
        return tuple(found)

    def kinds(self, path: Path) -> tuple[str, ...]:
        """Which kinds of blurry images there are; none where they lie beside the sharp ones."""
        every = PairFolders()
        return tuple(
            dict.fromkeys(
                half.kind
                for holder in every._holders(path)
                for half in every._blurry(holder.folder)
            )
        )

    def _nothing(self, path: Path) -> DataError:
        kinds = self.kinds(path)
        if self.blur and kinds and self.blur not in kinds:
            return DataError(
                f"there is no folder '{self.blur}' of blurry images",
                where=str(path),
                valid=", ".join(kinds),
            )
        return not_found(self, path)

    def _holders(self, path: Path) -> Iterator[_Holder]:
        """The folders on the first level on which there is any."""
        here = absolute(path)
        level = [_Holder(here, f"{here.name}/" if here.name in SIDES else "")]
        for _ in range(_LEVELS):
            found = [holder for holder in level if self._holds(holder.folder)]
            if found:
                yield from found
                return
            level = [
                _Holder(folder, f"{holder.label}{folder.name}/")
                for holder in level
                for folder in subfolders(holder.folder)
            ]

    def _holds(self, folder: Path) -> bool:
        return bool(self._blurry(folder)) or bool(_marked(folder, "blur"))

    def _blurry(self, folder: Path) -> list[_Half]:
        halves = []
        for part in subfolders(folder):
            known = _BLURRY.fullmatch(part.name)
            if known is None and part.name != self.blur:
                continue
            side, kind = (known[1] or "", known[2]) if known else ("", part.name)
            # REDS has blurry images for testing without sharp ones.
            if self.blur in ("", kind, part.name) and part.name != "test_blur":
                halves.append(_Half(part, side, kind))
        return halves

    def _sharp(self, folder: Path, side: str) -> Path:
        halves = []
        for part in subfolders(folder):
            known = _SHARP.fullmatch(part.name)
            if part.name == self.sharp:
                return part
            if known and (known[1] or "") == side and self.sharp in ("", known[2]):
                halves.append(part)
        if len(halves) == 1:
            return halves[0]
        named = f" '{self.sharp}'" if self.sharp else ""
        raise DataError(
            f"there is no folder{named} of sharp images beside the blurry ones"
            if not halves
            else f"'{halves[0].name}' and '{halves[1].name}' may both be the sharp images",
            where=str(folder),
            valid="a folder such as sharp, gt or target",
            hint="say which: --set data.train.sharp=..." if halves else None,
        )

    def _blurry_images(self, holder: _Holder) -> Iterator[_Found]:
        folder, label = holder.folder, holder.label
        halves = self._blurry(folder)
        for half in halves:
            sharp = self._sharp(folder, half.side)
            side = f"{half.side}/" if half.side and not label.endswith(f"{half.side}/") else ""
            begin = f"{label}{side}"
            inner = [part for part in subfolders(half.folder) if _by_key(part)]
            for part in inner:
                name, scene = f"{begin}{half.kind}/{part.name}/", f"{begin}{part.name}"
                yield from _found(_by_key(part), sharp / part.name, name, scene)
            if not inner:
                name = f"{begin}{half.kind}/"
                of_many = begin.removesuffix("/").rpartition("/")[2] in ("", *SIDES)
                scene = "" if of_many else begin[:-1]
                yield from _found(_by_key(half.folder), sharp, name, scene, begin)
        if not halves:
            truths = _marked(folder, "sharp")
            for key, file in _marked(folder, "blur").items():
                yield _Found(key, file, truths, folder, label, _scene_of(key, label, folder))

    def _matches(self, folder: Path) -> bool:
        """Whether any blurry image in a folder has its sharp one."""
        try:
            return any(f.key in f.truths for f in self._blurry_images(_Holder(folder, "")))
        except DataError:
            return False


def _found(
    blurry: Mapping[str, Path], sharp: Path, name: str, scene: str, begin: str = ""
) -> Iterator[_Found]:
    truths = _by_key(sharp)
    for key, file in blurry.items():
        yield _Found(
            key, file, truths, sharp, name, scene or _scene_of(key, begin, file.parent.parent)
        )


def _pair(found: _Found) -> Pair:
    if found.key not in found.truths:
        raise DataError(
            "this blurry image has no sharp one",
            where=str(found.blurry),
            valid=f"an image '{found.key}' in {found.folder}",
            hint="unpack the data set again, or move the blurry image away",
        )
    split: Split = next((SIDES[part] for part in found.name.split("/") if part in SIDES), "")
    sharp, name = found.truths[found.key], f"{found.name}{found.key}"
    return Pair(name, found.blurry, sharp, found.scene, split, exact=False)


def _by_key(folder: Path) -> dict[str, Path]:
    """The images of a folder by what a blurry and its sharp one have in common."""
    return {_MARK.sub("", file.stem): file for file in inside(folder) if is_image(file)}


def _marked(folder: Path, word: str) -> dict[str, Path]:
    """The images NAME_word of a folder, by NAME."""
    return {
        file.stem.removesuffix(f"_{word}"): file
        for file in inside(folder)
        if file.stem.endswith(f"_{word}") and is_image(file)
    }


def _scene_of(key: str, label: str, folder: Path) -> str:
    """The scene of an image in a folder with images of many: its name without its last number.

    Images that have nothing but a number may be of one scene, and are taken for it.
    """
    of_video = _OF_VIDEO.fullmatch(key)
    name = of_video[1] if of_video else _LAST_NUMBER.sub("", key)
    return f"{label}{name}" if name else label.rstrip("/") or folder.name
