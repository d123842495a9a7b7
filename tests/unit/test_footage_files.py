"""Footage as disks hold it: many files, odd names, loops of links, files that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from made_videos import moving_frames

from deblurkit.data.prepared.clips import PreparedClips
from deblurkit.data.prepared.prepare import plan_footage
from deblurkit.errors import DataError
from deblurkit.media.image import write_png
from deblurkit.registry import get_registry
from deblurkit_standard.datasets.frames import Frames

FRAMES = moving_frames(6, 16, 16)


def folder_of(path: Path, names: list[str]) -> Path:
    for name, image in zip(names, FRAMES, strict=False):
        write_png(path / name, image)
    return path


def test_ten_thousand_files(tmp_path: Path) -> None:
    write_png(tmp_path / "one.png", FRAMES[0])
    for k in range(10_000):
        os.link(tmp_path / "one.png", tmp_path / f"{k}.png")
    (tmp_path / "one.png").unlink()
    dataset = Frames(path=tmp_path, passage=500)
    assert [file.name for file in dataset.recordings[0].files[:3]] == ["0.png", "1.png", "2.png"]
    assert dataset.recordings[0].files[-1].name == "9999.png"
    assert len(dataset.sources()) == 20
    clips = dataset.clips(
        dataset.sources()[-1], count=1, frames=3, size=8, rng=np.random.default_rng(0)
    )
    assert next(clips).frames.shape == (3, 8, 8, 3)


@pytest.mark.parametrize(
    "name", ["with space", "ünï-çode 写真", "-dash", "a'b\"c", "new\nline", "percent%20", "~tilde"]
)
def test_odd_names(name: str, tmp_path: Path) -> None:
    footage = folder_of(tmp_path / "in" / name, [f"{name} {k}.png" for k in range(6)])
    plan = plan_footage(footage, get_registry(), overrides=["frames=3"])
    plan.write(tmp_path / "out")
    clips = PreparedClips(tmp_path / "out")
    assert clips.sources == (name, name)
    assert np.array_equal(clips.arrays(1)[0], FRAMES[3:6])


def test_loops_of_links_are_not_followed(tmp_path: Path) -> None:
    footage = folder_of(tmp_path / "scene", [f"{k}.png" for k in range(6)])
    (tmp_path / "up").symlink_to(tmp_path, target_is_directory=True)
    (footage / "self.png").symlink_to("self.png")
    with pytest.raises(DataError, match=r"self\.png"):
        Frames(path=footage).sources()
    (footage / "self.png").unlink()
    (footage / "again").symlink_to(footage, target_is_directory=True)
    with pytest.raises(DataError, match="folders of images"):
        Frames(path=footage).sources()  # the link is a folder with images
    (footage / "again").unlink()
    assert Frames(path=tmp_path).sources() == ("scene frames 1-6",)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    footage = folder_of(tmp_path / "scene", [f"{k}.png" for k in range(6)])
    (footage / "3.png").chmod(0)
    if os.access(footage / "3.png", os.R_OK):
        pytest.skip("this user may read everything")
    with pytest.raises(DataError, match=r"3\.png(.|\n)*permission"):
        Frames(path=footage).sources()


def test_a_folder_in_the_place_of_an_image(tmp_path: Path) -> None:
    footage = folder_of(tmp_path / "scene", [f"{k}.png" for k in range(6)])
    (footage / "7.png").mkdir()
    assert Frames(path=footage).recordings[0].frames == 6
