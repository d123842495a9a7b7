"""The recipes and scales that come with deblurkit."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml

from deblurkit.errors import RecipeError
from deblurkit.recipe import list_recipes, list_scales, load_recipe
from deblurkit.recipe.sources import bundled_folder
from deblurkit.registry import get_registry

ROOT = Path(__file__).parents[2]
RECIPES = [r.name for r in list_recipes()]
SCALES = [s.name for s in list_scales()]
PATHS = {"paper": ["data.train.path=clips"]}

# Family, its parameters, and the terms of all frames but the middle: facts of the paper.
METHODS = {
    "independent": ("independent", {}, {"mse"}),
    "global_model": ("global-model", {}, {"global-model"}),
    "pairwise": ("pairwise", {"feed_middle": False}, {"pairwise", "adversarial"}),
    "pairwise_middle": ("pairwise", {"feed_middle": True}, {"pairwise", "adversarial"}),
    "sequential_pairwise": ("sequential", {"share": "pair"}, {"pairwise", "adversarial"}),
    "sequential_windowed": ("sequential", {"share": "pair"}, {"pairwise-windowed", "adversarial"}),
}


def load(name, scale, *overrides):
    file = ROOT / "recipes" / f"{name}.yaml"
    own = file.exists() and "train" in said(file).get("data", {})  # data that need no path
    needed = (
        PATHS.get(scale, []) if not own and not any("data.train" in o for o in overrides) else []
    )
    return load_recipe(name, scale=scale, overrides=[*needed, *overrides])


def said(path):
    """What a file says itself, by PyYAML's own reader."""
    return yaml.safe_load(path.read_text("utf-8"))


def test_they_are_those_of_the_repository():
    assert bundled_folder() == ROOT / "recipes"
    assert set(METHODS) <= set(RECIPES)
    assert SCALES == ["paper", "quick", "smoke"]
    for listed in (*list_recipes(), *list_scales()):
        assert listed.problem is None
        assert listed.summary
        assert len(listed.summary) <= 80
        assert "\n" not in listed.summary


def test_those_in_folders_are_named_with_the_folder_and_scales_are_none():
    assert {name.rpartition("/")[0] for name in RECIPES} == {"", "ablation"}
    files = {p.relative_to(ROOT / "recipes") for p in (ROOT / "recipes").rglob("*.yaml")}
    assert {Path(f"{name}.yaml") for name in RECIPES} == {
        f for f in files if "scales" not in f.parts
    }


@pytest.mark.parametrize(
    "asked", ["ablation/share_none", "ablation/share-none", "Ablation/share_none.yaml"]
)
def test_one_in_a_folder_is_found_by_name_from_anywhere(asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_recipe(asked).name == "share-none"
    (tmp_path / "mine.yaml").write_text("extends: ablation/share-none\nname: mine\n")
    assert load_recipe("mine.yaml").family.params == {"share": "none"}


def test_a_file_wins_over_a_bundled_recipe_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ablation").mkdir()
    (tmp_path / "ablation/share_none").write_text("extends: pairwise\nname: mine\n")
    assert load_recipe("ablation/share_none").name == "mine"
    assert load_recipe("ablation/share-none").name == "share-none"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("share_none", "ablation/share_none"),
        ("share_nne", "ablation/share_none"),
        ("ablation/share_nne", "ablation/share_none"),
        ("ablations/joint.yaml", "ablation/joint"),
        ("ablation/pairwise", "pairwise"),
        ("sequental_windowed", "sequential_windowed"),
    ],
)
def test_what_was_probably_meant_is_looked_for_in_all_folders(asked, meant):
    with pytest.raises(RecipeError) as caught:
        load_recipe(asked)
    assert f"did you mean '{meant}'? choices: {', '.join(sorted(RECIPES))}" in str(caught.value)


def test_a_wheel_has_them_where_they_are_looked_for(tmp_path, monkeypatch):
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    assert wheel["targets"]["wheel"]["force-include"]["recipes"] == "deblurkit/_recipes"
    from deblurkit.recipe import sources

    installed = tmp_path / "deblurkit/_recipes"
    installed.mkdir(parents=True)
    monkeypatch.setattr(sources, "__file__", str(tmp_path / "deblurkit/recipe/sources.py"))
    assert bundled_folder() == installed


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_resolves_at_every_scale(name, scale):
    recipe = load(name, scale)
    assert recipe.name == name.rpartition("/")[2].replace("_", "-")
    assert recipe.summary
    registry = get_registry()
    registry.resolve("family", recipe.family.name).spec.params(**recipe.family.params)
    architecture = registry.resolve("architecture", recipe.architecture.name).spec
    for role in ("middle", "core", "outer"):
        assert set(getattr(recipe.architecture, role)) == set(architecture.params.model_fields)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", METHODS)
