"""What `deblurkit bench` prints beside the table: what would be done, and what was done."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from deblurkit.plurals import counted
from deblurkit.printable import readable
from deblurkit.study.bench_folder import ERRORS, Bench, BenchState, RunState
from deblurkit.study.dry_run import JobAhead, PhaseAhead, Source, Total, total

_SOURCES: dict[Source, str] = {
    "itself": "the phase itself, when it was trained",
    "alike": "phases trained before on this kind of machine that compute the same",
    "timed": "a few steps timed now",
    "scaled": "one sample timed now, times the samples of a step",
    "unknown": "unknown: timing would have taken too long, or failed",
}
"""How the seconds of a phase are known."""


def print_ahead(console: Console, jobs: Sequence[JobAhead], state: BenchState | None) -> None:
    """Print what running rows would train and reuse, with the time that takes.

    Args:
        console: Where to.
        jobs: From `study.dry_run.look_ahead`.
        state: Of the bench folder, None where there is none yet.
    """
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("row", no_wrap=True)
    table.add_column("trains (steps)")
    table.add_column("reuses")
    for head in ("time", "alone"):
        table.add_column(head, justify="right", no_wrap=True)
    several = len({job.job.seed for job in jobs}) > 1
    for job in jobs:
        table.add_row(*(Text(cell) for cell in _line(job, several)))
    console.print(table)
    console.print()
    for line in _where_from(jobs):
        console.print(line, markup=False, highlight=False, style="dim")
    for line in _ahead_totals(jobs, state):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _line(job: JobAhead, several: bool) -> tuple[str, ...]:
    title = job.job.title if several else job.job.row.name
    if job.done:
        return title, "nothing: done", "", "", ""
    if job.error:
        return title, f"cannot run: {job.error}", "", "", ""
    trains = [
        f"{phase.name} ({phase.steps}{', from a checkpoint' if phase.state == 'go on' else ''})"
        for phase in job.phases
        if phase.trains
    ]
    reuses = [_reused(phase, several) for phase in job.phases if not phase.trains]
    times = (_total_time([job], alone=alone) for alone in (False, True))
    return title, ", ".join(trains), ", ".join(reuses), *times


def _reused(phase: PhaseAhead, several: bool) -> str:
    if phase.owner is None:
        return f"{phase.name} (kept)"
    return f"{phase.name} of {phase.owner.title if several else phase.owner.row.name}"


def _total_time(jobs: Sequence[JobAhead], *, alone: bool) -> str:
    said = total(jobs, alone=alone)
    if not said.unknown:
        return clock(said.seconds)
    return f"> {clock(said.seconds)}" if said.seconds else "?"


def _where_from(jobs: Sequence[JobAhead]) -> Iterable[str]:
    """How the times are known, with the number of phases for each way."""
    counts = Counter(phase.source for job in jobs for phase in job.phases if phase.trains)
    for source, said in _SOURCES.items():
        if counts[source]:
            yield f"time of {counted(counts[source], 'phase')}: {said}"
    if any(phase.state == "stored" for job in jobs for phase in job.phases):
        yield "(kept): trained before, and kept in the cache"


def _ahead_totals(jobs: Sequence[JobAhead], state: BenchState | None) -> Iterable[str]:
    left = [job for job in jobs if not job.done]
    done = len(jobs) - len(left)
    yield f"{counted(len(jobs), 'run')}: {done} done, {len(left)} to do" + (
        f", {wrong} of these cannot run" if (wrong := sum(bool(j.error) for j in left)) else ""
    )
    if not left:
        return
    now, alone = total(left, alone=False), total(left, alone=True)
    yield f"training to do      {_total(now)}"
    yield f"each row alone      {_total(alone)}"
    if not alone.unknown and alone.seconds:
        yield f"saved by reuse      {_share(alone.seconds - now.seconds, alone.seconds)}"
    each = _scoring(state)
    yield "clips, scores and pictures come on top: " + (
        f"{clock(each)} a run so far, {clock(each * len(left))} for what is left"
        if each is not None
        else "how long they take is known when the first row is done"
    )


def _total(said: Total) -> str:
    if not said.unknown:
        return clock(said.seconds)
    unknown = counted(said.unknown, "phase")
    return f"at least {clock(said.seconds)}; the time of {unknown} is unknown"


def _scoring(state: BenchState | None) -> float | None:
    """Seconds a finished run took beside its training, the mean."""
    done = [run for run in state.runs.values() if run.status == "done"] if state else []
    timed = [run for run in done if run.seconds]
    if not timed:
        return None
    return sum(max(0.0, r.seconds - _trained(r)) for r in timed) / len(timed)


def _trained(run: RunState) -> float:
    return run.training_seconds - run.saved_seconds


def print_outcome(console: Console, bench: Bench) -> None:
    """Print what is done, what failed and why, what reuse saved, and what to do next."""
    state = bench.state
    runs = list(state.runs.values())
    counts = {s: sum(run.status == s for run in runs) for s in ("done", "failed", "missing")}
    said = ", ".join(f"{n} {status}" for status, n in counts.items() if n)
    lines = [f"{counted(len(runs), 'run')}: {said}"]
    lines += [f"failed: {r.row}, seed {r.seed}: {r.error}" for r in runs if r.status == "failed"]
    if counts["failed"]:
        said = f"the whole messages are in {bench.folder / ERRORS}"
        lines.append(f"{said}; the same command tries failed rows again")
    if state.training_seconds:
        lines.append(
            f"training: {clock(state.training_seconds)} if each row had trained alone; saved by "
            f"reuse: {_share(state.saved_seconds, state.training_seconds)}"
        )
    lines += [
        f"bench folder   {bench.folder}",
        f"table          {bench.folder / 'table.md'} (and .csv, .json, .tex beside it)",
        f"next           deblurkit report {shlex.quote(str(bench.folder))}",
    ]
    for line in lines:
        console.print(readable(line), markup=False, highlight=False, soft_wrap=True)


def _share(part: float, whole: float) -> str:
    return f"{clock(part)} ({part / whole:.0%})"


def clock(seconds: float) -> str:
    """`0.4 s`, `1:52`, `2:03:10`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
