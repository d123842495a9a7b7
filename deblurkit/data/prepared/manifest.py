"""The manifest of a folder of prepared clips: what is in it, made of what and how.

A folder holds `manifest.json` and, for each shard, `frames-00000.npy` (N×T×H×W×3 uint8) and
`blurry-00000.npy` (N×H×W×3 uint8), all clips of a shard in one size. The manifest comes last: a
folder without one is unfinished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.errors import DataError
from deblurkit.storage import file_hash, write_json

Stored = npt.NDArray[np.uint8]

NAME = "manifest.json"
FORMAT = 1
"""Changes when folders of before can no longer be read."""

_AGAIN = "run the same `deblurkit data prepare` again: what is whole stays, the rest is made anew"


@dataclass(frozen=True)
class ShardFile:
    """One array of a shard.

    Attributes:
        file: Its name in the folder.
        size: Bytes.
        sha256: Of its bytes.
    """

    file: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Shard:
    """Some clips of one size.

    Attributes:
        frames: The file of the true frames, N×T×H×W×3 uint8.
        blurry: The file of the blurry images, N×H×W×3 uint8.
        height, width: Pixels.
        sources: The source of each clip: its recording.
        places: Which frames of it, for people, counted from 1.
    """

    frames: ShardFile
    blurry: ShardFile
    height: int
    width: int
    sources: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What a folder of prepared clips holds.

    Attributes:
        frames: Frames a clip, T.
        source: What the clips were cut from: dataset, version, parameters, fingerprint, preset.
        formation: How the blurry images were made, as a recipe's `data.formation`; empty where
            they are the data set's own.
        shards: The shards, in order.
        made_by: Program and version.
    """

    frames: int
    source: Mapping[str, Any]
    formation: Mapping[str, Any]
    shards: tuple[Shard, ...] = field(default=())
    made_by: str = ""

    @property
    def clips(self) -> int:
        """Number of clips in all."""
        return sum(len(shard.sources) for shard in self.shards)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a folder whose shards are all there.

    Raises:
        OSError: it cannot be written.
    """
    write_json(folder / NAME, {"format": FORMAT, **asdict(manifest)})


def read_manifest(folder: Path, *, files: bool = True) -> Manifest:
    """Read a manifest, and see that every file it names is there in its size.

    Args:
        folder: Of prepared clips.
        files: Look for the files.

    Raises:
        DataError: the folder is no folder of prepared clips, unfinished, damaged, or of
            another format.
    """
    path = folder / NAME
    if not path.is_file():
        raise DataError(
            "this is no finished folder of prepared clips",
            where=str(folder),
            valid=f"a folder with {NAME}, as `deblurkit data prepare` makes it",
            hint="if preparing was interrupted, run the same command again",
        )
    try:
        said = json.loads(path.read_text("utf-8"))
        found = said["format"]
        manifest = None if found != FORMAT else _manifest(said)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"the manifest is damaged: {error}", where=str(path), hint=_AGAIN
        ) from error
    if manifest is None:
        raise DataError(
            f"the clips were prepared in format {found}",
            where=str(path),
            valid=f"format {FORMAT}",
            hint="prepare them again with this version of deblurkit",
        )
    for shard in manifest.shards if files else ():
        for kept in (shard.frames, shard.blurry):
            _check_size(folder / kept.file, kept)
    return manifest


def verify(folder: Path, shard: Shard) -> bool:
    """Whether the files of a shard have the bytes that they were written with."""
    return all(
        (folder / kept.file).is_file()
        and (folder / kept.file).stat().st_size == kept.size
        and file_hash(folder / kept.file) == kept.sha256
        for kept in (shard.frames, shard.blurry)
    )


def shard_from(said: Mapping[str, Any]) -> Shard:
    """A shard as JSON says it.

    Raises:
        KeyError, TypeError: it lacks something or has too much.
    """
    return Shard(
        frames=ShardFile(**said["frames"]),
        blurry=ShardFile(**said["blurry"]),
        height=int(said["height"]),
        width=int(said["width"]),
        sources=tuple(map(str, said["sources"])),
        places=tuple(map(str, said["places"])),
    )


def array_shape(shard: Shard, frames: int) -> tuple[int, int, int, int, int]:
    """N×T×H×W×3 of a shard."""
    return (len(shard.sources), frames, shard.height, shard.width, 3)


def open_arrays(folder: Path, shard: Shard, frames: int) -> tuple[Stored, Stored]:
    """A shard's frames N×T×H×W×3 and blurry images N×H×W×3, uint8, read-only, memory-mapped.

    Raises:
        DataError: a file is missing or is not what the manifest says.
    """
    shape = array_shape(shard, frames)
    found = []
    for kept, wanted in ((shard.frames, shape), (shard.blurry, (shape[0], *shape[2:]))):
        path = folder / kept.file
        _check_size(path, kept)
        try:
            array = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DataError(
                f"the shard is damaged: {error}", where=str(path), hint=_AGAIN
            ) from error
        if array.shape != wanted or array.dtype != np.uint8:
            raise DataError(
                f"the shard holds {array.shape}, {array.dtype}, not {wanted}, uint8",
                where=str(path),
                hint=_AGAIN,
            )
        found.append(array)
    return found[0], found[1]


def _manifest(said: Mapping[str, Any]) -> Manifest:
    return Manifest(
        frames=int(said["frames"]),
        source=dict(said["source"]),
        formation=dict(said["formation"]),
        shards=tuple(shard_from(shard) for shard in said["shards"]),
        made_by=str(said["made_by"]),
    )


def _check_size(path: Path, kept: ShardFile) -> None:
    size = path.stat().st_size if path.is_file() else None
    if size != kept.size:
        raise DataError(
            "a shard is missing" if size is None else f"a shard has {size} of {kept.size} bytes",
            where=str(path),
            hint=_AGAIN,
        )
