"""The cache of clips: what is in it, when it is made again, and what never stays behind."""

from __future__ import annotations

import errno
import json
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deblurkit import storage
from deblurkit.data import reserve as reserve_module
from deblurkit.data.cache import ClipCache, prepare_clips
from deblurkit.errors import DataError, FrameError, PluginError
from deblurkit.randomness import generator


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return tmp_path / "cache" / "clips"


def prepare(dataset: Any = None, **changes: Any) -> ClipCache:
    from striped_dataset import Striped

    request: dict[str, Any] = {
        "sources": ("a", "b", "c"),
        "settings": {"name": "striped", "owner": "tests 1.0"},
        "split": "train",
        "count": 8,
        "frames": 3,
        "size": 6,
        "seed": 4,
    }
    request.update(changes)
    return prepare_clips(dataset or Striped(), request.pop("sources"), **request)


def striped(**how: str) -> Any:
    from striped_dataset import Striped

    return Striped(**how)


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


def test_what_is_in_an_entry(cache_folder: Path) -> None:
    clips = prepare()
    assert clips.frames.shape == (8, 3, 6, 6, 3) and clips.frames.dtype == np.uint8
    assert len(clips) == 8
    assert clips.sources == ("a", "b", "c", "a", "b", "c", "a", "b")
    assert clips.places == tuple(f"clip {k // 3}" for k in range(8))
    assert clips.frames[:, 0, 0, 0, 0].tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert left_in(clips.folder) == ["clips.json", "frames.npy", "settings.json"]
    assert left_in(cache_folder) == [clips.folder.name]
    assert json.loads((clips.folder / "settings.json").read_text())["seed"] == 4


def test_a_source_has_a_generator_of_its_own() -> None:
    expected = generator(4, "clips", "train", "b").integers(0, 256, (3, 6, 6, 3), dtype=np.uint8)
    expected[0, 0, 0, 0] = 0
    assert np.array_equal(prepare().frames[1], expected)
    assert np.array_equal(prepare(sources=("b", "a")).frames[0], expected)


def test_fewer_clips_than_sources() -> None:
    assert prepare(count=2).sources == ("a", "b")


def test_the_second_time_nothing_is_rendered() -> None:
    first = prepare()
    seen: list[tuple[int, int]] = []
    again = prepare(striped(wrong="crash", at="a"), progress=lambda *done: seen.append(done))
    assert again.folder == first.folder
    assert seen == []


@pytest.mark.parametrize(
    "changes",
    [
        {"sources": ("a", "c", "b")},
        {"settings": {"name": "striped", "owner": "tests 1.1"}},
        {"split": "test"},
        {"count": 7},
        {"frames": 5},
        {"size": 7},
        {"seed": 5},
        {"dataset": "other material"},
    ],
    ids=str,
)
def test_whatever_decides_the_clips_decides_the_entry(changes: dict[str, Any]) -> None:
    if "dataset" in changes:
        changes = {"dataset": striped(material="two")}
    assert prepare(**changes).folder != prepare().folder


def test_settings_may_be_anything_json_can_say_and_paths() -> None:
    one = prepare(settings={"photos": Path("here"), "motion": (1.0, 2.0)})
    assert one.settings["settings"] == {"photos": "here", "motion": [1.0, 2.0]}
    assert prepare(settings={"motion": [1.0, 2.0], "photos": Path("here")}).folder == one.folder


def test_frames_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        prepare().frames[0] = 0


def test_pickles_by_its_folder() -> None:
    clips = prepare()
    copied = pickle.dumps(clips)
    assert len(copied) < 1000
    assert np.array_equal(pickle.loads(copied).frames, clips.frames)


def test_progress_is_told_clip_by_clip() -> None:
    seen: list[tuple[int, int]] = []
    prepare(progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 8) for k in range(9)]


