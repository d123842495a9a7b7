"""Everything wrong with a recipe is reported at once, each at its place, in plain words."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_registry import make_plugin, toy_registry

from deblurkit.errors import RecipeError
from deblurkit.recipe import dump_recipe, load_recipe
from deblurkit.registry import Registry

REGISTRY = toy_registry()
BASE = """\
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


@pytest.fixture
def problems(tmp_path, monkeypatch):
    """The problems of a recipe: BASE with text added, or replaced by `recipe`, and overrides."""
    monkeypatch.chdir(tmp_path)

    def of(*overrides, add="", recipe=BASE, scale=None, registry=REGISTRY):
        (tmp_path / "r.yaml").write_text(recipe + dedent(add))
        with pytest.raises(RecipeError) as caught:
            load_recipe("r.yaml", overrides=overrides, scale=scale, registry=registry)
        error = caught.value
        assert error.exit_code == 2
        count = f"{len(error.problems)} problem{'s' if len(error.problems) > 1 else ''}"
        assert str(error) == "\n".join([f"{count} in r.yaml", *error.problems])
        return error.problems

    return of


def test_many_mistakes_in_one_file_are_reported_in_the_order_of_its_lines(problems):
    found = problems(
        recipe="""\
scale: none
name: "?"
sumary: 3
frames: 4
family: {name: blob, share: all, near: -1, nar: 2}
loss:
  middle: {nearr: {}, blob: {size: x}}
  others: {}
architecture: {name: net, width: 0, core: {depth: [[1]]}}
schedule: {}
data:
  train: {name: folder}
  crop: 200
  clips: 1e3
  clips: 4
training:
  middle: {batch: 6, accumulate: 4, betas: [0.9, 1.0]}
"""
    )
    assert found == (
        (
            "r.yaml:2:7: name: must be letters, digits, '.', '_' and '-' and begin with a "
            "letter or digit, got '?'"
        ),
        (
            "r.yaml:3:1: sumary: there is no such key; did you mean 'summary'? choices: "
            "architecture, data, evaluation, family, frames, loss, name, ordering, schedule, seed, "
            "summary, training"
        ),
        (
            "r.yaml:4:9: frames: an even number of frames has no middle frame, got 4; valid: "
            "an odd number, such as 3 or 5"
        ),
        "r.yaml:5:29: family.share: must be 'none' or 'pair', got 'all'",
        "r.yaml:5:40: family.near: must be more than 0, got -1",
        (
            "r.yaml:5:44: family.nar: there is no such key; did you mean 'near'? choices: "
            "near, share"
        ),
        (
            "r.yaml:7:12: loss.middle.nearr: there is no loss 'nearr'; did you mean 'near'? "
            "choices: blob, far, fragile, near"
        ),
        "r.yaml:7:36: loss.middle.blob.size: must be a whole number, got 'x'",
        (
            "r.yaml:8:11: loss.others: no loss term is left; valid: at least one with a weight "
            "above 0, such as `mse: {}` (`mse:` alone is null, which takes the term away)"
        ),
        "r.yaml:9:34: architecture.width: must be at least 1, got 0",
        "r.yaml:9:52: architecture.core.depth[0]: must have more items, at least 2, got [1]",
        (
            "r.yaml:10:11: schedule.name: the key is missing; valid: name of the component, or "
            "owner:name; give it in the recipe or by --set schedule.name=NAME"
        ),
        (
            "r.yaml:12:10: data.train.path: the key is missing; valid: a folder of things; "
            "give it in the recipe or by --set data.train.path=FOLDER"
        ),
        (
            "r.yaml:13:9: data.crop: the crop does not fit into the clips, whose side "
            "data.clip_size is 96, got 200; valid: at most 96, or larger clips"
        ),
        "r.yaml:14:10: data.clips: must be a whole number, got 1000.0",
        "r.yaml:15:3: data.clips: the key is there twice, first in line 14",
        (
            "r.yaml:17:34: training.middle.accumulate: a batch of 6 cannot be split into equal "
            "parts, got 4; valid: 1, 2, 3, 6"
        ),
        "r.yaml:17:50: training.middle.betas[1]: must be less than 1, got 1.0",
    )


