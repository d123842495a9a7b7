from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from made_bench import MadeRow, made_bench, made_run, moving_disc

from deblurkit.cli import main

CLIPS = [moving_disc(k, 3, 32) for k in range(3)]


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    rows = [MadeRow("a", 0.4), MadeRow("b", 0.5)]
    return made_bench(tmp_path / "bench", rows, CLIPS)


def test_a_bench_becomes_a_page_in_its_folder(bench: Path) -> None:
    result = CliRunner().invoke(main, ["report", str(bench)])
    assert result.exit_code == 0, result.output
    page = bench / "report.html"
    assert result.output.startswith(f"{page}  ") and "3 clips" in result.output
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_a_page_of_what_run_leaves(tmp_path: Path) -> None:
    run, out = str(tmp_path / "run"), str(tmp_path / "page.html")
    words = ["run", "pairwise_middle", "--scale", "smoke", "--out", run]
    done = CliRunner().invoke(main, [*words, "--set", "evaluation.samples=2"])
    assert done.exit_code == 0, done.output
    result = CliRunner().invoke(main, ["report", run, "--out", out])
    assert result.exit_code == 0 and result.stderr == "", result.output
    assert "2 clips" in result.output
    text = Path(out).read_text("utf-8")
    data = json.loads(text.split('id="data">')[1].split("</script>")[0])
    method = "pairwise-middle"
    shown = {method, f"{method}+true-middle", f"{method}+reordered"}
    assert all(set(clip["rows"]) == shown for clip in data["clips"])
    lines = Path(run, "metrics.jsonl").read_text("utf-8").splitlines()
    phases = {json.loads(line)["phase"] for line in lines}
    assert all(f"<h3>{phase} <small>" in text for phase in phases)
    for said in ("resampling-cnn", "teacher-forced", "packages.torch", "motion recall"):
        assert said in text


def test_runs_go_into_one_page_here_and_clips_are_as_many_as_asked(
    bench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [str(bench / f"runs/{name}-s0") for name in "ab"]
    result = CliRunner().invoke(main, ["report", *runs, "--clips", "2"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("report.html  ") and "2 clips" in result.output
    assert "2 runs compared" in (tmp_path / "report.html").read_text("utf-8")


def test_without_clips_it_says_so(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", MadeRow("x", 0.4), 0, CLIPS, samples=0)
    result = CliRunner().invoke(main, ["report", str(run), "--out", str(tmp_path / "p.html")])
    assert result.exit_code == 0, result.output
    assert "no sample clips" in result.stderr and (tmp_path / "p.html").is_file()


@pytest.mark.parametrize("what", ["a folder of something else", "a missing folder"])
def test_other_folders_are_a_mistake_with_a_message(tmp_path: Path, what: str) -> None:
    folder = tmp_path / what
    if "missing" not in what:
        folder.mkdir()
    result = CliRunner().invoke(main, ["report", str(folder)])
    assert result.exit_code == 2
    assert "neither a run directory nor a bench folder" in result.output
    assert "deblurkit run" in result.output and "Traceback" not in result.output
    assert list(tmp_path.rglob("*.html")) == []


def test_a_page_that_cannot_be_written_is_a_message(bench: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file/page.html", tmp_path):
        result = CliRunner().invoke(main, ["report", str(bench), "--out", str(out)])
        assert result.exit_code == 2, result.output
        assert "Traceback" not in result.output


def test_open_shows_the_page(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("click.launch", lambda address: opened.append(address) or 0)
    result = CliRunner().invoke(main, ["report", str(bench), "--open"])
    assert result.exit_code == 0, result.output
    assert opened == [str(bench / "report.html")]


def test_a_page_goes_into_html_files_alone(bench: Path) -> None:
    state = bench / "bench.json"
    before = state.read_bytes()
    result = CliRunner().invoke(main, ["report", str(bench), "--out", str(state)])
    assert result.exit_code == 2 and "ends in .html" in result.stderr
    assert state.read_bytes() == before


def test_an_empty_path_is_not_the_current_folder(
    bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bench)
    for words in (["report", ""], ["report", ".", "--out", ""]):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 2 and "the path is empty" in result.stderr
    assert not (bench / "report.html").exists()


def test_one_clip_is_one_clip(bench: Path) -> None:
    result = CliRunner().invoke(main, ["report", str(bench), "--clips", "1"])
    assert result.output.rstrip().endswith(" MB, 1 clip")


def test_folders_that_are_not_utf_8_become_a_page(bench: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"r\xffn\x1b[31m")
    try:
        shutil.copytree(bench / "runs/a-s0", tmp_path / name)
    except OSError:
        pytest.skip("this file system has no such names")
    out = tmp_path / os.fsdecode(b"\xff.html")
    runs = [str(tmp_path / name), str(bench / "runs/a-s0")]
    result = CliRunner().invoke(main, ["report", *runs, "--out", str(out)])
    assert result.exit_code == 0, result.output
    text = out.read_text("utf-8")
    assert "r\ufffdn\ufffd[31m" in text and "\x1b" not in text
    assert f"{tmp_path}/\ufffd.html  " in result.output
