"""How deblurkit starts processes of its own: to render clips and to load samples."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext

from deblurkit.errors import DeblurkitError


def context() -> BaseContext:
    """Start processes from a clean server process, or afresh where the system has none.

    Never by forking this one: torch's threads do not survive a fork.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    server = multiprocessing.get_context("forkserver")
    # The server imports torch once; otherwise every process would, at every phase.
    server.set_forkserver_preload(["__main__", "deblurkit.data.stream"])
    return server


@contextmanager
def main_left_alone() -> Iterator[None]:
    """Processes started in here do not import the main script again.

    Python tells every new process where the main script is, so that what is defined in there
    can be unpickled; a script without `if __name__ == "__main__":` would start all its work
    again. Whoever sends nothing that the script defines can leave it alone.
    """
    main = sys.modules["__main__"]
    hidden = {name: main.__dict__.pop(name) for name in ("__file__",) if hasattr(main, name)}
    spec, main.__spec__ = main.__spec__, None
    try:
        yield
    finally:
        main.__dict__.update(hidden)
        main.__spec__ = spec


def leave_interrupts_to_the_parent(*_: object) -> None:
    """Ignore Ctrl-C here: the terminal sends it to every process, and the parent tidies up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def end_with_the_parent() -> None:
    """End this process when its parent is gone, even by a kill that left it no time."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def begin_worker(*_: object) -> None:
    """What a loader process does first: Ctrl-C is the parent's, and it ends with the parent."""
    leave_interrupts_to_the_parent()
    end_with_the_parent()


def check_main_guard() -> None:
    """Refuse to work in a process that is only just importing its parent's script.

    Every new process imports the script of the first one. A script without a guard would
    start its whole work again in there.

    Raises:
        DeblurkitError: this is such a process.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise DeblurkitError(
            "the script that uses deblurkit is started again by each of its own processes",
            hint="put its calls below `if __name__ == '__main__':`",
        )