@pytest.mark.parametrize(
    ("override", "wanted"),
    [
        ("frames=7.0", "frames: must be a whole number, got 7.0"),
        ("frames=-3", "frames: there is at least 1 frame, got -3"),
        ("frames=true", "frames: must be a whole number, got true"),
        ("frames=", "frames: must be a whole number, got null"),
        ("name=3", "name: must be text, got 3"),
        ("name=no", None),
        ("seed=4294967296", "seed: must be less than 4294967296, got 4294967296"),
        ("data.augment.flip=no", "data.augment.flip: must be true or false, got 'no'"),
        ("data.augment.flip=1", "data.augment.flip: must be true or false, got 1"),
        ("training.middle.lr='1e-4'", "training.middle.lr: must be a number, got '1e-4'"),
        ("training.middle.lr=0", "training.middle.lr: must be more than 0, got 0"),
        ("training.middle.lr=1e-4", None),
        ("training.middle=3", "training.middle: must be a mapping, got 3"),
        ("training.middle.optimizer=sgd", "must be 'adam' or 'adamw', got 'sgd'"),
        ("training.middle.betas=0.9", "training.middle.betas: must be a list, got 0.9"),
        ("training.middle.betas=[1, 1, 1]", "must have at most 2 items, got [1, 1, 1]"),
        ("data.formation.bits=9", "data.formation.bits: must be 0, 8 or 16, got 9"),
        ("data.held_out=1", "data.held_out: must be less than 1, got 1"),
        ("family=plain", "family: must be a mapping, such as {name: NAME}, got 'plain'"),
        ("architecture=net", "must be a mapping, such as {name: NAME}, got 'net'"),
        ("loss.middle.near=2", "must be a mapping, such as {} or {weight: 0.5}, got 2"),
        ("loss.middle.near.weight=-1", "loss.middle.near.weight: must be at least 0, got -1"),
        ("loss.middle=[near]", "loss.middle: must be a mapping, got ['near']"),
        ("loss.middle.near=null", "loss.middle: no loss term is left"),
        ("loss.middle.near.weight=0", "loss.middle: no loss term is left"),
        (
            "loss.middle.toys:nea={}",
            "there is no loss 'nea' in plugin 'toys'; did you mean 'near'",
        ),
        ("loss.middle.toy:near={}", "there is no plugin 'toy'"),
        ("loss.middle.nothing=null", "there is no component 'nothing'; choices: blob, far"),
        ("family.name=pln", "family.name: there is no family 'pln'; did you mean 'plain'?"),
        ("family.name=near", "'near' is a loss of plugin 'toys', not a family"),
        ("family.share=pair", "family.share: there is no such key; choices: none"),
        ("data.train.range=[2, 1]", "data.train: the range runs backwards"),
        ("data.test={name: shapes}", "data.test: this is the training data once more"),
        ("data.test={name: shapes, count: 7}", None),
        ("evaluation.protocol=deblur", "there is no protocol 'deblur'; did you mean 'deblurkit'?"),
        ("evaluation.metrics=[psnr, psnr]", "evaluation.metrics[1]: the metric is there twice"),
        ("evaluation.metrics=[psrn]", "evaluation.metrics[0]: there is no metric 'psrn'; did you"),
        ("evaluation.metrics=[needy]", "'needy' needs parameters (must), which a recipe cannot"),
        ("evaluation.samples=65", "more clips are to be shown than scored, got 65; valid: at most"),
        ("loss.middle.blob.either=1.5", "must be a whole number or must be text, got 1.5"),
        ("loss.middle.blob.table=[1]", "loss.middle.blob.table: must be a mapping, got [1]"),
        ("loss.middle.blob.table.x=y", "loss.middle.blob.table.x: must be a number, got 'y'"),
        ("loss.middle.fragile.value=9", "plugin 'toys' could not check this: TypeError: this"),
        ("extends=other.yaml", "extends: it cannot be set here; say it in the recipe file"),
        ("scale=quick", "scale: it cannot be set here; use --scale NAME"),
        ("components.net.width=3", "it cannot be set here; give the parameter itself"),
        ("data.crop", "this is not key=value"),
        ("=3", "this is not key=value"),
        ("a..b=3", "this is not key=value"),
        ("name=[a", "name: not valid YAML"),
        ("name='a", "name: not valid YAML"),
        ("name=a: b: c", "name: not valid YAML: mapping values are not allowed here; text that"),
        ("name=&x a", "name: anchors are not used"),
        ("data.clips=1e999", "data.clips: the number is too large"),
        (".".join("a" * 40) + "=3", "nested deeper than 32"),
        ("loss.middle={near: {}, near: {}}", "loss.middle.near: the key is there twice"),
    ],
)
def test_one_mistake_is_one_line_that_says_where_it_was_typed(problems, tmp_path, override, wanted):
    if wanted is None:
        (tmp_path / "r.yaml").write_text(BASE)
        load_recipe(tmp_path / "r.yaml", overrides=[override], registry=REGISTRY)
        return
    (line,) = problems(override)
    assert wanted in line
    if not line.startswith("r.yaml"):
        assert line.startswith(f"--set {override}: ")


