"""Text that can be printed and written: file names of any bytes, control characters, counts."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblurkit.evaluation.clip_names import frames_mark, matched_name
from deblurkit.plurals import counted
from deblurkit.printable import readable, unprintable, writable
from deblurkit.storage import write_json

LATIN_1 = os.fsdecode(b"caf\xe9")


@given(st.text() | st.binary().map(os.fsdecode))
def test_readable_text_can_be_printed_anywhere_and_stays_so(text: str) -> None:
    said = readable(text)
    said.encode("utf-8")
    assert not unprintable(said) and readable(said) == said
    assert len(said) == len(text)
    assert (said == text) is not bool(unprintable(text))
    assert len(said.splitlines()) <= 1


@given(st.text() | st.binary().map(os.fsdecode))
def test_writable_text_loses_nothing_but_what_utf_8_has_not(text: str) -> None:
    said = writable(text)
    assert said.encode("utf-8").decode() == said and len(said) == len(text)
    assert all(a == b or unicodedata.category(b) == "Cs" for a, b in zip(said, text, strict=True))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain − é 漢 🙂", ""),
        ("a\nb", "a line break"),
        ("a\tb", "a tab"),
        ("a\x1b[31m", "the control character U+001B"),
        ("a\0", "the control character U+0000"),
        ("a\x9b", "the control character U+009B"),
        ("a\u2028", "the control character U+2028"),
        ("a\u202eb", "U+202E, which turns the direction of writing"),
        ("a\u2066b", "U+2066, which turns the direction of writing"),
        (LATIN_1, "a byte that is not UTF-8"),
    ],
)
def test_what_cannot_be_in_a_title_has_a_name(text: str, said: str) -> None:
    assert unprintable(text) == said
    assert ("\ufffd" in readable(text)) is bool(said)


def test_lines_may_be_kept() -> None:
    assert readable("a\nb\x1b", keep="\n") == "a\nb\ufffd"


def test_json_reads_back_whatever_the_file_names_in_it(tmp_path: Path) -> None:
    value = {"command": f"score {LATIN_1}", LATIN_1: "é\n"}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text("utf-8")
    assert json.loads(text) == value and "é" in text


@given(st.text())
def test_names_match_however_their_accents_are_stored(name: str) -> None:
    composed, apart = (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))
    assert matched_name(composed) == matched_name(apart) == matched_name(matched_name(name))


def test_the_mark_of_frames_follows_their_8_bits_and_shape() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 6, 3), dtype=np.uint8)
    mark = frames_mark(pixels / 255.0)
    assert mark == frames_mark(np.divide(pixels, 255, dtype=np.float32))
    assert len({mark, frames_mark(pixels[::-1] / 255.0), frames_mark(pixels[:, ::-1] / 255.0)}) == 3
    assert mark != frames_mark(pixels.reshape(3, 6, 4, 3) / 255.0)
    other = pixels.copy()
    other[2, 3, 5, 2] ^= 1
    assert mark != frames_mark(other / 255.0)


def test_counts_are_worded() -> None:
    said = [counted(n, "clip") for n in (0, 1, 2)]
    assert said == ["0 clips", "1 clip", "2 clips"]
