"""Failures stay where they happened: broken packages, installed from wheels as others would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"

[project.entry-points.deblurkit]
{plugin} = "{module}"

[tool.hatch.build.targets.wheel]
include = ["{module}.py"]
"""

HEAD = """
from deblurkit.hookspecs import hookimpl
from deblurkit.specs import *

DEBLURKIT_API = 1
"""

LOSS = (
    HEAD
    + """
@hookimpl
def deblurkit_losses():
    return [LossSpec(name="{name}", summary="s", build="{module}:term")]

def term(): return compute

def compute(estimate, target):
    error = sum((estimate[i] - target[i]).abs() for i in estimate)
    return {value}
"""
)

# Plugin -> the source of its module.
BROKEN = {
    "raises": "raise RuntimeError('no licence here')",
    "needs-library": "import a_library_that_nobody_has",
    "misspelled": HEAD + "@hookimpl\ndef deblurkit_loses():\n    return []\n",
    "other-api": HEAD.replace("API = 1", "API = 99"),
    "wrong-types": HEAD
    + "@hookimpl\ndef deblurkit_losses():\n"
    + "    return [LossSpec(name='odd', summary=3, build='m:t')]\n",
    "twin-one": HEAD,
    "twin-two": HEAD,
    "gives-nan": LOSS,
    "gives-image": LOSS,
    "gives-constant": LOSS,
    "changes-size": HEAD
    + """
@hookimpl
def deblurkit_architectures():
    return [ArchitectureSpec(name="changes-size", summary="s", build="{module}:make")]

def make(inputs):
    import torch
    class Net(torch.nn.Conv2d):
        def forward(self, images, base):
            return super().forward(torch.cat(images, 1))
    return Net(3 * inputs, 3, 3)
""",
    "worker-dies": HEAD
    + """
@hookimpl
def deblurkit_datasets():
    return [DatasetSpec(name="worker-dies", summary="s", build="{module}:Clips")]

class Clips:
    def sources(self):
        return tuple(f"s{{k}}" for k in range(12))
    def clips(self, source, *, count, frames, size, rng):
        raise ZeroDivisionError("in a worker")
        yield
""",
    "worker-killed": HEAD
    + """
@hookimpl
def deblurkit_datasets():
    return [DatasetSpec(name="worker-killed", summary="s", build="{module}:Clips")]

class Clips:
    def sources(self):
        return tuple(f"s{{k}}" for k in range(12))
    def clips(self, source, *, count, frames, size, rng):
        import os
        os._exit(9)
        yield
""",
}
VALUES = {
    "gives-nan": "error.mean() * float('nan')",
    "gives-image": "error",
    "gives-constant": "error.mean().detach()",
}

