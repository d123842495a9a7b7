"""The study's recipes differ from their parents by what they declare, and its suite holds them.

Differences are found here from dumps of the resolved recipes, without the loader's own check.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import yaml

from deblurkit.engine.plan import make_plan
from deblurkit.recipe import list_recipes, load_recipe
from deblurkit.registry import get_registry
from deblurkit.study.suite import Suite

ROOT = Path(__file__).parents[2]
FILES = {listed.name: listed.path for listed in list_recipes()}
CHILDREN = [name for name, path in FILES.items() if "extends:" in path.read_text("utf-8")]
SCALES = ("smoke", "quick", "paper")
REPEATS = {"ablation/no_perceptual", "ablation/windowed_64"}
"""At the suite's scale these are other rows once more."""


def said(path):
    """What a file says itself, by PyYAML's own reader."""
    return yaml.safe_load(path.read_text("utf-8"))


SUITE = Suite.model_validate_json(json.dumps(said(ROOT / "benchmarks/ablation.yaml")))
ROWS = {row.name: row for row in SUITE.rows}


@cache
def dump(source, scale, overrides=()):
    """Every value of a resolved recipe by its path: `family.share`, `loss.others.mse.weight`."""
    own_data = Path(source).stem in ("pretrained_small", "realism")  # photographs, at every scale
    named = own_data or any("data.train.name" in o for o in overrides)
    needs_frames = scale == "paper" and not named
    overrides = (*overrides, *(["data.train.path=clips"] if needs_frames else []))
    recipe = load_recipe(source, scale=scale, overrides=overrides)
    found = {}

    def walk(value, path):
        if isinstance(value, dict):
            for key, below in value.items():
                walk(below, (*path, key))
        else:
            found[".".join(path)] = value

    walk(recipe.model_dump(mode="json"), ())
    return found


def differing(a, b):
    return {k for k in a.keys() | b.keys() if a.get(k, "none") != b.get(k, "none")}


def of_parent(name, scale):
    """The paths at which a bundled recipe and its parent differ, name and summary apart."""
    path = FILES[name]
    parent = path.parent / said(path)["extends"]
    return differing(dump(path, scale), dump(parent, scale)) - {"name", "summary"}


def covers(key, path):
    return path == key or path.startswith(key + ".")


def of_row(name, scale="quick"):
    row = ROWS[name]
    return dump(row.recipe, scale, SUITE.overrides_of(row))


def test_every_bundled_recipe_with_a_parent_declares_what_it_changes():
    assert set(FILES) - set(CHILDREN) == {"sequential_pairwise", "pretrained_small"}
    for name in CHILDREN:
        assert said(FILES[name])["changes"], name


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", CHILDREN)
def test_a_recipe_changes_nothing_that_it_does_not_declare(name, scale):
    declared = said(FILES[name])["changes"]
    undeclared = [p for p in of_parent(name, scale) if not any(covers(key, p) for key in declared)]
    assert undeclared == []


@pytest.mark.parametrize("name", CHILDREN)
def test_every_declared_key_differs_at_some_scale(name):
    different = {path for scale in SCALES for path in of_parent(name, scale)}
    for key in said(FILES[name])["changes"]:
        assert any(covers(key, path) for path in different), key


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("staged", {"schedule.name": "staged"}),
        ("joint", {"schedule.name": "joint"}),
        ("share_none", {"family.share": "none"}),
        ("share_outer", {"family.share": "outer"}),
        ("middle_factor_1", {"architecture.middle.factor": 1}),
        ("middle_factor_2", {"architecture.middle.factor": 2}),
        ("middle_factor_8", {"architecture.middle.factor": 8}),
        ("frames_3", {"frames": 3}),
        ("frames_5", {"frames": 5}),
        ("frames_9", {"frames": 9}),
        ("charbonnier", {"loss.others.pairwise.norm": "charbonnier"}),
        ("squared", {"loss.others.pairwise.norm": "squared"}),
    ],
)
def test_single_values_are_those_that_the_file_is_named_after(name, values, scale):
    row, method = dump(f"ablation/{name}", scale), dump("sequential_pairwise", scale)
    assert differing(row, method) - {"name", "summary"} == set(values)
    assert {path: row[path] for path in values} == values
    assert {method[path] for path in values} <= {
        "teacher-forced", "pair", 4, 7, "l1"
    }  # fmt: skip


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("name", "window"),
    [("1", 1), ("4", 4), ("8", 8), ("16", 16), ("32", 32), ("64", 64), ("whole", 0)],
)
def test_windowed_recipes_differ_from_the_plain_one_by_the_loss_alone(name, window, scale):
    row, plain = dump(f"ablation/windowed_{name}", scale), dump("ablation/plain_pairwise", scale)
    assert differing(row, plain) - {"name", "summary"} == {
        "loss.others.pairwise.weight",
        "loss.others.pairwise.norm",
        "loss.others.pairwise-windowed.weight",
        "loss.others.pairwise-windowed.norm",
        "loss.others.pairwise-windowed.window",
        "loss.others.pairwise-windowed.softness",
    }
    assert row["loss.others.pairwise-windowed.window"] == window
    assert row["loss.others.pairwise-windowed.softness"] == 0
    assert row["loss.others.pairwise-windowed.weight"] == plain["loss.others.pairwise.weight"] == 1
    norms = {row["loss.others.pairwise-windowed.norm"], plain["loss.others.pairwise.norm"]}
    assert norms == {"squared"}
    assert not any(path.startswith("loss.others.adversarial") for path in row.keys() | plain.keys())


