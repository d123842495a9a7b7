"""Training by several processes gives what one process gives, but for rounding."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import torch

from deblurkit.bundle import load_bundle
from deblurkit.registry import get_registry


def test_two_processes_train_the_same_networks(tmp_path: Path) -> None:
    words = ["-m", "deblurkit", "run", "sequential_windowed", "--scale", "smoke"]
    words += ["--device", "cpu", "--set", "training.precision=fp32", "--set", "frames=5"]
    words += ["--set", "evaluation.samples=0", "--fresh"]
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    for name, start in (("one", []), ("two", launch)):
        command = [sys.executable, *start, *words, "--out", str(tmp_path / name)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("phase 1 of 3, middle: 3 steps") == 1
    one, two = (
        load_bundle(tmp_path / n, get_registry()).graph.state_dict() for n in ("one", "two")
    )
    assert one.keys() == two.keys()
    for name in one:
        torch.testing.assert_close(one[name], two[name], rtol=0, atol=2e-4)
    a, b = (
        [json.loads(x) for x in (tmp_path / n / "metrics.jsonl").read_text().splitlines()]
        for n in ("one", "two")
    )
    for mine, theirs in zip(a, b, strict=True):
        assert mine["terms"].keys() == theirs["terms"].keys()
        for term, value in mine["terms"].items():
            assert abs(value - theirs["terms"][term]) < 1e-3 * max(1, abs(value))
