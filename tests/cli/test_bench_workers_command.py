"""`deblurkit bench --workers`: the same numbers in less time, and nobody is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil  # comes with accelerate
import pytest
from click.testing import CliRunner

from deblurkit.cli import main

SUITE = """\
name: small
scale: smoke
reference: a
set: {frames: 3, evaluation.clips: 2, evaluation.samples: 0, training.checkpoint_every: 1000000}
rows:
  - {name: a, recipe: pairwise_middle}
  - {name: b, recipe: pairwise_middle, set: {training.others.steps: 4}}
  - {name: fails, recipe: pairwise_middle, set: {training.others.lr: 1.0e+30}}
  - {name: c, recipe: pairwise_middle, set: {training.middle.steps: 4}}
"""


@pytest.fixture
def suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(SUITE, "utf-8")
    return path


def words(suite: Path, *more: str) -> list[str]:
    return [sys.executable, "-W", "error", "-m", "deblurkit", "bench", str(suite), *more]


def finished(folder: Path) -> dict[str, dict[str, Any]]:
    state = json.loads((folder / "bench.json").read_text())
    return {run["row"]: run for run in state["runs"]}


def reused(folder: Path, row: str) -> dict[str, bool]:
    said = json.loads((folder / f"runs/{row}-s0/metrics.json").read_text())
    return {phase["key"]: phase["reused"] for phase in said["phases"]}


def test_two_workers_give_the_numbers_of_one(
    suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = CliRunner().invoke(main, ["bench", str(suite), "--dry-run", "--workers", "2"])
    assert ahead.exit_code == 0, ahead.output
    assert "with 2 workers      about " in ahead.output and "an estimate" in ahead.output

    said = {}
    for workers in ("1", "2"):
        monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / f"cache-{workers}"))
        command = words(suite, "--workers", workers, "--out", f"out-{workers}")
        done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
        assert done.returncode == 1, done.stderr
        assert done.stderr == "" and "4 runs: 3 done, 1 failed" in done.stdout
        said[workers] = done.stdout
    one, two = tmp_path / "out-1", tmp_path / "out-2"
    assert "a, seed 0: phase" not in said["1"]
    lines = said["2"].splitlines()
    assert "row 1 of 4: a, seed 0" in lines
    assert "a, seed 0: phase 1 of 2, middle: 3 steps" in lines
    assert any(line.startswith("row 2 of 4: b, seed 0: done in ") for line in lines)
    assert "row 3 of 4: fails, seed 0: failed: phase 'core': " in said["2"]
    # b needs the middle that a trains, c its core: none begins before it is there.
    for begun, phase in (("row 2 of 4: b", "1 of 2, middle"), ("row 4 of 4: c", "2 of 2, core")):
        there = [line.startswith(f"a, seed 0: phase {phase}: 3/3") for line in lines].index(True)
        assert there < lines.index(f"{begun}, seed 0")
    assert "another run is training it" not in said["2"]

    for row in "abc":
        name = f"runs/{row}-s0/scores/deblurkit.json"
        assert (one / name).read_bytes() == (two / name).read_bytes()
        for file in (one / f"runs/{row}-s0/weights").glob("*.safetensors"):
            assert file.read_bytes() == (two / file.relative_to(one)).read_bytes()
    tables = [json.loads((folder / "table.json").read_text())["rows"] for folder in (one, two)]
    for table in tables:
        for row in table:
            for key in ("training-seconds", "inference-seconds", "inference-memory"):
                row["cells"].pop(key, None)
    assert tables[0] == tables[1]

    # Every phase was trained by one row and reused by the others that need it.
    trained = [key for row in "abc" for key, again in reused(two, row).items() if not again]
    needed = {key for row in "abc" for key in reused(two, row)}
    assert len(trained) == len(set(trained)) == len(needed) == 4
    runs = finished(two)
    assert runs["a"]["saved_seconds"] == 0 < runs["b"]["saved_seconds"]
    assert runs["fails"]["error"] == finished(one)["fails"]["error"]
    assert (two / "errors/fails-s0.txt").read_bytes() == (one / "errors/fails-s0.txt").read_bytes()
    state = json.loads((two / "bench.json").read_text())
    assert (state["environment"]["workers"], state["environment"]["threads"]) == (2, 1)
    assert state["command"].endswith("--out out-2 --workers 2")
    assert 0 < max(run["seconds"] for run in runs.values()) < state["seconds"]


LONG = """\
name: small
scale: smoke
reference: a
set: {frames: 3, evaluation.clips: 2, evaluation.samples: 0, training.checkpoint_every: 1000000}
rows:
  - {name: a, recipe: pairwise_middle, set: {training.others.steps: 100000}}
  - {name: b, recipe: pairwise_middle, set: {training.others.steps: 100001}}
