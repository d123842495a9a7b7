"""Progress for people: live bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column


class Reporter(Protocol):
    """What the engine tells about its work."""

    def say(self, text: str) -> None:
        """One line of news."""

    def start(self, title: str, total: int, done: int = 0) -> None:
        """A piece of work with `total` steps begins, `done` of them already there."""

    def advance(self, done: int, note: str = "") -> None:
        """`done` steps of the current work are done."""

    def finish(self) -> None:
        """The current work is done."""


class Silent:
    """Says nothing; the default in Python."""

    def say(self, text: str) -> None: ...
    def start(self, title: str, total: int, done: int = 0) -> None: ...
    def advance(self, done: int, note: str = "") -> None: ...
    def finish(self) -> None: ...


class Lines:
    """Plain lines, one every `every` seconds: for logs and pipes."""

    def __init__(self, console: Console, every: float = 15.0) -> None:
        self.console, self.every = console, every
        self._title, self._total, self._first, self._began, self._told = "", 0, 0, 0.0, 0.0

    def say(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def start(self, title: str, total: int, done: int = 0) -> None:
        """Name the work."""
        self._title, self._total, self._first = title, total, done
        self._began = self._told = time.monotonic()
        self.say(f"{title}: {total} steps" + (f", {done} done before" if done else ""))

    def advance(self, done: int, note: str = "") -> None:
        """Print where the work is, from time to time and at the end."""
        now = time.monotonic()
        if now - self._told < self.every and done < self._total:
            return
        self._told = now
        rate = (done - self._first) / max(now - self._began, 1e-9)
        left = (self._total - done) / rate if rate else 0.0
        self.say(f"{self._title}: {done}/{self._total}  {note}  {_clock(left)} left".rstrip())

    def finish(self) -> None:
        """Nothing more to say."""


class Bars:
    """Live progress bars on a terminal."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=12),
            TextColumn("{task.completed:>5.0f}/{task.total:.0f}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[note]}", markup=False, table_column=Column(no_wrap=False)),
            console=console,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self.progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def start(self, title: str, total: int, done: int = 0) -> None:
        """Add a bar."""
        self._task = self.progress.add_task(title, total=total, completed=done, note="")

    def advance(self, done: int, note: str = "") -> None:
        """Move the bar."""
        if self._task is not None:
            self.progress.update(self._task, completed=done, note=note)

    def finish(self) -> None:
        """Leave the full bar standing."""
        self._task = None


def describe(terms: Mapping[str, float], rate: float) -> str:
    """`pairwise 0.0123  adversarial 0.69  48 samples/s`."""
    said = "  ".join(f"{name} {value:.4g}" for name, value in terms.items())
    return f"{said}  {rate:.0f} samples/s"


def clip_progress(reporter: Reporter) -> Callable[[str], Callable[[int, int], None]]:
    """Make progress functions (done, total) for pieces of work by their titles."""

    def make(title: str) -> Callable[[int, int], None]:
        started = False

        def progress(done: int, total: int) -> None:
            nonlocal started
            if not started:
                reporter.start(f"rendering {title}", total)
                started = True
            reporter.advance(done)
            if done == total:
                reporter.finish()

        return progress

    return make


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
