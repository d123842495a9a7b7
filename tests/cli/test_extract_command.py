"""`deblurkit extract`, as a photographer uses it: the real program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_bundle import made_bundle
from PIL import Image

from deblurkit.cli import main

PROGRAM = [sys.executable, "-W", "error", "-m", "deblurkit", "extract"]
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_bundle(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo one.jpg"
    Image.fromarray(RNG.integers(0, 256, (40, 52, 3), dtype=np.uint8)).save(path)
    return path


def extract(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *map(str, words)],
        cwd=cwd, capture_output=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip


def test_a_photo_and_a_video_to_play(weights: Path, photo: Path, tmp_path: Path) -> None:
    done = extract(photo.name, "--weights", weights, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "photo one.mp4").stat().st_size > 1000
    assert "photo one.mp4" in done.stdout and "average to the photo within" in done.stdout
    again = extract(photo.name, "--weights", weights, cwd=tmp_path)
    assert again.returncode == 2 and "there already" in again.stderr and "--force" in again.stderr
    forced = extract(photo.name, "--weights", weights, "--force", cwd=tmp_path)
    assert forced.returncode == 0


def test_several_photos_formats_and_one_that_fails(
    weights: Path, photo: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    photo.rename(folder / "a.jpg")
    (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"broken")
    Image.fromarray(RNG.integers(0, 256, (30, 33), dtype=np.uint8)).save(folder / "c.png")
    done = extract(
        folder, "-o", tmp_path / "out", "--format", "frames", "--format", "webp", "--json",
        "--weights", weights, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    a, b, c = json.loads(done.stdout)
    assert len(a["written"]) == 2 and a["width"] == 52 and a["exact"] and a["frames"] == 7
    assert ("b.png" in b["error"] and "damaged" in b["error"]) or "not an image" in b["error"]
    assert c["width"] == 33 and (tmp_path / "out" / "c-frames" / "7.png").is_file()
    assert not list((tmp_path / "out").glob("b*"))
    plain = extract(
        folder, "-o", tmp_path / "more", "--weights", weights, "--middle-only", cwd=tmp_path
    )
    assert plain.returncode == 2 and "2 of 3 photos" in plain.stdout
    assert sorted(p.name for p in (tmp_path / "more").iterdir()) == ["a-middle.png", "c-middle.png"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-o", "a.avi"], ".avi"),
        (["--format", "mp5"], "did you mean 'mp4'"),
        (["--weights", "nothing"], "no such weights"),
        (["--memory", "lots"], "no size of memory"),
        (["--memory", "1MB"], "too little"),
        (["--frames", "4"], "no middle frame"),
        (["--middle", "missing.png"], "there is no such file"),
        (["-o", "a.mp4", "missing.jpg"], "cannot go to one file"),
        (["--frames", "1", "-o", "a.mp4"], "one frame"),
        (["--middle-only", "--consistent"], "middle frame alone"),
        (["--fps", "nan"], "nan frames a second"),
        (["--memory", "9" * 400], "more memory than there can be"),
        (["-o", "n" * 300 + ".mp4"], "cannot be written"),
        (["-o", "-"], "standard output"),
        (["-o", ".mp4"], "nothing before its ending"),
        (["-o", "photo one.jpg/a.mp4"], "a file, not a folder"),
        (["--middle-only", "--format", "error"], "without --middle-only"),
        (["--frames", "1000000001"], "1 to 999"),
        (["-o", "photo one.jpg", "--force"], "no way to write"),
        (["--middle", "photo one.jpg", "-o", "x/../photo one.jpg.gif", "--weights", ""], "empty"),
        (["--middle-only", "--format", "gif"], "one frame"),
        (["-o", ""], "empty"),
        (["--device", "cpu", "--compile"], "for a GPU only"),
    ],
)
def test_mistakes_are_messages(
    words: list[str],
    said: str,
    weights: Path,
    photo: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    usual = [] if "--weights" in words else ["--weights", str(weights)]
    done = CliRunner().invoke(main, ["extract", photo.name, *words, *usual])
    assert done.exit_code == 2, done.output
    assert said in done.stderr and "Traceback" not in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == [photo.name]


def test_the_largest_side_is_the_same_everywhere() -> None:
    from deblurkit.cli.extract import MOST_SIDE
    from deblurkit.extraction import outputs

    assert MOST_SIDE == outputs.MOST_SIDE


def test_nothing_that_is_read_is_overwritten(weights: Path, photo: Path, tmp_path: Path) -> None:
    Image.open(photo).save(tmp_path / "photo one-middle.png")
    Image.open(photo).save(tmp_path / "sharp.png")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    words = ["--weights", weights, "--force"]
    both = extract(photo.name, "photo one-middle.png", "--format", "middle", *words, cwd=tmp_path)
    assert both.returncode == 2 and "would be overwritten" in both.stderr
    assert (tmp_path / "photo one-middle-middle.png").exists(), "the other one goes on"
    given = extract(photo.name, "--middle", "sharp.png", "-o", "./sharp.png", *words, cwd=tmp_path)
    assert given.returncode == 2 and "would be overwritten" in given.stderr
    assert all(path.read_bytes() == content for path, content in before.items())


def test_one_photo_s_trouble_is_its_own(weights: Path, photo: Path, tmp_path: Path) -> None:
    Image.open(photo).save(tmp_path / "photo one.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "b.heic").write_bytes(b"0000ftypheic0000")
    Image.open(photo).save(tmp_path / "c.png")
    done = extract(
        "empty", photo.name, photo.name, "photo one.png", "b.heic", "c.png",
        "--weights", weights, "--json", "--format", "gif", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 2
    empty, first, same, heic, last = json.loads(done.stdout)
    assert "empty" in empty["error"] and first["written"] == ["photo one.gif"]
    assert "written there, too" in same["error"] and "HEIC" in heic["error"]
    assert last["written"] == ["c.gif"] and last["corrected"] is False


LISTENING = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "signal.signal(signal.SIGHUP, signal.SIG_DFL); "
    "from deblurkit.cli import main; main()"
)
"""The program where a shell had signals ignored, as it does for work in the background."""


def test_a_second_time_in_the_same_folder(weights: Path, photo: Path, tmp_path: Path) -> None:
    """What was made of a photo is no photo, and takes nothing's place."""
    Image.open(photo).save(tmp_path / "b.png")
    first = ["--format", "sheet", "--format", "gif", "--format", "middle"]
    assert extract(".", *first, "--weights", weights, cwd=tmp_path).returncode == 0
    again = extract(".", "--format", "webp", "--weights", weights, "--json", cwd=tmp_path)
    assert again.returncode == 0
    said = json.loads(again.stdout)
    assert [one["photo"] for one in said] == ["b.png", "photo one.jpg"]
    assert "b.gif was taken for what was made of it before, and left" in said[0]["notes"]
    third = extract("b.gif", "--format", "html", "--weights", weights, cwd=tmp_path)
    assert third.returncode == 0  # by itself it is a picture like any other


