"""Sequences on disk: found, matched, checked, read one at a time."""

from __future__ import annotations

import json
import os
import unicodedata
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deblurkit.errors import DataError
from deblurkit.evaluation import sequence_files
from deblurkit.evaluation.clip_names import frames_mark
from deblurkit.evaluation.measures import ScoreSheet, merged
from deblurkit.evaluation.protocols import animation_from_blur
from deblurkit.evaluation.protocols import deblurkit as ours
from deblurkit.evaluation.protocols.lookup import get_protocol
from deblurkit.evaluation.score_folders import find_pairs, score_pairs
from deblurkit.evaluation.sequence_files import SequenceFiles, sequences_in
from deblurkit.media.image import write_png
from deblurkit.media.video_writing import write_gif, write_mp4


@pytest.fixture(autouse=True)
def _no_weights(monkeypatch):
    for module in (ours, animation_from_blur):
        monkeypatch.setattr(module, "why_unavailable", lambda net: "no weights here")


def frames(seed=0, T=3, height=24, width=32):
    """Smooth enough for codecs, and different in each frame."""
    rng = np.random.default_rng(seed)
    out = np.full((T, height, width, 3), rng.integers(60, 90, 3), np.uint8)
    for t in range(T):
        out[t, 4:12, 4 + 5 * t : 14 + 5 * t] = rng.integers(150, 250, 3)
    return out


def write(folder: Path, images, names=None) -> Path:
    for k, image in enumerate(images):
        write_png(folder / (names[k] if names else f"frame{k + 1}.png"), image)
    return folder


def both(tmp_path, clips=("a", "b"), T=3):
    for seed, name in enumerate(clips):
        true = frames(seed, T)
        write(tmp_path / "truth" / name, true)
        write(tmp_path / "pred" / name, true[::-1])
    return tmp_path / "pred", tmp_path / "truth"


def refused(*where, **how) -> str:
    with pytest.raises(DataError) as caught:
        find_pairs(*where, **how)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_folder_is_read_in_the_order_people_count(tmp_path):
    images = frames(T=11)
    folder = write(tmp_path / "clip", images)  # frame2 before frame10
    (folder / "notes.txt").write_text("not a frame")
    (folder / ".DS_Store").write_bytes(b"x")
    sequence = sequences_in(folder)
    assert isinstance(sequence, SequenceFiles)
    assert sequence.shape() == (11, 24, 32)
    read = sequence.read()
    assert read.dtype == np.float32
    np.testing.assert_array_equal(np.rint(read * 255), images)
    np.testing.assert_allclose(read, images / 255, atol=1e-7)


@pytest.mark.parametrize("kind", ["mp4", "gif"])
def test_movies_are_sequences(tmp_path, kind):
    images, path = frames(T=5), tmp_path / f"clip.{kind}"
    if kind == "mp4":
        write_mp4(path, images, 8, quality=0)
    else:
        write_gif(path, images, 8, loop="forward")
    sequence = sequences_in(path)
    assert isinstance(sequence, SequenceFiles) and sequence.name == "clip"
    assert sequence.shape() == (5, 24, 32)
    assert np.abs(sequence.read() * 255 - images).mean() < 3


def test_clips_are_matched_by_name_whatever_their_form(tmp_path):
    truth = tmp_path / "truth"
    for seed, name in enumerate(("clip2", "clip10", "clip1")):
        write(truth / name, frames(seed))
    write(tmp_path / "pred" / "clip10", frames(1))
    write_mp4(tmp_path / "pred" / "clip2.mp4", frames(0), 8, quality=0)
    write_gif(tmp_path / "pred" / "clip1.gif", frames(2), 8, loop="forward")
    (tmp_path / "pred" / "readme.md").write_text("made by")
    pairs = find_pairs(tmp_path / "pred", truth)
    assert [clip.name for clip in pairs.clips] == ["clip1", "clip2", "clip10"]
    assert pairs.T == 3
    for clip in pairs.clips:
        estimates, target, blurry = clip.read()
        assert estimates.shape == (1, 3, 24, 32, 3) and blurry is None
        assert np.abs(estimates[0] - target).mean() < 0.02


def test_one_clip_is_matched_whatever_the_names(tmp_path):
    true = write(tmp_path / "x" / "truth", frames())
    ours_ = write(tmp_path / "out", frames())
    (clip,) = find_pairs(ours_, true).clips
    assert clip.name == "truth"


def test_the_first_few_clips(tmp_path):
    pairs = find_pairs(*both(tmp_path, ("a", "b", "c")), limit=2)
    assert [clip.name for clip in pairs.clips] == ["a", "b"]


