"""`deblurkit bench`: the real command on small suites at the smoke scale."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deblurkit.cli import main

SUITE = """\
name: small
summary: three rows, one of which fails
scale: smoke
reference: sequential
set: {frames: 3, evaluation.clips: 2, evaluation.samples: 0}
rows:
  - {name: sequential, recipe: sequential_pairwise, group: families, also: [true-middle]}
  - {name: fails, recipe: sequential_pairwise, set: {training.others.lr: 1.0e+30}, group: families}
  - {name: pairwise, recipe: pairwise, group: families, also: [reordered]}
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(SUITE, "utf-8")
    return path


def bench(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["bench", *map(str, words)])


def test_a_suite_with_a_row_that_fails_from_dry_run_to_table(suite: Path, tmp_path: Path) -> None:
    ahead = bench(suite, "--dry-run")
    assert ahead.exit_code == 0, ahead.output
    assert not (tmp_path / "bench").exists()
    lines = {line.split()[0]: line for line in ahead.output.splitlines() if line.strip()}
    assert "middle (3)" in lines["sequential"] and " of " not in lines["sequential"]
    assert "middle of" in lines["fails"] and "middle (3)" not in lines["fails"]
    assert "a few steps timed now" in ahead.output and "3 runs: 0 done, 3 to do" in ahead.output
    assert "known when the first row is done" in ahead.output

    words = [sys.executable, "-W", "error", "-m", "deblurkit", "bench", str(suite)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1, done.stderr
    assert done.stderr == "" and "\x1b" not in done.stdout
    assert "row 2 of 3: fails, seed 0: failed: phase 'core': the gradient's norm" in done.stdout
    assert "row 3 of 3: pairwise, seed 0\nphase 1 of 2, middle: reused" in done.stdout
    assert "3 runs: 2 done, 1 failed" in done.stdout
    assert "saved by reuse: " in done.stdout
    (folder,) = (tmp_path / "bench").iterdir()
    assert f"next           deblurkit report bench/{folder.name}" in done.stdout
    state = json.loads((folder / "bench.json").read_text())
    runs = {run["row"]: run for run in state["runs"]}
    assert [run["status"] for run in runs.values()] == ["done", "failed", "done"]
    assert runs["pairwise"]["saved_seconds"] > 0 == runs["sequential"]["saved_seconds"]
    assert state["command"] == f"deblurkit bench {suite}"
    table = json.loads((folder / "table.json").read_text())
    rows = {row["key"]: row for row in table["rows"]}
    assert {"sequential+true-middle", "pairwise+reordered", "blurry", "truth"} < set(rows)
    assert "the gradient's norm is not finite" in rows["fails"]["note"]
    assert rows["pairwise"]["cells"]["difference"]["value"] is not None

    ahead = bench(suite, "--dry-run")
    assert "3 runs: 2 done, 1 to do" in ahead.output and "a run so far" in ahead.output
    again = bench(suite, "--columns", "psnr, ssim", "--rows", "sequential")
    assert again.exit_code == 0
    assert "row 1 of 1: sequential, seed 0: done before" in again.output
    assert "phase" not in again.output.split("three rows")[0]
    assert "3 runs: 2 done, 1 failed" in again.output and "SSIM" in again.output

    # With a rate that works, the row is another one: it is run, and all other rows are there.
    suite.write_text(SUITE.replace("1.0e+30", "1.0e-5"), "utf-8")
    mended = bench(suite)
    assert mended.exit_code == 0, mended.output
    assert "3 runs: 3 done" in mended.output
    assert mended.output.count("done before") == 2
    assert not list((folder / "errors").iterdir())


def test_a_bench_stopped_by_signals_goes_on(suite: Path, tmp_path: Path) -> None:
    suite.write_text(SUITE.replace("1.0e+30", "1.0e-5, training.others.steps: 100000"), "utf-8")
    words = [sys.executable, "-m", "deblurkit", "bench", str(suite), "--out", "out"]
    for number, (sign, code) in enumerate([(signal.SIGINT, 130), (signal.SIGTERM, 143)]):
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        log = tmp_path / "out/runs/fails-s0/metrics.jsonl"
        before = log.stat().st_size if log.exists() else 0
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and (
            not log.exists() or log.stat().st_size <= before or "core" not in log.read_text()
        ):
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            time.sleep(0.1)
        process.send_signal(sign)
        said, wrong = process.communicate(timeout=60)
        assert process.returncode == code, wrong
        assert "stopped in row 2 of 3: fails, seed 0; 1 of 3 runs are done" in wrong
        assert "run the same command again" in wrong and "Traceback" not in wrong
        assert ("sequential, seed 0: done before" in said) is (number == 1)
        assert ("done before\n" in said and "phase 2 of 2, core: 100000 steps, " in said) is (
            number == 1
        )
    state = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert [run["status"] for run in state["runs"]] == ["done", "missing", "missing"]
    ahead = bench(suite, "--out", "out", "--dry-run")
    assert "from a checkpoint)" in " ".join(ahead.output.split())


def test_seeds_scale_and_overrides_reach_every_row(suite: Path, tmp_path: Path) -> None:
    words = ["--seeds", "3,4", "--set", "training.middle.steps=2", "--rows", "pair*", "--out", "o"]
    done = bench(suite, *words)
    assert done.exit_code == 0, done.output
    assert "row 2 of 2: pairwise, seed 4" in done.output
    assert {p.name for p in (tmp_path / "o/runs").iterdir()} == {"pairwise-s3", "pairwise-s4"}
    recipe = (tmp_path / "o/runs/pairwise-s4/recipe.resolved.yaml").read_text()
    assert "seed: 4" in recipe and "steps: 2" in recipe
    state = json.loads((tmp_path / "o" / "bench.json").read_text())
    assert state["command"].endswith(
        "--rows 'pair*' --seeds 3,4 --set training.middle.steps=2 --out o"
    )
    other = bench(suite, "--out", "o")
    assert other.exit_code == 2
    assert "the folder holds a bench with seeds [3, 4] and not [0]" in other.output


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["no-such"], "there is no such suite file"),
        (["small.yaml", "--seeds", "0,x"], "'0,x' are no seeds"),
        (["small.yaml", "--seeds", "-1"], "are no seeds"),
        (["small.yaml", "--rows", "pairwice"], "did you mean 'pairwise'?"),
        (["small.yaml", "--scale", "smok"], "did you mean 'smoke'?"),
        (["small.yaml", "--set", "training.middle.step=3"], "did you mean 'steps'?"),
        (["small.yaml", "--columns", "psnr,nonsense"], "there is no column 'nonsense'"),
        (["small.yaml", "--columns", "psnr-frame:4"], "valid: "),
        (["small.yaml", "--out", ""], "the path is empty"),
        ([""], "the suite's name is empty"),
        (["small.yaml", "--out", os.fsdecode(b"\xff")], "\ufffd: the path is not UTF-8"),
    ],
)
def test_mistakes_on_the_command_line_are_messages(
    suite: Path, tmp_path: Path, words: list[str], text: str
) -> None:
    done = bench(*words)
    assert done.exit_code == 2
    assert text in done.output and "Traceback" not in done.output
    assert not (tmp_path / "bench").exists()


