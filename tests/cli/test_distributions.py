"""The distributions in plugins/: installed from built wheels, beside deblurkit, as others would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all of them installed."""
    folder = tmp_path_factory.mktemp("distributions") / "site"
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
            "--no-build-isolation", "--target", folder, *FOLDERS,
        ],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return folder


def python(site: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", *words],
        cwd=cwd, env={**os.environ, "PYTHONPATH": path},
        capture_output=True, encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip


def test_all_are_ok(site: Path, tmp_path: Path) -> None:
    done = python(site, tmp_path, "deblurkit", "plugins", "list", "--json")
    assert done.returncode == 0, done.stderr
    said = {p["distribution"]: p["status"] for p in json.loads(done.stdout)["plugins"]}
    assert {folder.name: "ok" for folder in FOLDERS}.items() <= said.items()


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_their_own_tests_pass(folder: Path, site: Path) -> None:
    words = ["pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "-c", os.devnull]
    done = python(site, folder, *words, str(folder / "tests"))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "recipe",
    [path for folder in FOLDERS for path in sorted(folder.glob("recipes/*.yaml"))],
    ids=lambda path: path.stem,
)
def test_their_recipes_run(recipe: Path, site: Path, tmp_path: Path) -> None:
    words = ["deblurkit", "run", str(recipe), "--scale", "smoke", "--out", "run"]
    done = python(site, tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "metrics.json").exists()