def test_missing_clips_are_named_on_both_sides(tmp_path):
    pred, truth = both(tmp_path)
    write(pred / "only-ours", frames())
    write(truth / "only-theirs", frames())
    said = refused(pred, truth)
    assert f"1 without prediction in {pred}: only-theirs" in said
    assert f"1 without truth in {truth}: only-ours" in said
    assert "--allow-missing" in said
    pairs = find_pairs(pred, truth, allow_missing=True)
    assert [clip.name for clip in pairs.clips] == ["a", "b"]
    assert pairs.no_prediction == ("only-theirs",) and pairs.no_truth == ("only-ours",)


def test_not_one_name_in_common(tmp_path):
    write(tmp_path / "pred" / "x", frames())
    write(tmp_path / "truth" / "y", frames())
    said = refused(tmp_path / "pred", tmp_path / "truth", allow_missing=True)
    assert "not one name is on both sides" in said and "--allow-missing" not in said


def test_many_missing_clips_are_counted(tmp_path):
    for k in range(30):
        write(tmp_path / "truth" / f"c{k}", frames(T=1))
    write(tmp_path / "pred" / "c0", frames(T=1))
    said = refused(tmp_path / "pred", tmp_path / "truth")
    assert "29 without prediction" in said and "c20 and 9 more" in said


def test_all_misfits_are_said_at_once_with_both_numbers(tmp_path):
    pred, truth = both(tmp_path, ("fine",))
    write(truth / "count", frames())
    write(pred / "count", frames(T=5))
    write(truth / "size", frames())
    write(pred / "size", frames(height=20))
    write(truth / "even", frames(T=4))
    write(pred / "even", frames(T=4))
    (pred / "torn").mkdir()
    write(truth / "torn", frames())
    (pred / "torn" / "1.png").write_bytes(b"no image")
    said = refused(pred, truth)
    assert "4 things do not fit" in said and "fine" not in said
    assert "count: the prediction has 5 frames, the truth 3" in said
    assert "size: the prediction has 32×20 pixels, the truth 32×24" in said
    assert "even: 4 true frames have no middle frame" in said
    assert "1.png: this is not an image" in said


def test_clips_of_different_lengths_are_not_put_into_one_table(tmp_path):
    pred, truth = both(tmp_path, ("a",))
    write(truth / "b", frames(T=5))
    write(pred / "b", frames(T=5))
    assert "different numbers of frames: 3 (a), 5 (b)" in refused(pred, truth)


def test_movies_that_do_not_fit_come_with_the_likely_reason(tmp_path):
    write(tmp_path / "truth" / "a", frames(width=31))
    write_mp4(tmp_path / "pred" / "a.mp4", frames(width=31), 8)
    said = refused(tmp_path / "pred", tmp_path / "truth")
    assert "32×24 pixels, the truth 31×24" in said and "MP4 makes odd sides even" in said


