from __future__ import annotations

import json
import os
import random
import shutil
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from made_videos import decoded_by_av, moving_frames, write_video

from deblurkit import storage
from deblurkit.data.prepared import write as write_module
from deblurkit.data.prepared.clips import PreparedClips
from deblurkit.data.prepared.manifest import NAME, read_manifest
from deblurkit.data.prepared.plan import shards
from deblurkit.data.prepared.prepare import Preparation, plan_footage
from deblurkit.errors import DataError, DeblurkitError
from deblurkit.formation import form
from deblurkit.media.image import write_png
from deblurkit.registry import get_registry
from deblurkit_standard.datasets.prepared import Prepared

FRAMES = moving_frames(33, 24, 32)


@pytest.fixture
def footage(tmp_path: Path) -> Path:
    """Two recordings of different sizes."""
    for name, frames in (("a", FRAMES), ("b", FRAMES[:17, :20])):
        for k, image in enumerate(frames):
            write_png(tmp_path / "footage" / name / f"{k:04d}.png", image)
    return tmp_path / "footage"


def planned(path: Path, *overrides: str, **how: int) -> Preparation:
    return plan_footage(path, get_registry(), overrides=["frames=3", *overrides], **how)  # type: ignore[arg-type]


def in_small_shards(plan: Preparation, most: int = 40_000) -> Preparation:
    chosen = [e for shard in plan.shards for e in shard.exposures]
    divided = shards(plan.dataset, chosen, frames=plan.recipe.frames, most=most)
    return Preparation(plan.dataset, plan.recipe, divided, plan.about)


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != ".lock"}


def test_clips_are_the_frames_and_their_formation(footage: Path, tmp_path: Path) -> None:
    plan = planned(footage, "data.formation.response=gamma", step=4)
    manifest = plan.write(tmp_path / "out")
    clips = PreparedClips(tmp_path / "out")
    assert len(clips) == manifest.clips == plan.clips == 8 + 4
    assert {s.frames.file for s in manifest.shards} == {"frames-00000.npy", "frames-00001.npy"}
    for k in range(len(clips)):
        true = FRAMES if clips.sources[k] == "a" else FRAMES[:17, :20]
        first, last = (int(n) for n in clips.places[k].removeprefix("frames ").split("-"))
        frames, blurry = clips.arrays(k)
        assert last - first == 2 and (first - 1) % 4 == 0
        assert np.array_equal(frames, true[first - 1 : last])
        expected = form(true[first - 1 : last].astype(np.float32) / 255, response="gamma")
        assert np.array_equal(blurry, np.rint(255 * expected))
        sample = clips.sample(k)
        assert sample["frames"].shape == (3, 3, *blurry.shape[:2])
        assert np.array_equal(sample["blurry"].numpy().transpose(1, 2, 0), expected)
    assert read_manifest(tmp_path / "out").formation["response"] == "gamma"
    assert sum(p.stat().st_size for p in (tmp_path / "out").glob("*.npy")) - plan.bytes < 1024


