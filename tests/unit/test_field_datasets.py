"""The field's data sets: recognised, listed and cut as their authors laid them out."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import made_datasets as made
import numpy as np
import pytest
from made_videos import decoded_by_av
from PIL import Image

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError
from deblurkit.footage.dataset import FootageDataset
from deblurkit.footage.layout import Layout, layouts, recognise
from deblurkit.footage.recording import Pair, Recording
from deblurkit.recipe.schema import Formation
from deblurkit.registry import get_registry
from deblurkit.specs import DatasetSpec

LAYOUTS: dict[str, Layout] = {
    origin.spec.name: layout for origin, layout in layouts(get_registry())
}
GENERAL = {name for name, layout in LAYOUTS.items() if layout.general}


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All of `made.MADE`, which no test changes."""
    root = tmp_path_factory.mktemp("sets")
    return {name: make(root / name.replace(" ", "-")) for name, (_, make) in made.MADE.items()}


def dataset(name: str, path: Path, **params: Any) -> FootageDataset:
    """As a recipe builds it."""
    built: FootageDataset = get_registry().resolve("dataset", name).build(path=path, **params)
    return built


def cut(data: FootageDataset, source: str, **numbers: int) -> list[Clip]:
    wanted = {"count": 4, "frames": 3, "size": 16, **numbers}
    return list(data.clips(source, rng=np.random.default_rng(1), **wanted))


def image(path: Path) -> np.ndarray:
    return np.array(Image.open(path))


def corner(clip: Clip) -> tuple[slice, slice]:
    """Where the clip says it was cut."""
    x, y = (int(n) for n in re.findall(r"pixel x=(\d+), y=(\d+)", clip.place)[0])
    size = clip.frames.shape[1]
    return slice(y, y + size), slice(x, x + size)


def listed(recordings: tuple[Recording, ...]) -> list[tuple[str, int, str, float | None, int]]:
    return [(r.name, r.frames, r.split, r.rate, r.window) for r in recordings]


@pytest.mark.parametrize("name", made.MADE)
def test_each_is_recognised_as_itself_and_as_no_other(sets: dict[str, Path], name: str) -> None:
    wanted, path = made.MADE[name][0], sets[name]
    origin, layout = recognise(path, get_registry())
    assert origin.spec.name == wanted
    found = {other for other, kind in LAYOUTS.items() if kind.recognises(path)}
    assert found - GENERAL == {wanted} - GENERAL
    for recording in layout.recordings(path):
        assert len(recording.files) in (1, recording.frames)
        assert (recording.height, recording.width) == (made.HEIGHT, made.WIDTH)
    for pair in layout.pairs(path):
        assert pair.blurry.is_file() and pair.sharp.is_file()
    names = [r.name for r in layout.recordings(path)], [p.name for p in layout.pairs(path)]
    assert all(len(set(every)) == len(every) for every in names)
    assert layout.recordings(path) or layout.pairs(path)


@pytest.mark.parametrize(
    ("name", "inner"),
    [
        ("gopro", "."), ("gopro", "test"), ("gopro", ".."),
        ("reds", "train"), ("reds", "val/val_orig"),
        ("adobe240", ".."), ("x4k", "train"), ("x4k", "test"), ("x4k encoded", "encoded_test"),
        ("hypercut", "metadata.json"), ("gopro pairs", "train"), ("reds pairs", "val"),
    ],
)  # fmt: skip
def test_they_may_be_named_at_several_levels(sets: dict[str, Path], name: str, inner: str) -> None:
    path = (sets[name] / inner).resolve()
    origin, layout = recognise(path, get_registry())
    assert origin.spec.name == made.MADE[name][0]
    whole = layout.recordings(sets[name]), layout.pairs(sets[name])
    part = layout.recordings(path), layout.pairs(path)
    # Names do not depend on the level that is named: sources keep their side.
    for all_of_kind, some in zip(whole, part, strict=True):
        assert {thing.name for thing in some} <= {thing.name for thing in all_of_kind}
    assert part[0] or part[1]


