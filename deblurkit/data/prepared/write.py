"""Making a folder of prepared clips: by several processes, shard by shard, to be taken up again.

A shard's arrays appear whole, then a small file beside them that says so with their checksums.
What a killed or full run left is checked against these and kept; the rest is made anew.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from filelock import FileLock, Timeout

from deblurkit import __version__, storage
from deblurkit.camera import Camera
from deblurkit.data.prepared import manifest
from deblurkit.data.prepared.manifest import Manifest, Shard, ShardFile
from deblurkit.data.prepared.plan import Exposure, Planned, clip_generator, need
from deblurkit.data.processes import (
    check_main_guard,
    context,
    end_with_the_parent,
    leave_interrupts_to_the_parent,
    main_left_alone,
)
from deblurkit.data.reserve import reserve_array
from deblurkit.errors import DataError
from deblurkit.footage.dataset import FootageDataset
from deblurkit.footage.motion import warn_of_ghosts
from deblurkit.formation import expose

Progress = Callable[[int, int], None]
"""Called with the number of clips done and the number of all clips."""

PLAN = "plan.json"
"""What decides the clips; there from the beginning."""

_LOCK = ".lock"
_POLL_SECONDS = 0.2
_SPARE = 64 * 2**20  # bytes on the disk beyond what the arrays take

_log = logging.getLogger(__name__)


def write_prepared(
    folder: Path,
    dataset: FootageDataset,
    planned: Sequence[Planned],
    *,
    frames: int,
    source: Mapping[str, Any],
    formation: Mapping[str, Any],
    camera: Camera,
    seed: int = 0,
    workers: int = 0,
    progress: Progress | None = None,
) -> Manifest:
    """Make a folder of prepared clips, or go on with one that was begun.

    Args:
        folder: Where; missing, empty, or begun by the same preparation.
        dataset: The footage.
        planned: The shards; see `prepared.plan`.
        frames: True frames a clip, T.
        source: What describes the footage, for the manifest; JSON.
        formation: What describes the camera, for the manifest.
        camera: How frames become a blurry image.
        seed: Of what the camera draws at random.
        workers: Processes; 0: this one.
        progress: Told how far the work is; clips that are there already count.

    Returns:
        The manifest, which is in the folder then.

    Raises:
        DataError: the footage cannot be used, has changed since the folder was begun, or the
            folder holds something else or cannot be written.
    """
    check_main_guard()
    decided = {
        "format": manifest.FORMAT,
        "frames": frames,
        "source": dict(source),
        "formation": dict(formation),
        "seed": seed,
        "files": dataset.fingerprint(),
        "exposures": [[(e.recording.name, e.start) for e in s.exposures] for s in planned],
    }
    try:
        with _begun(folder, decided):
            made = _make_all(folder, dataset, planned, frames, camera, seed, workers, progress)
            whole = Manifest(frames, source, formation, made, f"deblurkit {__version__}")
            manifest.write_manifest(folder, whole)
            for shard in planned:
                _note(folder, shard).unlink(missing_ok=True)
            return whole
    except OSError as error:
        raise DataError(
            f"the clips cannot be written: {error.strerror or error}",
            where=str(folder),
            valid=f"a folder that can be written, with {size_text(need(planned, frames))} free",
            hint="free some space and run the same command again: what is whole is kept",
        ) from error


def size_text(size: float) -> str:
    """Bytes as people say them."""
    for unit in ("bytes", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


@contextmanager
def _begun(folder: Path, decided: Mapping[str, Any]) -> Iterator[None]:
    """The folder, begun by this preparation, for one process at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _LOCK)  # stays: removing it would let two others in at once
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log.warning("another process prepares clips in %s; waiting for it", folder)
        lock.acquire()
    try:
        _begin_or_go_on(folder, json.loads(json.dumps(decided, default=str)))
        yield
    finally:
        lock.release()


