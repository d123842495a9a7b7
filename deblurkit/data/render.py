"""Rendering of clips by several processes, each clip to its own place in one file.

Clip k comes from source k mod n, so any first part of the clips is spread evenly over the n
sources, and every source has a generator of its own: which process renders what, and when,
changes nothing.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.data.clip import Clip, ClipDataset
from deblurkit.data.processes import (
    context,
    end_with_the_parent,
    leave_interrupts_to_the_parent,
    main_left_alone,
)
from deblurkit.errors import DataError, DeblurkitError, PluginError
from deblurkit.randomness import generator

Progress = Callable[[int, int], None]
"""Called with the number of clips done and the number of all clips."""

BLURRY = "blurry.npy"
"""The data set's own blurry images, beside the frames."""

_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Plan:
    """What is to be rendered.

    Attributes:
        dataset: Name of the dataset, for messages.
        sources: The sources, each once.
        split: `train` or `test`.
        count: Number of clips over all sources.
        frames: Frames a clip, T.
        size: Height and width in pixels.
        seed: Of the recipe.
        blurry: Whether each clip carries its data set's own blurry image.
    """

    dataset: str
    sources: tuple[str, ...]
    split: str
    count: int
    frames: int
    size: int
    seed: int
    blurry: bool = False

    @property
    def shape(self) -> tuple[int, int, int, int, int]:
        """Shape of all clips together: N×T×S×S×3."""
        return (self.count, self.frames, self.size, self.size, 3)

    def clips_of(self, source: int) -> range:
        """The indices of the clips that come from the source with this number."""
        return range(source, self.count, len(self.sources))


def render(
    dataset: ClipDataset, plan: Plan, target: Path, *, workers: int, progress: Progress | None
) -> list[str]:
    """Render all clips of a plan into an .npy file that exists in the right size.

    Args:
        dataset: Gives the clips.
        plan: What to render.
        target: The file, N×T×S×S×3 uint8; where clips carry a blurry image, `blurry.npy` beside
            it, N×S×S×3, is there too. A small file beside it is made and removed.
        workers: Number of processes; 0: this one.
        progress: Told how far the work is.

    Returns:
        The place of each clip in its source, for people.

    Raises:
        DataError: the dataset's material cannot be used, or a process died.
        PluginError: the dataset broke its contract, or failed with an error that is not ours.
    """
    report = progress or (lambda done, total: None)
    busy = [number for number in range(len(plan.sources)) if plan.clips_of(number)]
    places = [""] * plan.count
    report(0, plan.count)
    if workers > 0 and len(busy) > 1:
        by_source = _render_in_pool(dataset, plan, target, busy, workers, report)
        for number, found in by_source.items():
            places[number :: len(plan.sources)] = found
        return places
    done = 0
    put = _Target(target, plan)
    for number in busy:
        for k, clip in _clips(dataset, plan, number):
            put(k, clip)
            places[k] = str(clip.place)
            done += 1
            report(done, plan.count)
    put.flush()
    return places


class _Target:
    """The arrays that clips go to, mapped."""

    def __init__(self, file: Path, plan: Plan) -> None:
        self._frames: npt.NDArray[np.uint8] = np.load(file, mmap_mode="r+")
        blurry = file.with_name(BLURRY)
        self._blurry: npt.NDArray[np.uint8] | None = (
            np.load(blurry, mmap_mode="r+") if plan.blurry else None
        )

    def __call__(self, k: int, clip: Clip) -> None:
        self._frames[k] = clip.frames
        if self._blurry is not None and clip.blurry is not None:
            self._blurry[k] = clip.blurry

    def flush(self) -> None:
        for array in (self._frames, self._blurry):
            if isinstance(array, np.memmap):
                array.flush()


def _clips(dataset: ClipDataset, plan: Plan, number: int) -> Iterator[tuple[int, Clip]]:
    """The clips of one source with their indices, checked."""
    source, wanted = plan.sources[number], plan.clips_of(number)
    where = f"dataset '{plan.dataset}', source '{source}'"
    report_it = (
        "this is a mistake in the dataset's plugin; tell its authors, or mend it if it is yours"
    )
    rng = generator(plan.seed, "clips", plan.split, source)
    given = 0
    try:
        found = dataset.clips(
            source, count=len(wanted), frames=plan.frames, size=plan.size, rng=rng
        )
        for k, clip in zip(wanted, islice(found, len(wanted)), strict=False):
            _check(clip, plan, where, report_it)
            yield k, clip
            given += 1
    except DeblurkitError:
        raise
    except Exception as error:
        raise PluginError(
            f"rendering failed: {type(error).__name__}: {error}", where=where, hint=report_it
        ) from error
    if given < len(wanted):
        raise PluginError(
            f"gave {given} clips where {len(wanted)} were asked for", where=where, hint=report_it
        )


