"""The strict YAML reader: what words mean, what is refused, and where."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurkit.errors import RecipeError
from deblurkit.recipe.located import Leaf, Origin, Row, Table, find, plain
from deblurkit.recipe.problems import Problems
from deblurkit.recipe.yaml_reader import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    parse_yaml,
    plain_scalar,
    read_yaml,
)

ORIGIN = Origin("r.yaml", Path("/somewhere"))
WORDS = """
no yes on off y n True FALSE Null nan inf .inf .nan 010 0x1F 0o7 1_000 1:30 2020-01-01 1e 1e+ e5
. + -- =
"""


def parse(text):
    """The plain value of a text in which nothing is wrong."""
    problems = Problems()
    value = plain(parse_yaml(text, ORIGIN, problems))
    assert problems.lines() == ()
    return value


def complaints(text):
    problems = Problems()
    parse_yaml(text, ORIGIN, problems)
    return problems.lines()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1e4", 1e4),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5E+3", -1500.0),
        ("+7", 7),
        ("0", 0),
        ("-12", -12),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        # YAML 1.1 takes these for booleans, octal, sexagesimal, dates, ...
        *((word, word) for word in WORDS.split()),
        ("'1'", "1"),
        ('"true"', "true"),
        ("|\n  a\n  b\n", "a\nb\n"),
        (">\n  a\n  b\n", "a b\n"),
        ("relative/path with words", "relative/path with words"),
    ],
)
def test_what_a_word_means(text, value):
    found = parse(text)
    assert found == value
    assert type(found) is type(value)


@settings(deadline=None)
@given(st.integers(-(10**40), 10**40))
def test_whole_numbers_survive(number):
    assert parse(f"a: {number}") == {"a": number}


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_that_python_writes_reads_back_exactly(number):
    found = plain_scalar(repr(number))
    assert isinstance(found, float)
    assert math.copysign(1, found) == math.copysign(1, number)
    assert found == number


def test_every_key_and_value_has_its_line_and_column():
    tree = parse_yaml("a:\n  b: [1, {c: x}]\n\n  # comment\n  d: 2\n", ORIGIN, Problems())
    assert isinstance(tree, Table)
    inner = tree.entries["a"].value
    assert isinstance(inner, Table)
    places = {
        "a": tree.entries["a"].key,
        "a.b": inner.entries["b"].key,
        "row": find(tree, ("a", "b"))[0].place,
        "1": find(tree, ("a", "b", 0))[0].place,
        "x": find(tree, ("a", "b", 1, "c"))[0].place,
        "d": inner.entries["d"].key,
        "2": inner.entries["d"].value.place,
    }
    assert {k: (p.line, p.column) for k, p in places.items()} == {
        "a": (1, 1),
        "a.b": (2, 3),
        "row": (2, 6),
        "1": (2, 7),
        "x": (2, 14),
        "d": (5, 3),
        "2": (5, 6),
    }
    assert str(places["x"]) == "r.yaml:2:14"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a: 1\nb: 2\na: 3\n", ["r.yaml:3:1: a: the key is there twice, first in line 1"]),
        ("x: {a: 1, 'a': 3}", ["r.yaml:1:11: x.a: the key is there twice, first in line 1"]),
        ("a: !!python/name:os.system 3", ["r.yaml:1:4: a: tags are not used"]),
        ("a: !x {}", ["r.yaml:1:4: a: tags are not used, got !x"]),
        ("a: &n 3\nb: *n", ["r.yaml:1:4: a: anchors", "r.yaml:2:4: b: aliases"]),
        ("1: x", ["r.yaml:1:1: a key is a word"]),
        ("a:\n  null: x", ["r.yaml:2:3: a: a key is a word"]),
        ("? [1]\n: x", ["r.yaml:1:3: a key is a word"]),
        ("a: 1e999", ["r.yaml:1:4: a: the number is too large, got 1e999"]),
        ("a: " + "9" * 101, ["r.yaml:1:4: a: a number has at most 100 digits, got 101"]),
        ('a: "\\ud800"', ["r.yaml:1:4: a: the text holds half a character"]),
    ],
)
def test_what_is_refused_is_reported_with_its_place_and_reading_goes_on(text, wanted):
    lines = complaints(text + "\nlast: {z: 1, z: 2}" if "\n" in text else text)
    for line, start in zip(lines, wanted, strict=False):
        assert line.startswith(start)
    assert len(lines) == len(wanted) + ("\n" in text)


def test_the_first_of_a_repeated_key_is_kept():
    tree = parse_yaml("a: 1\na: 2\n", ORIGIN, Problems())
    assert plain(tree) == {"a": 1}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: b: c", "r.yaml:1:5", "mapping values are not allowed"),
        ("a:\n\tb: 1", "r.yaml:2:1", "spaces, not tabs"),
        ("a: [1", "r.yaml:1:6", "not valid YAML"),
        ("a: 'x", "r.yaml:1:6", "not valid YAML"),
        ('a: "\\U00110000"', "r.yaml:1:7", "bad escape"),
        ("a: 1\n---\nb: 2\n", "r.yaml:2:1", "second document"),
        ("a: \x01", "r.yaml:1:4", "U+0001"),
        ("a: 1\nb: \x00", "r.yaml:2:4", "U+0000"),
        ("[" * (MAX_DEPTH + 2), f"r.yaml:1:{MAX_DEPTH + 2}", "nested deeper than 32"),
        ("{a: " * 40, "r.yaml:1:1", "nested deeper than 32"),
        ("- 1\n" * (MAX_VALUES + 1), f"r.yaml:{MAX_VALUES}:3", "more than 20000 values"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_place(text, where, what):
    with pytest.raises(RecipeError) as caught:
        parse_yaml(text, ORIGIN, Problems())
    assert str(caught.value.where).startswith(where)
    assert what in str(caught.value)


@pytest.mark.parametrize("text", ["[" * MAX_BYTES, "a: 1\n" * (MAX_BYTES // 5), "%a\n" * 300_000])
def test_hostile_files_end_soon(text):
    with pytest.raises(RecipeError):
        parse_yaml(text, ORIGIN, Problems())


MARKS = [
    *"abc01:-[]{},&*!|>'\"%@`#?\n\t .eE~<=\\\x85\u2028é",
    *("---\n", "...\n", "%YAML 1.1\n", "%TAG ! x\n", "\\x", "\\u", "\\U", "!!", "<<"),
    *("? ", "- ", ": ", "|2\n", ">-\n", "\n  "),
]
SYNTAX = st.lists(st.sampled_from(MARKS), max_size=40).map("".join)


def attempt(read, *args):
    """What reading gives, or the recipe error that it ends with."""
    try:
        return read(*args, ORIGIN, Problems())
    except RecipeError as error:
        return error


@settings(deadline=None)
@given(st.one_of(st.text(), SYNTAX))
def test_any_text_gives_a_value_or_a_recipe_error(text):
    found = attempt(parse_yaml, text)
    assert isinstance(found, Leaf | Row | Table) or found.where.startswith("r.yaml:")


@settings(deadline=None)
@given(st.one_of(st.binary(), SYNTAX.map(str.encode)))
def test_any_file_gives_a_mapping_or_a_recipe_error(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(raw)
    found = attempt(read_yaml, path)
    assert isinstance(found, Table) or found.where.startswith("r.yaml")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), max_size=20),
    lambda below: (
        st.lists(below, max_size=4) | st.dictionaries(st.text("abc", min_size=1), below, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(VALUES)
def test_json_is_read_as_json(value):
    found = parse(json.dumps(value))
    assert found == value
    assert json.dumps(found) == json.dumps(value)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda p: None, "no such file"),
        (lambda p: p.mkdir(), "folder"),
        (lambda p: p.write_bytes(b""), "empty"),
        (lambda p: p.write_bytes(b"# only a comment\n"), "empty"),
        (lambda p: p.write_bytes(b"\xef\xbb\xbf"), "empty"),
        (lambda p: p.write_bytes(b"- a\n- b\n"), "holds a list"),
        (lambda p: p.write_bytes(b"words\n"), "holds a single value"),
        (lambda p: p.write_bytes("ä: ü\n".encode("latin-1")), "r.yaml:1:1"),
        (lambda p: p.write_bytes("a: 1\nüb: \u00fc".encode()[:-1] + b"\xff"), "r.yaml:2:5"),
        (lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n\x00"), "0x89 is not UTF-8"),
        (lambda p: p.write_bytes(b"a: 1\n" + b"#" * MAX_BYTES), "larger than 1024 KiB"),
        (lambda p: p.symlink_to(p), "cannot be read"),
    ],
)
def test_files_that_are_no_recipes(tmp_path, make, what):
    path = tmp_path / "r.yaml"
    make(path)
    with pytest.raises(RecipeError) as caught:
        read_yaml(path, ORIGIN, Problems())
    assert what in str(caught.value)
    assert str(caught.value).startswith("r.yaml")


def test_a_file_that_may_not_be_read_is_a_clear_error(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "r.yaml").write_text("a: 1")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RecipeError, match="cannot be read: Permission denied"):
        read_yaml(tmp_path / "r.yaml", ORIGIN, Problems())


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: no\r\n")
    problems = Problems()
    assert plain(read_yaml(path, ORIGIN, problems)) == {"a": 1, "b": "no"}
    assert problems.lines() == ()
