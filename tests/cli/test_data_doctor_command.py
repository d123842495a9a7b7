"""`deblurkit data doctor`: what it prints, writes and answers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from made_footage import film, write_frames

from deblurkit.cli import main
from deblurkit.doctor.finding import CHECKS

DOCUMENT = Path(__file__).parents[2] / "docs" / "doctor.md"


def run(*args: object) -> Result:
    return CliRunner().invoke(main, ["data", "doctor", *map(str, args)])


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    write_frames(tmp_path / "set" / "a scene [é]", film("pan", 0, 12))
    return tmp_path / "set"


@pytest.fixture
def faulty(clean: Path) -> Path:
    (clean / "a scene [é]" / "000004.png").unlink()
    (clean / "a scene [é]" / "000009.png").write_bytes(b"nothing")
    return clean


def test_a_clean_set(clean: Path) -> None:
    result = run(clean)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "frames, 1 recording, 12 frames\nnothing wrong was found (all checks)" in result.stdout


def test_findings_are_a_table_and_exit_code_1(faulty: Path) -> None:
    result = run(faulty)
    assert result.exit_code == 1
    text = " ".join(result.stdout.split())
    for said in (
        "missing",
        "damaged",
        "000004.png",
        "a scene [é]",
        "2 errors: missing 1, damaged 1",
    ):
        assert said in text, said


def test_json_in_a_file_and_on_standard_output(faulty: Path, tmp_path: Path) -> None:
    assert run(faulty, "--json", tmp_path / "report.json").exit_code == 1
    written = json.loads((tmp_path / "report.json").read_text("utf-8"))
    result = run(faulty, "--json", "-")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == written
    assert {k: written[k] for k in ("format", "version", "dataset", "recordings", "frames")} == {
        "format": "deblurkit-doctor", "version": 1, "dataset": "frames", "recordings": 1,
        "frames": 11,
    }  # fmt: skip
    assert written["checks"] == list(CHECKS)
    first, second = written["findings"]
    assert list(first) == [
        "check", "severity", "recording", "text", "remedy", "frames", "files", "numbers",
    ]  # fmt: skip
    assert (first["check"], first["frames"], first["numbers"]) == ("missing", [3], {"missing": 1})
    assert (second["check"], second["severity"]) == ("damaged", "error")
    assert second["files"] == ["a scene [é]/000009.png"]


def test_only_some_checks(faulty: Path) -> None:
    assert run(faulty, "--only", "short").exit_code == 0
    result = run(faulty, "--only", "damaged", "--only", "missing", "--all")
    assert result.exit_code == 1 and "2 errors" in result.stdout


def test_against_another_set(clean: Path, tmp_path: Path) -> None:
    write_frames(tmp_path / "other" / "b", film("pan", 0, 12)[5:])
    result = run(clean, "--against", tmp_path / "other", "--only", "leaks", "--sample", 8)
    assert result.exit_code == 1 and "of which 8 were looked at" in result.stdout
    assert "the same scene" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["{}/nothing"], "no such folder or file"),
        (["{}", "--layout", "framse"], "there is no layout 'framse'; did you mean 'frames'?"),
        (["{}", "--only", "leak"], "there is no check 'leak'; did you mean 'leaks'?"),
        (["{}", "--all", "--sample", "60"], "--all and --sample say different things"),
        (["{}", "--against", "{}"], "--against names the same data set"),
        (["{}", "--against", "{}/a scene [é]", "--only", "size"], "--only leaves out"),
    ],
)
def test_mistakes_are_explained(clean: Path, args: list[str], said: str) -> None:
    result = run(*(arg.format(clean) for arg in args))
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert "Traceback" not in result.stderr


def test_nothing_known_lists_what_is(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    result = run(tmp_path)
    assert result.exit_code == 2 and "frames:" in result.stderr and "--layout" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(clean: Path) -> None:
    (clean / "a scene [é]" / "000004.png").chmod(0)
    result = run(clean, "--only", "damaged")
    assert result.exit_code == 1 and "may not be read" in " ".join(result.stdout.split())


def test_every_check_is_documented() -> None:
    text = DOCUMENT.read_text("utf-8")
    for check in CHECKS:
        assert f"| `{check}` |" in text, check
