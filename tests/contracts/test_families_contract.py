"""Every registered family and schedule keeps its contract, and the suites notice mistakes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deblurkit.frames import BLURRY, indices, middle, others
from deblurkit.graph import Node
from deblurkit.registry import Registered, get_registry
from deblurkit.specs import FamilySpec, ScheduleSpec
from deblurkit.stages import Phase, Stage
from deblurkit.testing import check_family, check_schedule

FAMILIES = get_registry().specs("family")
VARIANTS = [
    ("pairwise", {"feed_middle": False}),
    ("sequential", {"share": "none"}),
    ("sequential", {"share": "outer"}),
]


@pytest.mark.parametrize("component", FAMILIES, ids=lambda r: r.qualified)
def test_registered_families(component: Registered) -> None:
    check_family(component)


@pytest.mark.parametrize(("name", "params"), VARIANTS)
def test_their_other_settings(name: str, params: dict[str, Any]) -> None:
    check_family(get_registry().resolve("family", name), **params)


@pytest.mark.parametrize("component", get_registry().specs("schedule"), ids=lambda r: r.qualified)
def test_registered_schedules(component: Registered) -> None:
    variants = [get_registry().resolve("family", name).build(**params) for name, params in VARIANTS]
    check_schedule(component, families=[*FAMILIES, *variants])


# --- families with one mistake each --------------------------------------------------------


class Good:
    """The middle, then each other frame from the middle."""

    def graph(self, T: int) -> tuple[Node, ...]:
        m = middle(T)
        return (
            Node(m, "middle", (BLURRY,), BLURRY, "middle"),
            *(Node(i, f"n{i}", (BLURRY, m), m, "outer") for i in others(T)),
        )

    def stages(self, T: int) -> tuple[Stage, ...]:
        return (Stage("middle", "middle", (middle(T),)), Stage("others", "others", others(T)))


class MissingFrame(Good):
    def graph(self, T: int) -> tuple[Node, ...]:
        return super().graph(T)[:-1]


class SeesLater(Good):
    def graph(self, T: int) -> tuple[Node, ...]:
        return super().graph(T)[::-1]


class WrongRole(Good):
    def graph(self, T: int) -> tuple[Node, ...]:
        return tuple(replace(node, role="core") for node in super().graph(T))


class Blind(Good):
    def graph(self, T: int) -> tuple[Node, ...]:
        return tuple(replace(node, inputs=()) for node in super().graph(T))


class Changing(Good):
    calls = 0

    def graph(self, T: int) -> tuple[Node, ...]:
        self.calls += 1
        return tuple(replace(n, network=f"{n.network}-{self.calls}") for n in super().graph(T))


class OneStage(Good):
    def stages(self, T: int) -> tuple[Stage, ...]:
        return (Stage("all", "others", indices(T)),)


class WrongGroup(Good):
    def stages(self, T: int) -> tuple[Stage, ...]:
        return tuple(replace(stage, group="middle") for stage in super().stages(T))


class Twice(Good):
    def stages(self, T: int) -> tuple[Stage, ...]:
        return (*super().stages(T), Stage("again", "others", others(T)))


class SameName(Good):
    def stages(self, T: int) -> tuple[Stage, ...]:
        return tuple(replace(stage, name="stage") for stage in super().stages(T))


class Backwards(Good):
    def stages(self, T: int) -> tuple[Stage, ...]:
        return super().stages(T)[::-1]


class SharedAcross(Good):
    def graph(self, T: int) -> tuple[Node, ...]:
        first, *rest = super().graph(T)
        return (first, *(replace(node, network="shared") for node in rest))

    def stages(self, T: int) -> tuple[Stage, ...]:
        return (
            Stage("middle", "middle", (middle(T),)),
            *(Stage(f"frame {i}", "others", (i,)) for i in others(T)),
        )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("MissingFrame", "one node for each frame"),
        ("SeesLater", "predicted later"),
        ("WrongRole", "has the role 'core'"),
        ("Blind", "sees no image"),
        ("Changing", "other nodes the second time"),
        ("OneStage", "stage of its own"),
        ("WrongGroup", "is of group 'middle'"),
        ("Twice", "exactly one stage"),
        ("SameName", "a name of its own"),
        ("Backwards", "which a later stage trains"),
        ("SharedAcross", "two stages train the network 'shared'"),
    ],
)
def test_the_family_suite_notices(name: str, words: str) -> None:
    check_family(FamilySpec(name="test", summary="s", build=f"{__name__}:Good"))
    with pytest.raises(AssertionError) as caught:
        check_family(FamilySpec(name="test", summary="s", build=f"{__name__}:{name}"))
    assert words in str(caught.value)


# --- schedules with one mistake each -------------------------------------------------------


class Sound:
    """One phase a stage, each needing all before it."""

    def phases(
        self, nodes: tuple[Node, ...], stages: tuple[Stage, ...], T: int
    ) -> tuple[Phase, ...]:
        found: list[Phase] = []
        for stage in stages:
            networks = dict.fromkeys(n.network for n in nodes if n.frame in stage.frames)
            needs = tuple(phase.name for phase in found)
            found.append(Phase(stage.name, (stage,), stage.group, tuple(networks), needs=needs))
        return tuple(found)


def change(**values: Any) -> Any:
    class Changed(Sound):
        def phases(self, *args: Any) -> tuple[Phase, ...]:
            *most, last = super().phases(*args)
            return (*most, replace(last, **values))

    return Changed


trains_nothing = change(trains=())
trains_twice = change(trains=("middle", "n1"))
unknown_need = change(needs=("nothing",))
own_need = change(needs=("others",))
forgets_needs = change(needs=())
given_trained = change(given=(1,))
given_unknown = change(given=(99,))
same_name = change(name="middle")
wrong_group = change(group="middle")
no_stages = change(stages=(), trains=())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("trains_nothing", "in exactly one phase"),
        ("trains_twice", "in exactly one phase"),
        ("unknown_need", "which do not exist"),
        ("own_need", "in a circle"),
        ("forgets_needs", "uses the networks ['middle']"),
        ("given_trained", "which it trains"),
        ("given_unknown", "is given frames [99]"),
        ("same_name", "a name of its own"),
        ("wrong_group", "takes the settings of 'middle'"),
        ("no_stages", "run each of"),
    ],
)
def test_the_schedule_suite_notices(name: str, words: str) -> None:
    sound = ScheduleSpec(name="test", summary="s", build=f"{__name__}:Sound")
    check_schedule(sound, families=[Good(), *FAMILIES])
    with pytest.raises(AssertionError) as caught:
        check_schedule(replace(sound, build=f"{__name__}:{name}"), families=[Good()])
    assert words in str(caught.value)