def test_paths_that_are_no_sequences(tmp_path):
    pred, truth = both(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "no frames and no clips" in refused(empty, truth)
    assert "no such file or folder" in refused(tmp_path / "absent", truth)
    assert "is no sequence" in refused(pred / "a" / "frame1.png", truth)
    assert "this is one clip" in refused(pred / "a", truth)
    assert f"{truth / 'a'}" in refused(pred / "a", truth)
    assert "2 clips or samples, not one clip" in refused(pred, truth / "a")
    write(pred, frames()[:1])
    assert "holds images" in refused(pred, truth)


def test_two_forms_of_one_clip_are_refused(tmp_path):
    pred, truth = both(tmp_path)
    write_gif(pred / "a.gif", frames(), 8, loop="forward")
    assert "a and a.gif are both clip 'a'" in refused(pred, truth)


def test_a_clip_without_images_is_named(tmp_path):
    pred, truth = both(tmp_path)
    for image in (pred / "b").iterdir():
        image.unlink()
    assert "b: " in refused(pred, truth) and "no frames" in refused(pred, truth)


def test_blurry_images_by_name(tmp_path):
    pred, truth = both(tmp_path)
    image = frames(7)[0]
    for name in ("a", "b"):
        write_png(tmp_path / "blurry" / f"{name}.png", image)
    pairs = find_pairs(pred, truth, blurry=tmp_path / "blurry")
    blurry = pairs.clips[1].read()[2]
    assert blurry is not None
    np.testing.assert_array_equal(np.rint(blurry * 255), image)
    write_png(tmp_path / "blurry" / "b.png", image[:10])
    assert "b: the blurry image has 32×10 pixels" in refused(
        pred, truth, blurry=tmp_path / "blurry"
    )
    (tmp_path / "blurry" / "b.png").rename(tmp_path / "blurry" / "c.png")
    assert "no blurry image for 1 clip: b" in refused(pred, truth, blurry=tmp_path / "blurry")
    (tmp_path / "blurry" / "c.png").rename(tmp_path / "blurry" / "a.bmp")
    assert "a.bmp and a.png are both the blurry image of clip 'a'" in refused(
        pred, truth, blurry=tmp_path / "blurry"
    )


def test_the_blurry_image_of_one_clip_is_a_file_or_alone_in_a_folder(tmp_path):
    pred, truth = both(tmp_path)
    path = tmp_path / "blurry" / "photo.png"
    write_png(path, frames()[0])
    for said in (path, path.parent):
        assert find_pairs(pred / "a", truth / "a", blurry=said).clips[0].blurry == path


@pytest.mark.parametrize("single", [False, True])
def test_samples_are_folders_in_a_clip(tmp_path, single):
    pred, truth = tmp_path / "pred", tmp_path / "truth"
    true = frames()
    write(truth / "a", true)
    write(pred / "a" / "s1", frames(4))
    write(pred / "a" / "s2", true)
    where = (pred / "a", truth / "a") if single else (pred, truth)
    pairs = find_pairs(*where, samples=True)
    assert [s.name for s in pairs.clips[0].estimates] == ["s1", "s2"]
    sheet = score_pairs(pairs, get_protocol("animation-from-blur"))
    assert sheet.values("ssim") == [pytest.approx(1.0)]
    with pytest.raises(DataError, match="not samples"):
        score_pairs(pairs, get_protocol("deblurkit"))
    write(pred / "a" / "s3", frames(T=5))
    assert "sample s3 has 5 frames, the truth 3" in refused(*where, samples=True)


def test_no_clip_is_held_when_the_next_is_read(tmp_path, monkeypatch):
    pairs = find_pairs(*both(tmp_path, ("a", "b", "c")))
    held: list[weakref.ref[np.ndarray]] = []
    read, done = sequence_files.ClipFiles.read, []

    def reading(clip):
        assert not [array for array in held if array() is not None]
        assert len(done) == len(held) // 2  # and none is read ahead
        estimates, target, blurry = read(clip)
        held.extend((weakref.ref(estimates), weakref.ref(target)))
        return estimates, target, blurry

    monkeypatch.setattr(sequence_files.ClipFiles, "read", reading)
    sheet = score_pairs(pairs, get_protocol("hypercut-ppsnr"), done.append)
    assert done == [1, 2, 3] and sheet.clips == ["a", "b", "c"]
    assert sheet.values("ppsnr") == [100.0]  # all reversed, none wrong


def test_damage_behind_the_header_ends_the_scoring_with_the_file(tmp_path):
    pred, truth = both(tmp_path)
    torn = pred / "b" / "frame2.png"
    torn.write_bytes(torn.read_bytes()[:-30])
    pairs = find_pairs(pred, truth)
    with pytest.raises(DataError, match=r"frame2\.png.*damaged"):
        score_pairs(pairs, get_protocol("hypercut-ppsnr"))


def test_a_frame_of_another_size_is_named_when_it_is_reached(tmp_path):
    folder = write(tmp_path / "clip", [*frames()[:2], frames(width=20)[2]])
    with pytest.raises(DataError, match=r"clip: frame 3 has 20×24 pixels, frame 1 32×24"):
        SequenceFiles(folder).read()


def test_frames_too_small_for_a_score_say_which_clip(tmp_path):
    for side in ("pred", "truth"):
        write(tmp_path / side / "tiny", frames(height=13, width=30)[:, :9])
    pairs = find_pairs(tmp_path / "pred", tmp_path / "truth")
    with pytest.raises(
        DataError, match=r"clip 'tiny': frames of 30×9 pixels .* too small for SSIM"
    ):
        score_pairs(pairs, get_protocol())


def test_names_match_however_their_accents_are_stored(tmp_path):
    composed, apart = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    write(tmp_path / "truth" / composed, frames())
    write(tmp_path / "pred" / apart, frames())
    write_png(tmp_path / "blurry" / f"{apart}.png", frames()[0])
    (clip,) = find_pairs(tmp_path / "pred", tmp_path / "truth", blurry=tmp_path / "blurry").clips
    assert clip.name == composed and clip.blurry is not None
    write(tmp_path / "pred" / composed, frames())
    if len(list((tmp_path / "pred").iterdir())) == 1:
        pytest.skip("this file system takes both forms for one name")
    said = refused(tmp_path / "pred", tmp_path / "truth")
    assert r"'cafe\u0301' and 'caf\xe9' are both clip 'café'" in said
    (tmp_path / "pred" / composed).rename(tmp_path / "moved")
    write_png(tmp_path / "blurry" / f"{composed}.png", frames()[0])
    said = refused(tmp_path / "pred", tmp_path / "truth", blurry=tmp_path / "blurry")
    assert "are both the blurry image of clip 'café'" in said and "u0301" in said


def test_a_name_that_is_no_text_matches_and_can_be_printed(tmp_path):
    name = os.fsdecode(b"cl\xffip\x1b")
    for side in ("truth", "pred"):
        try:
            (tmp_path / side / name).mkdir(parents=True)
        except OSError:
            pytest.skip("this file system has no such names")
        write(tmp_path / side / name, frames())
    (clip,) = find_pairs(tmp_path / "pred", tmp_path / "truth").clips
    assert clip.name == "cl\ufffdip\ufffd"
    assert clip.read()[1].shape == (3, 24, 32, 3)


def test_one_clip_has_a_name_also_where_its_path_has_none(tmp_path, monkeypatch):
    write(tmp_path / "mine", frames())
    (tmp_path / "mine" / ".hidden").mkdir()
    for here, said in (("mine", "."), ("mine", "../mine"), ("mine/.hidden", "..")):
        monkeypatch.chdir(tmp_path / here)
        (clip,) = find_pairs(Path(said), Path(said)).clips
        assert clip.name == "mine"


def test_what_becomes_rgb_is_said_once(tmp_path):
    pred, truth = both(tmp_path)
    for name, mode in (("a", "L"), ("b", "P")):
        for path in (pred / name).iterdir():
            Image.open(path).convert(mode).save(path)
    for path in (truth / "a").iterdir():
        Image.open(path).convert("RGBA").save(path)  # opaque
    pairs = find_pairs(pred, truth)
    assert pairs.notes == (
        "predictions of 1 clip are gray: each value counts for all three colours",
        "predictions of 1 clip have a palette: scored as the RGB colours that it names",
    )
    gray = pairs.clips[0].read()[0]
    np.testing.assert_array_equal(gray[..., 0], gray[..., 2])
    np.testing.assert_array_equal(np.rint(pairs.clips[0].read()[1] * 255), frames(0))
    assert find_pairs(truth, truth).notes == ()


def test_transparent_frames_are_refused_with_their_names(tmp_path):
    def through(path: Path) -> None:
        image = Image.open(path).convert("RGBA")
        image.putpixel((3, 2), (10, 20, 30, 254))
        image.save(path)

    pred, truth = both(tmp_path)
    through(truth / "b" / "frame3.png")  # seen when it is read
    pairs = find_pairs(pred, truth)
    with pytest.raises(DataError, match=r"frame3\.png: pixels of the image are transparent"):
        score_pairs(pairs, get_protocol("jin2018-middle"))
    through(pred / "a" / "frame1.png")
    write_png(tmp_path / "blurry" / "a.png", frames()[0])
    write_png(tmp_path / "blurry" / "b.png", frames()[0])
    through(tmp_path / "blurry" / "b.png")
    said = refused(pred, truth, blurry=tmp_path / "blurry")
    assert "2 things do not fit" in said and said.count("transparent pixels") == 2
    assert f"a: {pred}/a/frame1.png has" in said and "without an alpha channel" in said


def test_even_numbers_of_frames_come_with_what_to_do(tmp_path):
    said = refused(*both(tmp_path, ("a",), T=4))
    assert "1 thing does not fit" in said and "4 true frames have no middle frame" in said
    assert "leave the same frame out at an end" in said and "write predictions" not in said


def test_sheets_say_which_true_frames_they_are_of(tmp_path):
    pred, truth = both(tmp_path)
    sheet = score_pairs(find_pairs(pred, truth), get_protocol("jin2018-middle"))
    assert sheet.true_frames == [frames_mark(frames(k) / 255) for k in range(2)]
    back = ScoreSheet.from_json(json.loads(json.dumps(sheet.to_json())))
    assert back == sheet and merged([sheet, back]).true_frames == 2 * sheet.true_frames
    old = {k: v for k, v in sheet.to_json().items() if k not in ("true_frames", "settings")}
    assert ScoreSheet.from_json(old).true_frames == ["", ""]
    with pytest.raises(ValueError, match="1 marks of true frames"):
        ScoreSheet.from_json({**old, "true_frames": ["x"]})