def test_real_workers_render_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_folder: Path
) -> None:
    alone = prepare()
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "other"))
    seen: list[tuple[int, int]] = []
    together = prepare(workers=2, progress=lambda done, total: seen.append((done, total)))
    assert together.folder.name == alone.folder.name and together.folder != alone.folder
    for file in alone.folder.iterdir():
        assert file.read_bytes() == (together.folder / file.name).read_bytes()
    assert seen[0] == (0, 8) and seen[-1] == (8, 8)
    assert seen == sorted(seen)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        ("data", DataError, r"^b\.mp4: the file is cut short\n  next: copy it again$"),
        ("crash", PluginError, r"'striped', source 'b': rendering failed: ZeroDivisionError: oh"),
        ("few", PluginError, r"'striped', source 'b': gave 1 clips where 3 were asked for"),
        ("shape", PluginError, r"\(3, 5, 6, 3\), uint8\n  valid: a Clip of shape \(3, 6, 6, 3\)"),
        ("dtype", PluginError, r"gave a clip of shape \(3, 6, 6, 3\), float32"),
        ("thing", PluginError, r"gave a ndarray without an array of frames"),
    ],
)
def test_failures_are_told_and_leave_nothing(
    wrong: str, kind: type[Exception], message: str, workers: int, cache_folder: Path
) -> None:
    with pytest.raises(kind, match=message) as caught:
        prepare(striped(wrong=wrong, at="b"), workers=workers)
    assert type(caught.value) is kind
    assert left_in(cache_folder) == []


