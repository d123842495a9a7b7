"""Blurry and sharp images in pairs: GoPro, REDS, RealBlur and anyone's own."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import made_datasets as made
import numpy as np
import pytest
from PIL import Image
from real_data import real_data

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError
from deblurkit.media.image import read_image
from deblurkit_standard.datasets.pairs import Pairs
from deblurkit_standard.layouts.pair_folders import PairFolders


def cut(data: Pairs, source: str, **numbers: int) -> list[Clip]:
    wanted = {"count": 6, "frames": 1, "size": 16, **numbers}
    return list(data.clips(source, rng=np.random.default_rng(1), **wanted))


def test_gopro_must_say_which_blur(tmp_path: Path) -> None:
    path = made.gopro_pairs(tmp_path)
    with pytest.raises(DataError) as caught:
        Pairs(path=path).sources()
    message = str(caught.value)
    assert str(path) in message and "2 kinds of blurry images" in message
    assert "blur: " in message and "response identity" in message
    assert "blur_gamma: " in message and "gamma, 2.2" in message
    assert "--set data.train.blur=blur" in message
    data = Pairs(path=path, blur="blur_gamma")
    assert data.sources() == ("test/GOPR0384_11_00", "train/GOPR0372_07_00")
    assert all("/blur_gamma/" in recording.name for recording in data.recordings)
    with pytest.raises(DataError, match=r"no folder 'motion'[\s\S]*valid: blur, blur_gamma"):
        Pairs(path=path, blur="motion").sources()


@pytest.mark.parametrize("name", [name for name, (kind, _) in made.MADE.items() if kind == "pairs"])
@pytest.mark.parametrize("downsample", [1.0, 0.5])
def test_clips_are_a_pair_each(tmp_path: Path, name: str, downsample: float) -> None:
    path = made.MADE[name][1](tmp_path)
    blur = "blur" if name == "gopro pairs" else ""
    data = Pairs(path=path, blur=blur, downsample=downsample, filter="area")
    assert data.published_blur
    pairs = {pair.name: pair for pair in PairFolders(blur=blur).pairs(path)}
    assert {pair.scene for pair in pairs.values()} == set(data.sources())
    shown = set()
    for source in data.sources():
        for clip in cut(data, source):
            assert clip.frames.shape == (1, 16, 16, 3) and clip.frames.dtype == np.uint8
            assert clip.blurry is not None and clip.blurry.shape == (16, 16, 3)
            said = re.fullmatch(r"(.+), from pixel x=(\d+), y=(\d+)", clip.place)
            assert said and pairs[said[1]].scene == source == clip.source
            x, y = int(said[2]), int(said[3])
            shown.add(said[1])
            for cutting, file in (
                (clip.frames[0], pairs[said[1]].sharp),
                (clip.blurry, pairs[said[1]].blurry),
            ):
                whole = data.scaled(read_image(file))
                assert np.array_equal(cutting, whole[y : y + 16, x : x + 16])
    assert len(shown) > 1


def test_a_scene_is_on_one_side(tmp_path: Path) -> None:
    path = made.reds(tmp_path, frames=False)
    assert Pairs(path=path).sources() == ("train/000", "train/001", "val/000")
    assert Pairs(path=path, split="test").sources() == ("val/000",)
    assert Pairs(path=path, split="train").sources() == ("train/000", "train/001")
    assert Pairs(path=path / "val").sources() == ("val/000",)


def test_scenes_of_images_in_one_folder(tmp_path: Path) -> None:
    names = ("GOPR0384_11_00-000001", "GOPR0384_11_00-000002", "1fromGOPR1096", "9fromGOPR1096")
    path = made.pairs_in(tmp_path / "test", "input", "target", (*names, "cat", "000004"))
    assert set(Pairs(path=path).sources()) == {
        "test",  # a number alone says nothing
        "test/GOPR1096",
        "test/cat",
        "test/GOPR0384_11_00",
    }


def test_names_that_say_which_half_they_are(tmp_path: Path) -> None:
    scene = tmp_path / "scene001"
    for k in (1, 2):
        frames = made.scene(k, 3)
        made.save(scene / "blur" / f"blur_{k}.png", made.mean(frames))
        made.save(scene / "gt" / f"gt_{k}.png", frames[1])
    found = PairFolders().pairs(tmp_path)
    assert [(p.blurry.name, p.sharp.name) for p in found] == [
        ("blur_1.png", "gt_1.png"),
        ("blur_2.png", "gt_2.png"),
    ]
    assert {p.scene for p in found} == {"scene001"}


def test_halves_that_lack_the_other(tmp_path: Path) -> None:
    path = made.pairs_in(tmp_path / "a", "blur", "sharp", ("1", "2"))
    (path / "sharp/2.png").unlink()
    assert PairFolders().recognises(path)
    with pytest.raises(DataError, match=r"blur/2\.png: this blurry image has no sharp one"):
        Pairs(path=path).sources()
    path = made.pairs_in(tmp_path / "b", "blur", "sharp", ("1", "2"))
    (path / "blur/2.png").unlink()
    assert len(PairFolders().pairs(path)) == 1  # more sharp images do no harm
    path = made.pairs_in(tmp_path / "c", "blur", "other", ("1", "2"))
    assert not PairFolders().recognises(path)
    with pytest.raises(DataError, match="no folder of sharp images beside the blurry ones"):
        Pairs(path=path).sources()
    assert Pairs(path=path, sharp="other").sources() == ("c",)
    (path / "gt").mkdir()
    (path / "target").mkdir()
    with pytest.raises(DataError, match=r"'gt' and 'target' may both be[\s\S]*data\.train\.sharp"):
        Pairs(path=path).sources()


def test_folders_with_names_of_their_own(tmp_path: Path) -> None:
    path = made.pairs_in(tmp_path, "shaken", "still", ("a", "b"))
    assert Pairs(path=path, blur="shaken", sharp="still").sources() == ("a", "b")


def test_reds_has_no_sharp_images_for_testing(tmp_path: Path) -> None:
    path = made.reds(tmp_path, frames=False)
    made.save(path / "test/test_blur/000/00000000.png", made.scene(0, 1)[0])
    assert Pairs(path=path).sources() == ("train/000", "train/001", "val/000")


def test_more_than_the_middle_frame_is_not_known(tmp_path: Path) -> None:
    data = Pairs(path=made.named_pairs(tmp_path))
    with pytest.raises(DataError, match="a clip needs 7 frames, and of a pair only the middle"):
        cut(data, data.sources()[0], frames=7)
    with pytest.raises(DataError, match=r"no scene 'istanbull'[\s\S]*did you mean 'istanbul'"):
        cut(data, "istanbull")
    with pytest.raises(DataError, match="too small for clips of 48×48"):
        cut(data, data.sources()[0], size=48)


def test_halves_of_two_sizes_are_named(tmp_path: Path) -> None:
    path = made.named_pairs(tmp_path)
    Image.new("RGB", (20, 20)).save(path / "flower_blur.png")
    with pytest.raises(
        DataError, match=r"flower_blur\.png: the blurry image has 20×20 pixels, its"
    ):
        Pairs(path=path).sources()


def test_pairs_that_change_are_noticed(tmp_path: Path) -> None:
    path = made.named_pairs(tmp_path)
    data = Pairs(path=path)
    told, source = data.fingerprint(), data.sources()[0]
    copy = pickle.loads(pickle.dumps(data))
    assert [c.place for c in cut(copy, source)] == [c.place for c in cut(data, source)]
    made.save(path / f"{source}_blur.png", made.scene(7, 1)[0])
    with pytest.raises(DataError, match=r"_blur\.png: the file has changed"):
        cut(data, source)
    assert Pairs(path=path).fingerprint() != told


def test_real_pairs() -> None:
    gopro = Pairs(path=real_data("pairs/gopro"), downsample=0.25)
    assert gopro.sources() == ("istanbul",)
    reds = Pairs(path=real_data("pairs/reds"))
    assert reds.sources() == ("000", "001") and len(reds.recordings) == 20
    for data in (gopro, reds):
        (clip,) = cut(data, data.sources()[0], count=1, size=128)
        assert clip.blurry is not None
        difference = np.abs(clip.blurry.astype(int) - clip.frames[0]).mean()
        assert 0.2 < difference < 30  # of the same place, and not the same
