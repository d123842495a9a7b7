"""`changes`: what a recipe declares to change, checked against its parent."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_registry import toy_registry

from deblurkit.errors import RecipeError
from deblurkit.recipe import dump_recipe, load_recipe
from deblurkit.recipe.changes import NOTHING, differences

REGISTRY = toy_registry()
BASE = """\
name: base
family: {name: blob, share: pair}
loss:
  middle: {near: {}}
  others: {far: {weight: 0.5}, blob: {}}
architecture: {name: net}
schedule: {name: steady}
data:
  train: {name: shapes}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An own working directory with base.yaml and scales small, large and needy."""
    monkeypatch.chdir(tmp_path)
    write("base.yaml", BASE)
    write("scales/small.yaml", "data: {clips: 3}\n")
    write("scales/large.yaml", "loss: {middle: {blob: {size: 9}}}\n")
    write("scales/needy.yaml", "data: {train: {name: folder}}\n")
    return tmp_path


def write(path, text):
    path = Path(path)
    path.parent.mkdir(exist_ok=True)
    path.write_text(dedent(text))


def load(text, *overrides, scale="small", seed=None):
    if text is not None:
        write("r.yaml", text)
    return load_recipe("r.yaml", scale=scale, overrides=overrides, seed=seed, registry=REGISTRY)


def problems(text, *overrides, scale="small"):
    with pytest.raises(RecipeError) as caught:
        load(text, *overrides, scale=scale)
    assert caught.value.exit_code == 2
    return caught.value.problems


CHILD = "extends: base.yaml\nname: child\n"


def undeclared(place, key, own, parent, parent_file="base.yaml"):
    return (
        f"{place}: {key}: {own} here, {parent} in {parent_file}, and `changes` does not name it; "
        f"valid: {key} in `changes`, or the parent's value"
    )


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("family.share", "family: {share: none}"),
        ("family", "family: {share: none}"),
        ("family", "family: {name: plain}"),
        ("frames", "frames: 5"),
        ("loss.others.far", "loss: {others: {far: null}}"),
        ("loss.others.far.weight", "loss: {others: {far: {weight: 2}}}"),
        ("loss", "loss: {others: {far: null}, middle: {blob: {size: 4}}}"),
        ("architecture.core.width", "architecture: {core: {width: 3}}"),
        ("architecture", "architecture: {name: other-net}"),
        ("data.train", "data: {train: {name: folder, path: x}}"),
        ("data.test", "data: {test: {name: folder, path: x}}"),
        ("training.others", "training: {others: {steps: 7, lr: 1e-3}}"),
        ("seed", "seed: 3"),
    ],
)
def test_what_is_declared_may_differ_and_nothing_else(folder, key, change):
    text = f"{CHILD}{change}\n"
    declared = load(f"{text}changes: [{key}]\n")
    assert declared == load(text)
    assert declared != load("extends: base.yaml\nname: child\n")
    for other in ("[]", "[evaluation, data.crop]"):
        assert all(
            "and `changes` does not name it" in p for p in problems(f"{text}changes: {other}\n")
        )


def test_each_undeclared_difference_is_a_line_with_both_values(folder):
    found = problems("""\
        extends: base.yaml
        changes: [family.share, training.middle]
        name: child
        summary: free
        family: {share: none, near: 2}
        training:
          middle: {steps: 5}
          others:
            steps: 6
        loss:
          others:
            far: null
            blob: {size: 4}
            near: {}
        frames: 9
    """)
    assert found == (
        undeclared("r.yaml:5:29", "family.near", "2.0", "1.0"),
        undeclared("r.yaml:9:12", "training.others.steps", "6", "1000"),
        undeclared("r.yaml:12:10", "loss.others.far", "nothing", "{weight: 0.5}"),
        undeclared("r.yaml:13:18", "loss.others.blob.size", "4", "3"),
        undeclared("r.yaml:14:11", "loss.others.near", "{weight: 1.0}", "nothing"),
        undeclared("r.yaml:15:9", "frames", "9", "7"),
    )


def test_a_term_more_is_one_difference_with_the_parameters_that_it_brings(folder):
    write("scales/parts.yaml", "components: {blob: {size: 8}}\n")
    text = f"{CHILD}changes: [loss.others]\nloss: {{middle: {{blob: {{}}}}}}\n"
    brought = "{weight: 1.0, size: 8, table: {}, either: 1}"
    assert problems(text, scale="parts") == (
        undeclared("r.yaml:4:23", "loss.middle.blob", brought, "nothing"),
    )


def test_a_list_is_one_value(folder):
    write("parent.yaml", f"{CHILD}data: {{train: {{count: 7, range: [0, 2]}}}}\n")
    text = "extends: parent.yaml\nname: c\nchanges: [data.train.count]\n"
    (line,) = problems(f"{text}data: {{train: {{range: [0, 3]}}}}\n")
    assert line == undeclared(
        "r.yaml:4:23", "data.train.range", "[0.0, 3.0]", "[0.0, 2.0]", "parent.yaml"
    )


def test_another_component_is_one_difference_declared_by_its_own_key(folder):
    text = f"{CHILD}architecture: {{name: other-net, layers: 5}}\nchanges: "
    assert load(f"{text}[architecture]\n").architecture.middle == {"layers": 5}
    found = undeclared("r.yaml:3:15", "architecture", "other-net", "net")
    assert problems(f"{text}[]\n") == (found,)
    assert problems(f"{text}[architecture.name]\n") == (found,)


def test_a_declared_key_need_not_differ_at_this_scale(folder):
    text = f"{CHILD}changes: [loss.middle.blob]\nloss: {{middle: {{blob: null}}}}\n"
    assert set(load(text, scale="small").loss.middle) == {"near"}
    assert set(load(text, scale="large").loss.middle) == {"near"}
    text = text.replace("loss.middle.blob", "seed")
    load(text, scale="small")
    assert problems(text, scale="large") == (
        undeclared("r.yaml:4:23", "loss.middle.blob", "nothing",
                   "{weight: 1.0, size: 9, table: {}, either: 1}"),
    )  # fmt: skip


def test_the_parent_is_taken_at_the_scale_of_the_recipe(folder):
    load(f"{CHILD}scale: large\nchanges: []\n", scale=None)
    load("extends: base.yaml\nname: c\nscale: none\nchanges: []\n", scale=None)


def test_overrides_and_seed_are_not_changes_of_the_file(folder):
    text = f"{CHILD}changes: [family.share]\nfamily: {{share: none}}\n"
    assert load(text, "frames=5", "family.share=pair", seed=8).seed == 8
    assert load(text, "architecture={name: other-net}").architecture.name == "other-net"
    (line,) = problems(f"{text}frames: 5\n", "frames=7")
    assert line == undeclared("r.yaml:5:9", "frames", "5", "7")


def test_what_only_the_command_line_can_give_is_missing_on_both_sides(folder):
    write("base.yaml", BASE[: BASE.index("data:")])
    text = f"{CHILD}changes: [seed]\nseed: 1\n"
    assert load(text, "data.train.path=x", scale="needy").data.train.name == "folder"
    (line,) = problems(f"{text}frames: 5\n", "data.train.path=x", scale="needy")
    assert line == undeclared("r.yaml:5:9", "frames", "5", "7")


def test_only_the_recipe_itself_is_checked_and_only_against_its_own_parent(folder):
    write("parent.yaml", f"{CHILD}changes: []\nframes: 5\n")
    assert load("extends: parent.yaml\nname: c\nchanges: [seed]\nseed: 4\n").frames == 5
    assert load("extends: parent.yaml\nname: c\nseed: 4\nframes: 3\n").frames == 3


def test_weight_nought_and_a_term_taken_away_are_the_same(folder):
    write("parent.yaml", f"{CHILD}loss: {{others: {{far: null}}}}\n")
    text = "extends: parent.yaml\nname: c\nchanges: []\nloss: {others: {far: {weight: 0}}}\n"
    assert set(load(text).loss.others) == {"blob"}


def test_a_value_said_once_more_is_no_difference(folder):
    load(f"{CHILD}changes: []\nframes: 7\ntraining: {{middle: {{batch: 16}}}}\n")


def test_the_resolved_recipe_does_not_have_it(folder):
    recipe = load(f"{CHILD}changes: [frames]\nframes: 5\n")
    assert "changes" not in dump_recipe(recipe)
    assert not hasattr(recipe, "changes")
    Path("again.yaml").write_text(dump_recipe(recipe))
    assert load_recipe("again.yaml", registry=REGISTRY) == recipe


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ("frames", "3:10: changes: must be a list of keys, such as [family.share, loss.others]"),
        ("null", "3:10: changes: must be a list of keys, such as [family.share, loss.others]"),
        ("[3]", "3:11: changes[0]: must be a key, such as family.share"),
        ("[[frames]]", "3:11: changes[0]: must be a key, such as family.share"),
        ("[familly]", "3:11: changes[0]: there is no such key; did you mean 'family'? choices: "),
        ("['']", "3:11: changes[0]: there is no such key; choices: architecture, "),
        (
            "[frames, data.trian]",
            "3:19: changes[1]: there is no such key in data; did you mean 'train'? choices: ",
        ),
        ("[training.middle.stepps]", "no such key in training.middle; did you mean 'steps'?"),
        ("[name]", "3:11: changes[0]: name is always free to differ and is not declared, got"),
        ("[summary]", "changes[0]: summary is always free to differ and is not declared, got"),
        ("[data, data.crop]", "changes[1]: data.crop and data overlap; valid: one of the two, got"),
        ("[data.crop, data]", "changes[1]: data and data.crop overlap; valid: one of the two, got"),
        ("[seed, seed]", "changes[1]: seed and seed overlap; valid: one of the two, got 'seed'"),
    ],
)
def test_a_wrong_declaration_is_one_line_at_its_place(folder, changes, wanted):
    (line,) = problems(f"{CHILD}changes: {changes}\n")
    assert line.startswith("r.yaml:3:")
    assert wanted in line


def test_without_a_parent_there_is_nothing_to_declare(folder):
    assert problems(f"{BASE}changes: [frames]\n") == (
        "r.yaml:10:1: changes: there is nothing to compare with; valid: only beside `extends`",
    )


def test_a_parent_that_is_no_whole_recipe_is_said_so(folder):
    write("part.yaml", "".join(line for line in BASE.splitlines(True) if "schedule" not in line))
    text = "extends: part.yaml\nname: c\nschedule: {name: steady}\nchanges: [schedule]\n"
    (line,) = problems(text)
    assert line.startswith(
        "r.yaml:4:1: changes: this needs two whole recipes, and part.yaml is none by itself: "
    )
    assert "schedule: the key is missing" in line
    load(text.replace("changes: [schedule]\n", ""))


def test_differences_wait_for_other_mistakes_and_declarations_do_not(folder):
    text = f"{CHILD}changes: [nonsense]\nframes: 6\nseed: 5\n"
    first, second = problems(text)
    assert "changes[0]: there is no such key" in first
    assert "an even number of frames" in second


def test_it_belongs_into_recipe_files_alone(folder):
    write("scales/small.yaml", "changes: [frames]\n")
    (line,) = problems(CHILD)
    assert (
        line
        == "scales/small.yaml:1:1: changes: a scale file cannot say this; valid: in a recipe file"
    )
    (line,) = problems(CHILD, "changes=[frames]", scale="large")
    assert line.endswith("changes: it cannot be set here; say it in the recipe file")


values = st.recursive(
    st.integers(0, 2) | st.none() | st.lists(st.integers(0, 1), max_size=2),
    lambda below: st.dictionaries(st.sampled_from("abc"), below, max_size=3),
    max_leaves=8,
)
trees = st.dictionaries(st.sampled_from("abc"), values, max_size=3)


@given(trees, trees)
def test_differences_are_all_there_is_between_two_dumps(a, b):
    """Carrying each difference over turns one into the other; there is none where they agree."""
    found = list(differences(a, b))
    assert len({path for path, _, _ in found}) == len(found)
    made = _copied(a)
    for path, left, right in found:
        assert left != right
        above = made
        for key in path[:-1]:
            above = above[key]
        assert above.get(path[-1], NOTHING) == left
        if right is NOTHING:
            del above[path[-1]]
        else:
            above[path[-1]] = right
    assert made == b
    assert list(differences(a, _copied(a))) == []


def _copied(value):
    return {k: _copied(v) for k, v in value.items()} if isinstance(value, dict) else value