def test_each_says_the_method_that_it_is_named_after(name, scale):
    family, params, others = METHODS[name]
    recipe = load(name, scale)
    assert (recipe.family.name, recipe.family.params) == (family, params)
    assert set(recipe.loss.others) == others
    assert set(recipe.loss.middle) == {"mse", *(["perceptual"] if scale == "paper" else [])}
    assert recipe.schedule.name == "teacher-forced"
    assert recipe.architecture.name == "resampling-cnn"
    assert recipe.frames == 7


@pytest.mark.parametrize("scale", SCALES)
def test_recipes_of_a_scale_share_everything_that_does_not_tell_them_apart(scale):
    """Ablation rows compare methods, not budgets; and they can share a trained middle network."""
    recipes = [load(name, scale) for name in METHODS]
    for part in ("architecture", "data", "training", "evaluation", "seed", "schedule"):
        assert len({repr(getattr(r, part)) for r in recipes}) == 1
    assert len({repr(r.loss.middle) for r in recipes}) == 1


def leaves(value, path=()):
    if isinstance(value, dict) and value:
        return {p: v for k, below in value.items() for p, v in leaves(below, (*path, k)).items()}
    return {path: value}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_only_what_differs_from_its_parent(name):
    folder = ROOT / "recipes"
    own = said(folder / f"{name}.yaml")
    if "extends" not in own:
        assert name in ("sequential_pairwise", "pretrained_small")
        return
    parent = {}
    path, text = folder / f"{name}.yaml", own
    while "extends" in text:
        path = path.parent / text["extends"]
        text = said(path)
        parent = {**leaves(text), **parent}
    repeated = {
        path: value
        for path, value in leaves(own).items()
        if path in parent and parent[path] == value and path not in {("extends",), ("changes",)}
    }
    assert not repeated


def test_the_paper_scale_is_the_papers_setting():
    recipe = load("sequential_pairwise", "paper")
    assert (recipe.training.middle.batch, recipe.training.others.batch) == (32, 24)
    assert (recipe.data.crop, recipe.data.clips, recipe.frames) == (320, 15_000, 7)
    assert recipe.data.augment.noise == 0.01
    assert recipe.data.augment.permute_channels
    assert recipe.data.augment.rotate
    assert recipe.data.train.name == "frames"
    assert recipe.data.train.params["downsample"] == 0.45
    assert recipe.loss.middle["perceptual"].params == {
        "weights": "pretrained",
        "layers": ["relu2_2", "relu3_3"],
    }
    spec = get_registry().resolve("architecture", "resampling-cnn").spec
    for role in ("middle", "core", "outer"):
        params = spec.params(**spec.roles[role]).model_dump(mode="json")
        assert getattr(recipe.architecture, role) == params


def test_the_paper_scale_says_how_to_give_the_frames():
    with pytest.raises(RecipeError) as caught:
        load_recipe("sequential_pairwise", scale="paper")
    (line,) = caught.value.problems
    assert line.startswith("recipes/scales/paper.yaml:") or "/scales/paper.yaml:" in line
    assert "data.train.path: the key is missing" in line
    assert line.endswith("--set data.train.path=FOLDER")


@pytest.mark.parametrize("name", METHODS)
def test_the_smoke_scale_is_small_and_needs_nothing_from_elsewhere(name):
    recipe = load(name, "smoke")
    assert recipe.data.train.name == "moving-shapes"
    assert recipe.data.clips * recipe.data.clip_size**2 <= 16 * 40**2
    for group in (recipe.training.middle, recipe.training.others):
        assert group.steps * group.batch <= 6
    for role in ("middle", "core", "outer"):
        params = getattr(recipe.architecture, role)
        assert params["width"] <= 8
        assert params["factor"] == 4
        assert sum(map(len, params["blocks"])) == 2
    assert recipe.evaluation.clips <= 4


@pytest.mark.parametrize(
    "override",
    [
        "family.share=outer",
        "architecture.name=dilated-resnet",
        "schedule.name=staged",
        "schedule.name=joint",
        "frames=9",
        "loss.others.pairwise.norm=squared",
        "loss.others.adversarial=null",
        "data.train={name: photos-in-motion}",
    ],
)
@pytest.mark.parametrize("scale", SCALES)
def test_one_thing_can_be_changed_at_any_scale(scale, override):
    assert load("sequential_pairwise", scale, override) != load("sequential_pairwise", scale)


def test_real_footage_takes_two_overrides():
    recipe = load_recipe(
        "sequential_pairwise", overrides=["data.train.path=a.mp4", "data.train.name=video"]
    )
    assert recipe.data.train.params["path"] == str(Path("a.mp4").resolve())
