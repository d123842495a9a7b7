"""What each schedule freezes, gives and depends on, for the families of the paper."""

from __future__ import annotations

import pytest

from deblurkit.errors import FrameError
from deblurkit.stages import Phase, Schedule, Stage
from deblurkit_jin2018.families.independent import Independent
from deblurkit_jin2018.families.pairwise import Pairwise
from deblurkit_jin2018.families.sequential import Sequential
from deblurkit_jin2018.schedules.joint import Joint
from deblurkit_jin2018.schedules.staged import Staged
from deblurkit_jin2018.schedules.teacher_forced import TeacherForced


def phases(
    schedule: Schedule, family: Sequential | Pairwise | Independent, T: int = 7
) -> dict[str, Phase]:
    return {p.name: p for p in schedule.phases(family.graph(T), family.stages(T), T)}


def test_staged_builds_each_stage_on_the_frozen_estimates_of_the_earlier() -> None:
    found = phases(Staged(), Sequential())
    assert list(found) == ["middle", "core", "outer"]
    assert found["core"].needs == ("middle",)
    assert found["outer"].needs == ("middle", "core")
    assert all(p.given == () for p in found.values())
    assert found["outer"].trains == ("outer-2", "outer-3")


def test_teacher_forcing_gives_the_true_middle_and_drops_the_dependency_on_it() -> None:
    found = phases(TeacherForced(), Sequential())
    assert found["middle"].given == ()
    assert found["core"].given == (4,)
    assert found["core"].needs == ()
    assert found["outer"].needs == ("core",)


def test_frames_that_nobody_sees_are_not_given() -> None:
    """So that independent frames train the same under staged and teacher-forced, and share it."""
    assert phases(TeacherForced(), Independent()) == phases(Staged(), Independent())
    blind = Pairwise(feed_middle=False)
    assert phases(TeacherForced(), blind) == phases(Staged(), blind)


def test_joint_trains_everything_at_once() -> None:
    (phase,) = phases(Joint(), Sequential()).values()
    assert set(phase.trains) == {"middle", "before-1", "after-1", "outer-2", "outer-3"}
    assert len(phase.stages) == 3
    assert phase.group == "others"
    assert phase.needs == ()


@pytest.mark.parametrize("T", [3, 5, 9])
@pytest.mark.parametrize("schedule", [Staged(), TeacherForced(), Joint()])
def test_every_network_is_trained_once_for_any_length(T: int, schedule: Schedule) -> None:
    for family in (Sequential(share="none"), Sequential(share="outer"), Pairwise()):
        trained = [n for p in phases(schedule, family, T).values() for n in p.trains]
        assert sorted(trained) == sorted({n.network for n in family.graph(T)})


def test_a_network_in_two_stages_is_refused() -> None:
    family = Sequential(share="outer")
    stages = (
        *family.stages(7)[:2],
        Stage("near", "others", (2, 6)),
        Stage("far", "others", (1, 7)),
    )
    with pytest.raises(FrameError, match="'outer' belongs to stages 'near' and 'far'"):
        Staged().phases(family.graph(7), stages, 7)
