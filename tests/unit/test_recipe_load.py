"""From layers to a resolved recipe: what wins, what is filled in, where paths lead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from toy_registry import toy_registry

from deblurkit.errors import RecipeError
from deblurkit.recipe import Recipe, load_recipe

BASE = """
scale: none
name: base
family: {name: plain}
loss:
  middle: {near: {}}
  others: {far: {weight: 0.5}}
architecture: {name: net}
schedule: {name: steady}
data:
  train: {name: shapes}
"""
REGISTRY = toy_registry()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An own working directory with the recipe base.yaml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)
    return tmp_path


def write(path, text):
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text))


def load(source="base.yaml", *overrides, **options):
    return load_recipe(source, overrides=overrides, registry=REGISTRY, **options)


def test_every_default_and_parameter_is_filled_in(folder):
    recipe = load()
    assert isinstance(recipe, Recipe)
    assert recipe.loss.others["far"].weight == 0.5
    assert recipe.data.train.params == {"count": 5, "range": [0.0, 1.0]}
    assert recipe.architecture.middle == {"width": 16, "depth": [[1, 1]], "option": None}
    assert recipe.architecture.core == {"width": 8, "depth": [[2, 2], [3, 3]], "option": None}
    assert recipe.architecture.outer == recipe.architecture.middle
    assert (recipe.frames, recipe.training.middle.batch, recipe.seed) == (7, 16, 0)


def test_overrides_go_over_the_recipe_in_order_and_the_seed_over_all(folder):
    recipe = load(
        "base.yaml",
        "training.middle.lr=1e-4",
        "training.middle.steps=5",
        "training.middle.steps=6",
        "architecture.core.width=3",
        "architecture.width=4",
        "architecture.outer.width=9",
        "loss.others={blob: {table: {a: 1}}}",
        "seed=3",
        "summary=no",
        "evaluation.metrics=[ssim]",
        seed=4,
    )
    assert (recipe.training.middle.lr, recipe.training.middle.steps) == (1e-4, 6)
    assert recipe.architecture.core["width"] == 4
    assert recipe.architecture.outer["width"] == 9
    assert recipe.loss.others["blob"].params == {"size": 3, "table": {"a": 1.0}, "either": 1}
    assert (recipe.seed, recipe.summary, recipe.evaluation.metrics) == (4, "no", ("ssim",))


def test_one_override_may_be_given_as_text(folder):
    recipe = load_recipe("base.yaml", overrides="seed=8", registry=REGISTRY)
    assert recipe.seed == 8
    assert recipe.provenance.changes == ("--set seed=8",)


def test_a_new_component_and_its_parameters_may_be_set_in_any_order(folder):
    for overrides in (
        ("data.train.name=folder", "data.train.path=/x"),
        ("data.train.path=/x", "data.train.name=folder"),
        ("data.train={name: folder, path: /x}",),
    ):
        recipe = load("base.yaml", *overrides)
        assert recipe.data.train.params["path"] == "/x"


def test_parents_come_first_and_a_child_says_only_what_differs(folder):
    write(
        "a/parent.yaml",
        "extends: ../base.yaml\nname: parent\nsummary: p\ntraining: {middle: {steps: 7}}\n",
    )
    write(
        "child.yaml",
        """
        extends: a/parent.yaml
        name: child
        family: {name: blob, near: 2}
        loss:
          others: {far: null, near: {weight: 0}, blob: {}}
        """,
    )
    recipe = load("child.yaml")
    assert (recipe.name, recipe.summary, recipe.training.middle.steps) == ("child", "p", 7)
    assert recipe.family.params == {"share": "pair", "near": 2.0}
    assert list(recipe.loss.others) == ["blob"]


def test_a_term_taken_away_can_come_back(folder):
    write("child.yaml", "extends: base.yaml\nloss: {others: {far: null, near: {}}}")
    assert list(load("child.yaml").loss.others) == ["near"]
    assert set(load("child.yaml", "loss.others.far={}").loss.others) == {"near", "far"}


def test_extends_in_a_circle_names_the_files(folder):
    write("x.yaml", "name: x\nextends: y.yaml\n")
    write("y.yaml", "extends: ./x.yaml\n")
    with pytest.raises(RecipeError) as caught:
        load("x.yaml")
    assert "y.yaml:1:10: extends:" in str(caught.value)
    assert "x.yaml -> y.yaml -> x.yaml" in str(caught.value)


def test_a_missing_parent_is_reported_where_it_is_named(folder):
    write("x.yaml", "name: x\nextends: bas.yaml\n")
    with pytest.raises(RecipeError) as caught:
        load("x.yaml")
    assert str(caught.value).startswith("x.yaml:2:10: extends: there is no such recipe file: bas")


def test_a_bundled_recipe_can_be_extended_from_anywhere(folder):
    write("mine.yaml", "extends: sequential-windowed\nname: mine\n")
    recipe = load_recipe("mine.yaml", scale="smoke")
    assert recipe.name == "mine"
    assert "pairwise-windowed" in recipe.loss.others


SCALE = """
summary: describes the scale
frames: 5
data:
  clips: 33
  train: {name: shapes, count: 1}
