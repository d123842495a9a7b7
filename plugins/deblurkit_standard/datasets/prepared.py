"""Clips from a folder that `deblurkit data prepare` made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from deblurkit.data.clip import Clip
from deblurkit.data.prepared.clips import PreparedClips
from deblurkit.data.prepared.manifest import NAME
from deblurkit.errors import DataError, nearest
from deblurkit.frames import around_middle
from deblurkit.storage import file_hash


class Prepared:
    """Crops of prepared clips, at random places; the sources are the recordings.

    Args:
        path: The folder.
        blurry: `formed`: blurred anew by the recipe's formation; `kept`: with the blurry images
            in the folder, then clips have all of its frames.
    """

    def __init__(self, *, path: Path, blurry: Literal["formed", "kept"] = "formed") -> None:
        self.path, self.blurry = Path(path).expanduser(), blurry
        self.published_blur = blurry == "kept"

    @cached_property
    def _clips(self) -> PreparedClips:
        return PreparedClips(self.path)

    @cached_property
    def _of(self) -> dict[str, list[int]]:
        """Numbers of the clips of each source."""
        found: dict[str, list[int]] = {}
        for k, name in enumerate(self._clips.sources):
            found.setdefault(name, []).append(k)
        return found

    def sources(self) -> tuple[str, ...]:
        """The recordings that clips were cut from.

        Raises:
            DataError: the folder is unfinished or damaged.
        """
        return tuple(self._of)

    def fingerprint(self) -> str:
        """Changes with the manifest, which has the checksums of everything."""
        return file_hash(self.path / NAME)

    def clips(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Clip]:
        """Cut `count` clips from one recording; see `deblurkit.data.clip.ClipDataset`.

        Of clips that are longer than `frames`, the frames about the middle are taken.

        Raises:
            DataError: there is no such source, or clips are too short or too small.
        """
        if source not in self._of:
            raise DataError(
                f"there is no recording '{source}'",
                where=str(self.path),
                valid=nearest(source, self._of),
            )
        T = self._clips.manifest.frames
        if frames > T or (self.published_blur and frames != T):
            raise DataError(
                f"the prepared clips have {T} frames and a clip needs {frames}",
                where=str(self.path),
                hint=f"--set frames={T}, or prepare clips of {frames} frames"
                if frames > T
                else f"--set frames={T}, or blurry: formed",
            )
        last = around_middle(T, frames)[-1]
        numbers = self._of[source]
        for _ in range(count):
            k = numbers[int(rng.integers(len(numbers)))]
            true, blurry = self._clips.arrays(k)
            height, width = blurry.shape[:2]
            if min(height, width) < size:
                raise DataError(
                    f"the prepared frames are {width}×{height}, too small for {size}×{size}",
                    where=str(self.path),
                    hint=f"--set data.clip_size={min(height, width)} or less, with data.crop no "
                    "larger",
                )
            y, x = (int(rng.integers(side - size + 1)) for side in (height, width))
            inside = slice(y, y + size), slice(x, x + size)
            yield Clip(
                np.array(true[last - frames : last, *inside]),
                source,
                f"{self._clips.places[k]}, from pixel x={x}, y={y}",
                np.array(blurry[inside]) if self.published_blur else None,
            )
