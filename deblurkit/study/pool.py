"""Processes that run rows of a suite at once: started, told what to do, heard, ended."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from deblurkit.data.processes import main_left_alone
from deblurkit.errors import Interrupted, RunError
from deblurkit.signals import signals_held
from deblurkit.study.failures import Failure
from deblurkit.study.worker import GRACE, Ended, serve

if TYPE_CHECKING:
    from deblurkit.engine.progress import Reporter


def threads_each(workers: int) -> int:
    """Threads of a worker: its share of the processors that this process may use.

    At most as many as torch takes here, for instance because OMP_NUM_THREADS says so.
    """
    import torch

    affinity = getattr(os, "sched_getaffinity", None)  # not everywhere
    usable = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(usable // workers, torch.get_num_threads()))


@contextmanager
def as_in_a_worker(workers: int) -> Iterator[None]:
    """Compute here with as many threads as one of several workers does."""
    if workers == 1:
        yield
        return
    import torch

    before, threads = torch.get_num_threads(), threads_each(workers)
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class Pool:
    """Workers, started when they are needed and again when one has died.

    Leaving it as a context stops and ends them all.

    Args:
        size: How many.
        threads: That each computes with.
    """

    def __init__(self, size: int, threads: int) -> None:
        self.size, self.threads = size, threads
        self._workers: list[_Worker] = []
        self._stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        for worker in self._workers:
            worker.end()

    @property
    def running(self) -> tuple[int, ...]:
        """The numbers of the rows that are at work."""
        return tuple(w.row for w in self._workers if w.row is not None)

    def start(self, row: int, what: Mapping[str, Any], reporter: Reporter) -> None:
        """Run a row; only where fewer than `size` are running.

        Args:
            row: Any number that tells it from the others.
            what: The arguments of `engine.run.run`.
            reporter: Is told about its progress, in this process.
        """
        self._workers = [w for w in self._workers if w.row is not None or w.is_alive()]
        worker = next((w for w in self._workers if w.row is None), None)
        if worker is None:
            worker = _Worker(self.threads)
            self._workers.append(worker)
        worker.start(row, what, reporter)

    def ended(self, seconds: float) -> list[tuple[int, Ended]]:
        """The rows that have ended; waits for news so many seconds."""
        busy = [w for w in self._workers if w.row is not None]
        wait([w.pipe for w in busy], seconds)
        found = [(w.row, w.hear(self._stopping)) for w in busy]
        return [(row, ended) for row, ended in found if row is not None and ended is not None]

    def stop(self) -> list[tuple[int, Ended]]:
        """Let all rows save what they have and end; a second Ctrl-C ends them at once."""
        self._stopping = True
        found: list[tuple[int, Ended]] = []
        for end in (BaseProcess.terminate, BaseProcess.kill):
            try:
                for worker in self._workers:
                    if worker.row is not None:
                        end(worker.process)
                while self.running:
                    found += self.ended(1.0)
            except KeyboardInterrupt:  # they are killed now
                continue
        return found


class _Worker:
    """A process that runs one row at a time, as its parent sees it."""

    def __init__(self, threads: int) -> None:
        self.row: int | None = None
        self._began, self._gone = 0.0, False
        self._reporter: Reporter | None = None
        spawn = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawn.Pipe()
        # Not a daemon: those may have no processes of their own, as loaders are.
        self.process = spawn.Process(target=serve, args=(theirs, threads))
        with main_left_alone(), signals_held():
            self.process.start()
        theirs.close()

    def is_alive(self) -> bool:
        return not self._gone and self.process.is_alive()

    def start(self, row: int, what: Mapping[str, Any], reporter: Reporter) -> None:
        self.row, self._reporter, self._began = row, reporter, time.monotonic()
        try:
            self.pipe.send(what)
        except OSError:  # it has just died, which `hear` finds out
            pass
        except Exception:  # something of a plugin cannot be pickled
            self.row = None
            raise

    def hear(self, stopping: bool) -> Ended | None:
        """Pass on what it says; how its row ended, where it has."""
        alive = self.is_alive()
        while (said := self._next()) is not None:
            if isinstance(said, Ended):
                self.row = None
                return said
            name, *what = said
            getattr(self._reporter, name)(*what)
        return None if alive and not self._gone else self._lost(stopping)

    def _next(self) -> Any:
        try:
            return self.pipe.recv() if self.pipe.poll() else None
        except (EOFError, OSError):
            self._gone = True
            return None

    def _lost(self, stopping: bool) -> Ended:
        """It ended without saying how its row did."""
        self.end()
        self.row, seconds = None, time.monotonic() - self._began
        if stopping:
            return Ended(seconds, stopped=Interrupted.exit_code)
        code = self.process.exitcode or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        error = RunError(
            f"the process that ran this row {how}",
            hint="memory may have run out: try fewer --workers, or run the same command again; "
            "it goes on from the last checkpoint",
        )
        return Ended(seconds, failure=Failure.of(error))

    def end(self) -> None:
        """Let it end, which it does when it hears no more; it has ended afterwards."""
        self._gone = True
        self.pipe.close()
        self.process.join(GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()
