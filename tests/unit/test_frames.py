from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblurkit.errors import FrameError
from deblurkit.frames import FrameSet, core, indices, middle, others, outer, pairs, partner

odd = st.integers(0, 60).map(lambda k: 2 * k + 1)


def test_the_papers_seven_frames() -> None:
    assert indices(7) == (1, 2, 3, 4, 5, 6, 7)
    assert middle(7) == 4
    assert pairs(7) == ((3, 5), (2, 6), (1, 7))
    assert core(7) == (3, 4, 5)
    assert outer(7) == (1, 2, 6, 7)
    assert others(7) == (1, 2, 3, 5, 6, 7)


@given(odd)
def test_middle_pairs_core_and_outer_partition_the_frames(T: int) -> None:
    from_pairs = {i for pair in pairs(T) for i in pair}
    assert from_pairs | {middle(T)} == set(indices(T))
    assert set(core(T)) | set(outer(T)) == set(indices(T))
    assert not set(core(T)) & set(outer(T))
    assert all(i + j == T + 1 and partner(i, T) == j and i < j for i, j in pairs(T))
    assert partner(middle(T), T) == middle(T)


@pytest.mark.parametrize("T", [0, 2, 4, -1, 7.0, True, "7"])
def test_a_length_without_a_middle_is_refused(T: object) -> None:
    with pytest.raises(FrameError, match="no middle frame"):
        middle(T)  # type: ignore[arg-type]


@pytest.mark.parametrize("i", [0, 8, -1, 1.0])
def test_an_index_outside_is_refused(i: object) -> None:
    with pytest.raises(FrameError, match="1 to 7"):
        partner(i, 7)  # type: ignore[arg-type]


def test_a_frame_set_is_a_mapping_in_order_of_time() -> None:
    frames = FrameSet(7, {5: "e", 3: "c", 4: "d"}, blurry="y")
    assert list(frames) == [3, 4, 5]
    assert frames.pairs() == ((3, 5),)
    assert frames.others() == (3, 5)
    assert frames.only([5]).pairs() == ()
    assert frames.only((5, 3)).blurry == "y"
    assert 4 in frames
    assert 1 not in frames
    with pytest.raises(FrameError, match=r"frame 1 is not here\n  valid: frames here: 3, 4, 5"):
        frames[1]
    with pytest.raises(FrameError):
        FrameSet(7, {8: "h"})
