"""Clips rendered once, kept under a hash of everything that decides them, and memory-mapped.

An entry is a folder with `frames.npy` (N×T×S×S×3 uint8), where clips carry their data set's own
blurry images `blurry.npy` (N×S×S×3), `clips.json` (source and place of
each clip) and `settings.json` (everything that decided it). It appears whole or not at all.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from deblurkit import storage
from deblurkit.data.clip import ClipDataset, publishes_blur
from deblurkit.data.processes import check_main_guard
from deblurkit.data.render import BLURRY, Plan, Progress, render
from deblurkit.data.reserve import reserve_array
from deblurkit.errors import DataError
from deblurkit.footage.dataset import FootageDataset
from deblurkit.footage.motion import warn_of_ghosts
from deblurkit.frames import check_length

_FORMAT = 1
"""Changes when the same settings no longer give the same files."""

_log = logging.getLogger(__name__)


class ClipCache:
    """Rendered clips: a read-only view of one entry of the cache. Pickles by its folder.

    Attributes:
        folder: Where the entry is; its name is the hash of what decided it.
        frames: N×T×S×S×3 uint8, display-referred, read-only and memory-mapped.
        blurry: N×S×S×3 uint8, the data set's own blurry images, in the same way; None where
            frames are blurred here.
        sources: The source of each clip.
        places: Where in its source each clip was cut, for people.
        settings: Everything that decided the clips.
    """

    def __init__(self, folder: Path) -> None:
        """Open an entry.

        Raises:
            DataError: it is missing or damaged.
        """
        self.folder = folder
        try:
            text = (folder / "settings.json").read_text("utf-8")
            self.settings: dict[str, Any] = json.loads(text)
            clips = json.loads((folder / "clips.json").read_text("utf-8"))
            self.frames: npt.NDArray[np.uint8] = np.load(folder / "frames.npy", mmap_mode="r")
            self.blurry: npt.NDArray[np.uint8] | None = None
            if self.settings.get("blurry"):
                self.blurry = np.load(folder / BLURRY, mmap_mode="r")
            self.sources = tuple(str(clip["source"]) for clip in clips)
            self.places = tuple(str(clip["place"]) for clip in clips)
            size = self.settings["size"]
            shape = (self.settings["count"], self.settings["frames"], size, size, 3)
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(str(error)) from error
        if self.frames.shape != shape or self.frames.dtype != np.uint8:
            raise self._damaged(f"frames.npy is {self.frames.shape}, {self.frames.dtype}")
        if self.blurry is not None and (
            self.blurry.shape != (shape[0], *shape[2:]) or self.blurry.dtype != np.uint8
        ):
            raise self._damaged(f"{BLURRY} is {self.blurry.shape}, {self.blurry.dtype}")
        if len(self.sources) != len(self.frames):
            raise self._damaged(f"clips.json lists {len(self.sources)} clips of {shape[0]}")

    def _damaged(self, why: str) -> DataError:
        return DataError(
            f"the cached clips are damaged or incomplete: {why}",
            where=str(self.folder),
            hint="delete the folder; the clips are rendered again when they are needed",
        )

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.frames)

    def __reduce__(self) -> tuple[type[ClipCache], tuple[Path]]:
        return (ClipCache, (self.folder,))


def prepare_clips(
    dataset: ClipDataset,
    sources: Sequence[str],
    *,
    settings: Mapping[str, Any],
    split: Literal["train", "test"],
    count: int,
    frames: int,
    size: int,
    seed: int,
    workers: int = 0,
    progress: Progress | None = None,
) -> ClipCache:
    """Give clips from the cache, rendering them first where they are not there yet.

    Clip k comes from source k mod n. The result does not depend on the number of workers. A
    dataset that reads files may have a method `fingerprint() -> str`, which changes when they
    do; it becomes part of what decides the clips.

    Args:
        dataset: Where the clips come from.
        sources: Which of its sources to use, in this order.
        settings: What describes the dataset: `name`, parameters, its plugin and version;
            anything that JSON can say.
        split: Keeps the random numbers of training and test clips apart.
        count: Number of clips, over all sources.
        frames: Frames a clip, T, odd.
        size: Height and width of the clips in pixels.
        seed: The recipe's.
        workers: Processes that render; 0: this one.
        progress: Called with (clips done, clips in all) while rendering; not when the clips
            are there already.

    Raises:
        DataError: the dataset's material cannot be used, or the cache cannot be written.
        PluginError: the dataset broke its contract.
        ValueError: count, size or workers out of range, or no sources.
        DeblurkitError: a script without a main guard starts itself again.
    """
    check_main_guard()
    if count < 1 or size < 1 or workers < 0 or not sources:
        raise ValueError("clips need count >= 1, size >= 1, workers >= 0 and at least one source")
    plan = Plan(
        dataset=str(settings.get("name", type(dataset).__name__)),
        sources=tuple(sources),
        split=split,
        count=count,
        frames=check_length(frames),
        size=size,
        seed=seed,
        blurry=publishes_blur(dataset),
    )
    decided = _decided(dataset, plan, settings)
    folder = _folder(decided)
    if (whole := _whole(folder)) is not None:
        return whole
    try:
        with _locked(folder):
            if (whole := _whole(folder)) is not None:  # another process was faster
                return whole
            _clear(folder)
            _make(folder, dataset, plan, decided, workers, progress)
    except OSError as error:
        need = np.prod(plan.shape, dtype=np.int64) / 2**20
        raise DataError(
            f"the cache of clips cannot be written: {error.strerror or error}",
            where=str(folder.parent),
            valid=f"a folder that can be written, with {need:.0f} MiB free",
            hint="free some space, ask for fewer or smaller clips (data.clips, data.clip_size), "
            "or name another folder in the environment variable DEBLURKIT_CACHE",
        ) from error
    return ClipCache(folder)


def clips_folder(dataset: ClipDataset, plan: Plan, settings: Mapping[str, Any]) -> Path:
    """Where `prepare_clips` puts the clips of a plan, whether they are there or not.

    Raises:
        DataError: the dataset's material cannot be read.
    """
    return _folder(_decided(dataset, plan, settings))


def _decided(dataset: ClipDataset, plan: Plan, settings: Mapping[str, Any]) -> dict[str, Any]:
    fingerprint = getattr(dataset, "fingerprint", None)
    blurry = {"blurry": True} if plan.blurry else {}  # said by these alone: others keep their hash
    return {
        **blurry,
        "format": _FORMAT,
        "settings": dict(settings),
        "split": plan.split,
        "sources": plan.sources,
        "count": plan.count,
        "frames": plan.frames,
        "size": plan.size,
        "seed": plan.seed,
        "fingerprint": None if fingerprint is None else str(fingerprint()),
    }


def _folder(decided: Mapping[str, Any]) -> Path:
    return storage.cache_root() / "clips" / storage.content_hash(decided)


def _whole(folder: Path) -> ClipCache | None:
    """The entry, if it is there and whole."""
    if not folder.exists():
        return None
    try:
        return ClipCache(folder)
    except DataError:
        return None


def _clear(folder: Path) -> None:
    """Remove a damaged entry and what a killed process left behind. Only under the lock."""
    if folder.exists():
        _log.warning("the cached clips in %s are damaged; rendering them again", folder)
        shutil.rmtree(folder)
    for left in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(left, ignore_errors=True)


def _make(
    folder: Path,
    dataset: ClipDataset,
    plan: Plan,
    decided: Mapping[str, Any],
    workers: int,
    progress: Progress | None,
) -> None:
    with storage.atomic_folder(folder) as temporary:
        frames_file = temporary / "frames.npy"
        reserve_array(frames_file, plan.shape)
        if plan.blurry:
            reserve_array(temporary / BLURRY, (plan.count, *plan.shape[2:]))
        if isinstance(dataset, FootageDataset) and plan.frames > 1:
            warn_of_ghosts(dataset)
        places = render(dataset, plan, frames_file, workers=workers, progress=progress)
        clips = [
            {"source": plan.sources[k % len(plan.sources)], "place": place}
            for k, place in enumerate(places)
        ]
        for name, value in (("clips.json", clips), ("settings.json", decided)):
            text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
            (temporary / name).write_text(text + "\n", "utf-8")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Be the only process that makes this entry; waits for another one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder.parent / f".{folder.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log.warning("another process is rendering the same clips; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