def _check(clip: Any, plan: Plan, where: str, hint: str) -> None:
    frames = getattr(clip, "frames", None)
    if isinstance(frames, np.ndarray):
        if frames.shape == plan.shape[1:] and frames.dtype == np.uint8:
            _check_blurry(getattr(clip, "blurry", None), plan, where, hint)
            return
        given = f"a clip of shape {frames.shape}, {frames.dtype}"
    else:
        given = f"a {type(clip).__name__} without an array of frames"
    raise PluginError(
        f"gave {given}", where=where, valid=f"a Clip of shape {plan.shape[1:]}, uint8", hint=hint
    )


def _check_blurry(blurry: Any, plan: Plan, where: str, hint: str) -> None:
    if blurry is None and not plan.blurry:
        return
    if isinstance(blurry, np.ndarray) and blurry.dtype == np.uint8:
        if plan.blurry and blurry.shape == plan.shape[2:]:
            return
        given = f"a blurry image of shape {blurry.shape}"
    else:
        given = "no blurry image" if blurry is None else f"{type(blurry).__name__} as blurry image"
    valid = f"{plan.shape[2:]}, uint8" if plan.blurry else "none: its published_blur is not true"
    raise PluginError(f"gave {given}", where=where, valid=valid, hint=hint)


# Several processes. Each ticks a byte for every clip done, in a file mapped by all; a last byte
# tells them to stop. That needs no messages, and none is lost when something fails.


def _render_in_pool(
    dataset: ClipDataset,
    plan: Plan,
    target: Path,
    busy: list[int],
    workers: int,
    report: Progress,
) -> dict[int, list[str]]:
    ticks_file = target.with_name("ticks.npy")
    np.save(ticks_file, np.zeros(plan.count + 1, np.uint8))
    ticks = np.load(ticks_file, mmap_mode="r+")
    pool = ProcessPoolExecutor(
        min(workers, len(busy)), context(), _adopt, (_pickled(dataset, plan),)
    )
    try:
        script = type(dataset).__module__ == "__main__"
        with nullcontext() if script else main_left_alone():  # all processes start here
            tasks = {
                number: pool.submit(_render_source, plan, number, target, ticks_file)
                for number in busy
            }
        pending = set(tasks.values())
        while pending:
            finished, pending = wait(pending, _POLL_SECONDS, FIRST_EXCEPTION)
            for task in finished:
                task.result()
            report(int(ticks[:-1].sum()), plan.count)
        return {number: task.result() for number, task in tasks.items()}
    except BrokenProcessPool as error:
        raise DataError(
            "a process that rendered clips died",
            where=f"dataset '{plan.dataset}'",
            hint="if memory ran out, use fewer workers or smaller clips; if this is a script of "
            "your own, put its calls below `if __name__ == '__main__':`",
        ) from error
    finally:
        ticks[-1] = 1
        pool.shutdown(wait=True, cancel_futures=True)
        del ticks
        ticks_file.unlink(missing_ok=True)


def _pickled(dataset: ClipDataset, plan: Plan) -> bytes:
    try:
        return pickle.dumps(dataset)
    except Exception as error:
        raise _not_picklable(plan, error) from error


def _not_picklable(plan: Plan, error: Exception) -> PluginError:
    return PluginError(
        f"it cannot be sent to other processes: {error}",
        where=f"dataset '{plan.dataset}'",
        valid="a dataset that pickle can copy",
        hint="this is a mistake in the dataset's plugin; until it is mended use 0 workers",
    )


class _Adopted:
    """What a process of the pool keeps from one source to the next."""

    pickled: bytes = b""
    dataset: ClipDataset | None = None


def _adopt(pickled: bytes) -> None:
    """Take over the dataset in a new process; unpickled in a task, where errors are reported."""
    _Adopted.pickled = pickled
    leave_interrupts_to_the_parent()
    end_with_the_parent()


def _render_source(plan: Plan, number: int, target: Path, ticks_file: Path) -> list[str]:
    """Render one source's clips in a process of the pool; gives their places."""
    if _Adopted.dataset is None:
        try:
            _Adopted.dataset = pickle.loads(_Adopted.pickled)  # noqa: S301  our parent's own
        except Exception as error:
            raise _not_picklable(plan, error) from error
    put = _Target(target, plan)
    ticks: npt.NDArray[np.uint8] = np.load(ticks_file, mmap_mode="r+")
    places = []
    for k, clip in _clips(_Adopted.dataset, plan, number):
        if ticks[-1]:
            break
        put(k, clip)
        places.append(str(clip.place))
        ticks[k] = 1
    return places