def test_a_choice_of_clips_is_even_and_videos_are_read_on(tmp_path: Path) -> None:
    video = write_video(tmp_path / "a.mp4", FRAMES)
    plan = planned(video, "data.train.stride=2", step=1, clips=4)
    plan.write(tmp_path / "out")
    clips = PreparedClips(tmp_path / "out")
    every = np.stack(decoded_by_av(video))[::2]
    starts = [(int(p.split()[1].split("-")[0]) - 1) // 2 for p in clips.places]
    assert starts == [0, 5, 9, 14]
    for k, start in enumerate(starts):
        assert np.array_equal(clips.arrays(k)[0], every[start : start + 3])


def test_sub_frames_and_workers(footage: Path, tmp_path: Path) -> None:
    plan = in_small_shards(
        planned(footage, "data.formation.subframes=3", "data.formation.jpeg=80"), 8_000
    )
    assert len(plan.shards) > 3
    plan.write(tmp_path / "one")
    plan.write(tmp_path / "two", workers=2)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    frames, _ = PreparedClips(tmp_path / "one").arrays(0)
    assert np.array_equal(frames, FRAMES[1:9:3])


def test_what_is_whole_is_kept_and_what_is_not_is_made_anew(footage: Path, tmp_path: Path) -> None:
    plan, out = in_small_shards(planned(footage)), tmp_path / "out"
    plan.write(out)
    before = contents(out)
    (out / "frames-00002.npy").unlink()
    with pytest.raises(DataError, match="a shard is missing"):
        PreparedClips(out)
    damaged = bytearray((out / "blurry-00001.npy").read_bytes())
    damaged[-1] ^= 1
    (out / "blurry-00001.npy").write_bytes(damaged)
    whole = (out / "frames-00000.npy").stat().st_ino
    calls: list[tuple[int, int]] = []
    plan.write(out, progress=lambda done, total: calls.append((done, total)))
    assert contents(out) == before
    assert (out / "frames-00000.npy").stat().st_ino == whole
    kept = plan.clips - sum(len(plan.shards[k].exposures) for k in (1, 2))
    assert calls[0] == (kept, plan.clips) and calls[-1] == (plan.clips, plan.clips)
    calls.clear()
    plan.write(out, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(plan.clips, plan.clips)] and contents(out) == before


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_killed_anywhere_and_continued(footage: Path, tmp_path: Path) -> None:
    plan = in_small_shards(planned(footage, "data.formation.mosaic=true"), most=8_000)
    begun = time.monotonic()
    plan.write(tmp_path / "whole")
    took = time.monotonic() - begun
    expected, rng, kills = contents(tmp_path / "whole"), random.Random(0), 0
    out = tmp_path / "out"
    for _ in range(20):
        child = os.fork()
        if child == 0:
            plan.write(out)
            os._exit(0)
        time.sleep(rng.uniform(0, 0.6 * took))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += os.WIFSIGNALED(status)
        if (out / NAME).exists():
            kept = contents(out)
            assert {name: kept[name] for name in expected} == expected
            assert all(name.startswith("shard-") for name in kept.keys() - expected.keys())
            shutil.rmtree(out)
        else:
            with pytest.raises(DataError, match="no finished folder"):
                PreparedClips(out)
    assert kills > 5
    plan.write(out)
    assert contents(out) == expected


def test_two_at_once(footage: Path, tmp_path: Path) -> None:
    plan, out = in_small_shards(planned(footage)), tmp_path / "out"
    threads = [threading.Thread(target=plan.write, args=(out,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    plan.write(tmp_path / "alone")
    assert contents(out) == contents(tmp_path / "alone")


def test_other_settings_other_things_and_changed_files(footage: Path, tmp_path: Path) -> None:
    planned(footage).write(tmp_path / "out")
    with pytest.raises(DataError, match="what differs: formation"):
        planned(footage, "data.formation.response=srgb").write(tmp_path / "out")
    with pytest.raises(DataError, match="the choice of frames"):
        planned(footage, step=1).write(tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(DataError, match=r"holds other things \('thesis.txt'\)"):
        planned(footage).write(tmp_path / "mine")
    plan = planned(footage)
    write_png(footage / "a" / "0005.png", FRAMES[7])
    with pytest.raises(DataError, match=r"0005\.png: the file has changed"):
        plan.write(tmp_path / "third")
    (footage / "a" / "0005.png").unlink()
    with pytest.raises(DataError, match=r"0005\.png: the file was there"):
        plan.write(tmp_path / "third")
    assert not list((tmp_path / "third").glob("*.npy"))


def test_a_full_disk(footage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nearly = type("Usage", (), {"free": 100_000})()
    monkeypatch.setattr(write_module.shutil, "disk_usage", lambda _: nearly)
    with pytest.raises(DataError, match=r"take \d+ KiB and 98 KiB are free"):
        planned(footage).write(tmp_path / "out")
    monkeypatch.undo()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    plan = in_small_shards(planned(footage))
    with monkeypatch.context() as patched:
        made: list[int] = []
        real = write_module.reserve_array

        def third(file: Path, shape: tuple[int, ...]):  # type: ignore[no-untyped-def]
            made.append(1)
            return full() if len(made) > 5 else real(file, shape)

        patched.setattr(write_module, "reserve_array", third)
        with pytest.raises(DataError, match=r"No space left(.|\n)*run the same command again"):
            plan.write(tmp_path / "out")
    assert len(list((tmp_path / "out").glob("shard-*.json"))) == 2
    plan.write(tmp_path / "out")
    assert len(PreparedClips(tmp_path / "out")) == plan.clips


def test_a_manifest_that_cannot_be_used(footage: Path, tmp_path: Path) -> None:
    planned(footage).write(tmp_path / "out")
    path = tmp_path / "out" / NAME
    said = json.loads(path.read_text())
    for wrong, message in (
        ({**said, "format": 99}, "prepared in format 99"),
        ({**said, "shards": [{}]}, "manifest is damaged"),
        ({**said, "shards": []}, "holds no clip"),
        ([], "manifest is damaged"),
    ):
        storage.write_json(path, wrong)
        with pytest.raises(DataError, match=message):
            PreparedClips(tmp_path / "out")
    path.write_text("{")
    with pytest.raises(DataError, match="manifest is damaged"):
        PreparedClips(tmp_path / "out")


def test_footage_that_gives_nothing(footage: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no recording has 99 consecutive frames; the longest"):
        planned(footage, "frames=99")
    with pytest.raises(DataError, match="no preset 'paper'"):
        plan_footage(footage, get_registry(), preset="paper")
    with pytest.raises(DataError, match="no such folder"):
        planned(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no data set of footage"):
        planned(tmp_path / "empty")
    with pytest.raises(DataError, match="is no footage"):
        plan_footage(footage, get_registry(), layout="prepared")
    with pytest.raises(DeblurkitError, match="downsample"):
        planned(footage, "data.train.downsample=2")


def test_the_dataset_of_prepared_clips(footage: Path, tmp_path: Path) -> None:
    planned(footage, "frames=5").write(tmp_path / "out")
    rng = np.random.default_rng
    formed = Prepared(path=tmp_path / "out")
    assert formed.sources() == ("a", "b")
    for clip in formed.clips("a", count=5, frames=3, size=16, rng=rng(0)):
        frames, x, y = _place(clip.place)
        expected = FRAMES[frames[0] : frames[0] + 3, y : y + 16, x : x + 16]
        assert np.array_equal(clip.frames, expected) and clip.blurry is None
    kept = Prepared(path=tmp_path / "out", blurry="kept")
    clips = PreparedClips(tmp_path / "out")
    for clip in kept.clips("b", count=5, frames=5, size=16, rng=rng(0)):
        _, x, y = _place(clip.place)
        place = clip.place.split(",")[0]
        k = next(k for k, p in enumerate(clips.places) if p == place and clips.sources[k] == "b")
        assert clip.blurry is not None
        assert np.array_equal(clip.blurry, clips.arrays(k)[1][y : y + 16, x : x + 16])
    for wrong, message in (
        ({"source": "c"}, "no recording 'c'"),
        ({"frames": 7}, "have 5 frames and a clip needs 7"),
        ({"size": 21}, "32×20, too small"),
    ):
        asked = {"source": "b", "count": 1, "frames": 3, "size": 16, **wrong}
        with pytest.raises(DataError, match=message):
            list(formed.clips(**asked, rng=rng(0)))  # type: ignore[arg-type]
    with pytest.raises(DataError, match="blurry: formed"):
        list(kept.clips("a", count=1, frames=3, size=16, rng=rng(0)))


def _place(place: str) -> tuple[range, int, int]:
    span, x, y = place.split(", ", maxsplit=1)[0], *place.rsplit("pixel ", 1)[1].split(", ")
    first, last = (int(n) for n in span.removeprefix("frames ").split("-"))
    return range(first, last), int(x[2:]), int(y[2:])
