"""How layers of a recipe go over each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurkit.recipe.located import Origin, Place, Table, locate, plain
from deblurkit.recipe.merging import ROLES, merge_tables, normalised, same_name

LOWER = Place(Origin("lower.yaml", Path("/l"), 1), 1, 1)
UPPER = Place(Origin("upper.yaml", Path("/u")), 2, 3)
TYPED = Place(Origin("--set x", Path("/c"), 9, command=True))


def merged(*layers):
    """The plain value of layers laid over each other, lowest first."""
    tree = normalised(locate(layers[0], LOWER))
    for layer in layers[1:]:
        tree = merge_tables(tree, normalised(locate(layer, UPPER)))
    return plain(tree)


def leaves(value, path=()):
    """All paths to values that are not mappings, or are empty ones."""
    if isinstance(value, dict) and value:
        return {p: v for k, below in value.items() for p, v in leaves(below, (*path, k)).items()}
    return {path: value}


TREES = st.dictionaries(
    st.sampled_from("abc"),
    st.recursive(
        st.none() | st.integers(0, 3) | st.lists(st.integers(0, 3), max_size=2),
        lambda below: st.dictionaries(st.sampled_from("abc"), below, min_size=1, max_size=3),
        max_leaves=6,
    ),
    min_size=1,
    max_size=3,
)


@settings(deadline=None)
@given(TREES, TREES)
def test_the_upper_layer_is_there_whole_and_the_lower_where_it_left_room(lower, upper):
    above = leaves(upper)
    below = {
        path: value
        for path, value in leaves(lower).items()
        if not any(path[: len(p)] == p[: len(path)] for p in above)
    }
    assert leaves(merged(lower, upper)) == {**below, **above}


@settings(deadline=None)
@given(TREES)
def test_a_layer_over_itself_or_over_nothing_changes_nothing(tree):
    assert merged(tree, tree) == tree
    assert merged({}, tree) == tree
    assert merged(tree, {}) == tree


def test_values_keep_the_place_of_the_layer_that_says_them():
    tree = merge_tables(
        locate({"m": {"a": 1, "b": 1}, "n": {"c": 1}}, LOWER),
        locate({"m": {"b": 2}}, UPPER),
    )
    m, n = tree.get("m"), tree.get("n")
    assert isinstance(m, Table) and isinstance(n, Table)
    assert [str(m.entries[k].value.place) for k in "ab"] == ["lower.yaml:1:1", "upper.yaml:2:3"]
    assert (m.place, n.place) == (UPPER, LOWER)


def test_a_mapping_stands_where_a_file_has_it_not_where_an_override_reaches_into_it():
    tree = merge_tables(locate({"m": {"a": 1}}, LOWER), locate({"m": {"b": 2}}, TYPED))
    m = tree.get("m")
    assert isinstance(m, Table)
    assert (m.place, m.entries["b"].value.place) == (LOWER, TYPED)


@pytest.mark.parametrize("key", ["family", "schedule"])
def test_another_component_discards_the_parameters_of_the_one_below(key):
    lower = {key: {"name": "one", "p": 1}}
    assert merged(lower, {key: {"name": "two", "q": 2}}) == {key: {"name": "two", "q": 2}}
    assert merged(lower, {key: {"name": "one", "q": 2}}) == {key: {"name": "one", "p": 1, "q": 2}}
    assert merged(lower, {key: {"q": 2}}) == {key: {"name": "one", "p": 1, "q": 2}}
    assert merged({key: {"p": 1}}, {key: {"name": "two"}}) == {key: {"name": "two", "p": 1}}


@pytest.mark.parametrize("key", ["train", "test"])
def test_another_dataset_discards_the_parameters_of_the_one_below(key):
    lower = {"data": {"crop": 3, key: {"name": "one", "p": 1}}}
    upper = {"data": {key: {"name": "two"}}}
    assert merged(lower, upper) == {"data": {"crop": 3, key: {"name": "two"}}}


def test_a_name_elsewhere_means_nothing():
    lower = {"training": {"name": "one", "p": 1}, "name": "x"}
    assert merged(lower, {"training": {"name": "two"}}) == {
        "training": {"name": "two", "p": 1},
        "name": "x",
    }


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("net", "net", True),
        ("own:net", "net", True),
        ("net", "own:net", True),
        ("own:net", "own:net", True),
        ("own:net", "your:net", False),
        ("net", "nets", False),
        ("own:net", "own:nets", False),
    ],
)
def test_owner_and_name_mean_the_same_as_the_name(a, b, same):
    assert same_name(a, b) is same
    kept = merged({"family": {"name": a, "p": 1}}, {"family": {"name": b}})
    assert kept == {"family": {"name": b, **({"p": 1} if same else {})}}


def test_a_term_is_replaced_under_either_of_its_names():
    lower = {"loss": {"others": {"mse": {"weight": 2}, "l1": {}}}}
    upper = {"loss": {"others": {"own:mse": None}}}
    assert merged(lower, upper) == {"loss": {"others": {"l1": {}, "own:mse": None}}}
    upper = {"loss": {"others": {"own:mse": {"p": 1}}}}
    assert merged(lower, upper)["loss"]["others"]["own:mse"] == {"weight": 2, "p": 1}


def test_architecture_parameters_beside_the_name_hold_for_all_roles():
    assert merged({"architecture": {"name": "n", "p": 1, "core": {"p": 2, "q": 3}}}) == {
        "architecture": {
            "name": "n",
            "middle": {"p": 1},
            "core": {"p": 2, "q": 3},
            "outer": {"p": 1},
        }
    }


SETTINGS = st.lists(
    st.dictionaries(
        st.sampled_from(["shared", *ROLES]),
        st.dictionaries(st.sampled_from("pq"), st.integers(0, 9), max_size=2),
        max_size=4,
    ),
    min_size=1,
    max_size=5,
)


@settings(deadline=None)
@given(SETTINGS)
def test_a_later_layer_wins_for_every_role_however_it_says_it(layers):
    wanted = {role: {} for role in ROLES}
    for layer in layers:
        for role in ROLES:
            wanted[role] |= {**layer.get("shared", {}), **layer.get(role, {})}
    written = [
        {"architecture": {**layer.get("shared", {}), **{r: layer[r] for r in ROLES if r in layer}}}
        for layer in layers
    ]
    found = merged(*written)["architecture"]
    assert {role: found.get(role, {}) for role in ROLES} == wanted


def test_what_is_no_mapping_is_left_for_the_schema_to_complain_about():
    assert merged({"architecture": "net"}) == {"architecture": "net"}
    assert merged({"architecture": {"p": 1, "core": 3}})["architecture"]["core"] == 3
    assert merged({"family": "x"}, {"family": {"name": "y"}}) == {"family": {"name": "y"}}
    assert merged({"family": {"name": 3, "p": 1}}, {"family": {"name": [4]}}) == {
        "family": {"name": [4]}
    }
