"""HyperCUT's format: a metadata.json that says which images belong together, and in which order."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deblurkit.errors import DataError
from deblurkit.footage.recording import Pair, Recording, Split
from deblurkit.media.files import check_file, natural_order
from deblurkit_standard.layouts.runs import Run, pairs_of_runs, recording_of_runs
from deblurkit_standard.layouts.search import SIDES, absolute, not_found

FILE = "metadata.json"
ORDERS = ("keep", "ignore", "reverse", "random")
PARTITIONS = ("train", "val", "test")
_FEW = 64 * 2**10  # characters that must show what the file is, whether it is whole or not


class HyperCut:
    """Pham et al., CVPR 2023: RB2V, and REDS and B-AIST++ brought into the same format.

    `{"name", "frame_per_seq": n, "data": [{"id": "VIDEO/IMAGE", "order", "partition",
    "blur_path", "frame001_path", ...}]}`. The order `reverse` turns the frames of a blurry image
    round; `keep`, `ignore` and `random` leave them. Images for validation are for testing here.
    """

    title = f"{FILE} with frame_per_seq, and the images that it names"
    general = False

    def recognises(self, path: Path) -> bool:
        """A folder with such a file, or the file itself, whether it is whole or not."""
        file = _file(path)
        try:
            with file.open(encoding="utf-8", errors="replace") as text:
                return file.suffix == ".json" and '"frame_per_seq"' in text.read(_FEW)
        except OSError:
            return False

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        """See `deblurkit.footage.layout.Layout`. A recording is a video on one side."""
        return tuple(
            recording_of_runs(runs[0].middle.parent, video, runs, split=split)
            for (video, split), runs in self._videos(path).items()
        )

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        """See `deblurkit.footage.layout.Layout`."""
        return tuple(
            pair
            for (video, split), runs in self._videos(path).items()
            for pair in pairs_of_runs(video, runs, split=split)
        )

    def _videos(self, path: Path) -> dict[tuple[str, Split], list[Run]]:
        file = _file(path)
        if not file.is_file():
            raise not_found(self, path)
        videos: dict[tuple[str, Split], list[Run]] = defaultdict(list)
        seen: set[tuple[Split, str]] = set()
        for entry in _entries(file):
            if (key := (entry.split, entry.id)) in seen:
                raise DataError(f"the id '{entry.id}' is there twice", where=str(file))
            seen.add(key)
            video, _, image = entry.id.rpartition("/")
            videos[f"{entry.split}/{video or image}", entry.split].append(
                Run(image, entry.blurry, entry.frames)
            )
        order = {place: k for k, place in enumerate(natural_order(Path(v) for v, _ in videos))}
        return {
            key: sorted(videos[key], key=lambda run: order_of(run.name))
            for key in sorted(videos, key=lambda key: order[Path(key[0])])
        }


def order_of(name: str) -> tuple[bool, int, str]:
    """A key that sorts images by number, as time runs, and other names behind them."""
    return (not name.isdecimal(), int(name) if name.isdecimal() else 0, name)


@dataclass(frozen=True)
class _Entry:
    id: str
    split: Split
    blurry: Path
    frames: tuple[Path, ...]


def _file(path: Path) -> Path:
    here = absolute(path)
    return here if here.suffix == ".json" and here.is_file() else here / FILE


def _entries(file: Path) -> list[_Entry]:
    check_file(file, "a JSON file")
    try:
        said = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"this is not valid JSON: {error}",
            where=str(file),
            hint="unpack the data set again, or mend the file",
        ) from error
    data = said.get("data") if isinstance(said, dict) else None
    count = said.get("frame_per_seq") if isinstance(said, dict) else None
    if not isinstance(data, list) or not data:
        raise DataError("it has no list 'data' of entries", where=str(file), valid=HyperCut.title)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 999:
        raise DataError(
            f"frame_per_seq is {count!r}", where=str(file), valid="a number of frames, 1 to 999"
        )
    return [_entry(file, number, found, count) for number, found in enumerate(data, 1)]


def _entry(file: Path, number: int, said: Any, count: int) -> _Entry:
    where = f"{file}: entry {number}"
    if not isinstance(said, dict):
        raise DataError("this is no object", where=where, valid='{"id": ..., "blur_path": ...}')
    name = said.get("id")
    where = f"{where} ('{name}')" if name is not None else where
    frames = [f"frame{t:03d}_path" for t in range(1, count + 1)]
    for key in ("id", "order", "partition", "blur_path", *frames):
        if not isinstance(said.get(key), str) or not said[key]:
            raise DataError(
                f"'{key}' is missing" if key not in said else f"'{key}' is no text",
                where=where,
                valid=f"id, order, partition, blur_path, {frames[0]} to {frames[-1]}",
            )
    _one_of(where, "order", said["order"], ORDERS)
    _one_of(where, "partition", said["partition"], PARTITIONS)
    blurry, *images = (_inside(file, where, key, said[key]) for key in ("blur_path", *frames))
    if said["order"] == "reverse":
        images.reverse()
    return _Entry(said["id"], SIDES[said["partition"]], blurry, tuple(images))


def _one_of(where: str, key: str, said: str, valid: tuple[str, ...]) -> None:
    if said not in valid:
        raise DataError(f"'{key}' is '{said}'", where=where, valid=", ".join(valid))


def _inside(file: Path, where: str, key: str, said: str) -> Path:
    """A path of the file, which must stay in its folder."""
    inner = Path(os.path.normpath(said))
    if "\0" in said or inner.is_absolute() or inner.parts[:1] == (os.pardir,):
        raise DataError(
            f"'{key}' is '{said}', which is not in the folder of the data set",
            where=where,
            valid=f"paths that begin in {file.parent}",
            hint="take the metadata that came with the data set, or mend the path",
        )
    return file.parent / inner
