"""Clips of one frame, the sharp middle of an exposure, with the blurry image itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError, nearest
from deblurkit.footage.dataset import Filter, FootageDataset
from deblurkit.footage.recording import Pair, Recording, Split
from deblurkit.media.image import image_size
from deblurkit_standard.layouts.pair_folders import KINDS, PairFolders


class Pairs(FootageDataset):
    """Blurry and sharp images in pairs, for the middle frame alone: clips have T = 1.

    A pair is a recording of one frame. Sources are scenes, so that no two pairs of a scene are on
    both sides of a split.

    Args:
        path: The folder.
        blur: Folder of the blurry images, such as `blur_gamma`; empty: the only one there is.
        sharp: Folder of the sharp images; empty: found.
        split: Only pairs that the data set's authors put on this side; empty: all.
        downsample: Images are scaled by this.
        filter: How; see `FootageDataset`.
    """

    layout: PairFolders
    published_blur = True

    def __init__(
        self,
        *,
        path: Path,
        blur: str = "",
        sharp: str = "",
        split: Split = "",
        downsample: float = 1.0,
        filter: Filter = "lanczos",  # noqa: A002  the word that recipes use
    ) -> None:
        super().__init__(path=path, split=split, downsample=downsample, filter=filter)
        self.layout = PairFolders(blur=blur, sharp=sharp)

    def listed(self) -> tuple[Recording, ...]:
        """A recording for each pair, of one frame.

        Raises:
            DataError: as `PairFolders.pairs`; the blurry images must be chosen; or an image
                cannot be read, or has another size than its other half.
        """
        return tuple(_recording(pair) for pair in self.listed_pairs())

    def listed_pairs(self) -> tuple[Pair, ...]:
        """The pairs, each as its own recording; see `listed`."""
        return self._pairs

    @cached_property
    def _pairs(self) -> tuple[Pair, ...]:
        kinds = () if self.layout.blur else self.layout.kinds(self.path)
        if len(kinds) > 1:
            known = "; ".join(f"{kind}: {KINDS.get(kind) or 'blurry images'}" for kind in kinds)
            raise DataError(
                f"there are {len(kinds)} kinds of blurry images, and which is meant is not said",
                where=str(self.path),
                valid=known,
                hint=f"--set data.train.blur={kinds[0]} or another",
            )
        found = self.layout.pairs(self.path)
        return tuple(replace(p, recording=p.name, first=0, frames=1) for p in found)

    def sources(self) -> tuple[str, ...]:
        """The scenes."""
        return tuple(self._scenes)

    @cached_property
    def _scenes(self) -> dict[str, list[Recording]]:
        scene_of = {pair.name: pair.scene for pair in self.listed_pairs()}
        scenes: dict[str, list[Recording]] = defaultdict(list)
        for recording in self.recordings:
            scenes[scene_of[recording.name]].append(recording)
        return dict(scenes)

    def clips(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Clip]:
        """Cut `count` clips of one frame from a scene, each of a random pair, at a random place.

        Raises:
            DataError: more than one frame is asked for, an image is smaller than `size`, or
                it is damaged, gone or has changed.
        """
        if source not in (scenes := self._scenes):
            raise DataError(
                f"there is no scene {source!r}",
                where=str(self.path),
                valid=nearest(source, scenes),
                hint="the images have changed since they were listed; run again",
            )
        if frames != 1:
            raise DataError(
                f"a clip needs {frames} frames, and of a pair only the middle one is known",
                where=str(self.path),
                valid="frames: 1",
                hint="for sequences take a data set with all frames, such as gopro or reds; with "
                "pairs only the middle frame can be trained and scored",
            )
        for k in rng.integers(0, len(scenes[source]), count).tolist():
            recording = scenes[source][k]
            height, width = self._size(recording, size)
            y, x = rng.integers(0, (height - size + 1, width - size + 1)).tolist()
            cut = slice(y, y + size), slice(x, x + size)
            own = self.blurry(recording, 0, 1)
            assert own is not None  # each recording is a pair
            place = f"{recording.name}, from pixel x={x}, y={y}"
            sharp = self.window(recording, 0, 1)[:, *cut]
            yield Clip(sharp.copy(), source, place, own[cut].copy())


def _recording(pair: Pair) -> Recording:
    (height, width), other = image_size(pair.sharp), image_size(pair.blurry)
    if other != (height, width):
        raise DataError(
            f"the blurry image has {other[1]}×{other[0]} pixels, its sharp one {width}×{height}",
            where=str(pair.blurry),
            hint="move the pair away, or name another folder in data.train.sharp",
        )
    return Recording(
        name=pair.name,
        path=pair.sharp.parent,
        files=(pair.sharp,),
        frames=1,
        height=height,
        width=width,
        split=pair.split,
        window=1,
    )
