"""`deblurkit plugins new` and `check`: packages as they are made, installed from built wheels."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from deblurkit.cli import main
from deblurkit.cli.plugins import MADE
from deblurkit.scaffold.create import TEMPLATES

NAMES = {
    "loss": "null",  # a word of YAML
    "family": "node",  # and names of what the templates import
    "architecture": "tensor",
    "schedule": "phase",
    "ordering": "plane",
    "dataset": "clip",
    "metric": "image-metric",
}

PROGRAM = [sys.executable, "-W", "error", "-m", "deblurkit"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One package of each kind, and `site` with all of them installed."""
    folder = tmp_path_factory.mktemp("made")
    for kind in MADE:
        done = CliRunner().invoke(
            main, ["plugins", "new", NAMES[kind], "--kind", kind, "--into", str(folder)]
        )
        assert done.exit_code == 0, done.output
    subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
            "--no-build-isolation", "--target", folder / "site",
            *(folder / NAMES[kind] for kind in MADE),
        ],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    return folder


def program(made: Path, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(made / "site"), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [*PROGRAM, *words],
        cwd=cwd, env={**os.environ, "PYTHONPATH": path},
        capture_output=True, encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip


def test_all_kinds_but_importers_have_a_template() -> None:
    assert set(MADE) == set(TEMPLATES) == set(NAMES)


def test_their_own_tests_pass(made: Path) -> None:
    path = os.pathsep.join([str(made / "site"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error",
            *(str(made / NAMES[kind] / "tests") for kind in MADE),
        ],
        cwd=made, env={**os.environ, "PYTHONPATH": path},
        capture_output=True, encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "18 passed" in done.stdout


@pytest.mark.parametrize("kind", MADE)
def test_their_recipes_run(kind: str, made: Path, tmp_path: Path) -> None:
    recipe = made / NAMES[kind] / "recipes" / "example.yaml"
    done = program(made, tmp_path, "run", str(recipe), "--scale", "smoke", "--out", "run")
    assert done.returncode == 0, done.stderr
    assert NAMES[kind] in (tmp_path / "run" / "recipe.resolved.yaml").read_text("utf-8")


def test_check_says_what_is_wrong_and_how_to_mend_it(made: Path, tmp_path: Path) -> None:
    good = program(made, tmp_path, "plugins", "check", "null")
    assert good.returncode == 0 and "keeps the contract" in good.stdout, good.stderr
    refused = program(made, tmp_path, "plugins", "check", "null", "--set", "null.epsilon=-1")
    assert refused.returncode == 1
    assert "greater than 0" in refused.stdout and "mend:" in refused.stdout
    module = made / "site" / "null" / "plugin.py"
    text = module.read_text("utf-8")
    module.write_text(text.replace('invariance="none"', 'invariance="pair-swap"'), "utf-8")
    try:
        wrong = program(made, tmp_path, "plugins", "check", "null")
    finally:
        module.write_text(text, "utf-8")
    assert wrong.returncode == 1
    assert "declares invariance 'pair-swap'" in wrong.stdout and "mend:" in wrong.stdout
    assert "1 of 1 components" in wrong.stderr and "Traceback" not in wrong.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["new", "Edge", "--kind", "loss"], "is no name for a plugin"),
        (["new", "3d-loss", "--kind", "loss"], "is no name for a plugin"),
        (["new", "json", "--kind", "loss"], "would be hidden"),
        (["new", "lambda", "--kind", "loss"], "would be hidden"),
        (["new", "torch", "--kind", "metric"], "would be hidden"),
        (["new", "pairwise", "--kind", "loss"], "plugin 'jin2018' has loss 'pairwise' already"),
        (["new", "standard", "--kind", "metric"], "there is a plugin 'standard' already"),
        (["new", "edge-loss"], "--kind"),
        (["new", "taken", "--kind", "loss"], "it is there already"),
        (["new", "edge-loss", "--kind", "loss", "--into", "taken/file"], "file"),
        (["check", "nobody"], "there is no plugin 'nobody'"),
        (["check", "jin2018", "--set", "pairwise"], "sets nothing"),
        (["check", "jin2018", "--set", "pairwize.norm=l1"], "did you mean 'pairwise'"),
        (["check", "jin2018", "--set", "pairwise.norm=l1"], "loss:pairwise or family:pairwise"),
        (["check", "jin2018", "--set", "loss:pairwise.norm=["], "is no value"),
        (["check", "deblurkit"], "more than one plugin"),
    ],
)
def test_mistakes_are_messages(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("")
    done = CliRunner().invoke(main, ["plugins", *words])
    assert done.exit_code == 2, done.output
    assert said in done.stderr and "Traceback" not in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["taken"]
