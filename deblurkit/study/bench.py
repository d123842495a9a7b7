"""Running a suite: what is missing is run, what is there is reused, what fails is noted.

The bench folder's state is written after every row, so that work can be stopped at any point
and goes on with the same command.
"""

from __future__ import annotations

import shutil
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

import deblurkit
from deblurkit.engine.device import choose_precision
from deblurkit.engine.environment import describe_environment
from deblurkit.engine.phase_store import PhaseStore
from deblurkit.engine.progress import Reporter, Silent
from deblurkit.engine.run import RunResult, run
from deblurkit.engine.rundir import metrics_of, writing
from deblurkit.errors import DeblurkitError, Interrupted, RunError
from deblurkit.report.table_files import write_tables
from deblurkit.storage import atomic_file, content_hash
from deblurkit.study.bench_folder import (
    ERRORS,
    SUITE,
    Bench,
    BenchState,
    RunState,
    holds,
    read_bench,
    read_state,
    write_state,
)
from deblurkit.study.dry_run import plan_of
from deblurkit.study.jobs import Job
from deblurkit.study.prepared import Prepared
from deblurkit.study.suite_file import dump_suite
from deblurkit.study.table_build import bench_table

Reporting = Callable[[], AbstractContextManager[Reporter]]
"""Makes the reporter of one row; live bars of rows that are done need not stay live."""

_SHARE = 0.1
"""The table is made anew after a row where that takes at most this share of the row's time."""


def run_bench(
    prepared: Prepared, *, command: str = "", reporting: Reporting | None = None
) -> Bench:
    """Run what is missing of a suite, row by row, seed by seed.

    A row that fails is noted and the next one is run; it is tried again by the next call.

    Args:
        prepared: From `prepare_bench`.
        command: The command line, to be kept with the results.
        reporting: Makes the reporter of each row; silent by default.

    Returns:
        The bench folder.

    Raises:
        Interrupted: SIGINT or SIGTERM came; the same call goes on.
        RunError: the bench folder cannot be written, or another bench is at work in it.
    """
    with writing(prepared.folder):
        prepared.folder.mkdir(parents=True, exist_ok=True)
    with _alone(prepared.folder):  # before the state is read, which another may be writing
        return _Runner(prepared, command, reporting or (lambda: nullcontext(Silent()))).run()


class _Runner:
    def __init__(self, prepared: Prepared, command: str, reporting: Reporting) -> None:
        self.prepared, self.reporting = prepared, reporting
        self.folder = prepared.folder
        self.state = _begin(prepared, command)
        self.began, self.before = time.monotonic(), self.state.seconds
        self.table_seconds = 0.0

    def run(self) -> Bench:
        with writing(self.folder):
            with atomic_file(self.folder / SUITE) as temporary:
                about = f"what was asked for: {self.state.command}"
                temporary.write_text(dump_suite(self.prepared.suite, about), "utf-8")
            self._write()
        jobs = self.prepared.to_run
        with _signals():
            for number, job in enumerate(jobs, start=1):
                title = f"row {number} of {len(jobs)}: {job.title}"
                with self.reporting() as reporter:
                    if self._at(job).status == "done":
                        reporter.say(f"{title}: done before")
                    else:
                        self._one(job, title, reporter)
            self.table()
        self._write(ended=True)
        return read_bench(self.folder)

    def table(self) -> None:
        """Write the table of the rows that are done."""
        began = time.monotonic()
        with writing(self.folder):
            write_tables(bench_table(read_bench(self.folder), self.prepared.registry), self.folder)
        self.table_seconds = time.monotonic() - began

    def _one(self, job: Job, title: str, reporter: Reporter) -> None:
        """Run a job and note how it ended."""
        began, at = time.monotonic(), self._at(job)
        reporter.say(title)
        error: BaseException | None = None
        try:
            if at.found is None:
                self._note(replace(at, found=self._found(job)))
            _make_way(self.folder / at.folder, job, reporter)
            result = run(
                job.recipe,
                out=self.folder / at.folder,
                device=self.prepared.device,
                reporter=reporter,
                registry=self.prepared.registry,
            )
        except (Interrupted, KeyboardInterrupt) as stopped:
            self._spent(job, began)
            raise self._interrupted(stopped, title) from None
        except Exception as failed:  # noqa: BLE001 - whatever it is, the other rows are worth more
            error = failed
        self._spent(job, began)
        if error is None:
            self._note(_finished(self._at(job), result))
        else:
            text = _one_line(error)
            reporter.say(f"{title}: failed: {text}")
            self._note(replace(self._at(job), status="failed", error=text))
        self._keep_error(job, error)
        if self.table_seconds < _SHARE * (time.monotonic() - began):
            self.table()

    def _found(self, job: Job) -> tuple[str, ...]:
        """The phases of a job that are in the store already."""
        plan, store = (
            plan_of(job.recipe, self.prepared.registry, self.prepared.device),
            PhaseStore(),
        )
        return tuple(key for key in plan.keys.values() if store.seconds(key) is not None)

    def _at(self, job: Job) -> RunState:
        return self.state.runs[job.row.name, job.seed]

    def _note(self, run: RunState) -> None:
        self.state = replace(self.state, runs={**self.state.runs, (run.row, run.seed): run})
        self._write()

    def _spent(self, job: Job, began: float) -> None:
        at = self._at(job)
        self._note(replace(at, seconds=round(at.seconds + time.monotonic() - began, 3)))

    def _write(self, *, ended: bool = False) -> None:
        self.state = replace(
            self.state,
            seconds=round(self.before + time.monotonic() - self.began, 3),
            ended=_now() if ended else None,
        )
        with writing(self.folder):
            write_state(self.folder, self.state)

    def _keep_error(self, job: Job, error: BaseException | None) -> None:
        """Keep a failure's whole text, and drop that of an earlier attempt."""
        path = self.folder / ERRORS / f"{job.row.name}-s{job.seed}.txt"
        with writing(self.folder):
            if error is None:
                path.unlink(missing_ok=True)
                return
            expected = isinstance(error, DeblurkitError)
            text = str(error) if expected else "".join(traceback.format_exception(error))
            with atomic_file(path) as temporary:
                temporary.write_text(f"{text.rstrip()}\n", "utf-8")

    def _interrupted(self, stopped: BaseException, title: str) -> Interrupted:
        self._write(ended=True)
        done = sum(run.status == "done" for run in self.state.runs.values())
        error = Interrupted(
            f"stopped in {title}; {done} of {len(self.state.runs)} runs are done, and what was "
            "trained of this one is saved",
            where=str(self.folder),
            hint="run the same command again to go on",
        )
        error.exit_code = getattr(stopped, "exit_code", Interrupted.exit_code)
        return error


