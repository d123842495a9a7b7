"""`deblurkit data prepare` and `preview`, and what training and scoring do with their clips."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner, Result
from made_videos import moving_frames
from PIL import Image

from deblurkit.cli import main
from deblurkit.data.prepared.clips import PreparedClips
from deblurkit.media.image import read_image, write_png


def deblurkit(*words: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, words)), catch_exceptions=False)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage") / "two takes"
    for name, frames in (("a", moving_frames(30)), ("ü b", moving_frames(16, 40, 56))):
        for k, image in enumerate(frames):
            write_png(folder / name / f"{k:06d}.png", image)
    return folder


def test_from_footage_to_a_score(
    footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    made = deblurkit("data", "prepare", footage / "a", "-o", tmp_path / "train", "--workers", "0")
    assert made.exit_code == 0, made.output
    assert "4 clips of 7 frames from 1 recording, 64×48 pixels" in made.output
    assert "takes 288 KiB on the disk" in made.output
    test = ["data", "prepare", footage / "ü b", "--workers", "0"]
    assert deblurkit(*test, "-o", tmp_path / "test").exit_code == 0
    one = deblurkit(*test, "--set", "frames=1", "--clips", "3", "-o", tmp_path / "one", "--json")
    assert json.loads(one.stdout) == {
        "clips": 3,
        "frames": 1,
        "recordings": ["ü b"],
        "bytes": 3 * 40 * 56 * 3 * 2,
        "folder": str(tmp_path / "one"),
    }
    sets = [
        "data.train.name=prepared",
        f"data.train.path={json.dumps(str(tmp_path / 'train'))}",
        "data.test.name=prepared",
        f"data.test.path={json.dumps(str(tmp_path / 'test'))}",
        "data.test.blurry=kept",
        "data.clip_size=32",
        "data.crop=32",
        "training.middle.steps=1",
        "training.others.steps=1",
    ]
    words = [word for said in sets for word in ("--set", said)]
    run = tmp_path / "run"
    done = deblurkit("run", "sequential_pairwise", "--scale", "smoke", *words, "--out", run)
    assert done.exit_code == 0, done.output
    before = (run / "metrics.json").read_bytes()
    scored = deblurkit("evaluate", run, "--on", tmp_path / "test", "--json")
    rows = json.loads(scored.stdout)["rows"]
    assert rows["truth"]["psnr"] is None  # no error at all
    assert 10 < rows["blurry"]["psnr"] < 40
    # Whole frames of other sizes than the training's; and the middle network alone.
    middle = deblurkit(
        "evaluate", run, "--on", tmp_path / "one", "--protocol", "jin2018-middle", "--json"
    )
    assert middle.exit_code == 0, middle.output
    assert json.loads(middle.stdout)["rows"]["truth"]["psnr-middle"] == 100
    assert (run / "metrics.json").read_bytes() == before
    seen = deblurkit("evaluate", run, "--on", tmp_path / "train")
    assert seen.exit_code == 2 and "was trained on what would be scored: a" in seen.output
    five = deblurkit(*test, "--set", "frames=5", "-o", tmp_path / "five")
    assert five.exit_code == 0
    other = deblurkit("evaluate", run, "--on", tmp_path / "five")
    assert other.exit_code == 2 and "--set frames=7" in other.output
    both = deblurkit("evaluate", run, "--on", tmp_path / "one", "--clips", "3")
    assert both.exit_code == 2 and "--on says what is scored" in both.output


@pytest.mark.parametrize("kind", ["footage", "prepared", "recipe"])
def test_preview(kind: str, footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    source: str | Path = footage
    if kind == "prepared":
        source = tmp_path / "made"
        deblurkit("data", "prepare", footage, "-o", source, "--workers", "0", "--clips", "2")
    elif kind == "recipe":
        source = "sequential_pairwise"
    words = ("data", "preview", source, "-o", tmp_path / "look", "--clips", "2")
    done = deblurkit(*words)
    assert done.exit_code == 0, done.output
    assert done.output.count("pixels a frame") == 2
    sheet = read_image(tmp_path / "look.png")
    assert sheet.shape[0] > 80 and len(np.unique(sheet.reshape(-1, 3), axis=0)) > 100
    with av.open(str(tmp_path / "look.mp4")) as movie:
        assert sum(1 for _ in movie.decode(video=0)) >= 2 * 24
    again = deblurkit(*words)
    assert again.exit_code == 2 and "--force" in again.output
    if kind == "footage":
        assert "a frames 1-7: 2." in done.output and "average to single steps" in done.output


def test_filling_the_cache_of_a_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    said = ("data.clips=3", "evaluation.clips=2", "evaluation.samples=1", "data.clip_size=64")
    words = [word for one in said for word in ("--set", one)]
    dry = deblurkit("data", "prepare", "ablation/joint", *words, "--dry-run")  # a name, no path
    assert dry.exit_code == 0 and not (tmp_path / "cache").exists()
    done = deblurkit("data", "prepare", "sequential_pairwise", *words)
    assert done.exit_code == 0, done.output
    assert "5 clips of 64×64 pixels, 420 KiB" in done.output
    assert len([p for p in (tmp_path / "cache" / "clips").iterdir() if p.is_dir()]) == 2


def test_mistakes(footage: Path, tmp_path: Path) -> None:
    for words, said in (
        ([footage], "say with -o FOLDER"),
        ([tmp_path / "nothing", "-o", tmp_path / "x"], "there is no such folder or file"),
        (["sequential_pairwise", "--preset", "a"], "--preset is for footage"),
        ([footage, "-o", tmp_path / "x", "--preset", "a"], "has no preset 'a'"),
        ([footage, "-o", tmp_path / "x", "--layout", "gopros"], "gopro"),
        ([footage, "-o", tmp_path / "x", "--set", "frames=4"], "odd"),
        ([footage, "-o", footage], "holds other things"),
        (["no_such_recipe"], "no_such_recipe"),
    ):
        done = deblurkit("data", "prepare", *words)
        assert done.exit_code == 2, done.output
        assert said in done.output, (words, done.output)
    assert not (tmp_path / "x").exists()


def test_a_clip_set_that_others_can_read(footage: Path, tmp_path: Path) -> None:
    deblurkit("data", "prepare", footage, "-o", tmp_path / "out", "--workers", "0")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    shard = manifest["shards"][0]
    frames = np.load(tmp_path / "out" / shard["frames"]["file"])
    image = Image.open(footage / shard["sources"][0] / "000000.png")
    assert np.array_equal(frames[0, 0], np.asarray(image))
    assert len(PreparedClips(tmp_path / "out")) == sum(
        len(s["sources"]) for s in manifest["shards"]
    )