def _begin_or_go_on(folder: Path, decided: Mapping[str, Any]) -> None:
    """Write down what decides the clips, or see that it is what they were begun with."""
    plan = folder / PLAN
    if not plan.is_file():
        if strange := sorted(p.name for p in folder.iterdir() if p.name != _LOCK):
            raise DataError(
                f"the folder holds other things ('{strange[0]}')",
                where=str(folder),
                valid="a new folder, an empty one, or one that this command has begun",
            )
        storage.write_json(plan, decided)
        return
    try:
        before = json.loads(plan.read_text("utf-8"))
    except (OSError, ValueError):
        before = {}
    differs = [key for key, value in decided.items() if before.get(key) != value]
    if differs and not any(folder.glob("shard-*.json")) and not (folder / manifest.NAME).exists():
        storage.write_json(plan, decided)  # nothing was made yet
    elif differs:
        said = {"files": "the footage's files", "exposures": "the choice of frames"}
        names = ", ".join(said.get(key, key) for key in differs)
        raise DataError(
            f"the folder was begun with other settings; what differs: {names}",
            where=str(folder),
            hint="name another folder, or delete this one to make it anew",
        )


def _make_all(
    folder: Path,
    dataset: FootageDataset,
    planned: Sequence[Planned],
    frames: int,
    camera: Camera,
    seed: int,
    workers: int,
    progress: Progress | None,
) -> tuple[Shard, ...]:
    for left in (*folder.glob(".*.npy"), *folder.glob(".*.json")):  # of a killed process
        left.unlink(missing_ok=True)
    found = _finished(folder, planned, frames)
    todo = [shard for shard in planned if shard.number not in found]
    _check_room(folder, need(todo, frames))
    if todo and frames * camera.subframes > 1:
        warn_of_ghosts(dataset)
    report = progress or (lambda done, total: None)
    total = sum(len(shard.exposures) for shard in planned)
    done = sum(len(shard.sources) for shard in found.values())
    report(done, total)
    for shard in _made(folder, dataset, todo, frames, camera, seed, workers):
        found[shard[0]] = shard[1]
        done += len(shard[1].sources)
        report(done, total)
    return tuple(found[shard.number] for shard in planned)


