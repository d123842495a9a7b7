"""What a worker does: a process that runs rows of a suite, one after another.

Nothing is imported here that imports torch: a worker first says how many threads it has.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from deblurkit.errors import Interrupted
from deblurkit.signals import let_signals_through, sigterm_interrupts
from deblurkit.study.failures import Failure

if TYPE_CHECKING:
    from deblurkit.engine.progress import Reporter

GRACE = 30.0
"""Seconds that a worker has to save and end when there is nothing left to do."""
_EVERY = 0.5
"""Seconds between two words of a worker on where a phase is."""


@dataclass(frozen=True)
class Ended:
    """How a row ended in a worker.

    Attributes:
        seconds: It took.
        phases: Hash, seconds and whether it was reused, of each phase; of a row that is done.
        failure: Why it failed.
        stopped: The exit code that belongs to what stopped it.
    """

    seconds: float
    phases: tuple[tuple[str, float, bool], ...] = ()
    failure: Failure | None = None
    stopped: int | None = None


def serve(pipe: Connection, threads: int) -> None:
    """Run rows until no more come, the process is told to stop, or its parent is gone.

    Args:
        pipe: The arguments of `engine.run.run` come through it for each row; what a reporter is
            told goes back, as a method's name and arguments, and at last an `Ended`.
        threads: To compute with.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent turns Ctrl-C into SIGTERM
    os.environ["OMP_NUM_THREADS"] = str(threads)  # read when torch is imported
    with suppress(KeyboardInterrupt), sigterm_interrupts():
        let_signals_through()
        threading.Thread(target=_stop_with_the_parent, daemon=True).start()
        import torch

        import deblurkit.engine.run  # noqa: F401 - before memory is frozen

        torch.set_num_threads(threads)
        gc.freeze()  # the command does so, too
        while True:
            try:
                what = pipe.recv()
            except (EOFError, ConnectionError):
                return
            except Exception as error:  # noqa: BLE001 - something of a plugin does not unpickle
                ended = Ended(0.0, failure=Failure.of(error))
            else:
                ended = _run(what, _Teller(pipe))
            try:
                pipe.send(ended)
            except OSError:  # the parent has gone
                return
            if ended.stopped is not None:
                return


def _run(what: Mapping[str, Any], reporter: Reporter) -> Ended:
    from deblurkit.engine.run import run

    began = time.monotonic()
    phases: tuple[tuple[str, float, bool], ...] = ()
    failure = stopped = None
    try:
        result = run(**what, reporter=reporter)
        phases = tuple((p.key, p.seconds, p.reused) for p in result.phases)
    except Interrupted as error:
        stopped = error.exit_code
    except KeyboardInterrupt as error:
        stopped = getattr(error, "exit_code", Interrupted.exit_code)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other rows are worth more
        failure = Failure.of(error)
    return Ended(time.monotonic() - began, phases, failure, stopped)


def _stop_with_the_parent() -> None:
    """Save and end when the parent is gone, even by a kill that left it no time."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)


class _Teller:
    """In a worker: a reporter that tells the parent's."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self._total, self._told = 0, 0.0

    def say(self, text: str) -> None:
        self._tell("say", text)

    def start(self, title: str, total: int, done: int = 0) -> None:
        self._total = total
        self._tell("start", title, total, done)

    def advance(self, done: int, note: str = "") -> None:
        if done >= self._total or time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            self._tell("advance", done, note)

    def finish(self) -> None:
        self._tell("finish")

    def _tell(self, *what: Any) -> None:
        with suppress(OSError):  # the parent has gone; what is trained is saved all the same
            self.pipe.send(what)