training: {middle: {steps: 2}, others: {steps: 2}}
components:
  net: {width: 2, core: {depth: [[7, 7]]}}
  shapes: {count: 9, range: [2, 3]}
  blob: {size: 8, share: none}
  other-net: {layers: 9}
"""


def test_a_scale_lies_beneath_everything_and_components_beneath_the_scale(folder):
    write("scales/tiny.yaml", SCALE)
    write("r.yaml", BASE.replace("scale: none", "scale: tiny") + "training: {others: {steps: 4}}")
    recipe = load("r.yaml")
    assert (recipe.frames, recipe.data.clips) == (5, 33)
    assert recipe.summary == ""
    assert (recipe.training.middle.steps, recipe.training.others.steps) == (2, 4)
    assert recipe.data.train.params == {"count": 1, "range": [2.0, 3.0]}
    assert recipe.architecture.core == {"width": 2, "depth": [[7, 7]], "option": None}
    assert recipe.architecture.outer == {"width": 2, "depth": [[1, 1]], "option": None}
    recipe = load("r.yaml", "architecture.core={width: 5}")
    assert (recipe.architecture.core["width"], recipe.architecture.core["depth"]) == (5, [[7, 7]])


def test_components_of_one_name_but_several_kinds_take_their_own_parameters(folder):
    write("scales/tiny.yaml", SCALE)
    recipe = load(
        "base.yaml", "family={name: blob}", "loss.others={toys:blob: {weight: 2}}", scale="tiny"
    )
    assert recipe.family.params == {"share": "none", "near": 1.0}
    term = recipe.loss.others["toys:blob"]
    assert (term.weight, term.params["size"]) == (2.0, 8)


def test_components_not_used_are_ignored(folder):
    write("scales/tiny.yaml", SCALE)
    recipe = load("base.yaml", "architecture.name=other-net", scale="tiny")
    assert recipe.architecture.core == {"layers": 9}


def test_which_scale(folder):
    write("scales/one.yaml", "data: {clips: 1}")
    write("scales/quick.yaml", "data: {clips: 4}")
    write("else/two.yaml", "data: {clips: 2}")
    write("r.yaml", BASE.replace("scale: none", "scale: one"))
    write("child.yaml", "extends: r.yaml\nname: child")
    write("pathly/p.yaml", "extends: ../r.yaml\nscale: ../else/two.yaml")
    write("sub/scales/one.yaml", "data: {clips: 11}")
    write("sub/own.yaml", "extends: ../r.yaml\nname: own")
    write("sub2/own.yaml", "extends: ../r.yaml\nname: own")
    write("unsaid.yaml", BASE.replace("scale: none", ""))
    assert load("r.yaml").data.clips == 1
    assert load("child.yaml").data.clips == 1
    assert load("sub/own.yaml").data.clips == 11
    assert load("sub2/own.yaml").data.clips == 1
    assert load("sub2/own.yaml", scale="quick").data.clips == 4
    assert load("r.yaml", scale="none").data.clips == 2000
    assert load("r.yaml", scale="else/two.yaml").data.clips == 2
    assert load("pathly/p.yaml").data.clips == 2
    assert load("unsaid.yaml").data.clips == 4
    assert load("unsaid.yaml").provenance.scale == "scales/quick.yaml"
    assert load("base.yaml").provenance.scale == "none"


@pytest.mark.parametrize("scale", ["qick", "nowhere/x.yaml", "x.yaml", ""])
def test_an_unknown_scale_lists_the_choices(folder, scale):
    with pytest.raises(RecipeError) as caught:
        load(scale=scale)
    assert f"--scale {scale}" in str(caught.value)
    if scale == "qick":
        assert "did you mean 'quick'? choices: none, paper, quick, smoke" in str(caught.value)


def test_an_unknown_scale_in_a_file_is_reported_there(folder):
    write("r.yaml", BASE.replace("scale: none", "scale: qick"))
    with pytest.raises(RecipeError, match=r"^r.yaml:2:8: scale: there is no scale 'qick'"):
        load("r.yaml")


def test_paths_start_from_the_file_that_says_them_or_from_the_working_directory(folder):
    write("deep/scales/s.yaml", "components: {folder: {mask: mask.png}}")
    write(
        "deep/parent.yaml",
        BASE.replace("scale: none", "scale: s").replace(
            "shapes", "folder, path: ../clips, named: {x: a}"
        ),
    )
    write("child.yaml", "extends: deep/parent.yaml\nname: child\ndata: {train: {more: [b, /c]}}")
    params = load("child.yaml", "data.train.named.y=d", "data.train.named.z=~/e").data.train.params
    assert params == {
        "path": str(folder / "clips"),
        "mask": str(folder / "deep/scales/mask.png"),
        "more": [str(folder / "b"), "/c"],
        "named": {
            "x": str(folder / "deep/a"),
            "y": str(folder / "d"),
            "z": str(Path("~/e").expanduser()),
        },
        "fallback": str(folder / "fallback"),
    }


def test_a_recipe_by_its_bundled_name_in_several_spellings(folder):
    names = ("sequential_pairwise", "sequential-pairwise", "sequential_pairwise.yaml")
    recipes = [load_recipe(name, scale="smoke") for name in names]
    assert {r.name for r in recipes} == {"sequential-pairwise"}
    write("sequential_pairwise.yaml", BASE)
    assert load("sequential_pairwise.yaml").name == "base"
    assert load_recipe("sequential_pairwise", scale="smoke").name == "sequential-pairwise"


@pytest.mark.parametrize("source", ["sequential_pairwis", "recipes/sequential_pairwis.yaml"])
def test_an_unknown_recipe_offers_the_nearest_bundled_one(folder, source):
    with pytest.raises(RecipeError) as caught:
        load(source)
    assert str(caught.value).startswith(f"{source}: there is no such recipe file")
    assert "did you mean 'sequential_pairwise'?" in str(caught.value)


def test_a_folder_or_an_empty_name_is_no_recipe(folder):
    (folder / "stuff").mkdir()
    for source in ("stuff", Path("stuff"), ".", "", "/"):
        with pytest.raises(RecipeError, match="folder"):
            load(source)


def test_a_name_that_no_file_can_have_is_a_recipe_error(folder):
    for source in ("a\x00b", "x" * 5000):
        with pytest.raises(RecipeError):
            load(source)


def test_the_recipe_is_frozen(folder):
    recipe = load()
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 3


def test_recipes_are_equal_whatever_they_were_made_from(folder):
    write("copy.yaml", BASE)
    assert load("base.yaml") == load("copy.yaml")
    assert load("base.yaml") != load("copy.yaml", "seed=2")
    assert load("copy.yaml").provenance.source == "copy.yaml"


def test_loading_a_recipe_imports_no_torch():
    code = (
        "import sys, deblurkit; deblurkit.load_recipe('sequential_pairwise');"
        "print([m for m in ('torch', 'numpy', 'timm') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert result.stdout == "[]\n"
