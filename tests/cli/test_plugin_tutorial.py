"""docs/plugins.md done to the letter: every file written, every command run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "plugins.md").read_text("utf-8")
BLOCK = re.compile(
    r"(?:`(?P<file>coarse-pairs/[\w/.-]+)`:\n\n)?```(?P<kind>\w+)\n(?P<body>.*?)```", re.S
)
PROGRAMS = {"pytest": ["pytest", "-q", "-p", "no:cacheprovider"], "deblurkit": ["deblurkit"]}


def test_every_step_works(tmp_path: Path) -> None:
    path = [tmp_path / "coarse-pairs" / "src", tmp_path / "site", os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    done = []
    for block in BLOCK.finditer(TEXT):
        if block["file"]:
            assert (tmp_path / block["file"]).exists(), "the tutorial names a file that is not made"
            (tmp_path / block["file"]).write_text(block["body"], "utf-8")
        elif block["kind"] == "sh":
            for line in block["body"].strip().splitlines():
                name, *words = shlex.split(line)
                if name == "pip":  # offline, and not into this environment
                    name, words = "pip", [
                        "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation",
                        "--target", "site", "./coarse-pairs",
                    ]  # fmt: skip
                strict = [] if name == "pip" else ["-W", "error"]
                ran = subprocess.run(
                    [sys.executable, *strict, "-m", *PROGRAMS.get(name, [name]), *words],
                    cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8",
                    check=False, timeout=300,
                )  # fmt: skip
                assert ran.returncode == 0, f"{line}\n{ran.stdout}\n{ran.stderr}"
                done.append(line)
    assert len(done) >= 7 and any("--scale smoke" in line for line in done)
    assert (tmp_path / "runs").is_dir()


def test_it_ends_as_the_example_plugin() -> None:
    example = ROOT / "plugins" / "deblurkit-example-loss" / "src" / "deblurkit_example_loss"
    written = {block["file"]: block["body"] for block in BLOCK.finditer(TEXT) if block["file"]}
    assert written["coarse-pairs/src/coarse_pairs/loss.py"] == (example / "loss.py").read_text()
    plugin = written["coarse-pairs/src/coarse_pairs/plugin.py"]
    theirs = (example / "plugin.py").read_text("utf-8")
    assert plugin == theirs.replace("deblurkit_example_loss", "coarse_pairs")


def test_the_message_shown_is_what_the_suite_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from deblurkit.registry import get_registry
    from deblurkit.specs import LossSpec
    from deblurkit.testing import check_loss

    l1 = get_registry().resolve("loss", "l1").spec
    assert isinstance(l1, LossSpec)
    with pytest.raises(AssertionError) as caught:
        check_loss(replace(l1, name="coarse-pairs", invariance="pair-swap"))
    (shown,) = re.findall(r"```text\nwrong .*?\n(.*?)```", TEXT, re.S)
    assert str(caught.value).split() == shown.split()
