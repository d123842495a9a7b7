"""SIGTERM ends work as Ctrl-C does, wherever it stands; light to import."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP, where nothing waits for it; no `except Exception` may swallow it."""

    def __init__(self, number: int = signal.SIGTERM) -> None:
        super().__init__()
        self.exit_code = 128 + number


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Between phases a run listens for no signals: let SIGTERM end it as SIGINT does.

    So does SIGHUP, of a terminal that is closed, unless it is ignored (nohup). Only the first
    one: supervisors repeat it, and tidying up must not be cut short.
    """
    ends = [n for n in _ENDS if signal.getsignal(n) != signal.SIG_IGN]

    def end(number: int, _: object) -> None:
        for other in ends:
            signal.signal(other, signal.SIG_IGN)
        raise Terminated(number)

    try:
        before = {number: signal.signal(number, end) for number in ends}
    except ValueError:  # not the main thread, which alone has handlers
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held_while_importing() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back; they come at the end.

    Libraries that are stopped halfway through their import catch it, crash, or are left in
    pieces that fail later with errors of another kind.
    """
    if not hasattr(signal, "pthread_sigmask"):  # not on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _BOTH)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def signals_held() -> Iterator[None]:
    """Hold SIGINT and SIGTERM back while a process is started, which begins with both held.

    So neither is a process started that nobody knows of, nor does it end with a traceback
    before it can listen; `let_signals_through` is what it does first.
    """
    if not hasattr(signal, "pthread_sigmask"):  # not on Windows
        yield
        return
    resource_tracker.ensure_running()  # starting it would let both signals through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _BOTH)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_signals_through() -> None:
    """In a process started while signals were held: what came meanwhile, comes now."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _BOTH)


_BOTH = (signal.SIGINT, signal.SIGTERM)
_ENDS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
