"""`deblurkit score`, from files to table, JSON and CSV."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from deblurkit.cli import main
from deblurkit.evaluation.measures import ScoreSheet
from deblurkit.evaluation.protocols import animation_from_blur, blur2vid
from deblurkit.evaluation.protocols import deblurkit as ours
from deblurkit.evaluation.protocols.lookup import PROTOCOLS, get_protocol
from deblurkit.formation import form
from deblurkit.media.image import write_png
from deblurkit_standard.datasets.moving_shapes import MovingShapes

REASON = "the weights are not at a place with a rather long path and cannot be fetched from here"


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch):
    for module in (ours, animation_from_blur, blur2vid):
        monkeypatch.setattr(module, "why_unavailable", lambda net: REASON)
    monkeypatch.setattr(blur2vid, "why_raft_unavailable", lambda: REASON)


def deblurkit(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words], env={"COLUMNS": "80"})


def write_clip(folder: Path, frames) -> None:
    for t, frame in enumerate(frames, start=1):
        write_png(folder / f"{t}.png", frame)


def true_frames(seed: int, T: int = 7) -> np.ndarray:
    shapes = MovingShapes(motion=(10.0, 14.0))
    rng = np.random.default_rng(seed)
    (clip,) = shapes.clips("scene-000", count=1, frames=T, size=44, rng=rng)
    return clip.frames


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> tuple[Path, Path]:
    """Three clips; the predictions are noisy, and clip2 runs backwards."""
    root = tmp_path_factory.mktemp("score")
    rng = np.random.default_rng(0)
    for k in range(1, 4):
        true = true_frames(k)
        noisy = np.clip(true + rng.normal(0, 5 * k, true.shape), 0, 255).astype(np.uint8)
        write_clip(root / "truth" / f"clip{k}", true)
        write_clip(root / "pred" / f"clip{k}", noisy[::-1] if k == 2 else noisy)
    return root / "pred", root / "truth"


def read(folder: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    from deblurkit.evaluation.score_folders import find_pairs

    return [(e[0], t) for e, t, _ in (c.read() for c in find_pairs(*folder).clips)]


def test_table_json_and_csv_say_what_the_protocol_says(folders, tmp_path):
    sheet_file, table_file = tmp_path / "new" / "s.json", tmp_path / "s.csv"
    done = deblurkit("score", *folders, "--json", sheet_file, "--csv", table_file)
    assert done.exit_code == 0, done.output
    assert "protocol deblurkit/1, 3 clips of 7 frames" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80

    sheet = ScoreSheet.from_json(json.loads(sheet_file.read_text()))
    assert sheet.clips == ["clip1", "clip2", "clip3"] and sheet.protocol == "deblurkit/1"
    errors = []
    for estimate, target in read(folders):
        e, t = estimate.astype(float), target.astype(float)
        errors.append(min(np.square(d - t).mean() for d in (e, e[::-1])))
    wanted = -10 * math.log10(np.mean(errors))
    assert sheet.values("psnr") == [pytest.approx(wanted)]
    shown = next(line for line in done.stdout.splitlines() if line.startswith("PSNR ↑"))
    assert f" {wanted:.2f} " in shown and "dB" in shown
    low, high = (float(x) for x in shown.split("dB")[1].split(" to "))
    assert low <= wanted <= high

    with table_file.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip"] for row in rows] == sheet.clips
    for row, error in zip(rows, errors, strict=True):
        assert float(row["psnr"]) == pytest.approx(-10 * math.log10(error))
    assert {f"psnr-frame:{t}" for t in range(1, 8)} <= set(rows[0])
    assert "lpips" not in rows[0]


def test_what_is_not_available_says_why(folders):
    done = deblurkit("score", *folders)
    said = " ".join(done.stdout.split())
    assert f"LPIPS is not available: {REASON}" in said
    assert "LPIPS ↓ - not available, see below" in said


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_scores_folders(folders, name):
    done = deblurkit("score", *folders, "--protocol", name, "--limit", "2")
    assert done.exit_code == 0, done.output
    assert f"protocol {name}/1, 2 clips of 7 frames" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    for column in get_protocol(name).columns(7):
        assert column.title in done.stdout


def test_frames_beyond_seven_go_into_further_lines(tmp_path):
    for side in ("pred", "truth"):
        write_clip(tmp_path / side, true_frames(1, T=11))
    done = deblurkit("score", tmp_path / "pred", tmp_path / "truth")
    assert done.exit_code == 0, done.output
    heads = [x.split()[1:] for x in done.stdout.splitlines() if x.startswith("frame")]
    assert heads == [[*"1234567"], ["8", "9", "10", "11"]]
    assert done.stdout.count("exact") >= 11  # the truth against itself
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_blurry_images_and_response_change_reblurring(folders, tmp_path):
    pred, truth = folders
    for k in range(1, 4):
        y = form(true_frames(k) / 255.0, response="gamma")
        write_png(tmp_path / "y" / f"clip{k}.png", np.rint(255 * y).astype(np.uint8))

    def reblur(*words) -> float:
        done = deblurkit("score", pred, truth, "--json", tmp_path / "s.json", *words)
        assert done.exit_code == 0, done.output
        sheet = ScoreSheet.from_json(json.loads((tmp_path / "s.json").read_text()))
        return float(sheet.values("reblur-psnr")[0])

    given = reblur("--blurry", tmp_path / "y", "--response", "gamma")
    assert given == pytest.approx(reblur("--response", "gamma"), abs=1e-3)
    assert given > reblur("--blurry", tmp_path / "y") + 0.1
    curve = tmp_path / "g.csv"
    curve.write_text(", ".join(f"{(k / 4095) ** (1 / 2.2)!r}" for k in range(4096)))
    assert reblur("--response", curve) == pytest.approx(reblur("--response", "gamma"), abs=0.02)


def test_samples_count_by_their_best(folders, tmp_path):
    pred, truth = folders
    for k in (1, 2, 3):
        (tmp_path / "pred" / f"clip{k}").mkdir(parents=True)
        for sample, source in (("good", truth), ("fair", pred)):
            link = tmp_path / "pred" / f"clip{k}" / sample
            link.symlink_to(source / f"clip{k}")
    words = ("score", tmp_path / "pred", truth, "--samples")
    done = deblurkit(*words, "--protocol", "animation-from-blur")
    assert done.exit_code == 0 and "100.00" in done.stdout, done.output
    done = deblurkit(*words)
    assert done.exit_code == 2 and "not samples" in done.stderr


def test_mistakes_end_with_2_and_leave_nothing(folders, tmp_path):
    pred, truth = folders
    wrong = {
        "no protocol 'deblurkid'": ("--protocol", "deblurkid"),
        "in version 1, not '7'": ("--protocol", "deblurkit/7"),
        "'linear' is neither a response nor a file": ("--response", "linear"),
        "changes nothing under": ("--protocol", "jin2018-middle", "--response", "srgb"),
        "no such file or folder": ("--blurry", tmp_path / "absent"),
    }
    for said, words in wrong.items():
        done = deblurkit("score", pred, truth, "--json", tmp_path / "s.json", *words)
        assert done.exit_code == 2 and said in done.stderr, done.output
        assert "Traceback" not in done.output
    done = deblurkit("score", pred / "clip1", truth, "--csv", tmp_path / "s.csv")
    assert done.exit_code == 2 and "this is one clip" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_missing_clips_stop_or_are_counted(folders, tmp_path):
    pred, truth = folders
    few = tmp_path / "few"
    few.mkdir()
    (few / "clip2").symlink_to(pred / "clip2")
    done = deblurkit("score", few, truth)
    assert done.exit_code == 2 and "2 without prediction" in done.stderr
    done = deblurkit("score", few, truth, "--allow-missing")
    assert done.exit_code == 0
    assert "1 clip of 7 frames" in done.stdout
    assert "left out: 2 without prediction: clip1, clip3" in done.stdout


def test_list_names_every_protocol_with_its_columns():
    done = deblurkit("score", "--list")
    assert done.exit_code == 0
    flat = " ".join(done.stdout.replace("-\n    ", "-").split())
    for name in PROTOCOLS:
        assert f"{name}/1" in done.stdout
        keys = [c.key for c in get_protocol(name).columns(7)]
        assert f"Columns: {', '.join(keys)}." in flat


def test_the_real_command_in_a_pipe(folders):
    words = [sys.executable, "-m", "deblurkit", "score", *map(str, folders)]
    done = subprocess.run(
        [*words, "--protocol", "hypercut-ppsnr"],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and "\x1b" not in done.stdout
    assert "pPSNR" in done.stdout


def test_a_file_that_cannot_be_written_costs_no_scores(folders, tmp_path):
    (tmp_path / "file").write_text("mine")
    done = deblurkit("score", *folders, "--csv", tmp_path / "file" / "s.csv")
    assert done.exit_code == 2 and "cannot be written" in done.stderr
    assert "protocol deblurkit/1, 3 clips of 7 frames" in done.stdout
    same = deblurkit("score", *folders, "--csv", tmp_path / "s", "--json", tmp_path / "s")
    assert same.exit_code == 2 and "name the same file" in same.stderr


def test_names_that_are_not_utf_8_are_scored_printed_and_written(folders, tmp_path):
    pred, truth = folders
    name = os.fsdecode(b"cl\xffip")
    try:
        shutil.copytree(pred / "clip1", tmp_path / "pred" / name)
        shutil.copytree(truth / "clip1", tmp_path / "truth" / name)
    except OSError:
        pytest.skip("this file system has no such names")
    shutil.copytree(truth / "clip2", tmp_path / "truth" / "clip2")
    words = [sys.executable, "-m", "deblurkit", "score", "pred", "truth", "--allow-missing"]
    words += ["--protocol", "jin2018-middle", "--json", f"{name}.json", "--csv", f"{name}.csv"]
    done = subprocess.run(words, capture_output=True, cwd=tmp_path, timeout=120, check=False)
    assert done.returncode == 0 and done.stderr == b"", done.stderr
    done.stdout.decode("utf-8")
    sheet = json.loads((tmp_path / f"{name}.json").read_text("utf-8"))
    assert sheet["clips"] == ["cl\ufffdip"]
    assert "\ncl\ufffdip," in (tmp_path / f"{name}.csv").read_text("utf-8")
    shutil.rmtree(tmp_path / "truth" / name)
    done = subprocess.run(words, capture_output=True, cwd=tmp_path, timeout=120, check=False)
    said = done.stderr.decode("utf-8")
    assert done.returncode == 2 and "1 without truth in truth: cl\ufffdip" in said
    words[-1] = words[-3] = os.fsdecode(b"\xff/\xff")
    words[4] = os.fsdecode(b"\xff\x1b[31m")
    done = subprocess.run(words, capture_output=True, cwd=tmp_path, timeout=120, check=False)
    said = done.stderr.decode("utf-8")
    assert done.returncode == 2 and "error: \ufffd\ufffd[31m: there is no such file" in said


def test_how_colours_were_read_is_said_once(folders, tmp_path):
    _, truth = folders
    for path in sorted(truth.rglob("*.png")):
        gray = tmp_path / "gray" / path.relative_to(truth)
        gray.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).convert("L").save(gray)
    done = deblurkit("score", tmp_path / "gray", truth, "--protocol", "jin2018-middle")
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert said.count("predictions of 3 clips are gray: each value counts for all three") == 1
    through = tmp_path / "gray" / "clip2" / "1.png"
    Image.new("RGBA", (44, 44), (0, 0, 0, 128)).save(through)
    done = deblurkit("score", tmp_path / "gray", truth)
    assert done.exit_code == 2 and f"clip2: {through} has transparent pixels" in done.stderr


@pytest.mark.parametrize(
    "words", [("", "."), (".", ""), *((".", ".", o, "") for o in ("--blurry", "--json", "--csv"))]
)
def test_an_empty_path_is_not_the_current_folder(folders, words, monkeypatch):
    monkeypatch.chdir(folders[1] / "clip1")
    before = sorted(Path().iterdir())
    done = deblurkit("score", *words)
    assert done.exit_code == 2 and "the path is empty" in done.stderr
    assert sorted(Path().iterdir()) == before and done.stdout == ""


def test_the_exponent_of_reblurring_counts_and_stands_in_the_sheet(folders, tmp_path):
    def sheet(*words) -> ScoreSheet:
        file = tmp_path / "s.json"
        done = deblurkit("score", *folders, "--json", file, *words)
        assert done.exit_code == 0, done.output
        return ScoreSheet.from_json(json.loads(file.read_text()))

    usual, curved = sheet("--response", "gamma"), sheet("--response", "gamma", "--gamma", "4")
    assert usual.settings == {"response": "gamma", "gamma": 2.2}
    assert curved.settings == {"response": "gamma", "gamma": 4.0}
    assert usual.values("reblur-psnr") != curved.values("reblur-psnr")
    assert usual.values("psnr") == curved.values("psnr")
    assert sheet().settings == {"response": "identity"}
    assert sheet("--protocol", "jin2018-middle").settings == {}
    for words, said in (
        (("--gamma", "3"), "--gamma changes nothing without --response gamma"),
        (("--gamma", "3", "--response", "srgb"), "changes nothing without"),
        (("--gamma", "0", "--response", "gamma"), "--gamma"),
        (("--gamma", "nan", "--response", "gamma"), "nan is no number above 0"),
        (("--gamma", "inf", "--response", "gamma"), "--gamma"),
    ):
        done = deblurkit("score", *folders, *words)
        assert done.exit_code == 2 and said in done.stderr


def test_one_clip_is_one_clip(folders):
    pred, truth = folders
    done = deblurkit("score", pred / "clip1", truth.parent / "pred")
    assert done.exit_code == 2 and "is a folder of 3 clips" in done.stderr
    done = deblurkit("score", pred / "clip1", truth / "clip1", "--protocol", "jin2018-middle")
    assert "1 clip of 7 frames" in done.stdout
