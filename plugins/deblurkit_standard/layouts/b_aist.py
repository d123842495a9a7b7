"""B-AIST++: dancers, seven frames for each blurry image."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from deblurkit.errors import DataError
from deblurkit.footage.recording import Pair, Recording, Split
from deblurkit.media.image import is_image
from deblurkit_standard.layouts.runs import Run, pairs_of_runs, recording_of_runs
from deblurkit_standard.layouts.search import absolute, inside, not_found, numbered, subfolders
from deblurkit_standard.layouts.split_lists import sides_of

_BLURRY = re.compile(r"\d{8}")
_SHARP = re.compile(r"(\d{8})_\d{3}")


class BAist:
    """Zhong et al., ECCV 2022 (Animation from Blur).

    Frame j of blurry image k is `sharp/%08d_%03d.png`, (k, j). The authors' lists of videos
    (`b-aist++_train_*.yaml`, `b-aist++_valid_*.yaml`) are followed where they lie in the folder.
    Annotations are passed over.
    """

    title = "VIDEO/blur/%08d.png with VIDEO/sharp/%08d_%03d.png"
    general = False

    def recognises(self, path: Path) -> bool:
        """A folder with such a folder in it; with a metadata.json it is HyperCUT's."""
        return not (path / "metadata.json").is_file() and bool(_videos(path))

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        """See `deblurkit.footage.layout.Layout`."""
        return tuple(
            recording_of_runs(video, video.name, _runs(video), split=side)
            for video, side in self._sides(path).items()
        )

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        """See `deblurkit.footage.layout.Layout`."""
        return tuple(
            pair
            for video, side in self._sides(path).items()
            for pair in pairs_of_runs(video.name, _runs(video), split=side)
        )

    def _sides(self, path: Path) -> dict[Path, Split]:
        videos = _videos(path)
        if not videos:
            raise not_found(self, path)
        sides = sides_of([video.name for video in videos], (absolute(path),))
        return {video: sides.get(video.name, "") for video in videos}


def _videos(path: Path) -> tuple[Path, ...]:
    """The folders in which both kinds of images are."""
    return tuple(
        video
        for video in subfolders(path)
        if _any_named(video / "blur", _BLURRY) and _any_named(video / "sharp", _SHARP)
    )


def _any_named(folder: Path, name: re.Pattern[str]) -> bool:
    return any(name.fullmatch(file.stem) and is_image(file) for file in inside(folder))


def _runs(video: Path) -> list[Run]:
    blurry = {file.stem: file for file in numbered(video / "blur", _BLURRY.pattern)}
    frames: dict[str, list[Path]] = defaultdict(list)
    for file in numbered(video / "sharp", _SHARP.pattern):
        frames[file.stem.partition("_")[0]].append(file)
    lonely = next((file for name, file in blurry.items() if name not in frames), None)
    if lonely is not None:
        raise DataError(
            "this blurry image has no sharp ones",
            where=str(lonely),
            valid=f"{lonely.stem}_000.png and so on in {video / 'sharp'}",
            hint="unpack the data set again, or move the blurry image away",
        )
    length = max(map(len, frames.values()))
    for name, found in frames.items():
        if len(found) < length:
            raise DataError(
                f"{len(found)} sharp images belong to blurry image {name}, to others {length}",
                where=str(video),
                hint="unpack the data set again, or move these images away",
            )
    return [Run(name, blurry.get(name), tuple(found)) for name, found in frames.items()]