def _finished(folder: Path, planned: Sequence[Planned], frames: int) -> dict[int, Shard]:
    """Shards that are there and whole."""
    if (folder / manifest.NAME).is_file():  # a folder that was whole is gone through again
        with suppress(DataError):
            for number, kept in enumerate(manifest.read_manifest(folder, files=False).shards):
                _write_note(folder, number, kept)
        (folder / manifest.NAME).unlink()
    found = {}
    for shard in planned:
        note = _note(folder, shard)
        try:
            kept = manifest.shard_from(json.loads(note.read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if manifest.array_shape(kept, frames) == _shape(shard, frames) and manifest.verify(
            folder, kept
        ):
            found[shard.number] = kept
        else:
            _log.warning("shard %d in %s is damaged; making it again", shard.number, folder)
            note.unlink()
    return found


def _check_room(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if wanted + _SPARE > free:
        raise DataError(
            f"the clips take {size_text(wanted)} and {size_text(free)} are free",
            where=str(folder),
            hint="free some space, name a folder on another disk, scale the frames down "
            "(downsample) or prepare fewer clips",
        )


def _made(
    folder: Path,
    dataset: FootageDataset,
    todo: Sequence[Planned],
    frames: int,
    camera: Camera,
    seed: int,
    workers: int,
) -> Iterator[tuple[int, Shard]]:
    if workers < 1 or len(todo) < 2:
        for shard in todo:
            yield shard.number, _make(folder, dataset, shard, frames, camera, seed)
        return
    pool = ProcessPoolExecutor(min(workers, len(todo)), context(), _begin)
    try:
        with main_left_alone():  # all processes start here
            tasks = {
                pool.submit(_make, folder, dataset, shard, frames, camera, seed): shard.number
                for shard in todo
            }
        pending = set(tasks)
        while pending:
            finished, pending = wait(pending, _POLL_SECONDS, FIRST_EXCEPTION)
            for task in finished:
                yield tasks[task], task.result()
    except BrokenProcessPool as error:
        raise DataError(
            "a process that prepared clips died",
            where=str(folder),
            hint="if memory ran out, use fewer --workers; run the same command again to go on",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _begin() -> None:
    leave_interrupts_to_the_parent()
    end_with_the_parent()


def _make(
    folder: Path,
    dataset: FootageDataset,
    shard: Planned,
    frames: int,
    camera: Camera,
    seed: int,
) -> Shard:
    """Make the files of one shard and note that they are whole."""
    shape = _shape(shard, frames)
    paths = [folder / f"{kind}-{shard.number:05d}.npy" for kind in ("frames", "blurry")]
    places = []
    with (
        storage.atomic_file(paths[0]) as frames_file,
        storage.atomic_file(paths[1]) as blurry_file,
    ):
        true = reserve_array(frames_file, shape)
        blurry = reserve_array(blurry_file, (shape[0], *shape[2:]))
        clips = _footage(dataset, shard.exposures, frames * camera.subframes)
        for k, (exposure, footage) in enumerate(clips):
            own = dataset.blurry(exposure.recording, exposure.start, frames)
            if own is None:
                rng = clip_generator(dataset, exposure, seed)
                stored = np.ascontiguousarray(footage.transpose(0, 3, 1, 2))
                y, x = expose(stored, camera, rng)
                true[k] = _bytes(x).transpose(0, 2, 3, 1)
                blurry[k] = _bytes(y).transpose(1, 2, 0)
            else:
                true[k], blurry[k] = footage, own
            places.append(dataset.span(exposure.start, frames * camera.subframes))
        for array in (true, blurry):
            array.flush()
        del true, blurry
    made = Shard(
        frames=_file(paths[0]),
        blurry=_file(paths[1]),
        height=shard.height,
        width=shard.width,
        sources=tuple(exposure.recording.name for exposure in shard.exposures),
        places=tuple(places),
    )
    _write_note(folder, shard.number, made)
    return made


def _footage(
    dataset: FootageDataset, chosen: Sequence[Exposure], count: int
) -> Iterator[tuple[Exposure, npt.NDArray[np.uint8]]]:
    """Each exposure with its `count` used frames; neighbours in a recording are read in one go."""
    first = 0
    while first < len(chosen):
        last = first
        while last + 1 < len(chosen) and _adjoin(chosen[last], chosen[last + 1], count):
            last += 1
        begin = chosen[first].start
        length = chosen[last].start - begin + count
        read = dataset.read(chosen[first].recording, begin, length)
        kept: deque[npt.NDArray[np.uint8]] = deque(maxlen=count)
        at = 0  # used frames read so far
        for exposure in chosen[first : last + 1]:
            end = exposure.start - begin + count
            while at < end:
                kept.append(next(read))
                at += 1
            yield exposure, np.stack(kept)
        first = last + 1


def _adjoin(one: Exposure, other: Exposure, count: int) -> bool:
    """Whether reading on is better than beginning anew: little or nothing lies between."""
    away = other.start - one.start
    return one.recording == other.recording and 0 < away <= 2 * count


def _shape(shard: Planned, frames: int) -> tuple[int, int, int, int, int]:
    return (len(shard.exposures), frames, shard.height, shard.width, 3)


def _bytes(image: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    return np.asarray(np.rint(image * 255), dtype=np.uint8)


def _file(path: Path) -> ShardFile:
    return ShardFile(path.name, path.stat().st_size, storage.file_hash(path))


def _note(folder: Path, shard: Planned) -> Path:
    return folder / f"shard-{shard.number:05d}.json"


def _write_note(folder: Path, number: int, shard: Shard) -> None:
    storage.write_json(folder / f"shard-{number:05d}.json", asdict(shard))


def default_workers() -> int:
    """As many processes as the machine has processors that this one may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
