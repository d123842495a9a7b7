"""`deblurkit recipe validate`, `show` and `list`, as people and programs use them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from deblurkit.cli import main
from deblurkit.recipe import list_recipes, list_scales, load_recipe


@pytest.fixture
def deblurkit(tmp_path, monkeypatch):
    """Run `deblurkit` in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *args: CliRunner().invoke(main, ["recipe", *args], catch_exceptions=False)


def test_validate_says_ok_for_each_recipe_with_a_digest(deblurkit):
    result = deblurkit("validate", "sequential_pairwise", "independent.yaml")
    assert result.exit_code == 0
    assert result.stderr == ""
    first, second = result.stdout.splitlines()
    assert first.startswith("sequential_pairwise: ok: sequential-pairwise | T = 7 | sequential, ")
    assert re.search(r" \| middle: .*mse.*; others: .*pairwise.* \| ", first)
    assert second.startswith("independent.yaml: ok: independent | ")
    assert re.fullmatch(r"[0-9a-f]{12}", first.split(" | ")[-1])


def test_the_digest_tells_recipes_apart_and_only_them(deblurkit):
    def digest(*args):
        return deblurkit("validate", *args).stdout.split(" | ")[-1]

    base = digest("pairwise")
    assert digest("pairwise", "--scale", "quick") == base
    assert digest("pairwise", "--scale", "smoke") != base
    assert digest("pairwise", "--set", "training.middle.lr=6e-4") != base


def test_validate_reports_every_problem_of_every_file_and_goes_on(deblurkit, tmp_path):
    (tmp_path / "bad.yaml").write_text("extends: pairwise\nname: bad\nfrmes: 3\nframes: 6\n")
    (tmp_path / "worse.yaml").write_text("a: b: c\n")
    result = deblurkit("validate", "bad.yaml", "pairwise", "worse.yaml", "nowhere.yaml")
    assert result.exit_code == 2
    assert result.stdout.startswith("pairwise: ok: ")
    assert len(result.stdout.splitlines()) == 1
    lines = result.stderr.splitlines()
    assert lines[:3] == [
        "error: 2 problems in bad.yaml",
        next(
            line for line in lines if line.startswith("bad.yaml:3:1: frmes: there is no such key")
        ),
        next(line for line in lines if line.startswith("bad.yaml:4:9: frames: an even number")),
    ]
    assert any(line.startswith("error: worse.yaml:1:5: not valid YAML") for line in lines)
    assert any(line.startswith("error: nowhere.yaml: there is no such recipe") for line in lines)


def test_validate_takes_scale_and_overrides(deblurkit):
    result = deblurkit("validate", "pairwise", "--scale", "paper")
    assert result.exit_code == 2
    assert "--set data.train.path=FOLDER" in result.stderr
    result = deblurkit("validate", "pairwise", "--scale", "paper", "--set", "data.train.path=x")
    assert result.exit_code == 0


def test_validate_needs_a_recipe(deblurkit):
    assert deblurkit("validate").exit_code == 2


def test_show_prints_a_recipe_that_is_the_same_one(deblurkit, tmp_path):
    args = ("--scale", "smoke", "--set", "training.middle.lr=1e-4")
    result = deblurkit("show", "sequential-pairwise", *args)
    assert result.exit_code == 0
    assert result.stderr == ""
    (tmp_path / "shown.yaml").write_text(result.stdout)
    wanted = load_recipe(
        "sequential_pairwise", scale="smoke", overrides=["training.middle.lr=1e-4"]
    )
    assert load_recipe("shown.yaml") == wanted


def test_show_origin_says_where_each_value_comes_from(deblurkit, tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: pairwise\nname: mine\n")
    result = deblurkit("show", "mine.yaml", "--origin", "--set", "seed=5")
    origins = {}
    for line in result.stdout.splitlines():
        value, _, origin = line.partition("  # ")
        origins[value.strip()] = origin
    assert origins["name: mine"] == "mine.yaml:2"
    assert origins["seed: 5"] == "--set seed=5"
    assert "pairwise.yaml:" in origins["feed_middle: false"]
    assert "quick.yaml:" in next(origins[value] for value in origins if value.startswith("crop:"))
    assert origins["test: null"] == "default"


def test_show_of_a_wrong_recipe_prints_nothing_but_the_problems(deblurkit):
    result = deblurkit("show", "pairwise", "--set", "seed=x", "--set", "frames=2")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "error: 2 problems in" in result.stderr


def test_list_has_every_bundled_recipe_and_scale_on_one_line(deblurkit):
    result = deblurkit("list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for listed in (*list_recipes(), *list_scales()):
        assert any(re.split(r"\s{2,}", line) == [listed.name, listed.summary] for line in lines)


def test_what_is_shown_can_be_piped_into_validate(tmp_path):
    deblurkit = [sys.executable, "-m", "deblurkit"]
    shown = subprocess.run(
        [*deblurkit, "recipe", "show", "pairwise"], capture_output=True, check=True, cwd=tmp_path
    )
    checked = subprocess.run(
        [*deblurkit, "recipe", "validate", "/dev/stdin"],
        input=shown.stdout,
        capture_output=True,
        check=True,
        cwd=tmp_path,
    )
    assert b": ok: pairwise | " in checked.stdout


@pytest.mark.parametrize(
    "args", [["list"], ["show", "pairwise"], ["validate", "pairwise"], ["--help"]], ids=" ".join
)
def test_nothing_heavy_is_imported(args):
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*(m for m in ('torch', 'numpy', 'timm')"
        " if m in sys.modules), file=sys.stderr))\n"
        f"from deblurkit.cli import main\nmain({['recipe', *args]!r})\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "\n")
