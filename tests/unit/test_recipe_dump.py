"""A resolved recipe written down reads back as the same recipe."""

from __future__ import annotations

import copy
import pickle

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_registry import toy_registry

from deblurkit.recipe import dump_recipe, list_recipes, load_recipe
from deblurkit.recipe.schema import (
    Architecture,
    Component,
    Data,
    Losses,
    Recipe,
    Term,
)

REGISTRY = toy_registry()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("again", [None, "none", "smoke", "quick", "paper"])
@pytest.mark.parametrize("scale", ["smoke", "quick", "paper"])
@pytest.mark.parametrize("name", [r.name for r in list_recipes()])
def test_bundled_recipes_read_back_whatever_the_scale(folder, name, scale, again):
    own_data = name in ("pretrained_small", "realism")  # photographs, at every scale
    overrides = ["data.train.path=clips"] if scale == "paper" and not own_data else []
    recipe = load_recipe(name, scale=scale, overrides=overrides, seed=3)
    text = dump_recipe(recipe)
    (folder / "deeper").mkdir()
    path = folder / "deeper/recipe.resolved.yaml"
    path.write_text(text, "utf-8")
    found = load_recipe(path, scale=again)
    assert found == recipe
    assert found.provenance.scale == "resolved"
    assert dump_recipe(found).splitlines()[3:] == text.splitlines()[4 + bool(overrides) :]


def test_a_resolved_recipe_can_be_changed_and_extended(folder):
    recipe = load_recipe("sequential_pairwise", scale="paper", overrides=["data.train.path=x"])
    (folder / "r.yaml").write_text(dump_recipe(recipe))
    (folder / "child.yaml").write_text(
        "extends: r.yaml\nname: child\nloss: {middle: {perceptual: }}"
    )
    child = load_recipe("child.yaml", scale="quick")
    assert child.data == recipe.data
    assert list(child.loss.middle) == ["mse"]
    other = load_recipe("r.yaml", overrides=["data.train.name=moving-shapes"])
    assert "path" not in other.data.train.params
    assert other.training == recipe.training


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["no", "1e-4", "1.", "010", "", " a", "a ", "a: b", "a #b", "- a", "[a", "'", '"', "\n", "true"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXT, below, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(TEXT, st.dictionaries(TEXT, VALUES, max_size=4))
def test_every_text_and_value_survives_in_yaml(summary, values):
    """What is written is also YAML to another reader, wherever the two agree on words."""
    role = {"role": values}
    recipe = Recipe(
        name="r",
        summary=summary,
        family=Component(name="plain"),
        loss=Losses(middle={"near": Term()}, others={"far": Term()}),
        architecture=Architecture(name="net", middle=role),
        schedule=Component(name="steady"),
        data=Data(train=Component(name="shapes")),
    )
    from deblurkit.recipe.located import Origin, plain
    from deblurkit.recipe.problems import Problems
    from deblurkit.recipe.yaml_reader import Path, parse_yaml

    problems = Problems()
    text = dump_recipe(recipe)
    tree = plain(parse_yaml(text, Origin("r", Path("/")), problems))
    assert problems.lines() == ()
    assert tree.pop("resolved") is True
    assert tree == recipe.model_dump(mode="json")
    assert yaml.safe_load(text)["summary"] == summary


def test_overrides_cannot_break_out_of_the_header(folder):
    recipe = load_recipe(
        "pairwise", scale="smoke", overrides=['summary="a\\nb"', "frames=\n# x\n 5\n"], seed=1
    )
    text = dump_recipe(recipe)
    assert text.splitlines()[:6] == [
        "# A resolved recipe: every value is filled in, and it runs as it is.",
        text.splitlines()[1],
        '# with --set summary="a\\nb"',
        "# with --set frames= # x 5",
        "# with --seed 1",
        "resolved: true",
    ]
    assert text.splitlines()[1].startswith("# made from ")
    assert text.splitlines()[1].endswith("smoke.yaml")
    (folder / "r.yaml").write_text(text)
    assert load_recipe("r.yaml") == recipe


def test_origins_name_the_layer_of_each_value(folder):
    (folder / "parent.yaml").write_text(
        "scale: s\nname: parent\nframes: 5\nfamily: {name: plain}\n"
        "loss: {middle: {near: {}}, others: {blob: {}}}\n"
        "architecture: {name: net, width: 4}\nschedule: {name: steady}\n"
    )
    (folder / "r.yaml").write_text("extends: parent.yaml\nname: r\n")
    (folder / "scales").mkdir()
    (folder / "scales/s.yaml").write_text(
        "data: {train: {name: shapes}}\ncomponents:\n  blob: {size: 4}\n"
    )
    recipe = load_recipe("r.yaml", overrides=["data.crop=8"], seed=2, registry=REGISTRY)
    said = {}
    for line in dump_recipe(recipe, origins=True).splitlines():
        value, _, origin = line.partition("  # ")
        said[value.strip()] = origin
    assert said["name: r"] == "r.yaml:2"
    assert said["frames: 5"] == "parent.yaml:3"
    assert said["size: 4"] == "scales/s.yaml:3"
    assert said["name: shapes"] == "scales/s.yaml:1"
    assert said["crop: 8"] == "--set data.crop=8"
    assert said["seed: 2"] == "--seed 2"
    assert said["clips: 2000"] == "default"
    assert said["width: 4"] == "parent.yaml:6"
    assert said["depth: [[2, 2], [3, 3]]"] == "default of net for core"
    assert "loss:" in said and said["loss:"] == ""


def test_an_annotated_recipe_reads_back_too(folder):
    recipe = load_recipe("independent", overrides=["summary=a # b"])
    (folder / "r.yaml").write_text(dump_recipe(recipe, origins=True))
    assert load_recipe("r.yaml") == recipe


def test_a_recipe_made_in_python_can_be_written(folder):
    recipe = load_recipe("pairwise", scale="smoke")
    made = Recipe.model_validate_json(recipe.model_dump_json())
    assert made == recipe
    text = dump_recipe(made)
    assert "made from" not in text
    (folder / "r.yaml").write_text(text)
    assert load_recipe("r.yaml") == recipe


def test_recipes_can_be_copied_and_sent_to_other_processes():
    recipe = load_recipe("pairwise", scale="smoke")
    for other in (pickle.loads(pickle.dumps(recipe)), copy.deepcopy(recipe), recipe.model_copy()):
        assert other == recipe
        assert other.provenance.scale == recipe.provenance.scale