def test_problems_of_files_come_before_those_of_the_command_line_in_the_order_typed(problems):
    found = problems("b=1", "a=1", add="c: 1\n")
    assert [line.split(": ")[0] for line in found] == ["r.yaml:11:1", "--set b=1", "--set a=1"]


@pytest.mark.parametrize("key", ["name", "family", "loss", "architecture", "schedule", "data"])
def test_a_missing_section_is_reported_at_the_mapping_that_lacks_it(problems, key):
    recipe = re.sub(rf"^{key}:.*\n(  .*\n)*", "", BASE, flags=re.MULTILINE)
    (line,) = problems(recipe=recipe)
    assert line.startswith(f"r.yaml:1:1: {key}: the key is missing")


def test_missing_parameters_say_how_to_give_them(problems):
    (line,) = problems("data.test.name=folder")
    assert line.endswith("give it in the recipe or by --set data.test.path=FOLDER")


def test_a_mistake_for_one_role_is_not_one_for_all(problems):
    (line,) = problems("architecture.core.width=0")
    assert "architecture.core.width: must be at least 1, got 0" in line
    (line,) = problems("architecture.widht=3")
    assert "architecture.widht: there is no such key; did you mean 'width'?" in line
    (line,) = problems("architecture.core=3")
    assert "architecture.core: must be a mapping, got 3" in line


def test_an_unreadable_value_is_reported_once_not_again_as_missing(problems):
    (line,) = problems("name=*x")
    assert "name: aliases are not used, got *x" in line
    (line,) = problems("data.train.name=1e999")
    assert "data.train.name: the number is too large" in line


def test_mistakes_in_parents_and_scales_name_their_files(problems, tmp_path):
    (tmp_path / "parent.yaml").write_text(BASE.replace("scale: none", "scale: s") + "frames: six\n")
    (tmp_path / "scales").mkdir()
    (tmp_path / "scales/s.yaml").write_text(
        "name: x\nsummary: s\ndata: {crap: 3}\n"
        "components: {net: {width: [], depht: 1}, nte: {}, folder: {nothing: 1}, shapes: 3}\n"
    )
    assert problems(recipe="extends: parent.yaml\nname: r\ncomponents: {}\n") == (
        (
            "r.yaml:3:1: components: only a scale file says this; valid: the parameters where "
            "the component is named"
        ),
        "parent.yaml:11:9: frames: must be a whole number, got 'six'",
        "scales/s.yaml:1:1: name: a scale file cannot say this; valid: in a recipe file",
        (
            "scales/s.yaml:3:8: data.crap: there is no such key; did you mean 'crop'? choices: "
            "augment, clip_size, clips, crop, formation, held_out, seed, test, train, workers"
        ),
        "scales/s.yaml:4:27: architecture.width: must be a whole number, got []",
        (
            "scales/s.yaml:4:31: components.net.depht: no 'net' has this parameter; did you "
            "mean 'depth'? choices: depth, option, width"
        ),
        (
            "scales/s.yaml:4:42: components.nte: there is no component 'nte'; did you mean "
            "'net'? choices: blob, far, folder, fragile, near, net, other-net, plain, shapes, "
            "steady"
        ),
        (
            "scales/s.yaml:4:81: components.shapes: must be a mapping of parameters, such as "
            "{width: 64}"
        ),
    )


