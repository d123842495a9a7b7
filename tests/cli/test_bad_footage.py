"""Footage that cannot be used: one message with the numbers, exit code 2, nothing left behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from deblurkit.cli import main
from deblurkit.media.video_writing import write_mp4

RNG = np.random.default_rng(0)


def images(folder: Path, count: int, height: int = 64, width: int = 80) -> Path:
    folder.mkdir(parents=True)
    for k in range(count):
        pixels = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{k:03d}.png")
    return folder


def run(tmp_path: Path, name: str, path: Path, *extra: str) -> Result:
    words = ["run", "sequential_windowed", "--scale", "smoke", "--out", str(tmp_path / "run")]
    for said in (f"data.train.name={name}", f"data.train.path={path}", *extra):
        words += ["--set", said]
    return CliRunner().invoke(main, words)


def refused(result: Result, *said: str) -> None:
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert "phase 1" not in result.output
    assert "another recipe" not in result.output
    for text in said:
        assert text in result.output


def test_missing_empty_and_non_image_folders(tmp_path: Path) -> None:
    refused(run(tmp_path, "frames", tmp_path / "nowhere"), "nowhere")
    (tmp_path / "empty").mkdir()
    refused(run(tmp_path, "frames", tmp_path / "empty"), "empty")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("words")
    refused(run(tmp_path, "frames", tmp_path / "texts"), "texts")


def test_a_corrupt_image_is_named(tmp_path: Path) -> None:
    folder = images(tmp_path / "frames", 40)
    (folder / "017.png").write_bytes((folder / "017.png").read_bytes()[:200])
    refused(run(tmp_path, "frames", folder, "data.train.passage=20"), "017.png")


def test_mixed_sizes_name_both_files(tmp_path: Path) -> None:
    folder = images(tmp_path / "frames", 20)
    Image.new("RGB", (81, 64)).save(folder / "012.png")
    result = run(tmp_path, "frames", folder, "data.train.passage=10")
    refused(result, "012.png", "81", "80")


@pytest.mark.parametrize("name", ["frames", "video"])
def test_footage_shorter_than_a_clip_says_the_numbers(tmp_path: Path, name: str) -> None:
    path = tmp_path / "short.mp4"
    if name == "frames":
        path = images(tmp_path / "short", 5)
    else:
        write_mp4(path, RNG.integers(0, 256, (5, 64, 80, 3), dtype=np.uint8), fps=30)
    refused(run(tmp_path, name, path), "short", "5", "7")


def test_footage_smaller_than_a_clip_says_the_numbers(tmp_path: Path) -> None:
    folder = images(tmp_path / "small", 40, height=24)
    refused(run(tmp_path, "frames", folder, "data.train.passage=20"), "24", "40")


def test_a_file_that_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video at all" * 100)
    refused(run(tmp_path, "video", tmp_path / "a.mp4"), "a.mp4")
    refused(run(tmp_path, "video", tmp_path / "b.mp4"), "b.mp4")


def test_a_video_that_breaks_off(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mp4"
    write_mp4(whole, RNG.integers(0, 256, (60, 64, 80, 3), dtype=np.uint8), fps=30)
    data = whole.read_bytes()
    for cut in (1000, len(data) // 2):
        path = tmp_path / f"cut-{cut}.mp4"
        path.write_bytes(data[:cut])
        result = run(tmp_path / str(cut), "video", path, "data.train.passage=10")
        if result.exit_code:  # what can be read may be enough
            refused(result, path.name)


def test_footage_trains(tmp_path: Path) -> None:
    clip = tmp_path / "whole.mp4"
    write_mp4(clip, RNG.integers(0, 256, (40, 64, 80, 3), dtype=np.uint8), fps=30)
    result = run(tmp_path, "video", clip, "data.train.passage=10", "frames=3")
    assert result.exit_code == 0, result.output
    folder = images(tmp_path / "frames", 40)
    result = run(tmp_path / "b", "frames", folder, "data.train.passage=10", "frames=3")
    assert result.exit_code == 0, result.output
