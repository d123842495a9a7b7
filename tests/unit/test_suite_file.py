"""Suite files: every mistake with its place, in one pass; rows as resolved recipes."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblurkit.errors import DeblurkitError, RecipeError
from deblurkit.printable import unprintable
from deblurkit.study.jobs import Asked, Job, choose_rows, resolve_rows, settings_of
from deblurkit.study.suite import Suite, SuiteRow
from deblurkit.study.suite_file import dump_suite, find_suite, open_suite, own_keys, read_suite

GOOD = """\
name: mine
scale: smoke
reference: plain
set: {training.middle.steps: 2}
rows:
  - name: plain
    recipe: pairwise
  - name: longer
    recipe: pairwise
    set:
      training.middle.steps: 4
      training: {others: {steps: 5}}
    seeds: [3, 4]
"""


def suite(folder: Path, text: str = GOOD) -> Path:
    path = folder / "mine.yaml"
    path.write_text(dedent(text), "utf-8")
    return path


def problems(path: Path, asked: Asked | None = None) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        resolve_rows(open_suite(path), asked or Asked())
    return [line.replace(f"{path.parent}/", "") for line in caught.value.problems]


def jobs_of(path: Path, asked: Asked | None = None) -> dict[tuple[str, int], Job]:
    _, jobs = resolve_rows(open_suite(path), asked or Asked())
    return {(job.row.name, job.seed): job for job in jobs}


def test_a_suite_is_read_and_its_rows_resolved(tmp_path: Path) -> None:
    path = suite(tmp_path)
    read = read_suite(path)
    assert [row.name for row in read.rows] == ["plain", "longer"]
    assert read.seeds_of(read.rows[1]) == (3, 4)
    jobs = jobs_of(path)
    assert list(jobs) == [("plain", 0), ("longer", 3), ("longer", 4)]
    plain, longer = jobs["plain", 0].recipe, jobs["longer", 4].recipe
    assert (plain.training.middle.steps, plain.training.others.steps) == (2, 3)
    assert (longer.training.middle.steps, longer.training.others.steps) == (4, 5)
    assert (plain.seed, longer.seed) == (0, 4)
    assert plain.evaluation.protocol == "deblurkit"
    assert "row longer of" in longer.provenance.changes[0]
    origin = longer.provenance.origins["training", "others", "steps"]
    assert origin.endswith("mine.yaml:12")


def test_the_command_line_wins_over_rows_and_seeds(tmp_path: Path) -> None:
    path = suite(tmp_path)
    (tmp_path / "tiny.yaml").write_text("data: {clips: 3, train: {name: moving-shapes}}", "utf-8")
    tiny = str(tmp_path / "tiny.yaml")
    asked = Asked(tiny, (7,), ("training.middle.steps=9",))
    in_force, jobs = resolve_rows(open_suite(path), asked)
    assert [(job.row.name, job.seed) for job in jobs] == [("plain", 7), ("longer", 7)]
    assert {job.recipe.training.middle.steps for job in jobs} == {9}
    assert jobs[0].recipe.data.clips == 3
    assert in_force.scale == tiny and in_force.seeds == (7,)
    assert in_force.rows[1].set["training.middle.steps"] == 9
    read = read_suite(path)
    said = [settings_of(read, a) for a in (Asked(), Asked("none"), Asked(seeds=(7,)), asked)]
    assert len({str(s) for s in said}) == 4
    assert settings_of(read, Asked("smoke", (0,))) == said[0]


def test_every_mistake_of_a_suite_is_said_at_once_with_its_place(tmp_path: Path) -> None:
    path = suite(
        tmp_path,
        """\
        name: My Suite
        scael: smoke
        seeds: []
        reference: nobody
        set: {seed: 3}
        rows:
          - name: plain
            recipe: pairwise
            also: [middle]
          - name: plain
          - {name: truth, recipe: pairwise, reference: plane}
          - {name: x, recipe: y, seeds: [-1], set: {evaluation.protocol: other}}
        """,
    )
    with pytest.raises(RecipeError) as caught:
        read_suite(path)
    said = [line.replace(f"{path.parent}/", "") for line in caught.value.problems]
    for place, text in [
        ("1:7", "lower case letters"),
        ("2:1", "did you mean 'scale'?"),
        ("3:8", "at least 1 item"),
        ("4:12", "'nobody' is no row"),
        ("5:7", "it cannot be set here; say seeds"),
        ("9:12", "rows[0].also[0]: must be 'true-middle' or 'reordered'"),
        ("10:11", "row 1 has the same name, 'plain'"),
        ("10:5", "rows[1].recipe: the key is missing"),
        ("11:12", "'truth' stands in every table by itself"),
        ("11:48", "'plane' is no row; did you mean 'plain'?"),
        ("12:34", "must be at least 0, got -1"),
        ("12:45", "say protocol"),
    ]:
        found = [line for line in said if line.startswith(f"mine.yaml:{place}: ") and text in line]
        assert len(found) == 1, (place, text, said)
    assert len(said) == 12
    assert not any("--set" in line for line in said)


def test_nested_keys_are_refused_as_dotted_ones_are(tmp_path: Path) -> None:
    path = suite(
        tmp_path,
        """\
        name: mine
        reference: a
        set:
          evaluation: {clips: 2, protocol: jin2018-middle}
        rows:
          - {name: a, recipe: pairwise, set: {evaluation: {protocol: other}, seed: {x: 1}}}
          - {name: b, recipe: pairwise, set: {evaluation: {samples: 1}}}
        """,
    )
    with pytest.raises(RecipeError) as caught:
        read_suite(path)
    said = [line.replace(f"{path.parent}/", "").split(": it ") for line in caught.value.problems]
    protocol, seeds = "cannot be set here; say protocol: ", "cannot be set here; say seeds: "
    assert said == [
        ["mine.yaml:4:26: set.evaluation.protocol", f"{protocol}of the suite"],
        ["mine.yaml:6:52: rows[0].set.evaluation.protocol", f"{protocol}of the suite"],
        ["mine.yaml:6:70: rows[0].set.seed", f"{seeds}of the suite or the row"],
    ]


@pytest.mark.parametrize(
    ("escaped", "named"),
    [
        (r"a\nb", "a line break"),
        (r"a\tb", "a tab"),
        (r"a\e[31m", "the control character U+001B"),
        (r"a\0", "the control character U+0000"),
        (r"a\u202e", "U+202E, which turns the direction of writing"),
    ],
)
@pytest.mark.parametrize("key", ["title", "group", "recipe"])
def test_control_characters_are_refused(tmp_path: Path, key: str, escaped: str, named: str) -> None:
    row = {"name": "plain", "recipe": "pairwise"} | {key: escaped}
    said = ", ".join(f'{k}: "{v}"' for k, v in row.items())
    path = suite(tmp_path, f"name: mine\nreference: plain\nrows:\n  - {{{said}}}\n")
    with pytest.raises(RecipeError) as caught:
        read_suite(path)
    (problem,) = caught.value.problems
    assert f"rows[0].{key}: it has {named}; valid: one line of text" in problem
    assert problem.isprintable()


def test_a_summary_may_be_written_over_lines_but_commands_no_terminal(tmp_path: Path) -> None:
    folded = GOOD.replace("scale: smoke", "summary: >\n  two\n  lines\n\nscale: smoke")
    assert read_suite(suite(tmp_path, folded)).summary == "two lines"
    wrong = GOOD.replace("scale: smoke", r'summary: "a\eb"')
    with pytest.raises(RecipeError, match=r"summary: it has the control character U\+001B"):
        read_suite(suite(tmp_path, wrong))


def test_what_is_said_of_a_suite_reads_back_whatever_is_in_it(tmp_path: Path) -> None:
    made = read_suite(suite(tmp_path))
    path = tmp_path / "again.yaml"
    path.write_text(dump_suite(made, os.fsdecode(b"bench \xff\x1b")), "utf-8")
    assert read_suite(path) == made


def test_mistakes_of_all_rows_are_said_at_once_naming_the_rows(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("extends: pairwise\nname: own\nframes: 4\n", "utf-8")
    path = suite(
        tmp_path,
        """\
        name: mine
        scale: smoke
        reference: a
        set: {training.middle.steps: 0}
        rows:
          - {name: a, recipe: pairwise}
          - {name: b, recipe: own.yaml, set: {training.middle.steps: 3}}
          - {name: c, recipe: pairwise, set: {frames: 8, scale: quick}}
          - {name: d, recipe: no_such}
          - {name: e, recipe: independent, set: {"training..x": 1}}
        """,
    )
    said = problems(path)
    both = "mine.yaml:4:30: training.middle.steps: must be more than 0, got 0 (rows a, c, e)"
    assert both in said
    assert any(s.startswith("own.yaml:3:9: frames: ") and s.endswith("(row b)") for s in said)
    assert any(s.startswith("mine.yaml:8:47: frames: ") and s.endswith("(row c)") for s in said)
    assert any(s.startswith("mine.yaml:8:50: scale: it cannot be set here") for s in said)
    assert any("there is no such recipe file" in s and s.endswith("(row d)") for s in said)
    assert any(s.startswith("mine.yaml:10:42: this is no key") for s in said)


def test_paths_start_from_the_suite_s_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "far").mkdir()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "far" / "own.yaml").write_text("extends: pairwise\nname: own\n", "utf-8")
    (tmp_path / "far" / "big.yaml").write_text("data: {clips: 17, train: {name: video}}\n", "utf-8")
    path = suite(
        tmp_path / "far",
        """\
        name: mine
        scale: ./big.yaml
        reference: a
        rows:
          - {name: a, recipe: own.yaml, set: {data.train.path: footage}}
        """,
    )
    (job,) = jobs_of(path).values()
    assert job.recipe.name == "own"
    assert job.recipe.data.clips == 17
    assert job.recipe.data.train.params["path"] == str(tmp_path / "far" / "footage")


def test_a_resolved_recipe_does_not_stand_beside_rows_of_a_scale(tmp_path: Path) -> None:
    from deblurkit.recipe import dump_recipe, load_recipe

    resolved = dump_recipe(load_recipe("pairwise", scale="smoke"))
    (tmp_path / "resolved.yaml").write_text(resolved, "utf-8")
    path = suite(tmp_path, GOOD.replace("recipe: pairwise", "recipe: resolved.yaml"))
    (said,) = problems(path)
    assert "does not follow the suite's scale" in said and said.endswith("(rows plain, longer)")
    assert len(jobs_of(path, Asked("none"))) == 3


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (Asked("no-such"), "there is no scale 'no-such'"),
        (Asked(overrides=("training.middle.steps",)), "this is not key=value"),
        (Asked(overrides=("training.middle.steps=[",)), "not valid YAML"),
        (Asked(overrides=("training.middle.steps=x",)), "must be a whole number, got 'x'"),
    ],
)
def test_what_is_wrong_on_the_command_line_is_said_once(
    tmp_path: Path, asked: Asked, text: str
) -> None:
    (said,) = problems(suite(tmp_path), asked)
    assert text in said and said.endswith("(rows plain, longer)")


@pytest.mark.parametrize(
    ("override", "text"),
    [
        ("evaluation.protocol=x", "say protocol"),
        ("evaluation={clips: 3, protocol: x}", "evaluation.protocol cannot be set here; say prot"),
        ("evaluation . protocol=x", "say protocol"),
        ("seed=3", "say seeds"),
        ("seed={a: 3}", "say seeds"),
    ],
)
def test_what_the_suite_says_itself_cannot_be_overridden(
    tmp_path: Path, override: str, text: str
) -> None:
    with pytest.raises(RecipeError, match=text):
        resolve_rows(open_suite(suite(tmp_path)), Asked(overrides=(override,)))


def test_an_unknown_protocol_is_refused_before_anything_runs(tmp_path: Path) -> None:
    path = suite(tmp_path, GOOD.replace("scale: smoke", "protocol: deblurkitt"))
    with pytest.raises(DeblurkitError, match="no protocol 'deblurkitt'"):
        resolve_rows(open_suite(path), Asked())


def test_rows_are_chosen_by_names_and_patterns(tmp_path: Path) -> None:
    rows = tuple(SuiteRow(name=n, recipe="pairwise") for n in ("a", "b-1", "b-2", "c"))
    made = Suite(name="mine", reference="a", rows=rows)
    assert choose_rows(made, ()) == ("a", "b-1", "b-2", "c")
    assert choose_rows(made, ("c, b-2", "a")) == ("a", "b-2", "c")
    assert choose_rows(made, ("b-*",)) == ("b-1", "b-2")
    with pytest.raises(RecipeError, match="--rows x-\\* chooses no row"):
        choose_rows(made, ("a,x-*",))


def test_suites_are_found_by_path_and_name(tmp_path: Path) -> None:
    assert find_suite("ablation").name == "ablation.yaml"
    assert find_suite("ablation.yaml") == find_suite("ablation")
    (tmp_path / "bench").mkdir()
    for wrong, text in [
        (tmp_path / "bench", "this is a folder"),
        (tmp_path / "none.yaml", "there is no such suite file"),
        ("ablatoin", "did you mean 'ablation'?"),
        ("", "the suite's name is empty"),
        ("~nobody-at-all/x", "there is no such suite file"),
        ("a" * 5000, "there is no such suite file"),
    ]:
        with pytest.raises(RecipeError, match=text.replace("?", "\\?")):
            find_suite(wrong)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("- a\n", "the file holds a list"),
        ("rows: [\n", "not valid YAML"),
        ("name: x\nreference: a\nrows: 3\n", "rows: must be a list"),
        ("name: x\nreference: a\nrows: [3]\n", "rows[0]: must be a mapping"),
        ("name: x\nreference: a\nrows: []\n", "must have at least 1 item"),
    ],
)
def test_a_file_that_is_no_suite_is_a_message(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_suite(suite(tmp_path, text))
    assert said in str(caught.value)


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=20
).filter(lambda text: not unprintable(text))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 10**6) | st.floats(-1e9, 1e9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


@given(title=WORDS, group=WORDS, summary=WORDS, values=st.dictionaries(WORDS, VALUES, max_size=3))
def test_a_suite_written_reads_back_as_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    title: str,
    group: str,
    summary: str,
    values: dict[str, object],
) -> None:
    rows = (
        SuiteRow(name="a", recipe="no", title=title, group=group, set=values, also=("reordered",)),
        SuiteRow(name="1e3", recipe="a b", seeds=(4, 5), reference="a"),
    )
    made = Suite(name="on", summary=summary, seeds=(1, 0), reference="1e3", rows=rows, set=values)
    if any(True for key, value in values.items() for _ in own_keys(key, value)):
        return
    path = tmp_path_factory.mktemp("suites") / "mine.yaml"
    path.write_text(dump_suite(made, "about\nit"), "utf-8")
    assert read_suite(path) == made