def test_keys_about_files_must_be_what_they_are(problems):
    first = problems(recipe=BASE.replace("none", "3"))[0]
    assert first == "r.yaml:1:8: scale: must be text; valid: a scale's name or path, or none"
    lines = problems(add="extends: [a]\nresolved: 1\n")
    assert lines == (
        "r.yaml:11:10: extends: must be text; valid: the path of one recipe file",
        "r.yaml:12:11: resolved: must be true or false",
    )


def test_a_failed_plugin_stops_only_recipes_that_need_it(problems, tmp_path):
    failed = Registry.from_modules({"toys": make_plugin(), "bad": "nowhere_to_be_found"})
    (tmp_path / "r.yaml").write_text(BASE)
    (tmp_path / "s.yaml").write_text("components: {bad-net: {width: 3}}")
    options = {"scale": str(tmp_path / "s.yaml"), "registry": failed}
    load_recipe(tmp_path / "r.yaml", overrides=["loss.others.bad-loss=null"], **options)
    (line,) = problems("loss.others.bad-loss={}", **options)
    assert "there is no loss 'bad-loss'" in line
    assert "it may be of plugin 'bad', which failed to load: ModuleNotFoundError" in line


def test_a_name_that_two_plugins_have_needs_an_owner(problems, tmp_path):
    twice = Registry.from_modules({"toys": make_plugin(), "more": make_plugin()})
    recipe = re.sub(r"name: (plain|net|steady|shapes)", r"name: toys:\1", BASE)
    recipe = recipe.replace("{near:", "{toys:near:").replace("{far:", "{more:far:")
    add = "evaluation: {metrics: ['toys:psnr']}\n"
    (line,) = problems("loss.others.blob={}", recipe=recipe, add=add, registry=twice)
    assert "loss 'blob' is in more than one plugin" in line
    assert "more:blob or toys:blob" in line
    (tmp_path / "ok.yaml").write_text(recipe + add)
    assert load_recipe(tmp_path / "ok.yaml", registry=twice).loss.others.keys() == {"more:far"}


def test_one_term_under_two_names_is_one_too_many(problems):
    (line,) = problems("loss.others={far: {}, 'toys:far': {}}")
    assert "loss.others.toys:far: this is the term 'far' once more" in line


KEYS = """
name frames seed family loss loss.middle loss.others loss.others.far loss.others.far.weight
loss.middle.blob architecture architecture.name architecture.core architecture.width
architecture.core.depth architecture.outer.option schedule.name data data.train data.train.name
data.train.path data.train.named data.train.more data.test data.crop training training.middle
training.others.betas evaluation evaluation.metrics evaluation.clips x.y
"""
WORDS = r"""
null true 3 4 -1 0.5 1e400 '' a far blob net other-net folder shapes toys:far [] {} [1,2] [[1,2]]
[psnr,psnr] [ssim,needy] *a !!x *b {name:"folder"} {"name":folder,"path":x} {"name":[1]}
{"name":net,"core":3} ~nobody/x {"a":{"b":c}} {"width":null} {"far":null} {"1":2}
{"far":3,"near":{"weight":x}} {"a":1,"a":2} [ "\0" "\ud800" {"middle":{},"core":{"width":0}}
"""
KEY, WORD = (st.sampled_from(words.split()) for words in (KEYS, WORDS))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(KEY, WORD | st.text()), max_size=5))
def test_any_overrides_give_a_recipe_or_a_recipe_error(tmp_path_factory, pairs):
    path = tmp_path_factory.getbasetemp() / "any_overrides.yaml"
    path.write_text(BASE)
    overrides = [f"{key}={word}" for key, word in pairs]
    error = recipe = None
    try:
        recipe = load_recipe(path, overrides=overrides, registry=REGISTRY)
    except RecipeError as caught:
        error = caught
    if error is not None:
        assert error.problems
        assert len(set(error.problems)) == len(error.problems)
        str(error).encode()
    else:
        path.write_text(dump_recipe(recipe), "utf-8")
        assert load_recipe(path, registry=REGISTRY) == recipe