@pytest.mark.parametrize("name", ["gopro", "reds", "x4k", "b-aist++"])
def test_a_path_without_a_name_of_its_own(
    sets: dict[str, Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = LAYOUTS[made.MADE[name][0]]
    inner = sets[name] / ("train" if name != "b-aist++" else ".")
    wanted = listed(layout.recordings(inner))
    monkeypatch.chdir(inner)
    assert listed(layout.recordings(Path())) == wanted


def test_recordings_are_those_of_the_set(sets: dict[str, Path]) -> None:
    def of(name: str) -> list[tuple[str, int, str, float | None, int]]:
        return listed(LAYOUTS[made.MADE[name][0]].recordings(sets[name]))

    assert of("gopro") == [
        ("test/GOPR0384_11_00", 22, "test", 240.0, 0),
        ("train/GOPR0372_07_00", 14, "train", 240.0, 0),
    ]
    assert of("reds") == [
        ("train/000", 10, "train", 120.0, 0),
        ("train/001", 10, "train", 120.0, 0),
        ("val/000", 10, "test", 120.0, 0),
    ]
    assert of("adobe240") == [
        ("720p_240fps_1.mov", 8, "test", 240.0, 0),
        ("GOPR9634.mp4", 8, "", 240.0, 0),
        ("IMG_0001.MOV", 8, "train", 240.0, 0),
    ]
    assert of("b-aist++") == [
        ("gBR_sBM_c01_d05_mBR0_ch01_cropped_32X", 14, "train", None, 7),
        ("gJS_sBM_c01_d02_mJS0_ch08_cropped_32X", 14, "test", None, 7),
    ]
    assert of("hypercut") == [
        ("train/00000", 14, "train", None, 7),
        ("test/00001", 14, "test", None, 7),
    ]
    assert of("x4k") == [
        ("train/002/occ008.320", 9, "train", 1000.0, 0),
        ("train/002/occ008.322", 9, "train", 1000.0, 0),
        ("test/Type1/TEST01_003_f0433", 9, "test", 1000.0, 0),
    ]
    assert of("x4k encoded") == [of("x4k")[0], of("x4k")[2]]


def test_sides(sets: dict[str, Path]) -> None:
    assert dataset("gopro", sets["gopro"], split="test").sources() == (
        "test/GOPR0384_11_00 frames 1-22",
    )
    # What is in no list is on neither side.
    adobe = {
        split: dataset("adobe240", sets["adobe240"], split=split).sources()
        for split in ("train", "test", "")
    }
    assert adobe["train"] == ("IMG_0001.MOV frames 1-8",)
    assert adobe["test"] == ("720p_240fps_1.mov frames 1-8",)
    assert len(adobe[""]) == 3
    with pytest.raises(DataError, match="no recording for split 'test'"):
        dataset("x4k1000fps", sets["x4k"] / "train", split="test").sources()


def test_without_lists_there_are_no_sides(tmp_path: Path) -> None:
    folder = made.adobe240(tmp_path)
    for file in tmp_path.glob("*.txt"):
        file.unlink()
    (tmp_path / "train_notes.txt").write_text("nothing that is a video\n")
    assert len(dataset("adobe240", folder).sources()) == 3
    with pytest.raises(DataError, match="no recording for split 'train'"):
        dataset("adobe240", folder, split="train").sources()
    (tmp_path / "a_valid.txt").write_text("IMG_0001.MOV\n")
    (tmp_path / "a_train.txt").write_text("IMG_0001\n")
    with pytest.raises(DataError, match=r"'IMG_0001.*' is for training in one list and for test"):
        dataset("adobe240", folder).sources()
    (tmp_path / "a_train.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match=r"a_train\.txt: the list cannot be read"):
        dataset("adobe240", folder).sources()


# --- which frames a blurry image is made of --------------------------------------------------


def test_the_published_example_of_gopro(tmp_path: Path) -> None:
    """000047 is the mean of the frames 000323 to 000329, its truth the middle one."""
    made.gopro_pairs(tmp_path)
    path = made.gopro_all(tmp_path)
    layout = LAYOUTS["gopro"]
    recordings = {r.name: r for r in layout.recordings(path)}
    pairs = {p.name: p for p in layout.pairs(path)}
    assert len(pairs) == 8
    pair = pairs["train/GOPR0372_07_00/blur_gamma/000047"]
    assert (pair.first, pair.frames, pair.split, pair.exact) == (0, 7, "train", True)
    files = recordings[pair.recording].files[pair.first : pair.first + 7]
    assert [file.name for file in files] == [f"{n:06d}.png" for n in range(323, 330)]
    assert np.array_equal(image(pair.sharp), image(files[3]))
    frames = np.stack([image(file) for file in files])
    assert np.array_equal(image(pair.blurry), made.mean(frames, 2.2))
    plain = pairs["train/GOPR0372_07_00/blur/000047"]
    assert np.array_equal(image(plain.blurry), made.mean(frames))
    other = pairs["test/GOPR0384_11_00/blur/000012"]  # 11 frames from number (12 - 1) 11 + 1
    assert (other.first, other.frames) == (11, 11)
    assert {p.split for p in layout.pairs(path / "test")} == {"test"}


def test_a_frame_that_is_missing_leaves_the_pair_unknown(tmp_path: Path) -> None:
    made.gopro_pairs(tmp_path)
    path = made.gopro_all(tmp_path)
    (path / "train/GOPR0372_07_00/000325.png").unlink()
    found = {p.name: p for p in LAYOUTS["gopro"].pairs(path)}
    assert found["train/GOPR0372_07_00/blur/000047"].first is None
    assert found["train/GOPR0372_07_00/blur/000048"].first == 6  # by number, not by place
    shutil.rmtree(path / "train/GOPR0372_07_00")
    found = {p.name: p for p in LAYOUTS["gopro"].pairs(path)}
    assert "train/GOPR0372_07_00/blur/000047" not in found


def test_reds_is_placed_where_numbers_leave_one_way(tmp_path: Path) -> None:
    path = made.reds(tmp_path)
    pairs = LAYOUTS["reds"].pairs(path)
    assert [(p.recording, p.first, p.frames) for p in pairs[:2]] == [
        ("train/000", 0, 5),
        ("train/000", 5, 5),
    ]
    recordings = {r.name: r for r in LAYOUTS["reds"].recordings(path)}
    for pair in pairs:
        assert pair.first is not None and not pair.exact
        middle = recordings[pair.recording].files[pair.first + 2]
        assert np.array_equal(image(pair.sharp), image(middle))
    (path / "train/train_orig/000/00000009.png").unlink()
    changed = LAYOUTS["reds"].pairs(path)
    assert [p.first for p in changed[:3]] == [None, None, 0]


@pytest.mark.parametrize("name", ["b-aist++", "hypercut"])
def test_blurry_images_of_runs(sets: dict[str, Path], name: str) -> None:
    layout = LAYOUTS[name]
    recordings = {r.name: r for r in layout.recordings(sets[name])}
    pairs = layout.pairs(sets[name])
    assert len(pairs) == 4
    for pair in pairs:
        assert pair.first is not None
        files = recordings[pair.recording].files[pair.first : pair.first + 7]
        assert files[3] == pair.sharp and pair.split == recordings[pair.recording].split
        frames = np.stack([image(file) for file in files])
        assert np.array_equal(image(pair.blurry), made.mean(frames))


def test_hypercut_turns_what_its_file_says(sets: dict[str, Path]) -> None:
    files = LAYOUTS["hypercut"].recordings(sets["hypercut"])[0].files
    assert [file.name for file in files] == [
        *(f"0000_{t}.png" for t in range(1, 8)),
        *(f"0001_{t}.png" for t in range(7, 0, -1)),
    ]


def test_another_order_is_other_material(tmp_path: Path) -> None:
    path = made.hypercut(tmp_path)
    before = dataset("hypercut", path).fingerprint()
    assert dataset("hypercut", path).fingerprint() == before
    file = path / "metadata.json"
    file.write_text(file.read_text().replace("reverse", "keep"))
    assert dataset("hypercut", path).fingerprint() != before


# --- clips -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["gopro", "reds", "adobe240", "b-aist++", "hypercut", "x4k", "x4k encoded"]
)
def test_clips_are_what_their_place_says(sets: dict[str, Path], name: str) -> None:
    data = dataset(made.MADE[name][0], sets[name])
    assert not data.published_blur
    seen = set()
    for source, recording in zip(data.sources(), data.recordings, strict=True):
        if recording.is_video:
            every = np.stack(decoded_by_av(recording.path))
        else:
            every = np.stack([image(file) for file in recording.files])
        for clip in cut(data, source):
            first, last = map(int, re.findall(r"frames (\d+)-(\d+),", clip.place)[0])
            assert np.array_equal(clip.frames, every[first - 1 : last, *corner(clip)])
            assert last - first == 2 and clip.blurry is None
            if recording.window:  # never from one exposure into the next
                assert (first - 1) // 7 == (last - 1) // 7
            seen.add(clip.place)
    assert len(seen) > 3


@pytest.mark.parametrize("name", ["b-aist++", "hypercut"])
@pytest.mark.parametrize("downsample", [1.0, 0.5])
def test_published_blur_comes_with_its_frames(
    sets: dict[str, Path], name: str, downsample: float
) -> None:
    data = dataset(name, sets[name], blurry="published", downsample=downsample, filter="area")
    assert data.published_blur and pickle.loads(pickle.dumps(data)).published_blur
    for source, recording in zip(data.sources(), data.recordings, strict=True):
        for clip in cut(data, source, frames=7, count=6):
            first = int(re.findall(r"frames (\d+)-", clip.place)[0]) - 1
            assert first % 7 == 0 and data.starts(recording, 7) == (0, 7)
            assert clip.blurry is not None and clip.blurry.shape == (16, 16, 3)
            # Down-sampling by area commutes with the mean, but for rounding to 8 bits.
            error = np.abs(clip.blurry.astype(int) - made.mean(clip.frames))
            assert error.max() <= (0 if downsample == 1 else 1)
    with pytest.raises(DataError, match="no blurry image of 5 of these frames; the data set's own"):
        cut(data, data.sources()[0], frames=5)


def test_published_blur_that_is_not_there_or_changed(tmp_path: Path) -> None:
    path = made.b_aist(tmp_path)
    video = next(folder for folder in sorted(path.iterdir()) if folder.is_dir())
    before = dataset("b-aist++", path, blurry="published")
    source = before.sources()[0]
    told = before.fingerprint()
    made.save(video / "blur/00000001.png", made.scene(9, 1)[0])
    with pytest.raises(DataError, match=r"blur/00000001\.png: the file has changed"):
        cut(before, source, frames=7, count=12)
    assert dataset("b-aist++", path, blurry="published").fingerprint() != told
    (video / "blur/00000001.png").unlink()
    data = dataset("b-aist++", path, blurry="published")
    assert data.starts(data.recordings[0], 7) == (0,)
    assert all("frames 1-7" in clip.place for clip in cut(data, source, frames=7, count=12))
    assert len(dataset("b-aist++", path).recordings[0].files) == 14  # as frames they remain


# --- presets ---------------------------------------------------------------------------------


def test_presets_are_valid_and_can_be_cut(sets: dict[str, Path]) -> None:
    tried = 0
    for origin in get_registry().specs("dataset"):
        spec = origin.spec
        assert isinstance(spec, DatasetSpec)
        for preset in spec.presets.values():
            tried += 1
            spec.params.model_validate({"path": "x", **preset.params})
            assert set(preset.formation) <= {"response", "gamma"}
            Formation.model_validate(preset.formation)
            assert preset.frames % 2 == 1 and preset.step > 0 and preset.clips >= 0
            data = dataset(spec.name, sets[spec.name], **preset.params)
            assert all(data.starts(recording, preset.frames) for recording in data.recordings)
    assert tried >= 4


# --- mistakes --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(LAYOUTS) - GENERAL))
def test_nothing_there_is_said(tmp_path: Path, name: str) -> None:
    missing, empty = tmp_path / "missing", tmp_path / "empty"
    empty.mkdir()
    for path, words in ((missing, "no such file or folder"), (empty, "nothing of this data set")):
        assert not LAYOUTS[name].recognises(path)
        with pytest.raises(DataError, match=words) as caught:
            dataset(name, path).sources()
        assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "inner", "wanted"),
    [
        ("gopro", "train/GOPR0372_07_00", "train"),
        ("reds", "train/train_orig/000", "train/train_orig"),
        ("b-aist++", "gBR_sBM_c01_d05_mBR0_ch01_cropped_32X", "."),
        ("x4k", "train/002", "train"),
    ],
)
def test_the_right_level_is_named(
    sets: dict[str, Path], name: str, inner: str, wanted: str
) -> None:
    layout, path = LAYOUTS[made.MADE[name][0]], sets[name] / inner
    with pytest.raises(DataError, match="nothing of this data set is here") as caught:
        layout.recordings(path)
    assert f"name the folder above: {(sets[name] / wanted).resolve()}\n" in f"{caught.value}\n"
    outer = sets[name].parent.parent
    if layout.recognises(sets[name].parent):
        return
    with pytest.raises(DataError, match="nothing of this data set is here"):
        layout.recordings(outer)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("gopro", "train/GOPR0372_07_00"),
        ("reds", "train/train_orig/001"),
        ("x4k", "train/002/occ008.322"),
    ],
)
def test_a_sequence_without_images_is_named(tmp_path: Path, name: str, folder: str) -> None:
    kind, make = made.MADE[name]
    path = make(tmp_path)
    for file in (path / folder).iterdir():
        file.unlink()
    assert LAYOUTS[kind].recognises(path)
    with pytest.raises(DataError, match="the folder is empty") as caught:
        dataset(kind, path).sources()
    assert folder in str(caught.value)
    made.save(path / folder / "thumbnail.png", made.scene(0, 1)[0])
    with pytest.raises(DataError, match=r"no image is named by its number.*'thumbnail\.png'"):
        dataset(kind, path).sources()