"""


class Started:
    """A bench of two rows in a session of its own, with what it says in a file."""

    def __init__(self, suite: Path, said: Path) -> None:
        command = words(suite, "--workers", "2", "--out", "out")
        with said.open("w") as file:
            self.process = subprocess.Popen(
                command, stdout=file, stderr=file, start_new_session=True
            )
        self.said = said

    def until_both_rows_train(self) -> list[psutil.Process]:
        """Its processes, when steps of the long phase of both rows have been taken."""
        logs = [self.said.parent / f"out/runs/{row}-s0/metrics.jsonl" for row in "ab"]
        begun = [f"{row}, seed 0: phase 2 of 2, core: 10000" for row in "ab"]
        self.wait(lambda: all(line in self.said.read_text() for line in begun))
        sizes = [log.stat().st_size for log in logs]
        self.wait(lambda: all(log.stat().st_size > n for log, n in zip(logs, sizes, strict=True)))
        return psutil.Process(self.process.pid).children(recursive=True)

    def wait(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 200
        while not true():
            assert self.process.poll() is None, self.said.read_text()
            assert time.monotonic() < deadline, self.said.read_text()
            time.sleep(0.2)


def checkpoints(tmp_path: Path) -> list[set[str]]:
    folders = sorted((tmp_path / "cache/phases").glob("*.training"))
    return [{path.name for path in folder.iterdir()} for folder in folders]


def test_benches_that_are_stopped_or_killed_leave_nobody_and_go_on(
    suite: Path, tmp_path: Path
) -> None:
    """Ctrl-C to all processes, SIGTERM to the parent alone, SIGKILL of the parent."""
    suite.write_text(LONG, "utf-8")
    kept: list[set[str]] = []
    for number, (sign, code) in enumerate(
        [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
    ):
        bench = Started(suite, tmp_path / f"said-{number}")
        try:
            processes = bench.until_both_rows_train()
            assert len(processes) >= 2
            if sign == signal.SIGINT:
                os.killpg(bench.process.pid, sign)
            else:
                bench.process.send_signal(sign)
            assert bench.process.wait(120) == code
            assert psutil.wait_procs(processes, timeout=60)[1] == []
        finally:
            with suppress(ProcessLookupError):  # all are gone
                os.killpg(bench.process.pid, signal.SIGKILL)
        # Checkpoints come from stops alone here; all three have saved what was trained.
        before, kept = kept, checkpoints(tmp_path)
        assert len(kept) == 2 and all(kept) and before != kept
        said = bench.said.read_text()
        assert said.count(" done before") == (2 if number else 0)
        assert "another run is training it" not in said and "Traceback" not in said
        if sign != signal.SIGKILL:
            assert "stopped in row 1 of 2: a, seed 0 and row 2 of 2: b, seed 0; 0 of 2" in said
            assert "what was trained of these is saved" in said
            state = json.loads((tmp_path / "out" / "bench.json").read_text())
            assert state["ended"] is not None
            assert all(r["status"] == "missing" and r["seconds"] > 0 for r in state["runs"])


@pytest.mark.parametrize("number", ["0", "-1", "two"])
def test_a_number_of_workers_that_makes_no_sense_is_a_message(suite: Path, number: str) -> None:
    done = CliRunner().invoke(main, ["bench", str(suite), "--workers", number])
    assert done.exit_code == 2 and "--workers" in done.output
