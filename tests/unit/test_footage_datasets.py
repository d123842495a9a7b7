from __future__ import annotations

import pickle
import re
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_videos import Pixels, decoded_by_av, moving_frames, write_video
from PIL import Image
from real_data import real_data

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError
from deblurkit.footage.dataset import FootageDataset
from deblurkit.footage.recording import Recording
from deblurkit.media.image import write_png
from deblurkit_standard.datasets.frames import Frames
from deblurkit_standard.datasets.video import Video
from deblurkit_standard.footage_params import FramesParams, VideoParams
from deblurkit_standard.plugin import deblurkit_datasets

FRAMES = moving_frames(25, 24, 32)


def folder_of(path: Path, frames: Pixels = FRAMES) -> Path:
    """Frames as images whose names only a natural order keeps in time."""
    for k, image in enumerate(frames):
        write_png(path / f"take{k + 1}.png", image)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "scene")


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return write_video(tmp_path / "box.mp4", FRAMES)


def cut(dataset: FootageDataset, source: str, seed: int = 0, **numbers: int) -> list[Clip]:
    wanted = {"count": 6, "frames": 3, "size": 16, **numbers}
    return list(dataset.clips(source, rng=np.random.default_rng(seed), **wanted))


PLACE = re.compile(r"frames (\d+)-(\d+)(?: by (\d+))?, from pixel x=(\d+), y=(\d+)")


def at(clip: Clip, every: Pixels) -> Pixels:
    """What the clip must show according to the place that it names."""
    found = PLACE.fullmatch(clip.place)
    assert found
    first, last, stride, x, y = (int(number or 1) for number in found.groups())
    size = clip.frames.shape[1]
    return every[first - 1 : last : stride, y : y + size, x : x + size]


@pytest.mark.parametrize("kind", ["frames", "video"])
@pytest.mark.parametrize("stride", [1, 3])
def test_clips_are_what_their_place_says(folder: Path, video: Path, kind: str, stride: int) -> None:
    dataset: FootageDataset
    if kind == "frames":
        dataset, every = Frames(path=folder, stride=stride, passage=5), FRAMES
    else:
        dataset = Video(path=video, stride=stride, passage=5)
        every = np.stack(decoded_by_av(video))
    shown = set()
    for source in dataset.sources():
        begin, end = (int(n) for n in re.findall(r"frames (\d+)-(\d+)", source)[0])
        for clip in cut(dataset, source, count=12):
            assert clip.source == source
            assert clip.frames.shape == (3, 16, 16, 3) and clip.frames.dtype == np.uint8
            assert np.array_equal(clip.frames, at(clip, every))
            assert clip.frames.base is None or clip.frames.base.nbytes == clip.frames.nbytes
            first, last = (int(n) for n in re.findall(r"frames (\d+)-(\d+)", clip.place)[0])
            assert begin <= first and last <= end
            shown.add(clip.place)
    assert len(shown) > 8  # of different times and places


def test_sources_are_passages(folder: Path, video: Path) -> None:
    assert Video(path=video, passage=10).sources() == (
        "box.mp4 frames 1-10",
        "box.mp4 frames 11-20",
    )
    assert Frames(path=folder, passage=25).sources() == ("scene frames 1-25",)
    assert Frames(path=folder, passage=60).sources() == ("scene frames 1-25",)
    assert Frames(path=folder, passage=4, stride=3).sources() == (
        "scene frames 1-10 by 3",
        "scene frames 13-22 by 3",
    )


@settings(max_examples=60, deadline=None)
@given(total=st.integers(1, 200), passage=st.integers(1, 80), stride=st.integers(1, 9))
def test_passages_share_no_frame_and_leave_out_little(
    total: int, passage: int, stride: int
) -> None:
    class Counted(Frames):
        recordings = (Recording("a", Path("a"), (), total, 8, 8),)

    dataset = Counted(path=Path("a"), passage=passage, stride=stride)
    used: list[int] = []
    lengths = set()
    for source in dataset.sources():
        found = re.fullmatch(r"a frames (\d+)-(\d+)(?: by (\d+))?", source)
        assert found
        first, last, by = (int(n or 1) for n in found.groups())
        frames = list(range(first, last + 1, by))
        lengths.add(len(frames))
        used += frames
    everything = list(range(1, total + 1, stride))
    assert used == everything[: len(used)]  # in order, each once
    assert lengths == {min(passage, len(everything))}
    assert len(everything) - len(used) < min(passage, len(everything))


