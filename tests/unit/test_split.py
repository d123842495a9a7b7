"""The split of sources into training and test."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblurkit.data.split import split_sources
from deblurkit.errors import DataError

NAMES = st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=30, unique=True)
SHARE = st.floats(0.01, 0.99)


@given(names=NAMES, held_out=SHARE, data=st.data())
def test_both_sides_have_their_share_in_any_order(names, held_out, data):
    split = split_sources(names, held_out=held_out)
    assert sorted(split.train + split.test) == sorted(names)
    assert split.train and split.test
    wanted = held_out * len(names)
    assert abs(len(split.test) - wanted) <= 0.5 or 1 in (len(split.test), len(split.train))
    assert split_sources(data.draw(st.permutations(names)), held_out=held_out) == split


@given(train=NAMES, test=NAMES, held_out=SHARE)
def test_another_test_dataset_shares_no_name(train, test, held_out):
    split = split_sources(train, held_out=held_out, test=test)
    assert split.train and split.test
    assert not set(split.train) & set(split.test)
    assert set(split.train) | set(split.test) == set(train) | set(test)
    assert set(train) - set(test) <= set(split.train)
    assert set(test) - set(train) <= set(split.test)


def test_the_split_is_this_one_for_ever():
    """Results stay comparable only while the same names go to the same side."""
    names = [f"scene-{k:02d}" for k in range(10)]
    assert split_sources(names, held_out=0.2).test == ("scene-02", "scene-00")


def test_more_test_sources_keep_the_earlier_ones():
    names = [f"{k}.png" for k in range(20)]
    few, many = (split_sources(names, held_out=share).test for share in (0.1, 0.4))
    assert set(few) < set(many)


@pytest.mark.parametrize("test", [None, ["a.mp4"]])
def test_one_source_is_not_enough(test):
    with pytest.raises(DataError, match=r"'a.mp4'.*\n.*at least 2.*\n.*data\.test"):
        split_sources(["a.mp4"], held_out=0.2, test=test)


def test_one_source_is_enough_beside_another_test_dataset():
    split = split_sources(["a.mp4"], held_out=0.2, test=["b.mp4"])
    assert (split.train, split.test) == (("a.mp4",), ("b.mp4",))


def test_mistakes_are_named():
    with pytest.raises(DataError, match=r"data\.train: the dataset has no sources"):
        split_sources([], held_out=0.2)
    with pytest.raises(DataError, match=r"data\.test: two sources have the name 'b'"):
        split_sources(["a"], held_out=0.2, test=["b", "b"])
    with pytest.raises(ValueError, match="between 0 and 1"):
        split_sources(["a", "b"], held_out=1.0)