def test_all_planned_columns_can_be_asked_for_and_failures_show_the_table(
    suite: Path, tmp_path: Path
) -> None:
    words = ["--rows", "fails", "--columns", "psnr-frame:3,difference,memory-of-nobody"]
    assert bench(suite, *words).exit_code == 2
    words[-1] = "psnr-frame:3,difference,training-seconds"
    done = bench(suite, *words)  # no row has a number
    assert done.exit_code == 1 and "three rows, one of which fails" in done.output
    assert "1 failed" in done.output and "the gradient's norm" in done.output


def test_a_suite_whose_path_is_not_utf_8_is_run(suite: Path, tmp_path: Path) -> None:
    other = tmp_path / os.fsdecode(b"s\xff.yaml")
    try:
        other.write_bytes(suite.read_bytes())
    except OSError:
        pytest.skip("this file system has no such names")
    done = bench(other, "--rows", "sequential", "--out", "o", "--set", "training.middle.steps=1")
    assert done.exit_code == 0, done.output
    state = json.loads((tmp_path / "o/bench.json").read_text("utf-8"))
    assert os.fsencode(state["command"]).count(b"s\xff.yaml") == 1
    assert "s\ufffd.yaml" in (tmp_path / "o/suite.yaml").read_text("utf-8").splitlines()[0]
    again = bench(other, "--rows", "sequential", "--out", "o", "--set", "training.middle.steps=1")
    assert "done before" in again.output


def test_mistakes_of_a_suite_are_said_before_anything_runs(suite: Path, tmp_path: Path) -> None:
    suite.write_text(SUITE.replace("recipe: pairwise,", "recipe: pairwise_midle,"), "utf-8")
    done = bench("small.yaml")
    assert done.exit_code == 2
    assert "did you mean 'pairwise_middle'?" in done.output and "(row pairwise)" in done.output
    assert not (tmp_path / "bench").exists()
