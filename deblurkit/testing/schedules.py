"""The conformance suite of schedules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from deblurkit.errors import FrameError
from deblurkit.frames import indices
from deblurkit.graph import Node, needed
from deblurkit.specs import FamilySpec, ScheduleSpec
from deblurkit.stages import Family, Phase, Schedule, Stage
from deblurkit.testing.subject import Component, Subject

LENGTHS = (3, 5, 7, 9)


def check_schedule(
    component: Component, /, *, families: Iterable[Family | Component], **params: Any
) -> None:
    """Check that a schedule keeps its contract (`deblurkit.stages.Schedule`).

    With the graph and stages of each family, for 3, 5, 7 and 9 frames: phases run every stage
    once and train every network once; what they need exists and has no cycle; given frames
    exist and are not trained; and whatever a phase must predict has a network that it trains
    itself or finds in the phases it needs.

    Args:
        component: A `ScheduleSpec`, or a registered component with one.
        families: Families to schedule: objects with `graph` and `stages`, or specs, which are
            built with their defaults.
        **params: The schedule's parameters by name; the rest take their defaults.

    Raises:
        AssertionError: what is wrong and how to mend it.
    """
    subject = Subject(component, ScheduleSpec, params)
    schedule: Schedule = subject.build()
    for family in families:
        made: Family = (
            Subject(family, FamilySpec, {}).build() if isinstance(family, Component) else family
        )
        for T in LENGTHS:
            nodes, stages = tuple(made.graph(T)), tuple(made.stages(T))
            phases = tuple(schedule.phases(nodes, stages, T))
            subject.require(
                phases == tuple(schedule.phases(nodes, stages, T)),
                "it gives other phases the second time",
                "make it a pure function of nodes, stages and T",
            )
            where = f"with {type(made).__name__}, {T} frames"
            _check_phases(subject, phases, stages, nodes, where)
            _check_given(subject, phases, T, where)
            _check_reach(subject, phases, nodes, where)


def _check_phases(
    subject: Subject[ScheduleSpec],
    phases: tuple[Phase, ...],
    stages: tuple[Stage, ...],
    nodes: tuple[Node, ...],
    where: str,
) -> None:
    names = [phase.name for phase in phases]
    subject.require(
        bool(phases) and len(set(names)) == len(names) and all(names),
        f"{where}: phases are called {names}",
        "give every phase a name of its own",
    )
    run = [stage.name for phase in phases for stage in phase.stages]
    subject.require(
        sorted(run) == sorted(stage.name for stage in stages),
        f"{where}: phases run the stages {run}",
        f"run each of {[stage.name for stage in stages]} exactly once",
    )
    trained = [network for phase in phases for network in phase.trains]
    networks = sorted({node.network for node in nodes})
    subject.require(
        sorted(trained) == networks,
        f"{where}: phases train the networks {trained}",
        f"train each of {networks} in exactly one phase",
    )
    for phase in phases:
        groups = {stage.group for stage in phase.stages}
        subject.require(
            phase.group in groups,
            f"{where}: phase '{phase.name}' takes the settings of '{phase.group}'",
            f"take those of one of its stages: {sorted(groups)}",
        )
        unknown = sorted(set(phase.needs) - set(names))
        subject.require(
            not unknown,
            f"{where}: phase '{phase.name}' needs {unknown}, which do not exist",
            f"phases here: {names}",
        )
    try:
        TopologicalSorter({phase.name: phase.needs for phase in phases}).prepare()
    except CycleError as error:
        raise subject.failure(
            f"{where}: phases need each other in a circle: {error.args[1]}",
            "a phase can only start from networks that are trained before it",
        ) from error


def _check_given(
    subject: Subject[ScheduleSpec], phases: tuple[Phase, ...], T: int, where: str
) -> None:
    for phase in phases:
        wrong = [i for i in phase.given if i not in indices(T)]
        subject.require(
            not wrong,
            f"{where}: phase '{phase.name}' is given frames {wrong}",
            f"frames are 1 to {T}",
        )
        own = sorted({i for stage in phase.stages for i in stage.frames} & set(phase.given))
        subject.require(
            not own,
            f"{where}: phase '{phase.name}' is given frames {own}, which it trains",
            "a given frame is not predicted, so nothing would be learnt from it",
        )


def _check_reach(
    subject: Subject[ScheduleSpec], phases: tuple[Phase, ...], nodes: tuple[Node, ...], where: str
) -> None:
    by_name = {phase.name: phase for phase in phases}
    for phase in phases:
        frames = [i for stage in phase.stages for i in stage.frames]
        try:
            used = {node.network for node in needed(nodes, frames, phase.given)}
        except FrameError as error:
            raise subject.failure(
                f"{where}: phase '{phase.name}': {error}", "give what is missing"
            ) from error
        there = {network for name in _before(phase, by_name) for network in by_name[name].trains}
        missing = sorted(used - there - set(phase.trains))
        subject.require(
            not missing,
            f"{where}: phase '{phase.name}' uses the networks {missing}, which neither it nor "
            "the phases it needs have trained",
            "add the phases that train them to its needs, or give their frames",
        )


def _before(phase: Phase, by_name: Mapping[str, Phase]) -> set[str]:
    """All phases that come before one, through those it needs."""
    found: set[str] = set()
    waiting = list(phase.needs)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(by_name[name].needs)
    return found