def test_clips_depend_on_the_generator_alone(folder: Path) -> None:
    dataset = Frames(path=folder, passage=10)
    source = dataset.sources()[1]
    one, again, other = (cut(dataset, source, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a.frames, b.frames) for a, b in zip(one, again, strict=True))
    assert [a.place for a in one] != [b.place for b in other]
    copy = pickle.loads(pickle.dumps(dataset))
    assert [c.place for c in cut(copy, source, 1)] == [c.place for c in one]
    assert cut(dataset, source, count=0) == []


@pytest.mark.parametrize("factor", [0.5, 0.45, 0.75])
def test_down_sampling_keeps_colours_and_takes_detail(tmp_path: Path, factor: float) -> None:
    rows, columns = np.mgrid[0:60, 0:80]
    smooth = np.stack([rows * 4, columns * 3, 255 - columns * 3], -1)
    checks = np.where((rows + columns) % 2 == 0, 40, 216)[..., None].repeat(3, -1)
    frames = np.stack([smooth, checks] * 2).astype(np.uint8)
    dataset = Frames(path=folder_of(tmp_path / "a", frames), downsample=factor, passage=4)
    side = round(60 * factor)
    clip = cut(dataset, dataset.sources()[0], count=1, frames=4, size=side)[0]
    x = int(PLACE.fullmatch(clip.place)[4])  # type: ignore[index]
    new_rows, new_columns = np.mgrid[0:side, x : x + side]
    source = [(k + 0.5) * 60 / side - 0.5 for k in (new_rows, new_columns)]
    wanted = np.stack([source[0] * 4, source[1] * 3, 255 - source[1] * 3], -1)
    inner = (slice(4, -4), slice(4, -4))
    assert np.abs(clip.frames[0][inner] - wanted[inner]).max() < 5
    # Detail finer than the new pixels turns gray instead of into a pattern.
    if factor <= 0.5:
        assert np.abs(clip.frames[1][inner].astype(int) - 128).max() < 12


def test_a_folder_of_folders(tmp_path: Path) -> None:
    for name in ("take10", "take2"):
        folder_of(tmp_path / "train" / name, FRAMES[:6])
    (tmp_path / "train" / "empty").mkdir()
    (tmp_path / "train" / ".thumbnails").mkdir()
    (tmp_path / "train" / "notes").mkdir()
    (tmp_path / "train" / "notes" / "a.txt").write_text("x")
    (tmp_path / "train" / "take2" / "log.txt").write_text("x")
    (tmp_path / "train" / "readme.md").write_text("x")
    dataset = Frames(path=tmp_path / "train", passage=3)
    assert dataset.sources() == (
        "take2 frames 1-3",
        "take2 frames 4-6",
        "take10 frames 1-3",
        "take10 frames 4-6",
    )
    for clip in cut(dataset, "take10 frames 4-6"):
        assert np.array_equal(clip.frames, at(clip, FRAMES))


def test_a_folder_of_videos(tmp_path: Path) -> None:
    write_video(tmp_path / "b10.mp4", FRAMES[:6])
    write_video(tmp_path / "b9.MKV", FRAMES[:4])
    (tmp_path / "readme.txt").write_text("x")
    (tmp_path / "inner.mp4").mkdir()
    assert Video(path=tmp_path, passage=4).sources() == (
        "b9.MKV frames 1-4",
        "b10.mp4 frames 1-4",
    )


def test_a_path_without_a_name_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    assert Frames(path=Path(), passage=60).sources() == ("scene frames 1-25",)
    monkeypatch.setenv("HOME", str(folder.parent))
    assert Frames(path=Path("~/scene"), passage=60).sources() == ("scene frames 1-25",)