FAILED = {
    "raises": "RuntimeError: no licence here",
    "needs-library": "No module named 'a_library_that_nobody_has'",
    "misspelled": "did you mean 'deblurkit_losses'",
    "other-api": "DEBLURKIT_API is 99",
    "wrong-types": "summary: Input should be a valid string",
    "twin": "another plugin is called 'twin' too",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all of them installed, from wheels."""
    folder = tmp_path_factory.mktemp("broken")
    for name, source in BROKEN.items():
        module = "made_" + name.replace("-", "_")
        plugin = "twin" if name.startswith("twin") else name
        (folder / name).mkdir()
        text = PROJECT.format(name=f"dist-{name}", version="1.2", plugin=plugin, module=module)
        (folder / name / "pyproject.toml").write_text(text, "utf-8")
        if "{" in source:
            source = source.format(name=name, module=module, value=VALUES.get(name, ""))  # noqa: PLW2901
        (folder / name / f"{module}.py").write_text(textwrap.dedent(source), "utf-8")
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
            "--no-build-isolation", "--target", folder / "site",
            *(folder / name for name in BROKEN),
        ],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return folder / "site"


def program(
    site: Path, cwd: Path, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "deblurkit", *words],
        cwd=cwd, env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True, encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip


def test_the_list_says_what_is_wrong_with_each(site: Path, tmp_path: Path) -> None:
    done = program(site, tmp_path, "plugins", "list", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)["plugins"]
    status = {p["name"]: (p["status"], p["reason"]) for p in said}
    for name, reason in FAILED.items():
        assert status[name][0] == "failed" and reason in status[name][1], status[name]
    assert sorted(p["distribution"] for p in said if p["name"] == "twin") == [
        "dist-twin-one", "dist-twin-two",
    ]  # fmt: skip
    for name in (*VALUES, "changes-size", "worker-dies", "jin2018", "standard"):
        assert status[name] == ("ok", None)


def test_a_recipe_that_needs_none_of_them_runs(site: Path, tmp_path: Path) -> None:
    done = program(
        site, tmp_path, "run", "sequential_windowed", "--scale", "smoke", "--out", "run",
        "--set", "evaluation.samples=0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "metrics.json").exists()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["loss.middle.raises:x.weight=1"], ["dist-raises 1.2", "no licence here"]),
        (["family.name=needs-library:x"], ["dist-needs-library 1.2", "a_library_that_nobody_has"]),
        (["loss.middle.other-api:x.weight=1"], ["dist-other-api 1.2", "update"]),
        (["schedule.name=twin:x"], ["dist-twin-one 1.2", "dist-twin-two 1.2", "uninstall one"]),
        (
            ["loss.middle.gives-nan.weight=1"],
            ["the loss is not finite", "dist-gives-nan 1.2", "the networks did not move"],
        ),
        (["loss.middle.gives-image.weight=1"], ["dist-gives-image 1.2", "not a scalar", "mend"]),
        (["loss.middle.gives-constant.weight=1"], ["dist-gives-constant 1.2", "no gradient"]),
        (
            ["architecture={name: changes-size}"],
            ["gave (2, 3, 38, 38)", "dist-changes-size 1.2", "deblurkit plugins check"],
        ),
        (
            ["data.train.name=worker-dies", "data.clips=100"],
            ["ZeroDivisionError: in a worker", "dist-worker-dies 1.2", "tell its authors"],
        ),
        (
            ["data.train.name=worker-killed", "data.clips=100"],
            ["a process that rendered clips died", "worker-killed"],
        ),
    ],
    ids=lambda value: str(value[0])[:40],
)
def test_a_recipe_that_needs_one_says_whose_it_is_and_what_to_do(
    overrides: list[str], said: list[str], site: Path, tmp_path: Path
) -> None:
    sets = [word for text in overrides for word in ("--set", text)]
    words = ["run", "sequential_windowed", "--scale", "smoke", "--out", "run", *sets]
    done = program(site, tmp_path, *words, DEBLURKIT_CACHE=str(tmp_path / "cache"))
    assert done.returncode in (1, 2) and "Traceback" not in done.stderr
    for text in said:
        assert text in done.stderr.replace("\n", " "), done.stderr
    assert "this is a bug" not in done.stderr


def test_an_allow_list_leaves_them_out_and_strict_mode_minds_them(
    site: Path, tmp_path: Path
) -> None:
    allow = {"DEBLURKIT_PLUGINS": "jin2018,standard,gives-nan"}
    done = program(site, tmp_path, "plugins", "list", "--json", **allow)
    assert {p["name"] for p in json.loads(done.stdout)["plugins"]} == {
        "jin2018", "standard", "gives-nan",
    }  # fmt: skip
    strict = program(site, tmp_path, "recipe", "show", "independent", DEBLURKIT_STRICT="1")
    assert strict.returncode == 2 and "Traceback" not in strict.stderr
    assert "dist-raises 1.2" in strict.stderr and "dist-misspelled 1.2" in strict.stderr
    assert program(
        site, tmp_path, "recipe", "show", "independent", DEBLURKIT_STRICT="1", **allow
    ).returncode == 0  # fmt: skip
