"""`deblurkit plugins list` and `show`, as people and programs read them."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from deblurkit.cli import main
from deblurkit.registry import get_registry

BROKEN = "import nowhere_to_be_found"
ODD = """
from pathlib import Path
from pydantic import Field
from deblurkit.hookspecs import hookimpl
from deblurkit.specs import DatasetSpec, LossSpec, Params
DEBLURKIT_API = 1

class P(Params):
    where: Path = Field(description="a folder, × included")
    sizes: tuple[int, ...] = ()

@hookimpl
def deblurkit_losses():
    return [LossSpec(name="pairwise", summary="another [pairwise]", build="made_up_x:Y")]

@hookimpl
def deblurkit_datasets():
    return [DatasetSpec(name="odd-data", summary="made up", build="made_up_x:Z", params=P)]
"""


@pytest.fixture
def deblurkit(monkeypatch):
    """Run `deblurkit` in this process, as wide as asked for."""

    def run(*args, columns=80):
        monkeypatch.setenv("COLUMNS", str(columns))
        get_registry.cache_clear()
        return CliRunner().invoke(main, args, catch_exceptions=False)

    yield run
    get_registry.cache_clear()


def test_list_says_every_component_and_plugin_on_one_line_in_a_pipe(deblurkit, site):
    site.add("odd", ODD)
    site.add("broken", BROKEN)
    result = deblurkit("plugins", "list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    for r in get_registry().specs():
        wanted = [r.spec.kind, r.spec.name, r.owner, r.spec.summary]
        assert any(re.split(r"\s{2,}", line) == wanted for line in lines), wanted
    (broken,) = (line for line in lines if line.startswith("broken"))
    assert broken.endswith(
        "dist-broken   1.0      failed: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    )
    assert all(line == line.rstrip() for line in lines)
    assert result.stdout.isascii()


def test_list_wraps_between_words_in_a_terminal(site, tmp_path):
    """A pseudo-terminal of 80 columns: nothing is wider, no word is broken or left out."""
    site.add("broken", BROKEN)
    source = tmp_path / "terminal.py"
    source.write_text(
        "import os, pty, sys\n"
        "status = pty.spawn([sys.executable, '-m', 'deblurkit', 'plugins', 'list'])\n"
        "sys.exit(os.waitstatus_to_exitcode(status))\n"
    )
    result = site.run(str(source), COLUMNS="80", TERM="xterm")
    assert result.returncode == 0, result.stderr
    text = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    words = text.split()
    for r in get_registry().specs():
        for word in [r.spec.kind, r.spec.name, r.owner, *r.spec.summary.split()]:
            assert word in words
    assert "'nowhere_to_be_found'" in words
    assert any(line.startswith(" " * 20) for line in lines), "nothing was wrapped"


def test_list_of_one_kind(deblurkit):
    lines = deblurkit("plugins", "list", "--kind", "metric").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["metric", "lpips"],
        ["metric", "psnr"],
        ["metric", "ssim"],
    ]
    assert lines[4] == ""


def test_list_as_json(deblurkit, site):
    site.add("broken", BROKEN)
    data = json.loads(deblurkit("plugins", "list", "--kind", "schedule", "--json").stdout)
    assert [c["name"] for c in data["components"]] == ["joint", "staged", "teacher-forced"]
    assert set(data["components"][0]) == {"kind", "name", "summary", "plugin"}
    (broken,) = (p for p in data["plugins"] if p["name"] == "broken")
    assert broken == {
        "name": "broken",
        "module": "made_up_broken",
        "distribution": "dist-broken",
        "version": "1.0",
        "status": "failed",
        "reason": "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
    }


def test_unknown_kind_is_a_usage_error(deblurkit):
    result = deblurkit("plugins", "list", "--kind", "los")
    assert result.exit_code == 2
    assert "'los' is not one of 'loss', 'family'" in result.stderr


def test_show_a_component(deblurkit, site):
    site.add("odd", ODD, version="0.3")
    text = deblurkit("plugins", "show", "odd-data").stdout
    assert text == (
        "dataset odd-data\n"
        "  made up\n"
        "\n"
        "  plugin  odd (dist-odd 0.3)\n"
        "  code    made_up_x:Z\n"
        "\n"
        "parameters\n"
        "  where: path\n"
        "      a folder, × included\n"
        "      required\n"
        "  sizes: list of integer\n"
        "      default: []\n"
    )


def test_show_says_all_components_of_a_name_and_a_prefix_or_kind_picks(deblurkit, site):
    site.add("odd", ODD)

    def heads(*args):
        lines = deblurkit("plugins", "show", *args).stdout.splitlines()
        plugin = [line.split()[1] for line in lines if line.startswith("  plugin ")]
        return [line for line in lines if re.match("(loss|family) ", line)], plugin

    assert heads("pairwise") == (
        ["loss pairwise", "loss pairwise", "family pairwise"],
        ["jin2018", "odd", "jin2018"],
    )
    assert heads("odd:pairwise") == (["loss pairwise"], ["odd"])
    assert heads("pairwise", "--kind", "family") == (["family pairwise"], ["jin2018"])


def test_show_an_architecture_gives_values_for_each_role(deblurkit):
    text = deblurkit("plugins", "show", "resampling-cnn").stdout
    middle, core, outer = text[text.index("\nmiddle:") :].strip().split("\n\n")
    assert middle.splitlines()[1:] == ["  the defaults"]
    for part in (core, outer):
        assert re.search(r"^  factor +5$", part, re.MULTILINE)
        assert re.search(r"^  width +128$", part, re.MULTILINE)
    assert "reference  Jin, Meishvili, Favaro, CVPR 2018" in text
    assert "integer >= 1 and <= 16" in text
    assert max(map(len, text.splitlines())) <= 80


def test_show_as_json_has_every_parameter_and_role(deblurkit):
    data = json.loads(deblurkit("plugins", "show", "resampling-cnn", "--json").stdout)
    (component,) = data["components"]
    assert component["distribution"] == "deblurkit"
    assert component["roles"]["middle"] == {}
    assert component["roles"]["outer"]["blocks"][0] == [[1, 1], [1, 1]]
    parameters = {p["name"]: p for p in component["parameters"]}
    assert parameters["factor"] == {
        "name": "factor",
        "type": "integer >= 1 and <= 16",
        "default": 4,
        "required": False,
        "help": "resampling factor r: r*r sub-images a colour",
    }
    assert data["plugins"] == []


def test_show_a_plugin(deblurkit):
    text = deblurkit("plugins", "show", "jin2018").stdout
    assert "plugin jin2018\n  status        ok\n" in text  # beside the importer of this name
    assert re.search("^  family +global-model, independent, pairwise, sequential$", text, re.M)
    data = json.loads(deblurkit("plugins", "show", "jin2018", "--json").stdout)
    assert data["plugins"][0]["components"]["schedule"] == ["joint", "staged", "teacher-forced"]


def test_show_a_failed_plugin_says_reason_and_remedy(deblurkit, site):
    site.add("broken", BROKEN)
    result = deblurkit("plugins", "show", "broken")
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    assert "failed: ModuleNotFoundError: No module named 'nowhere_to_be_found'" in text
    assert "update or uninstall dist-broken" in text


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ("pairwse",),
            "there is no component or plugin 'pairwse'\n  valid: did you mean 'pairwise'",
        ),
        (("jin2017",), "did you mean 'jin2018'"),
        (("jin2018:mse",), "there is no component or plugin 'jin2018:mse'"),
        (
            ("mse", "--kind", "metric"),
            "there is no metric 'mse'\n  valid: choices: lpips, psnr, ssim",
        ),
        (("lost",), "may be of plugin 'broken', which failed to load: ModuleNotFoundError"),
    ],
)
def test_show_what_is_not_there(deblurkit, site, args, said):
    site.add("broken", BROKEN)
    result = deblurkit("plugins", "show", *args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert said in result.stderr


def test_an_unknown_name_in_the_allow_list_is_a_clear_error(deblurkit, monkeypatch):
    monkeypatch.setenv("DEBLURKIT_PLUGINS", "nobody")
    result = deblurkit("plugins", "list")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: $DEBLURKIT_PLUGINS: no plugin 'nobody' is installed\n")