def test_an_error_from_a_worker_keeps_its_parts() -> None:
    with pytest.raises(DataError) as caught:
        prepare(striped(wrong="data", at="b"), workers=2)
    error = caught.value
    assert (error.what, error.where) == ("the file is cut short", "b.mp4")
    assert (error.hint, error.valid) == ("copy it again", None)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interruption_leaves_nothing(workers: int, cache_folder: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(workers=workers, progress=interrupt)
    assert left_in(cache_folder) == []
    assert len(prepare()) == 8


@pytest.mark.parametrize("workers", [0, 2])
def test_an_interruption_inside_the_dataset_leaves_nothing(
    workers: int, cache_folder: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        prepare(striped(wrong="interrupt", at="b"), workers=workers)
    assert left_in(cache_folder) == []


@dataclass(frozen=True)
class Unpicklable:
    """A dataset with something that stays in its process."""

    lock: Any

    def sources(self) -> tuple[str, ...]:
        return ("a", "b")


def test_a_dataset_that_cannot_be_copied_is_named(cache_folder: Path) -> None:
    with pytest.raises(PluginError, match=r"'striped': it cannot be sent to other processes"):
        prepare(Unpicklable(threading.Lock()), workers=2)
    assert left_in(cache_folder) == []


UNGUARDED = """
from deblurkit.data.cache import prepare_clips
from striped_dataset import Striped
{more}
prepare_clips({dataset}(), ("a", "b"), settings={{}}, split="train", count=4, frames=3, size=6,
              seed=0, workers=2)
print("done")
"""


def unguarded(tmp_path: Path, dataset: str, more: str = "") -> subprocess.CompletedProcess[str]:
    script = tmp_path / "unguarded.py"
    script.write_text(UNGUARDED.format(dataset=dataset, more=more))
    return subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_script_needs_no_main_guard(tmp_path: Path, cache_folder: Path) -> None:
    done = unguarded(tmp_path, "Striped")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "done\n"
    assert len(left_in(cache_folder)) == 1


def test_a_script_with_a_dataset_of_its_own_is_told_that_it_does(
    tmp_path: Path, cache_folder: Path
) -> None:
    done = unguarded(tmp_path, "Mine", "class Mine(Striped): pass")
    assert done.returncode == 1
    assert "started again by each of its own processes" in done.stderr
    assert "if __name__ == '__main__':" in done.stderr.splitlines()[-1]
    assert left_in(cache_folder) == []


def cut_frames(folder: Path) -> None:
    file = folder / "frames.npy"
    file.write_bytes(file.read_bytes()[:-100])


def other_frames(folder: Path) -> None:
    np.save(folder / "frames.npy", np.zeros((8, 3, 6, 6, 3), np.float32))


def lose_clips(folder: Path) -> None:
    (folder / "clips.json").unlink()


def forget_a_clip(folder: Path) -> None:
    clips = json.loads((folder / "clips.json").read_text())
    (folder / "clips.json").write_text(json.dumps(clips[:-1]))


def cut_settings(folder: Path) -> None:
    (folder / "settings.json").write_text("{")


def empty_frames(folder: Path) -> None:
    (folder / "frames.npy").write_bytes(b"")


@pytest.mark.parametrize(
    "damage",
    [cut_frames, other_frames, lose_clips, forget_a_clip, cut_settings, empty_frames],
)
def test_a_damaged_entry_is_rendered_again_and_said(
    damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    first = prepare()
    before = first.frames.copy()
    damage(first.folder)
    with pytest.raises(DataError, match="damaged or incomplete"):
        ClipCache(first.folder)
    with caplog.at_level("WARNING"):
        again = prepare()
    assert "damaged; rendering them again" in caplog.text
    assert np.array_equal(again.frames, before)


def test_what_a_killed_process_left_is_cleared(cache_folder: Path) -> None:
    folder = prepare().folder
    cut_frames(folder)
    stale = cache_folder / f".{folder.name}-killed"
    stale.mkdir()
    (stale / "frames.npy").write_bytes(b"half")
    prepare()
    assert left_in(cache_folder) == [folder.name]


def test_the_second_of_two_waits_and_reuses(caplog: pytest.LogCaptureFixture) -> None:
    """The first is stopped in the middle of its work until the second is waiting."""
    second: list[ClipCache] = []

    def start_the_second() -> None:
        second.append(prepare(striped(wrong="crash", at="a")))

    thread = threading.Thread(target=start_the_second)

    def progress(done: int, total: int) -> None:
        if done == 4:
            thread.start()
            for _ in range(500):
                if "waiting for it" in caplog.text:
                    return
                thread.join(0.01)
            raise AssertionError("the second did not wait")

    with caplog.at_level("WARNING"):
        first = prepare(progress=progress)
    thread.join(10)
    assert [clips.folder for clips in second] == [first.folder]


def test_a_full_disk_is_noticed_before_anything_is_rendered(
    monkeypatch: pytest.MonkeyPatch, cache_folder: Path
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(reserve_module.os, "posix_fallocate", full, raising=False)
    with pytest.raises(DataError, match=r"No space left(.|\n)*36 MiB free(.|\n)*DEBLURKIT_CACHE"):
        prepare(striped(wrong="crash", at="a"), count=1, size=2048, frames=3)
    assert left_in(cache_folder) == []


def test_a_full_disk_is_noticed_where_space_cannot_be_reserved(
    monkeypatch: pytest.MonkeyPatch, cache_folder: Path
) -> None:
    monkeypatch.delattr(reserve_module.os, "posix_fallocate", raising=False)
    prepare()
    nothing = type("Usage", (), {"free": 100})()
    monkeypatch.setattr(reserve_module.shutil, "disk_usage", lambda _: nothing)
    with pytest.raises(DataError, match="No space left"):
        prepare(count=9)
    assert len(left_in(cache_folder)) == 1


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"cannot be written(.|\n)*DEBLURKIT_CACHE"):
        prepare()
    assert storage.cache_root() == tmp_path / "file"


def test_mistakes_are_named() -> None:
    with pytest.raises(FrameError, match="4 frames have no middle"):
        prepare(frames=4)
    for wrong in ({"count": 0}, {"size": 0}, {"workers": -1}, {"sources": ()}):
        with pytest.raises(ValueError, match="at least one source"):
            prepare(**wrong)