def test_part_of_a_video_that_breaks_off_is_used(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", FRAMES, movflags="+faststart")
    every = np.stack(decoded_by_av(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 5 // 6])
    dataset = Video(path=path, passage=3)
    sources = dataset.sources()
    assert 2 <= len(sources) < 8
    for clip in cut(dataset, sources[-1], frames=3):
        assert np.array_equal(clip.frames, at(clip, every))
    whole = Video(path=path)
    with pytest.raises(DataError, match=r"a passage has \d+ frames and a clip needs 25; the"):
        cut(whole, whole.sources()[0], frames=25)


def test_too_short_a_passage_or_recording(folder: Path, video: Path) -> None:
    for dataset in (Frames(path=folder, passage=5), Video(path=video, passage=5)):
        source = dataset.sources()[0]
        with pytest.raises(DataError) as caught:
            cut(dataset, source, frames=7)
        message = str(caught.value)
        assert str(dataset.path) in message
        assert "a passage has 5 frames and a clip needs 7; the recording has 25 in all" in message
        assert "--set data.train.passage=7" in message
    dataset = Frames(path=folder, passage=5, stride=5)
    with pytest.raises(DataError) as caught:
        cut(dataset, dataset.sources()[0], frames=7)
    assert "25 in all, of which one in 5 is used" in str(caught.value)
    assert "data.train.stride" in str(caught.value)
    assert "data.train.passage" not in str(caught.value)  # it would not help


def test_footage_smaller_than_clips(folder: Path) -> None:
    dataset = Frames(path=folder, downsample=0.5)
    with pytest.raises(DataError) as caught:
        cut(dataset, dataset.sources()[0], size=20)
    message = str(caught.value)
    assert str(folder) in message
    assert "32×24 pixels down-sampled by 0.5 are 16×12, too small for clips of 20×20" in message
    assert "data.train.downsample=0.84" in message and "data.clip_size=12" in message
    repaired = Frames(path=folder, downsample=0.84)  # as the message says
    assert len(cut(repaired, repaired.sources()[0], size=20)) == 6
    with pytest.raises(DataError, match=r"next: --set data\.clip_size=12"):
        cut(dataset, dataset.sources()[0], size=40)


@pytest.mark.parametrize("size", [5, 12, 23, 24])
@pytest.mark.parametrize("downsample", [0.2, 0.45, 0.5, 1.0])
def test_the_down_sampling_that_is_proposed_suffices(
    folder: Path, size: int, downsample: float
) -> None:
    dataset = Frames(path=folder, downsample=downsample)
    try:
        cut(dataset, dataset.sources()[0], size=size, count=1)
    except DataError as error:
        proposed = re.search(r"downsample=([0-9.]+)", str(error))
        assert proposed, "the footage is large enough without down-sampling"
        better = Frames(path=folder, downsample=float(proposed[1]))
        assert len(cut(better, better.sources()[0], size=size, count=1)) == 1


def test_mixed_sizes_name_both_files(folder: Path) -> None:
    write_png(folder / "take7.png", np.zeros((20, 32, 3), np.uint8))
    with pytest.raises(DataError) as caught:
        Frames(path=folder).sources()
    message = str(caught.value)
    assert "'take7.png' has 32×20 pixels, 'take1.png' 32×24" in message and str(folder) in message


def test_damaged_images_are_named(folder: Path) -> None:
    path = folder / "take7.png"
    path.write_bytes(path.read_bytes()[:-100])  # the header is whole
    dataset = Frames(path=folder, passage=10)
    first, second = dataset.sources()
    with pytest.raises(DataError, match=r"take7\.png: the image is damaged or cut short"):
        cut(dataset, first, frames=10)
    assert len(cut(dataset, second)) == 6
    path.write_text("no image")
    with pytest.raises(DataError, match=r"take7\.png: this is not an image"):
        Frames(path=folder).sources()


def test_footage_that_changed_under_way(folder: Path) -> None:
    dataset = Frames(path=folder)
    source = dataset.sources()[0]
    write_png(folder / "take7.png", np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(DataError, match=r"take7\.png: the file has changed"):
        cut(dataset, source, frames=25)
    (folder / "take7.png").unlink()
    with pytest.raises(DataError, match=r"take7\.png: the file was there"):
        cut(dataset, source, frames=25)
    with pytest.raises(DataError, match=r"no passage 'scene frames 1-99'[\s\S]*scene frames 1-25"):
        cut(dataset, "scene frames 1-99")


@pytest.mark.parametrize("kind", [Frames, Video])
def test_footage_that_is_not_there(tmp_path: Path, kind: Callable[..., FootageDataset]) -> None:
    for name, said in {"missing": "no such file", "empty": "folder", "text": "folder"}.items():
        path = tmp_path / name
        if name != "missing":
            path.mkdir()
        if name == "text":
            (path / "notes.txt").write_text("x")
        with pytest.raises(DataError, match=said) as caught:
            kind(path=path).sources()
        assert str(path) in str(caught.value)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError, match=r"this is a file|empty"):
        kind(path=tmp_path / "file").sources()


def test_images_beside_folders_of_images_are_not_guessed(tmp_path: Path) -> None:
    folder_of(tmp_path / "scene" / "preview", FRAMES[:2])
    folder_of(tmp_path / "scene", FRAMES[:2])
    with pytest.raises(DataError, match=r"also folders of images \('preview'\)"):
        Frames(path=tmp_path / "scene").sources()


def test_a_folder_of_images_given_as_videos_is_explained(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no video in this folder[\s\S]*data\.train\.name=frames"):
        Video(path=folder).sources()


def test_a_damaged_video_in_a_folder_is_named(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", FRAMES[:4])
    (tmp_path / "b.mp4").write_bytes(b"not a video" * 50)
    with pytest.raises(DataError, match=r"b\.mp4: this is not a video"):
        Video(path=tmp_path).sources()


def test_the_fingerprint_follows_the_files(folder: Path, video: Path) -> None:
    assert Frames(path=folder).fingerprint() == Frames(path=folder).fingerprint()
    before = Frames(path=folder).fingerprint(), Video(path=video).fingerprint()
    write_png(folder / "take3.png", FRAMES[0])
    write_video(video, FRAMES[:20])
    after = Frames(path=folder).fingerprint(), Video(path=video).fingerprint()
    assert before[0] != after[0] and before[1] != after[1]
    moved = shutil.copytree(folder, folder.parent / "elsewhere" / "scene")  # keeps times
    assert Frames(path=moved).fingerprint() == after[0]


@pytest.mark.parametrize(("name", "params"), [("frames", FramesParams), ("video", VideoParams)])
def test_the_plugin_builds_them_from_their_parameters(
    folder: Path, video: Path, name: str, params: type[FramesParams]
) -> None:
    spec = next(spec for spec in deblurkit_datasets() if spec.name == name)
    assert spec.params is params
    module, _, thing = spec.build.partition(":")
    path = folder if name == "frames" else video
    values = params.model_validate({"path": str(path), "passage": 10, "stride": 2})
    dataset = getattr(import_module(module), thing)(**values.model_dump())
    assert len(dataset.sources()) == 1
    defaults = params.model_validate({"path": str(path)})
    made = getattr(import_module(module), thing)(path=path)
    for field in ("stride", "downsample", "passage"):
        assert getattr(made, field) == getattr(defaults, field)


def test_images_of_any_kind_make_a_recording(tmp_path: Path) -> None:
    for k, suffix in enumerate(["png", "jpg", "webp", "bmp"]):
        image = Image.fromarray(FRAMES[k])
        image.convert("L" if k == 3 else "RGB").save(tmp_path / f"{k}.{suffix}")
    dataset = Frames(path=tmp_path)
    (clip,) = cut(dataset, dataset.sources()[0], count=1, frames=4, size=24)
    assert clip.frames.shape == (4, 24, 24, 3)


def test_real_footage() -> None:
    video = Video(path=real_data("video/karma.mp4"), downsample=0.25)
    assert video.sources()[-1] == "karma.mp4 frames 301-360"
    clips = cut(video, video.sources()[2], count=20, frames=7, size=96)
    assert len({clip.place for clip in clips}) > 10
    steps = [np.abs(np.diff(clip.frames.astype(int), axis=0)).mean() for clip in clips]
    assert 0 < np.mean(steps) < 12  # consecutive frames are alike, and not the same
    scenes = Frames(path=real_data("pairs/reds/sharp"))
    assert scenes.sources() == ("000 frames 1-10", "001 frames 1-10")
    assert cut(scenes, "001 frames 1-10", frames=7, size=128)[0].frames.shape == (7, 128, 128, 3)
