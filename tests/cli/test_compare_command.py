"""`deblurkit compare`: run directories, bench folders and score sheets in one table."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from deblurkit.cli import main
from deblurkit.cli.compare import FORMATS as SUFFIXES
from deblurkit.engine.rundir import COST, METRICS, RECIPE, scores_file
from deblurkit.evaluation.measures import Column, Measure, ScoreSheet
from deblurkit.evaluation.rows import NO_METHOD, ROWS
from deblurkit.recipe import dump_recipe, load_recipe
from deblurkit.report.table_json import table_from_json
from deblurkit.storage import write_json
from deblurkit.study.bench_folder import BenchState, RunState, write_state

COLUMNS = (
    Column("psnr", "PSNR", "of all frames", unit="dB", scale="psnr"),
    Column("psnr-frame", "PSNR", "of each frame", unit="dB", per_frame=True, scale="psnr"),
    Column("motion-recall", "motion recall", "ratio", digits=3),
)
COST_SAID = {
    "parameters": 1000, "training_seconds": 10.0, "spent_seconds": 5.0,
    "inference_seconds": 0.5, "inference_memory": 2**20, "measured_on": "made",
}  # fmt: skip
Write = Callable[..., Path]


def sheet(quality: float, protocol: str = "deblurkit/1", clips: int = 6) -> ScoreSheet:
    made = ScoreSheet(protocol, 7, COLUMNS)
    hard = np.random.default_rng(0).uniform(0.5, 1.5, clips)
    for k in range(clips):
        error = 10 ** (-quality / 10) * hard[k] * np.ones(7)
        made.add(
            str(k),
            {
                "psnr": Measure(error.mean()),
                "psnr-frame": Measure(error),
                "motion-recall": Measure(hard[k] / 2, hard[k]),
            },
        )
    return made


@pytest.fixture
def finished(tmp_path: Path) -> Write:
    """Write a finished run directory without training it."""

    def write(
        name: str,
        quality: float,
        *,
        recipe: str = "pairwise",
        seed: int = 0,
        test_set: str = "one",
        protocol: str = "deblurkit/1",
        clips: int = 6,
    ) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        text = dump_recipe(load_recipe(recipe, scale="smoke", seed=seed))
        (folder / RECIPE).write_text(text, "utf-8")
        qualities = dict(
            zip(ROWS, (quality, quality + 1, quality + 0.5, 20, 21, 21.5, np.inf), strict=True)
        )
        rows = {row: sheet(q, protocol, clips).to_json() for row, q in qualities.items()}
        said = {"protocol": protocol, "test_set": test_set, "rows": rows}
        write_json(folder / scores_file("deblurkit"), said)
        write_json(folder / COST, COST_SAID)
        write_json(folder / METRICS, {})
        return folder

    return write


def compare(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, words)], catch_exceptions=False)


def rows_of(*words: str | Path) -> dict[str, dict[str, str]]:
    result = compare(*words, "--format", "csv")
    assert result.exit_code == 0, result.output
    return {line["row"]: line for line in csv.DictReader(io.StringIO(result.stdout))}


def test_two_runs_in_one_table(finished: Write) -> None:
    a, b = finished("a", 24), finished("b", 26, recipe="sequential_pairwise")
    result = compare(a, b)
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 120
    rows = rows_of(a, b)
    assert list(rows) == [*NO_METHOD, "pairwise", "sequential-pairwise"]
    assert rows["sequential-pairwise"]["reference"] == "pairwise"
    assert float(rows["sequential-pairwise"]["difference"]) == pytest.approx(2)
    assert rows["pairwise"]["parameters"] == "1000"


def test_runs_are_named_by_recipe_else_by_folder_else_by_path_or_as_asked(finished: Write) -> None:
    a, b = finished("x/a", 24), finished("x/b", 26, seed=1)
    assert {"a", "b"} < set(rows_of(a, b))
    assert {"one", "two"} < set(rows_of(a, b, "--names", "one, two"))
    again = finished("y/a", 25)
    assert {str(a), str(again)} < set(rows_of(a, again))
    result = compare(a, b, "--names", "one")
    assert result.exit_code == 2 and "1 name for 2 run directories" in result.stderr


def test_the_reference_is_a_row_a_run_or_the_blurry_image(finished: Write) -> None:
    a, b = finished("a", 24), finished("b", 26, seed=1)
    for said in ("b", str(b)):
        row = rows_of(a, b, "--reference", said)["a"]
        assert row["reference"] == "b"
        assert float(row["difference"]) == pytest.approx(-2)
    assert float(rows_of(a, b, "--reference", "blurry")["a"]["difference"]) == pytest.approx(4)
    rows = rows_of(a, b, "--also", "true-middle", "--reference", "a+true-middle")
    assert float(rows["a"]["difference"]) == pytest.approx(-1)
    result = compare(a, b, "--reference", "blury")
    assert result.exit_code == 2 and "did you mean 'blurry'" in result.stderr


def test_runs_on_other_clips_have_no_difference(finished: Write) -> None:
    a, b = finished("a", 24), finished("b", 26, test_set="two", seed=1, clips=5)
    rows = rows_of(a, b)
    assert rows["b"]["difference"] == "" and rows["b"]["psnr"] != ""
    assert "blurry@b" in rows
    assert "other clips" in compare(a, b).stdout


def test_also_adds_rows(finished: Write) -> None:
    rows = rows_of(finished("a", 24), "--also", "true-middle", "--also", "reordered")
    helped = ["pairwise+true-middle", "pairwise+reordered"]
    assert list(rows)[len(NO_METHOD) :] == ["pairwise", *helped]


def test_other_systems_stand_in_the_same_table(finished: Write, tmp_path: Path) -> None:
    write_json(tmp_path / "theirs.json", sheet(28).to_json())
    rows = rows_of(finished("a", 24), "--with", f"motion-etr={tmp_path / 'theirs.json'}")
    # The same clips, as what follows from the true frames alone shows.
    assert float(rows["motion-etr"]["difference"]) == pytest.approx(4)
    write_json(tmp_path / "old.json", sheet(28, "deblurkit/0").to_json())
    result = compare(tmp_path / "a", "--with", f"old={tmp_path / 'old.json'}")
    assert result.exit_code == 2 and "deblurkit/0: old" in result.stderr
    result = compare(tmp_path / "a", "--with", "nothing")
    assert result.exit_code == 2 and "NAME=FILE" in result.stderr
    result = compare(tmp_path / "a", "--with", f"none={tmp_path / 'none.json'}")
    assert result.exit_code == 2 and "cannot be read" in result.stderr
    result = compare(tmp_path / "a", "--with", f"pairwise={tmp_path / 'theirs.json'}")
    assert result.exit_code == 2 and "two rows are called 'pairwise'" in result.stderr


@pytest.mark.parametrize(
    ("suffix", "start"), [(".md", "**"), (".csv", "row,"), (".tex", "%"), (".txt", "pairwise")]
)
def test_out_writes_what_its_name_ends_with(
    finished: Write, tmp_path: Path, suffix: str, start: str
) -> None:
    out = tmp_path / "new" / f"table{suffix}"
    result = compare(finished("a", 24), "--out", out)
    assert result.exit_code == 0 and result.stdout == f"written: {out}\n"
    assert out.read_text("utf-8").startswith(start)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_json_is_the_whole_table(finished: Write) -> None:
    table = table_from_json(compare(finished("a", 24), "--format", "json").stdout)
    assert table.protocol == "deblurkit/1"
    assert table.row("truth").cells["psnr"].value == np.inf


def test_columns_and_intervals_are_chosen(finished: Write) -> None:
    a = finished("a", 24)
    text = compare(a, "--columns", "psnr-frame,psnr", "--intervals", "all").stdout
    assert "x[7]" in text and text.count("[2") > 7 and "recall" not in text
    text = compare(a, "--format", "markdown", "--columns", "psnr", "--intervals", "none").stdout
    assert "PSNR (dB)" in text and "\\[" not in text
    result = compare(a, "--columns", "psnr,motion-recal")
    assert result.exit_code == 2 and "did you mean 'motion-recall'" in result.stderr


def make_bench(folder: Path, finished: Write) -> None:
    finished(f"{folder.name}/runs/pairwise-s0", 24)
    finished(f"{folder.name}/runs/pairwise-s1", 24.4, seed=1)
    finished(f"{folder.name}/runs/sequential-s0", 26, recipe="sequential_pairwise")
    (folder / "suite.yaml").write_text(
        "name: made\n"
        "summary: a made suite\n"
        "scale: smoke\n"
        "seeds: [0, 1]\n"
        "reference: sequential\n"
        "rows:\n"
        "- {name: pairwise, recipe: pairwise, also: [reordered], group: families}\n"
        "- {name: sequential, recipe: sequential_pairwise, group: families}\n"
    )
    runs = [
        RunState("pairwise", 0, "done"),
        RunState("pairwise", 1, "done"),
        RunState("sequential", 0, "done"),
        RunState("sequential", 1, "failed", error="the loss is not finite"),
    ]
    state = BenchState("0", "bench", {}, {}, "now", runs={(r.row, r.seed): r for r in runs})
    write_state(folder, state)


def test_a_bench_folder_gives_all_its_rows(finished: Write, tmp_path: Path) -> None:
    bench = tmp_path / "bench"
    make_bench(bench, finished)
    rows = rows_of(bench)
    assert list(rows)[len(NO_METHOD) :] == ["pairwise", "pairwise+reordered", "sequential"]
    assert rows["pairwise"]["seeds"] == "0 1"
    assert rows["sequential"]["note"] == "seed 1 failed: the loss is not finite"
    # Seeds that both have: only 0.
    assert float(rows["pairwise"]["difference"]) == pytest.approx(-2)
    assert compare(bench).stdout.startswith("a made suite")
    beside = rows_of(bench, finished("mine", 25, recipe="independent"), "--reference", "pairwise")
    assert float(beside["independent"]["difference"]) == pytest.approx(1)
    assert beside["sequential"]["reference"] == "pairwise"


def test_what_is_no_run_is_a_message(finished: Write, tmp_path: Path) -> None:
    a = finished("a", 24)
    for words, said in [
        ((tmp_path / "none",), "there is no recipe.resolved.yaml"),
        ((a, a), "a folder is given twice"),
        ((a, "--protocol", "deblurkitt"), "did you mean 'deblurkit'"),
        ((a, "--protocol", "deblurkit/99"), "version"),
        ((a, finished("b", 25, protocol="deblurkit/0")), "different protocols or versions"),
    ]:
        result = compare(*words)
        assert result.exit_code == 2 and said in result.stderr
        assert result.stdout == ""


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("scores/deblurkit.json", "{}", "its scores are damaged"),
        ("scores/deblurkit.json", '{"rows": {}, "test_set": "a"}', "no scores of the estimate"),
        ("scores/deblurkit.json", "[", "cannot be read"),
        (COST, "{}", "damaged"),
    ],
)
def test_damaged_scores_are_a_message(finished: Write, name: str, text: str, said: str) -> None:
    a = finished("a", 24)
    (a / name).write_text(text)
    result = compare(a)
    assert result.exit_code == 2 and said in result.stderr and str(a) in result.stderr


def test_an_unfinished_run_says_how_to_go_on(finished: Write) -> None:
    a = finished("a", 24)
    (a / scores_file("deblurkit")).unlink()
    (a / METRICS).unlink()
    result = compare(a)
    assert result.exit_code == 2
    assert "the run is not finished" in result.stderr and f"--out {a}" in result.stderr


def test_a_run_without_scores_under_a_protocol_is_scored(tmp_path: Path) -> None:
    """A real run, trained for one step."""
    words = ["run", "independent", "--scale", "smoke", "--out", str(tmp_path / "real")]
    words += ["--set", "training.middle.steps=1", "--set", "training.others.steps=1"]
    words += ["--set", "evaluation.samples=0", "--set", "evaluation.clips=2"]
    assert CliRunner().invoke(main, words, catch_exceptions=False).exit_code == 0
    result = compare(tmp_path / "real", "--protocol", "jin2018-middle", "--format", "json")
    assert result.exit_code == 0, result.output
    assert "not scored under 'jin2018-middle' yet" in result.stderr
    table = table_from_json(result.stdout)
    assert table.protocol.startswith("jin2018-middle/")
    assert table.row("independent").cells[table.columns[0].key].value is not None
    kept = json.loads((tmp_path / "real" / scores_file("jin2018-middle")).read_text("utf-8"))
    assert kept["protocol"] == table.protocol
    again = compare(tmp_path / "real", "--protocol", "jin2018-middle", "--format", "json")
    assert again.stderr == "" and again.stdout == result.stdout


def test_folders_that_are_not_utf_8_are_shown_in_every_format(
    finished: Write, tmp_path: Path
) -> None:
    name = os.fsdecode(b"r\xffn\x1b[31m")
    try:
        (tmp_path / name).mkdir()
    except OSError:
        pytest.skip("this file system has no such names")
    a, b = finished("a", 24), finished(f"{name}/r\udcffn", 25)
    for suffix, kind in SUFFIXES.items():
        out = tmp_path / os.fsdecode(b"t\xff" + suffix.encode())
        result = compare(a, b, "--format", kind, "--out", out)
        assert result.exit_code == 0, result.output
        shown = "r?n" if kind == "latex" else "r\ufffdn"
        assert shown in out.read_text("utf-8")
    result = compare(a, b, "--reference", b)
    assert result.exit_code == 0 and "r\ufffdn" in result.stdout
    result = compare(a, b.parent)
    assert result.exit_code == 2 and "r\ufffdn\ufffd[31m: there is no" in result.stderr


@pytest.mark.parametrize("name", ["a\x1b[31m", "a\nb", "a\u202eb", os.fsdecode(b"a\xff")])
def test_names_that_cannot_be_printed_are_refused(
    finished: Write, tmp_path: Path, name: str
) -> None:
    a = finished("a", 24)
    write_json(tmp_path / "theirs.json", sheet(28).to_json())
    for words in (("--names", name), ("--with", f"{name}={tmp_path / 'theirs.json'}")):
        result = compare(a, *words)
        assert result.exit_code == 2 and "the name 'a\ufffd" in result.stderr
        assert "names of one line of text" in result.stderr and result.stdout == ""


def test_an_empty_path_is_not_the_current_folder(
    finished: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished("a", 24))
    for words in (("",), (".", "--out", "")):
        result = compare(*words)
        assert result.exit_code == 2 and "the path is empty" in result.stderr
    assert compare(".", "--with", "x=").exit_code == 2


def test_an_unfinished_run_can_be_gone_on_with_as_it_says(finished: Write) -> None:
    a = finished("of two words", 24)
    for name in (METRICS, scores_file("deblurkit"), COST):
        (a / name).unlink()
    for command in ("compare", "report"):
        result = CliRunner().invoke(main, [command, str(a)])
        assert result.exit_code == 2 and "the run is not finished" in result.stderr
        assert f"deblurkit run '{a / RECIPE}' --out '{a}'" in result.stderr