def test_what_cannot_be_read_takes_no_photo_s_place(
    weights: Path, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "photo one.heic").write_bytes(b"0000ftypheic0000")
    done = extract(".", "-o", "2024.05.12/", "--weights", weights, "--json", cwd=tmp_path)
    assert done.returncode == 2
    heic, jpeg = json.loads(done.stdout)
    assert "HEIC" in heic["error"] and jpeg["written"] == ["2024.05.12/photo one.mp4"]


def test_one_output_that_fails_does_not_cost_the_others(
    weights: Path, photo: Path, tmp_path: Path
) -> None:
    name = tmp_path / ("n" * 249 + ".jpg")
    photo.rename(name)
    formats = ["--format", "sheet", "--format", "error", "--format", "gif"]
    done = extract(name.name, *formats, "--weights", weights, "--json", cwd=tmp_path)
    (said,) = json.loads(done.stdout)
    assert done.returncode == 2 and "cannot be written" in said["error"]
    assert said["written"] == ["n" * 249 + ".gif"] and "reblur_psnr" in said


def test_names_in_json_are_exact(weights: Path, photo: Path, tmp_path: Path) -> None:
    name = os.fsdecode("ö".encode("latin-1") + b".png")  # not UTF-8
    Image.open(photo).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / name)
    done = extract(name, "--weights", weights, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)[0]["photo"] == name, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_device_is_no_bug(weights: Path, photo: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, photo.name, "--weights", weights, "--json"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, encoding="utf-8", check=False,
        )  # fmt: skip
    assert done.returncode == 1 and "no space left" in done.stderr
    assert "bug" not in done.stderr


@pytest.mark.parametrize("after", [0.3, 0.8, 1.3, 2.0])
def test_stopped_while_libraries_are_imported(weights: Path, tmp_path: Path, after: float) -> None:
    Image.fromarray(RNG.integers(0, 256, (3000, 3000, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING, "extract", "a.png", "--weights", str(weights)],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    # Before the program has begun Python itself says what happened.
    assert process.returncode in (130, -signal.SIGINT), error
    assert "bug" not in error
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize(
    ("when", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_stopped_work_leaves_nothing(weights: Path, tmp_path: Path, when: int, code: int) -> None:
    Image.fromarray(RNG.integers(0, 256, (3000, 3000, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENING, "extract", "a.png", "--weights", str(weights)],
        cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8",
    )  # fmt: skip
    time.sleep(6)
    assert process.poll() is None, process.communicate()[1]
    process.send_signal(when)
    _, error = process.communicate(timeout=60)
    assert process.returncode == code and "stopped" in error and "Traceback" not in error
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