def test_runs_that_are_not_whole_are_named(tmp_path: Path) -> None:
    path = made.b_aist(tmp_path)
    video = next(folder for folder in sorted(path.iterdir()) if folder.is_dir())
    (video / "sharp/00000001_006.png").unlink()
    with pytest.raises(DataError, match="6 sharp images belong to blurry image 00000001, to oth"):
        dataset("b-aist++", path).sources()
    for file in (video / "sharp").glob("00000001_*.png"):
        file.unlink()
    with pytest.raises(DataError, match=r"blur/00000001\.png: this blurry image has no sharp ones"):
        dataset("b-aist++", path).sources()


def change(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda said: said["data"][1].update({key: value})


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        (lambda said: said["data"][1].pop("frame003_path"), "entry 2 .*'frame003_path' is missing"),
        (lambda said: said["data"][1].pop("id"), "entry 2: 'id' is missing"),
        (change("order", "backwards"), "entry 2 .*'order' is 'backwards'[\\s\\S]*keep, ignore"),
        (change("partition", "dev"), "entry 2 .*'partition' is 'dev'"),
        (change("blur_path", 7), "entry 2 .*'blur_path' is no text"),
        (change("blur_path", "/etc/passwd"), "entry 2 .*'/etc/passwd', which is not in the folder"),
        (change("frame001_path", "a/../../b.png"), "entry 2 .*which is not in the folder"),
        (change("frame001_path", "00000/sharp/none.png"), r"none\.png: there is no such file"),
        (change("id", "00000/0000"), "the id '00000/0000' is there twice"),
        (lambda said: said.update(frame_per_seq="seven"), "frame_per_seq is 'seven'"),
        (lambda said: said.update(frame_per_seq=0), "frame_per_seq is 0"),
        (lambda said: said.pop("data"), "no list 'data'"),
        (lambda said: said["data"].append(3), "entry 5: this is no object"),
    ],
)
def test_mistakes_in_metadata_name_the_entry(
    tmp_path: Path, mistake: Callable[[dict[str, Any]], Any], words: str
) -> None:
    path = made.hypercut(tmp_path)
    file = path / "metadata.json"
    said = json.loads(file.read_text())
    mistake(said)
    file.write_text(json.dumps(said))
    with pytest.raises(DataError, match=words):
        dataset("hypercut", path).sources()


