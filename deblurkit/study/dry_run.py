"""What running a suite would do: which phases train, which are reused, how long it takes.

Every number is a measurement: of the phase itself or of one that computes the same, trained
before on this kind of machine, or of real steps taken now. What none of these gives is unknown.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from deblurkit.data.recipe_clips import train_entry
from deblurkit.engine.device import Precision, choose_precision, make_accelerator
from deblurkit.engine.phase_store import PhaseStore
from deblurkit.engine.plan import Plan, build_graph, make_plan
from deblurkit.engine.progress import Reporter, Silent
from deblurkit.engine.step_cost import time_step, work_of
from deblurkit.errors import DeblurkitError
from deblurkit.recipe import Recipe
from deblurkit.registry import Registry
from deblurkit.stages import Phase
from deblurkit.study.jobs import Job
from deblurkit.study.prepared import Prepared

State = Literal["train", "go on", "stored", "shared"]
"""`train` anew; `go on` from a checkpoint; `stored`: trained before; `shared`: an earlier row
of this call trains it."""
Source = Literal["itself", "alike", "timed", "scaled", "unknown"]
"""Where seconds come from: the trained phase `itself`; phases that compute the same (`alike`);
steps `timed` now, or `scaled` up from one sample."""

_ONE_KIND, _ALL_KINDS = 20.0, 120.0
"""Seconds that timing may take: of one kind of step, and together."""


@dataclass(frozen=True)
class PhaseAhead:
    """A phase of a row.

    Attributes:
        name: Its name.
        key: Its hash.
        steps: It takes.
        state: See `State`.
        owner: The row and seed that train it, where that is another one.
        seconds: It takes, or took; None where nothing says.
        source: See `Source`.
    """

    name: str
    key: str
    steps: int
    state: State
    owner: Job | None = None
    seconds: float | None = None
    source: Source = "unknown"

    @property
    def trains(self) -> bool:
        """Whether this row would train it."""
        return self.state in ("train", "go on")


@dataclass(frozen=True)
class JobAhead:
    """A row with one seed.

    Attributes:
        job: Which.
        done: It is finished; nothing is left to do.
        phases: In order; none where it is done.
        error: Why it cannot run, one line.
    """

    job: Job
    done: bool = False
    phases: tuple[PhaseAhead, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Total:
    """Training time of many phases.

    Attributes:
        seconds: Of all whose time is known.
        unknown: Number of phases whose time is not.
    """

    seconds: float
    unknown: int


def plan_of(recipe: Recipe, registry: Registry, device: str) -> Plan:
    """A recipe's phases and their keys, as `engine.run` finds them; renders no clips.

    Raises:
        DataError: its material is missing or too little.
        PluginError, UnavailableError: a component or the precision cannot be used.
    """
    precision = choose_precision(recipe.training.precision, device)
    data = {"clips": train_entry(recipe, registry).name}
    return make_plan(recipe, registry, device=device, precision=precision, data=data)


def look_ahead(prepared: Prepared, reporter: Reporter | None = None) -> tuple[JobAhead, ...]:
    """What running the chosen rows would do.

    Args:
        prepared: The suite.
        reporter: Is told about the steps that are timed.
    """
    planned: list[tuple[Job, Plan | str | None]] = []
    for job in prepared.to_run:
        try:
            done = prepared.is_done(job)
            plan = None if done else plan_of(job.recipe, prepared.registry, prepared.device)
            planned.append((job, plan))
        except DeblurkitError as error:
            planned.append((job, " ".join(str(error).split())))
    return _Estimator(prepared, reporter or Silent()).all(planned)


def total(jobs: Iterable[JobAhead], *, alone: bool) -> Total:
    """Training time of rows: with sharing, or of each `alone` as if nothing were there."""
    phases = [p for job in jobs for p in job.phases if alone or p.trains]
    known = [p.seconds for p in phases if p.seconds is not None]
    return Total(sum(known), len(phases) - len(known))


class _Estimator:
    """Finds each phase's state and seconds; phases of one kind are timed once."""

    def __init__(self, prepared: Prepared, reporter: Reporter) -> None:
        self.prepared, self.reporter = prepared, reporter
        self.store = PhaseStore()
        self.alike = self.store.step_seconds()
        self.timed: dict[str, tuple[float | None, Source]] = {}
        self.owners: dict[str, Job] = {}
        self.spent = 0.0

    def all(self, planned: list[tuple[Job, Plan | str | None]]) -> tuple[JobAhead, ...]:
        jobs: list[tuple[JobAhead, Plan | None]] = []
        for job, plan in planned:
            if isinstance(plan, Plan):
                phases = tuple(self._state(job, plan, phase) for phase in plan.phases)
                jobs.append((JobAhead(job, phases=phases), plan))
            else:
                jobs.append((JobAhead(job, done=plan is None, error=plan or ""), None))
        self._time([plan for _, plan in jobs if plan is not None])
        return tuple(
            job if plan is None else replace(job, phases=self._with_seconds(job, plan))
            for job, plan in jobs
        )

    def _state(self, job: Job, plan: Plan, phase: Phase) -> PhaseAhead:
        key = plan.keys[phase.name]
        state: State = "train"
        if self.store.seconds(key) is not None:
            state = "stored"
        elif key in self.owners:
            state = "shared"
        elif self.store.training_folder(key).is_dir():
            state = "go on"
        owner = self.owners.setdefault(key, job)
        return PhaseAhead(
            phase.name,
            key,
            plan.training(phase).steps,
            state,
            owner if state == "shared" else None,
        )

    def _with_seconds(self, job: JobAhead, plan: Plan) -> tuple[PhaseAhead, ...]:
        phases = []
        for ahead, phase in zip(job.phases, plan.phases, strict=True):
            seconds, source = self._seconds(ahead, plan, phase)
            phases.append(replace(ahead, seconds=seconds, source=source))
        return tuple(phases)

    def _seconds(self, ahead: PhaseAhead, plan: Plan, phase: Phase) -> tuple[float | None, Source]:
        itself = self.store.seconds(ahead.key)
        if itself is not None:
            return itself, "itself"
        work = self._work(plan, phase)
        if work in self.alike:
            return self.alike[work] * ahead.steps, "alike"
        per_step, source = self.timed.get(work, (None, "unknown"))
        return None if per_step is None else per_step * ahead.steps, source

    def _time(self, plans: list[Plan]) -> None:
        """Time a step of every kind that nothing in the store tells about."""
        wanted: dict[str, tuple[Plan, Phase]] = {}
        for plan in plans:
            for phase in plan.phases:
                work = self._work(plan, phase)
                if work not in self.alike and self.store.seconds(plan.keys[phase.name]) is None:
                    wanted.setdefault(work, (plan, phase))
        if not wanted:
            return
        self.reporter.start("timing a few steps of each kind", len(wanted))
        for done, (work, (plan, phase)) in enumerate(wanted.items(), start=1):
            if self.spent < _ALL_KINDS:
                self.timed[work] = self._time_one(plan, phase)
            self.reporter.advance(done)
        self.reporter.finish()

    def _time_one(self, plan: Plan, phase: Phase) -> tuple[float | None, Source]:
        began = time.monotonic()
        registry = self.prepared.registry
        try:
            graph = build_graph(plan.recipe, registry, plan.nodes)
            accelerator = make_accelerator(self.prepared.device, self._precision(plan))
            step = time_step(plan, phase, graph, registry, accelerator, limit=_ONE_KIND)
        except Exception as error:  # noqa: BLE001 - the row will say so when it is run
            why = " ".join(f"{type(error).__name__}: {error}".split())
            self.reporter.say(f"a step of {plan.recipe.name}, {phase.name}, was not timed: {why}")
            return None, "unknown"
        finally:
            self.spent += time.monotonic() - began
        return step.seconds, "scaled" if step.scaled else "timed"

    def _work(self, plan: Plan, phase: Phase) -> str:
        device = self.prepared.device
        return work_of(plan, phase, device=device, precision=self._precision(plan))

    def _precision(self, plan: Plan) -> Precision:
        return choose_precision(plan.recipe.training.precision, self.prepared.device)
