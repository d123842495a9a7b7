"""What has been done of a suite, noted in its bench folder after every row.

So work can be stopped at any point and goes on with the same command.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

import deblurkit
from deblurkit.engine.device import choose_precision
from deblurkit.engine.environment import describe_environment
from deblurkit.engine.phase_store import PhaseStore
from deblurkit.engine.progress import Reporter
from deblurkit.engine.rundir import metrics_of, writing
from deblurkit.errors import Interrupted, RunError
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
from deblurkit.study.failures import Failure
from deblurkit.study.jobs import Job
from deblurkit.study.prepared import Prepared
from deblurkit.study.suite_file import dump_suite
from deblurkit.study.table_build import bench_table

_SHARE = 0.1
"""The table is made anew after a row where that takes at most this share of the row's time."""

Phases = Sequence[tuple[str, float, bool]]
"""Hash, seconds and whether it was reused, of each phase of a run."""


class Ledger:
    """The state, the errors and the tables of a bench folder, written after every row.

    Args:
        prepared: The suite; its folder is held alone, see `alone`.
        command: The command line, to be kept with the results.
        worked: What the environment shall say of how work is done, beside what it says anyway.

    Raises:
        RunError: the folder cannot be written.
    """

    def __init__(self, prepared: Prepared, command: str, worked: Mapping[str, int]) -> None:
        self.prepared, self.folder = prepared, prepared.folder
        self.state = _begin(prepared, command, worked)
        self._began, self._before = time.monotonic(), self.state.seconds
        self._table_seconds = 0.0
        with writing(self.folder):
            with atomic_file(self.folder / SUITE) as temporary:
                about = f"what was asked for: {self.state.command}"
                temporary.write_text(dump_suite(prepared.suite, about), "utf-8")
            self._write()

    def run_folder(self, job: Job) -> Path:
        """Where a job's run directory is."""
        return self.folder / self._at(job).folder

    def is_done(self, job: Job) -> bool:
        """Whether a job is done."""
        return self._at(job).status == "done"

    def begin(self, job: Job, reporter: Reporter) -> None:
        """Note what a job finds when it first begins, and make way for its run directory."""
        at = self._at(job)
        if at.found is None:
            self._note(replace(at, found=self._found(job)))
        _make_way(self.folder / at.folder, job, reporter)

    def done(self, job: Job, seconds: float, phases: Phases) -> None:
        """Note that a job is done, and what it took."""
        self._note(_done(self._spent(job, seconds), phases))
        self._keep_error(job, None)
        self._table_if_cheap(seconds)

    def failed(self, job: Job, seconds: float, why: Failure) -> None:
        """Note that a job has failed."""
        self._note(replace(self._spent(job, seconds), status="failed", error=why.line))
        self._keep_error(job, why)
        self._table_if_cheap(seconds)

    def stopped(self, job: Job, seconds: float) -> None:
        """Note what a job took that was stopped on its way."""
        self._note(self._spent(job, seconds))

    def table(self) -> None:
        """Write the table of the rows that are done."""
        began = time.monotonic()
        with writing(self.folder):
            write_tables(bench_table(read_bench(self.folder), self.prepared.registry), self.folder)
        self._table_seconds = time.monotonic() - began

    def close(self) -> Bench:
        """Note that the call has ended."""
        self._write(ended=True)
        return read_bench(self.folder)

    def interrupted(self, stopped: BaseException, titles: Collection[str]) -> Interrupted:
        """Note that the call was stopped, and say in which rows."""
        self._write(ended=True)
        done = sum(run.status == "done" for run in self.state.runs.values())
        what = "this one" if len(titles) == 1 else "these"
        error = Interrupted(
            f"stopped in {' and '.join(titles) or 'between rows'}; {done} of "
            f"{len(self.state.runs)} runs are done, and what was trained of {what} is saved",
            where=str(self.folder),
            hint="run the same command again to go on",
        )
        error.exit_code = getattr(stopped, "exit_code", Interrupted.exit_code)
        return error

    def _found(self, job: Job) -> tuple[str, ...]:
        """The phases of a job that are in the store already."""
        plan, store = (
            plan_of(job.recipe, self.prepared.registry, self.prepared.device),
            PhaseStore(),
        )
        return tuple(key for key in plan.keys.values() if store.seconds(key) is not None)

    def _at(self, job: Job) -> RunState:
        return self.state.runs[job.row.name, job.seed]

    def _spent(self, job: Job, seconds: float) -> RunState:
        at = self._at(job)
        return replace(at, seconds=round(at.seconds + seconds, 3))

    def _note(self, run: RunState) -> None:
        self.state = replace(self.state, runs={**self.state.runs, (run.row, run.seed): run})
        self._write()

    def _write(self, *, ended: bool = False) -> None:
        self.state = replace(
            self.state,
            seconds=round(self._before + time.monotonic() - self._began, 3),
            ended=_now() if ended else None,
        )
        with writing(self.folder):
            write_state(self.folder, self.state)

    def _keep_error(self, job: Job, why: Failure | None) -> None:
        """Keep a failure's whole text, and drop that of an earlier attempt."""
        path = self.folder / ERRORS / f"{job.row.name}-s{job.seed}.txt"
        with writing(self.folder):
            if why is None:
                path.unlink(missing_ok=True)
                return
            with atomic_file(path) as temporary:
                temporary.write_text(f"{why.whole.rstrip()}\n", "utf-8")

    def _table_if_cheap(self, seconds: float) -> None:
        if self._table_seconds < _SHARE * seconds:
            self.table()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
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


def _begin(prepared: Prepared, command: str, worked: Mapping[str, int]) -> BenchState:
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
        environment={**environment, **worked},
        started=kept.started if kept else _now(),
        seconds=kept.seconds if kept else 0.0,
        runs=runs,
    )


def _recognised(at: RunState, folder: Path) -> RunState:
    """A finished run that the state does not know as done."""
    phases = metrics_of(folder / at.folder).get("phases", [])
    return _done(at, [(p["key"], float(p["seconds"]), bool(p["reused"])) for p in phases])


def _done(at: RunState, phases: Sequence[tuple[str, float, bool]]) -> RunState:
    saved = sum(s for key, s, reused in phases if reused and (at.found is None or key in at.found))
    return replace(
        at,
        status="done",
        error="",
        training_seconds=round(sum(seconds for _, seconds, _ in phases), 3),
        saved_seconds=round(saved, 3),
    )


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


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