def test_damaged_metadata(tmp_path: Path) -> None:
    path = made.hypercut(tmp_path)
    file = path / "metadata.json"
    file.write_text(file.read_text()[:-20])
    assert LAYOUTS["hypercut"].recognises(path)
    with pytest.raises(DataError, match=r"metadata\.json: this is not valid JSON"):
        dataset("hypercut", path).sources()
    file.write_text('{"frame_per_seq": 7}')
    with pytest.raises(DataError, match="no list 'data' of entries"):
        dataset("hypercut", path).sources()
    file.write_text('["frame_per_seq"]')
    with pytest.raises(DataError, match="no list 'data' of entries"):
        dataset("hypercut", path).sources()


def test_frames_may_leave_out_what_a_name_says_is_none(tmp_path: Path) -> None:
    path = made.gopro_all(tmp_path)
    folder = path / "train/GOPR0372_07_00"
    made.save(folder / "preview.png", made.scene(0, 1)[0][:8, :8])
    (folder / "Thumbs.db").write_bytes(b"x")
    (path / "train" / "notes").mkdir()
    assert [r.frames for r in LAYOUTS["gopro"].recordings(path)] == [22, 14]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    for name, (kind, make) in made.MADE.items():
        if kind in GENERAL or "video" in name or "encoded" in name or name == "adobe240":
            continue
        path = make(tmp_path / name.replace(" ", "-"))
        (path / "loop").symlink_to(path, target_is_directory=True)
        (path / "dead").symlink_to(path / "nowhere")
        layout = LAYOUTS[kind]
        assert layout.recognises(path)
        found: list[Recording | Pair] = [*layout.recordings(path), *layout.pairs(path)]
        assert found
