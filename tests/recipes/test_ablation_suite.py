"""The whole ablation study, every row of it, by the real commands at the smoke scale."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deblurkit.study.bench_folder import read_bench
from deblurkit.study.suite_file import read_suite

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "benchmarks" / "ablation.yaml"


def command(*words: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_the_whole_study_from_suite_to_table_report_and_claims(tmp_path: Path) -> None:
    out = tmp_path / "bench"
    said = command(
        "-m", "deblurkit", "bench", SUITE, "--scale", "smoke", "--seeds", "0", "--out", out,
        "--set", "training.others.steps=3",  # some rows have a number of steps of their own
    )  # fmt: skip
    rows = read_suite(SUITE).rows
    assert f"{len(rows)} runs: {len(rows)} done" in said and "saved by reuse" in said
    bench = read_bench(out)
    assert [row.key for row in bench.rows] == [row.name for row in rows]
    assert not any(row.failures for row in bench.rows)

    table = json.loads((out / "table.json").read_text("utf-8"))
    wanted = {f"{row.name}{also}" for row in rows for also in ("", *(f"+{a}" for a in row.also))}
    assert wanted <= {row["key"] for row in table["rows"]}
    for row in table["rows"]:
        if row["key"] in wanted:
            assert row["clips"] == 4 and row["cells"]["psnr"]["value"] is not None, row["key"]
    for file in ("table.md", "table.csv", "table.tex"):
        assert (out / file).stat().st_size > 1000

    command("-m", "deblurkit", "report", out)
    assert (out / "report.html").stat().st_size < 15e6

    pages = tmp_path / "results"
    command(ROOT / "benchmarks" / "publish.py", out, pages, "--no-timing")
    page = (pages / "ablation.md").read_text("utf-8")
    assert "deblurkit bench" in page and "loss families" in page and "Time: 0 h " in page
    assert (pages / "claims.md").stat().st_size > 5000
    shown = sorted(pages.glob("*.png"))
    assert shown and all(f"]({path.name})" in page for path in shown)

    verdicts = tmp_path / "claims.json"
    command(ROOT / "benchmarks" / "claims.py", out, "--no-timing", "--json", verdicts)
    claims = json.loads(verdicts.read_text("utf-8"))
    assert len(claims["claims"]) == 13
    assert {"supported", "not supported", "inconclusive"} >= {
        claim["verdict"] for name, claim in claims["claims"].items() if name != "C10"
    }
