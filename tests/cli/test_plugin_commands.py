"""Commands of other packages: listed, run, and named when they fail."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "dist-{name}"
version = "1.2"

[project.entry-points."deblurkit.commands"]
{command} = "made_{name}:{object}"

[tool.hatch.build.targets.wheel]
include = ["made_{name}.py"]
"""

GOOD = """
import click
from deblurkit.errors import DataError

@click.command()
@click.argument("word")
def hello(word):
    "Say hello."
    if word == "nobody":
        raise DataError("nobody is there", hint="name somebody")
    click.echo(f"hello {word}")
"""

PACKAGES = {  # name -> command, object, source
    "good": ("hello", "hello", GOOD),
    "broken": ("broken", "run", "raise RuntimeError('no licence')"),
    "none": ("none", "run", "run = 3"),
    "one": ("twice", "hello", GOOD),
    "two": ("twice", "hello", GOOD),
    "own": ("extract", "hello", GOOD),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    for name, (command, thing, source) in PACKAGES.items():
        (folder / name).mkdir()
        text = PROJECT.format(name=name, command=command, object=thing)
        (folder / name / "pyproject.toml").write_text(text, "utf-8")
        (folder / name / f"made_{name}.py").write_text(source, "utf-8")
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
            "--no-build-isolation", "--target", folder / "site", *(folder / n for n in PACKAGES),
        ],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return folder / "site"


def program(site: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "deblurkit", *words],
        env={**os.environ, "PYTHONPATH": path, "COLUMNS": "100"},
        capture_output=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip


def test_help_lists_them_with_their_packages(site: Path) -> None:
    said = " ".join(program(site, "--help").stdout.split())
    assert "Commands of other packages" in said and "hello of dist-good 1.2" in said
    assert "twice of dist-one 1.2 and dist-two 1.2; not usable" in said
    assert "deblurkit has a command of this name" in said


def test_they_run_and_their_errors_are_messages(site: Path) -> None:
    assert program(site, "hello", "you").stdout == "hello you\n"
    assert "Say hello" in program(site, "hello", "--help").stdout
    failed = program(site, "hello", "nobody")
    assert failed.returncode == 2 and failed.stderr.startswith("error: nobody is there")
    assert "did you mean 'hello'" in program(site, "helo").stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("broken", ["dist-broken 1.2", "RuntimeError: no licence", "uninstall"]),
        ("none", ["dist-none 1.2", "is a int", "click.Command"]),
        ("twice", ["dist-one 1.2 and dist-two 1.2", "uninstall one"]),
    ],
)
def test_one_that_cannot_be_used_says_whose_it_is(
    command: str, words: list[str], site: Path
) -> None:
    done = program(site, command)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert program(site, "plugins", "list").returncode == 0
    assert "PHOTOS" in program(site, "extract", "--help").stdout