class _Terminated(KeyboardInterrupt):
    """SIGTERM, where nothing waits for it; nobody's `except Exception` may swallow it."""

    exit_code = 128 + signal.SIGTERM


@contextmanager
def _signals() -> Iterator[None]:
    """Between phases a run listens for no signals: let SIGTERM end it as SIGINT does."""

    def end(*_: object) -> None:
        raise _Terminated

    try:
        before = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread, which alone has handlers
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _begin(prepared: Prepared, command: str) -> BenchState:
    """The state to go on from: what was noted before, held against what is there."""
    asked = {job.recipe.training.precision for job in prepared.jobs}
    precisions = {choose_precision("auto", prepared.device) if p == "auto" else p for p in asked}
    environment = describe_environment(
        prepared.registry, device=prepared.device, precision=", ".join(sorted(precisions))
    )
    kept = read_state(prepared.folder)
    runs: dict[tuple[str, int], RunState] = {}
    for job in prepared.jobs:
        recipe = content_hash(job.recipe.model_dump(mode="json"))
        new = RunState(job.row.name, job.seed, recipe=recipe)
        at = kept.runs.get((new.row, new.seed), new) if kept else new
        if at.recipe != recipe:  # the row was changed
            at = new
        if prepared.is_done(job):
            at = at if at.status == "done" else _recognised(at, prepared.folder)
        elif at.status == "done":  # the run is gone
            at = new
        runs[new.row, new.seed] = at
    return BenchState(
        deblurkit=deblurkit.__version__,
        command=command,
        settings=prepared.settings,
        environment=environment,
        started=kept.started if kept else _now(),
        seconds=kept.seconds if kept else 0.0,
        runs=runs,
    )


def _recognised(at: RunState, folder: Path) -> RunState:
    """A finished run that the state does not know as done."""
    phases = metrics_of(folder / at.folder).get("phases", [])
    return _done(at, [(p["key"], float(p["seconds"]), bool(p["reused"])) for p in phases])


def _finished(at: RunState, result: RunResult) -> RunState:
    return _done(at, [(p.key, p.seconds, p.reused) for p in result.phases])


def _done(at: RunState, phases: Sequence[tuple[str, float, bool]]) -> RunState:
    saved = sum(s for key, s, reused in phases if reused and (at.found is None or key in at.found))
    return replace(
        at,
        status="done",
        error="",
        training_seconds=round(sum(seconds for _, seconds, _ in phases), 3),
        saved_seconds=round(saved, 3),
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a bench folder alone.

    Raises:
        RunError: another process works in it, or it cannot be written.
    """
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(
            "another bench is at work in this folder",
            where=str(folder),
            hint="wait for it, or stop it; what it has done is kept. Or choose another --out",
        ) from None
    except OSError as error:
        raise RunError(
            f"it cannot be written: {error.strerror or error}", where=str(folder)
        ) from error
    try:
        yield
    finally:
        lock.release()


def _make_way(folder: Path, job: Job, reporter: Reporter) -> None:
    """Move aside a run of another recipe, or what is left of one: the row was changed.

    Raises:
        RunError: it cannot be moved.
    """
    if not folder.exists() or holds(folder, job.recipe) or not any(folder.iterdir()):
        return
    number = 1
    while (aside := folder.with_name(f"{folder.name}.before-{number}")).exists():
        number += 1
    with writing(folder):
        shutil.move(folder, aside)
    reporter.say(f"{job.title}: the row has changed; its earlier run is now {aside}")


def _one_line(error: BaseException) -> str:
    if isinstance(error, DeblurkitError):
        where = f"{error.where}: " if error.where else ""
        return " ".join(f"{where}{error.what}".split())
    return " ".join(f"{type(error).__name__}: {error}".split())


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