def test_the_suite_has_every_recipe_of_the_study_but_those_that_would_repeat_a_row():
    ablation = {name for name in FILES if name.startswith("ablation/")}
    rows = {row.recipe for row in SUITE.rows}
    assert ablation - rows == REPEATS
    assert {"independent", "global_model", "pairwise", "pairwise_middle"} < rows
    assert ROWS[SUITE.reference].recipe == "sequential_pairwise"
    method = dump("sequential_pairwise", SUITE.scale)
    repeated = differing(dump("ablation/no_perceptual", SUITE.scale), method)
    assert repeated == {"name", "summary"}
    largest = dump("ablation/windowed_64", SUITE.scale)
    assert largest["loss.others.pairwise-windowed.window"] >= largest["data.crop"]
    for row in SUITE.rows:
        said_here = of_row(row.name, SUITE.scale)
        assert said_here.get("loss.others.pairwise-windowed.window", 0) < said_here["data.crop"]


@pytest.mark.parametrize("scale", SCALES)
def test_every_row_resolves_and_no_two_rows_are_the_same(scale):
    rows = [of_row(name, scale) for name in ROWS]
    if scale == SUITE.scale:
        for i, a in enumerate(rows):
            assert all(differing(a, b) - {"name", "summary"} for b in rows[:i])


@pytest.mark.parametrize("name", ROWS)
def test_a_row_has_the_clips_of_its_reference(name):
    """Otherwise the difference in the table could not be taken clip by clip."""
    row, reference = of_row(name), of_row(SUITE.reference_of(ROWS[name]))
    assert not {p for p in differing(row, reference) if p.startswith("data.") or p == "frames"}


@pytest.mark.parametrize(("word", "objects"), [("two", 2), ("three", 3)])
def test_rows_of_more_objects_differ_from_those_of_one_by_the_objects(word, objects):
    groups = {}
    for row in SUITE.rows:
        groups.setdefault(row.group, []).append(row.name)
    few = {"each-value", "windowed-1", "windowed-4"}  # in which hardly anything can be seen
    single = [name for name in groups["windows, one object"] if name not in few]
    assert groups[f"windows, {word} objects"] == [f"{name}-{word}-objects" for name in single]
    for name in single:
        many = f"{name}-{word}-objects"
        assert differing(of_row(many), of_row(name)) == {"data.train.objects"}
        assert of_row(many)["data.train.objects"] == objects
        assert of_row(name)["data.train.objects"] == 1
        assert of_row(name)["data.train.overlap"] is False
        assert SUITE.reference_of(ROWS[many]) == f"plain-pairwise-{word}-objects"


@cache
def keys():
    """Row -> phase -> the hash under which its result is kept."""
    found = {}
    for row in SUITE.rows:
        recipe = load_recipe(row.recipe, scale=SUITE.scale, overrides=SUITE.overrides_of(row))
        clips = {"data": recipe.data.model_dump(mode="json"), "T": recipe.frames}
        plan = make_plan(recipe, get_registry(), device="cpu", precision="fp32", data=clips)
        found[row.name] = dict(plan.keys)
    return found


def sharing(phase, *names):
    return {keys()[name][phase] for name in names}


def test_one_middle_network_serves_all_rows_that_do_not_change_it():
    own = {"joint", "dilated-resnet", *(f"middle-factor-{r}" for r in (1, 2, 8))}
    same = {
        name for name in ROWS
        if of_row(name)["frames"] == 7 and of_row(name)["data.train.overlap"]
    } - own  # fmt: skip
    assert len(same) == 17
    assert len(sharing("middle", *same)) == 1
    others = [name for name in ROWS if name not in same and name != "joint"]
    assert sharing("middle", *same).isdisjoint(sharing("middle", *others))
    assert set(keys()["joint"]) == {"joint"}
    for word in ("one", "two", "three"):
        group = [row.name for row in SUITE.rows if row.group.startswith(f"windows, {word}")]
        assert len(group) >= 5 and len(sharing("middle", *group)) == 1
    assert len(sharing("middle", "frames-3", "global-model-frames-3")) == 1


def test_rows_share_the_other_phases_that_they_leave_alone():
    factors = [f"middle-factor-{r}" for r in (1, 2, 8)]
    for phase in ("core", "outer"):
        assert len(sharing(phase, "sequential", *factors)) == 1
    assert len(sharing("middle", "sequential", *factors)) == 4
    shares = ("sequential", "share-none", "share-outer")
    assert len(sharing("core", *shares, "pairwise-middle")) == 1  # so C4 compares the rest alone
    assert len(sharing("outer", *shares)) == 3
    changed = (
        "sequential", "staged", "no-adversarial", "dilated-resnet", "charbonnier", "squared",
        "plain-pairwise", "windowed-8", "windowed-16", "windowed-32", "windowed-whole",
        "windowed-16-l1", "frames-3", "frames-5", "frames-9",
    )  # fmt: skip
    assert len(sharing("core", *changed)) == len(changed)
