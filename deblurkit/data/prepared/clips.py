"""Prepared clips as samples: whole frames with their own blurry images, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from deblurkit.data.prepared.manifest import Manifest, open_arrays, read_manifest
from deblurkit.data.stream import Sample
from deblurkit.errors import DataError

Stored = npt.NDArray[np.uint8]


class PreparedClips:
    """The clips of a folder that `deblurkit data prepare` made.

    Attributes:
        folder: Where they are.
        manifest: What they are.
        sources: The source of each clip: its recording.
        places: Which frames of it, for people.
    """

    def __init__(self, folder: Path) -> None:
        """Open a folder; files are mapped when they are used.

        Raises:
            DataError: it is unfinished or damaged, or holds no clip.
        """
        self.folder = Path(folder).expanduser()
        self.manifest: Manifest = read_manifest(self.folder)
        if not self.manifest.clips:
            raise DataError("the folder holds no clip", where=str(self.folder))
        shards = self.manifest.shards
        self.sources = tuple(name for shard in shards for name in shard.sources)
        self.places = tuple(place for shard in shards for place in shard.places)
        self._at = [(n, k) for n, shard in enumerate(shards) for k in range(len(shard.sources))]
        self._open: tuple[int, Stored, Stored] | None = None

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._at)

    def arrays(self, k: int) -> tuple[Stored, Stored]:
        """Clip k: true frames T×H×W×3 and blurry image H×W×3, uint8, mapped, not copied.

        Raises:
            DataError: its shard is missing or damaged.
        """
        number, within = self._at[k]
        if self._open is None or self._open[0] != number:
            shard = self.manifest.shards[number]
            self._open = (number, *open_arrays(self.folder, shard, self.manifest.frames))
        return self._open[1][within], self._open[2][within]

    def sample(self, k: int) -> Sample:
        """Clip k as networks take it; see `deblurkit.data.stream.Sample`."""
        frames, blurry = self.arrays(k)
        return {
            "blurry": _unit(blurry[None])[0],
            "frames": _unit(frames),
            "clip": k,
        }

    def batches(self) -> Iterator[dict[str, torch.Tensor]]:
        """All clips in their order, one a batch: sizes may differ."""
        for k in range(len(self)):
            found = self.sample(k)
            yield {"blurry": found["blurry"][None], "frames": found["frames"][None]}


def _unit(images: Stored) -> torch.Tensor:
    """N×H×W×3 bytes to N×3×H×W floats in [0, 1]."""
    moved = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return torch.from_numpy(np.divide(moved, np.float32(255), dtype=np.float32))
