"""Running a suite: what is missing is run, what is there is reused, what fails is noted."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

from deblurkit.engine.phase_store import PhaseStore
from deblurkit.engine.progress import Reporter, Silent
from deblurkit.engine.run import run
from deblurkit.engine.rundir import writing
from deblurkit.errors import Interrupted, RunError
from deblurkit.report.bench_summary import clock
from deblurkit.signals import sigterm_interrupts
from deblurkit.study.bench_folder import Bench
from deblurkit.study.dry_run import plan_of
from deblurkit.study.failures import Failure
from deblurkit.study.jobs import Job
from deblurkit.study.ledger import Ledger, alone
from deblurkit.study.pool import Pool, threads_each
from deblurkit.study.prepared import Prepared
from deblurkit.study.scheduling import next_row
from deblurkit.study.worker import Ended

Reporting = Callable[[], AbstractContextManager[Reporter]]
"""Makes the reporter of one row; live bars of rows that are done need not stay live."""

_LOOK = 1.0
"""Seconds after which an idle worker looks again whether a row can be begun."""


def run_bench(
    prepared: Prepared,
    *,
    command: str = "",
    reporting: Reporting | None = None,
    workers: int = 1,
) -> Bench:
    """Run what is missing of a suite, row by row, seed by seed.

    A row that fails is noted and the next one is run; it is tried again by the next call.

    Args:
        prepared: From `prepare_bench`.
        command: The command line, to be kept with the results.
        reporting: Makes the reporter of each row; silent by default. It is used by this process
            alone; several are in use at once where rows are.
        workers: Rows that are run at once, each in a process of its own; 1: in this process.

    Returns:
        The bench folder.

    Raises:
        Interrupted: SIGINT or SIGTERM came; the same call goes on.
        RunError: the bench folder cannot be written, another bench is at work in it, or there
            is no worker.
    """
    workers = rows_at_once(prepared, workers)
    reporting = reporting or (lambda: nullcontext(Silent()))
    threads = threads_each(workers) if workers > 1 else 0
    worked = {"workers": workers, "threads": threads} if workers > 1 else {}
    with writing(prepared.folder):
        prepared.folder.mkdir(parents=True, exist_ok=True)
    with alone(prepared.folder):  # before the state is read, which another may be writing
        ledger = Ledger(prepared, command, worked)
        with sigterm_interrupts():
            if workers == 1:
                _in_turn(ledger, reporting)
            else:
                with Pool(workers, threads) as pool:
                    _AtOnce(ledger, reporting, pool).run()
            ledger.table()
        return ledger.close()


def rows_at_once(prepared: Prepared, workers: int) -> int:
    """How many rows are run at once where so many are asked for: not more than there are.

    All rows of the suite count, chosen or done or not, so that a command that is repeated
    computes with as many threads as before.

    Raises:
        RunError: fewer than one are asked for.
    """
    if workers < 1:
        raise RunError(f"{workers} rows cannot be run at once", valid="1 worker or more")
    return min(workers, len(prepared.jobs))


def _titles(jobs: tuple[Job, ...]) -> dict[int, str]:
    return {n: f"row {n + 1} of {len(jobs)}: {job.title}" for n, job in enumerate(jobs)}


def _in_turn(ledger: Ledger, reporting: Reporting) -> None:
    """Run all rows in this process, one after another."""
    jobs = ledger.prepared.to_run
    for number, title in _titles(jobs).items():
        with reporting() as reporter:
            if ledger.is_done(jobs[number]):
                reporter.say(f"{title}: done before")
            else:
                reporter.say(title)
                _one(ledger, jobs[number], title, reporter)


def _one(ledger: Ledger, job: Job, title: str, reporter: Reporter) -> None:
    """Run a job and note how it ended."""
    began = time.monotonic()
    try:
        ledger.begin(job, reporter)
        result = run(**_what(ledger, job), reporter=reporter)
    except (Interrupted, KeyboardInterrupt) as stopped:
        ledger.stopped(job, time.monotonic() - began)
        raise ledger.interrupted(stopped, [title]) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, the other rows are worth more
        why = Failure.of(error)
        reporter.say(f"{title}: failed: {why.line}")
        ledger.failed(job, time.monotonic() - began, why)
    else:
        phases = [(p.key, p.seconds, p.reused) for p in result.phases]
        ledger.done(job, time.monotonic() - began, phases)


def _what(ledger: Ledger, job: Job) -> dict[str, Any]:
    """The arguments with which a job is run."""
    return {
        "recipe": job.recipe,
        "out": ledger.run_folder(job),
        "device": ledger.prepared.device,
        "registry": ledger.prepared.registry,
    }


class _AtOnce:
    """Runs rows in the processes of a pool; the bench folder is written here alone.

    Args:
        ledger: Of the bench folder.
        reporting: Makes the reporter of each row.
        pool: Where rows are run.
    """

    def __init__(self, ledger: Ledger, reporting: Reporting, pool: Pool) -> None:
        self.ledger, self.reporting, self.pool = ledger, reporting, pool
        self.jobs = ledger.prepared.to_run
        self.titles = _titles(self.jobs)
        self.phases: dict[int, frozenset[str]] = {}  # of rows that are not done
        self.missing: frozenset[str] = frozenset()
        self.at_work: dict[int, ExitStack] = {}  # with their reporters

    def run(self) -> None:
        """Run what is missing.

        Raises:
            Interrupted: SIGINT or SIGTERM came, here or to a worker.
        """
        with ExitStack() as last:
            last.callback(self._leave)
            self.news = last.enter_context(self.reporting())
            try:
                self._all()
            except (Interrupted, KeyboardInterrupt) as stopped:
                for number, ended in self.pool.stop():
                    self._note(number, ended)
                titles = [self.titles[number] for number in sorted(self.at_work)]
                raise self.ledger.interrupted(stopped, titles) from None

    def _leave(self) -> None:
        for reporter in self.at_work.values():
            reporter.close()

    def _all(self) -> None:
        waiting = self._waiting()
        while waiting or self.at_work:
            while len(self.at_work) < self.pool.size:
                number = self._next(waiting)
                if number is None:
                    break
                waiting.remove(number)
                self._begin(number)
            for number, ended in self.pool.ended(_LOOK):
                self._note(number, ended)
                if ended.stopped is not None:
                    error = Interrupted("a worker was stopped")
                    error.exit_code = ended.stopped
                    raise error

    def _waiting(self) -> list[int]:
        """The rows that are not done; notes the phases that they need."""
        registry, device = self.ledger.prepared.registry, self.ledger.prepared.device
        for number, job in enumerate(self.jobs):
            if self.ledger.is_done(job):
                self.news.say(f"{self.titles[number]}: done before")
                continue
            try:
                plan = plan_of(job.recipe, registry, device)
                self.phases[number] = frozenset(plan.keys.values())
            except Exception:  # noqa: BLE001 - the row will say so when it is run
                self.phases[number] = frozenset()
        self.missing = frozenset().union(*self.phases.values())
        return list(self.phases)

    def _next(self, waiting: list[int]) -> int | None:
        """The row to begin now."""
        store = PhaseStore()
        self.missing = frozenset(k for k in self.missing if store.seconds(k) is None)
        training = frozenset().union(*(self.phases[n] & self.missing for n in self.at_work))
        found = next_row([self.phases[n] & self.missing for n in waiting], training)
        return None if found is None else waiting[found]

    def _begin(self, number: int) -> None:
        job, title = self.jobs[number], self.titles[number]
        stack = self.at_work[number] = ExitStack()
        reporter = _Titled(stack.enter_context(self.reporting()), job.title)
        self.news.say(title)
        try:
            self.ledger.begin(job, reporter)
            self.pool.start(number, _what(self.ledger, job), reporter)
        except Exception as error:  # noqa: BLE001 - the other rows are worth more
            self._note(number, Ended(0.0, failure=Failure.of(error)))

    def _note(self, number: int, ended: Ended) -> None:
        """Note how a row ended; one that was stopped stays among those at work."""
        job, title = self.jobs[number], self.titles[number]
        if ended.stopped is not None:
            self.ledger.stopped(job, ended.seconds)
            return
        self.at_work.pop(number).close()
        if ended.failure is None:
            self.news.say(f"{title}: done in {clock(ended.seconds)}")
            self.ledger.done(job, ended.seconds, ended.phases)
        else:
            self.news.say(f"{title}: failed: {ended.failure.line}")
            self.ledger.failed(job, ended.seconds, ended.failure)


class _Titled:
    """A reporter that names the row that it reports on."""

    def __init__(self, reporter: Reporter, title: str) -> None:
        self.reporter, self.title = reporter, title
        self.advance, self.finish = reporter.advance, reporter.finish

    def say(self, text: str) -> None:
        self.reporter.say(f"{self.title}: {text}")

    def start(self, title: str, total: int, done: int = 0) -> None:
        self.reporter.start(f"{self.title}: {title}", total, done)
