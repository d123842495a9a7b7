"""Frames between frames: are they right, and do all who use footage agree about them?"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurkit.data.cache import prepare_clips
from deblurkit.data.prepared.clips import PreparedClips
from deblurkit.data.prepared.prepare import plan_footage
from deblurkit.errors import DataError
from deblurkit.footage.interpolation import LEAST_FOUND, InBetween, between
from deblurkit.footage.motion import motion_a_frame
from deblurkit.footage.recording import Recording
from deblurkit.media.image import write_png
from deblurkit.registry import get_registry
from deblurkit_standard.datasets.frames import Frames

Pixels = npt.NDArray[np.uint8]
SIZE = (64, 80)


def texture(seed: int, down: float = 0.0, right: float = 0.0) -> npt.NDArray[np.float64]:
    """A sum of waves, shifted exactly: H×W×3, 0 to 255."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]][..., None].astype(float)
    total = np.zeros((*SIZE, 3))
    for _ in range(40):
        length = rng.uniform(6, 40)
        angle = rng.uniform(0, 2 * np.pi)
        along = np.cos(angle) * (rows - down) + np.sin(angle) * (columns - right)
        total += length**0.5 * np.cos(2 * np.pi * along / length + rng.uniform(0, 6.3, 3))
    return np.clip(128 + 9 * total / 4, 0, 255)


def ground(down: float, right: float, seed: int = 1) -> Pixels:
    return np.rint(texture(seed, down, right)).astype(np.uint8)


def scene(right: float) -> Pixels:
    """A bright square, 26 pixels wide, over a still ground."""
    x = np.arange(SIZE[1])
    across = np.clip(np.minimum(x + 1 - (20 + right), 46 + right - x), 0, 1)
    cover = across[None, :, None] * (np.abs(np.arange(SIZE[0]) - 31.5) < 13)[:, None, None]
    square = 160 + 0.37 * texture(2, 0, right)
    return np.rint(cover * square + (1 - cover) * 0.6 * texture(1)).astype(np.uint8)


def psnr(one: Pixels, two: Pixels) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - two).mean()))


def faded(first: Pixels, second: Pixels, time: float) -> Pixels:
    return np.rint((1 - time) * first.astype(float) + time * second).astype(np.uint8)


@pytest.mark.parametrize(("down", "right"), [(0.0, 1.7), (3.3, -4.6), (-2.2, 6.5)])
def test_a_shifted_ground(down: float, right: float) -> None:
    first, second = ground(0, 0), ground(down, right)
    made = between(first, second, 4)
    assert made.shape == (3, *SIZE, 3) and made.dtype == np.uint8
    inner = (slice(8, -8), slice(8, -8))  # what was never in view cannot be known
    for k, frame in enumerate(made, 1):
        true = ground(down * k / 4, right * k / 4)
        assert psnr(frame[inner], true[inner]) > 38
        fade = faded(first, second, k / 4)
        assert psnr(frame, true) > psnr(fade, true) + 6


def test_an_object_before_a_still_ground() -> None:
    first, second = scene(0), scene(5)
    assert InBetween(first, second).found > 0.9
    for k, frame in enumerate(between(first, second, 4), 1):
        true, fade = scene(5 * k / 4), faded(first, second, k / 4)
        assert psnr(frame, true) > max(33, psnr(fade, true) + 6)
        assert np.abs(frame[:, 58:].astype(int) - first[:, 58:]).max() <= 2  # nothing moves there
        # Ground that only one of the two shows: soon covered on the right, just bared on the left.
        alone = {1: slice(48, 51), 3: slice(20, 23)}.get(k)
        if alone:
            off, double = (
                np.abs(x[22:42, alone].astype(int) - true[22:42, alone]) for x in (frame, fade)
            )
            assert off.mean() < double.mean() / 3


def test_ends_and_equal_frames_are_exact() -> None:
    first, second = ground(0, 0), ground(1, 2)
    pair = InBetween(first, second)
    assert np.array_equal(pair.at(0), first) and np.array_equal(pair.at(1), second)
    assert pair.found > 0.8 and pair.found_moving > 0.8 and not pair.unlike
    assert all(np.array_equal(frame, first) for frame in between(first, first, 3))
    assert between(first, second, 1).shape == (0, *SIZE, 3)
    for wrong in (first[:-1], first[..., 0]):
        with pytest.raises(ValueError, match="two frames"):
            InBetween(first, wrong)
    with pytest.raises(ValueError, match="times=0"):
        between(first, second, 0)


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (40, 3)])
def test_frames_of_any_size(size: tuple[int, int]) -> None:
    first, second = (ground(0, right)[: size[0], : size[1]] for right in (0, 1))
    assert between(first, second, 3).shape == (2, *size, 3)


def test_large_frames() -> None:
    """Where flow is found on smaller images than those that are made."""
    still = np.zeros((40, 700, 3), np.uint8)
    still[:] = 60 + 50 * np.sin(np.arange(700) / 4 + np.arange(40)[:, None] / 7)[..., None]
    for shift in (4, 6):
        first, second = still[:, :-shift], still[:, shift:]
        true = still[:, shift // 2 : shift // 2 - shift]
        made = between(first, second, 2)[0]
        assert psnr(made[:, 16:-16], true[:, 16:-16]) > psnr(faded(first, second, 0.5), true) + 6


@pytest.mark.parametrize("motion", [0.0, 3.3, 9.0, 30.0])
def test_reversed_in_time(motion: float) -> None:
    for first, second in (
        (ground(0, 0), ground(motion / 3, -motion / 2)),
        (scene(0), scene(motion)),
    ):
        if InBetween(first, second).unlike:
            assert motion > 9
            continue
        there, back = between(first, second, 4), between(second, first, 4)[::-1]
        assert np.abs(there.astype(int) - back).max() <= 1


def test_frames_that_have_nothing_in_common() -> None:
    one, other = ground(0, 0, seed=1), ground(0, 0, seed=9)
    for second in (other, np.zeros_like(one), 255 - one):
        pair = InBetween(one, second)
        assert pair.found < LEAST_FOUND / 4 and pair.unlike
        made = between(one, second, 4)
        assert all(np.array_equal(a, b) for a, b in zip(made, (one, one, second), strict=True))


def test_the_same_in_another_process(tmp_path: Path) -> None:
    np.save(tmp_path / "ends.npy", np.stack([scene(0), scene(5)]))
    script = (
        "import sys, numpy\n"
        "from deblurkit.footage.interpolation import between\n"
        "numpy.save(sys.argv[2], between(*numpy.load(sys.argv[1]), 3))"
    )
    files = [str(tmp_path / name) for name in ("ends.npy", "made.npy")]
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", script, *files], env=environment, check=True)
    assert np.array_equal(np.load(files[1]), between(scene(0), scene(5), 3))


# In data sets.


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "take", [ground(0, 2.5 * t) for t in range(7)])


def folder_of(path: Path, frames: list[Pixels]) -> Path:
    for k, frame in enumerate(frames):
        write_png(path / f"{k:03d}.png", frame)
    return path


def test_counts_and_places(folder: Path) -> None:
    dataset = Frames(path=folder, stride=2, interpolate=4)  # frames 1, 3, 5, 7
    (recording,) = dataset.recordings
    assert dataset.used_frames(recording) == 13
    assert dataset.sources() == ("take frames 1-7 by 2 in 13 steps",)
    assert dataset.starts(recording, 5) == tuple(range(9))
    assert dataset.starts(recording, 14) == ()
    assert dataset.span(4, 5) == "frames 3-5 by 2 in 5 steps"
    assert dataset.span(1, 3) == "frames 1.5-2.5 by 2 in 3 steps"
    assert dataset.moment(5) == Fraction(5, 2)
    assert Frames(path=folder, interpolate=3).span(1, 2) == "frames 1.333-1.667 in 2 steps"
    assert Frames(path=folder, interpolate=6).span(12, 13) == "frames 3-5 in 13 steps"


def test_passages_share_nothing_that_moved_between_them(folder: Path) -> None:
    dataset = Frames(path=folder, interpolate=4, passage=3)
    assert dataset.sources() == ("take frames 1-3 in 9 steps", "take frames 4-6 in 9 steps")
    for source, least in zip(dataset.sources(), (1, 4), strict=True):
        clips = dataset.clips(source, count=8, frames=5, size=32, rng=np.random.default_rng(0))
        for clip in clips:
            first, last = (float(n) for n in clip.place.split()[1].split("-"))
            assert least <= first < last <= least + 2 and last - first == 1
    with pytest.raises(DataError) as caught:
        list(dataset.clips(source, count=1, frames=11, size=8, rng=np.random.default_rng(0)))
    message = str(caught.value)
    assert "a passage has 9 frames and a clip needs 11" in message
    assert "7 in all, with 3 put between any two" in message
    assert "--set data.train.passage=4 or more" in message
    (whole,) = Frames(path=folder, interpolate=4, passage=4).sources()  # as proposed
    assert whole == "take frames 1-4 in 13 steps"


@settings(max_examples=40, deadline=None)
@given(
    total=st.integers(1, 90), passage=st.integers(1, 30), stride=st.integers(1, 5),
    interpolate=st.integers(1, 7),
)  # fmt: skip
def test_passages_lie_between_frames_of_their_own(
    total: int, passage: int, stride: int, interpolate: int
) -> None:
    class Counted(Frames):
        recordings = (Recording("a", Path("a"), (), total, 8, 8),)

    plain = Counted(path=Path("a"), passage=passage, stride=stride)
    filled = Counted(path=Path("a"), passage=passage, stride=stride, interpolate=interpolate)
    recording = plain.recordings[0]
    used = plain.used_frames(recording)
    assert filled.used_frames(recording) == (used - 1) * interpolate + 1
    assert filled.moment(filled.used_frames(recording) - 1) == plain.moment(used - 1)
    spans = [name.split(" in ")[0] for name in filled.sources()]
    assert spans == list(plain.sources())
    for frames in (1, interpolate + 1, passage * interpolate):
        count = filled.used_frames(recording) - frames + 1
        assert filled.starts(recording, frames) == tuple(range(count))


def test_windows_are_parts_of_the_whole(folder: Path) -> None:
    dataset = Frames(path=folder, stride=2, interpolate=3, downsample=0.75)
    (recording,) = dataset.recordings
    whole = dataset.window(recording, 0, 10)
    plain = Frames(path=folder, stride=2, downsample=0.75)
    own = plain.window(plain.recordings[0], 0, 4)
    assert np.array_equal(whole[::3], own)
    expected = [between(a, b, 3) for a, b in pairwise(own)]
    assert np.array_equal(whole.reshape(10, -1)[1:3], expected[0].reshape(2, -1))
    assert np.array_equal(whole[7:9], expected[2])
    for start, count in ((0, 1), (1, 1), (2, 3), (3, 4), (4, 2), (5, 5), (9, 1), (2, 0)):
        assert np.array_equal(dataset.window(recording, start, count), whole[start : start + count])
    (source,) = dataset.sources()
    for clip in dataset.clips(source, count=6, frames=4, size=16, rng=np.random.default_rng(1)):
        span, x, y = clip.place.split(", ")
        start = round((float(span.split()[1].split("-")[0]) - 1) * 3 / 2)
        left, top = int(x.split("=")[1]), int(y.split("=")[1])
        part = whole[start : start + 4, top : top + 16, left : left + 16]
        assert np.array_equal(clip.frames, part)


def test_prepared_clips_are_the_dataset_s(folder: Path, tmp_path: Path) -> None:
    sets = [
        "frames=3",
        "data.train.stride=2",
        "data.train.interpolate=4",
        "data.formation.shot_noise=0.001",
    ]
    plan = plan_footage(folder, get_registry(), overrides=sets, step=5)
    plan.write(tmp_path / "out")
    clips = PreparedClips(tmp_path / "out")
    starts = [0, 5, 10]
    assert len(clips) == 3
    dataset, (recording,) = plan.dataset, plan.dataset.recordings
    for k, start in enumerate(starts):
        frames, blurry = clips.arrays(k)
        assert clips.places[k] == dataset.span(start, 3)
        assert np.array_equal(frames, dataset.window(recording, start, 3))
        assert np.abs(blurry.astype(float) - frames.mean(0)).mean() < 8  # noise alone
    assert clips.places[1] == "frames 3.5-4.5 by 2 in 3 steps"


def test_frames_of_one_exposure_stay_as_they_are() -> None:
    class InRuns(Frames):
        def listed(self) -> tuple[Recording, ...]:
            return (Recording("a", Path("a"), (), 14, 8, 8, window=7),)

    assert InRuns(path=Path("a")).sources() == ("a frames 1-14",)
    for wrong in ({"interpolate": 2}, {"stride": 2, "interpolate": 2}):
        with pytest.raises(DataError, match=r"runs of 7(.|\n)*stride: 1, interpolate: 1"):
            _ = InRuns(path=Path("a"), **wrong).recordings
    published = Frames(path=Path("a"), blurry="published", interpolate=2)
    published.listed = lambda: (Recording("a", Path("a"), (), 9, 8, 8),)  # type: ignore[method-assign]
    with pytest.raises(DataError, match=r"published belong to the frames as they are"):
        published.sources()


def test_cuts_and_lost_things_are_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cut = [ground(0, 0), ground(0, 2), ground(0, 0, seed=9), ground(0, 2, seed=9), ground(0, 0)]
    dataset = Frames(path=folder_of(tmp_path / "cut", cut), interpolate=2)
    with caplog.at_level(logging.WARNING):
        made = dataset.window(dataset.recordings[0], 0, 9)
    assert np.array_equal(made[3], cut[1]) and np.array_equal(made[7], cut[3])
    (said,) = caplog.messages  # the second cut is not
    assert "cut: frames 2 and 3 have too little in common" in said
    caplog.clear()
    lost = Frames(path=folder_of(tmp_path / "lost", [scene(0), scene(30)]), interpolate=2)
    with caplog.at_level(logging.WARNING):
        lost.window(lost.recordings[0], 0, 3)
    (said,) = caplog.messages
    assert "lost: of what moves between frames 1 and 2 only" in said
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        moved = [ground(0, 0), ground(0, 2)]
        good = Frames(path=folder_of(tmp_path / "good", moved), interpolate=2)
        good.window(good.recordings[0], 0, 3)
    assert caplog.messages == []


# The warning of ghosts.


def test_motion_from_frame_to_frame() -> None:
    assert motion_a_frame(ground(0, 0), [ground(3, 4)]) == pytest.approx(5, abs=0.5)
    assert motion_a_frame(ground(0, 0), [ground(0, 1), ground(0, -3)]) == pytest.approx(3, abs=0.4)
    assert motion_a_frame(ground(0, 0), []) == 0


@pytest.mark.parametrize(
    ("params", "frames", "proposed"),
    [
        ({}, 3, 3),
        ({"interpolate": 3}, 3, 0),
        ({"downsample": 0.35}, 3, 0),
        ({}, 1, 0),
    ],
)
def test_ghosts_are_warned_of_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    params: dict[str, float],
    frames: int,
    proposed: int,
) -> None:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    path = folder_of(tmp_path / "fast", [ground(0, 5.0 * t) for t in range(4)])
    dataset = Frames(path=path, passage=4, **params)  # type: ignore[arg-type]
    with caplog.at_level(logging.WARNING):
        for seed in (0, 1):
            prepare_clips(
                dataset, dataset.sources(), settings={"name": "frames"}, split="train", count=1,
                frames=frames, size=16, seed=seed,
            )  # fmt: skip
    if not proposed:
        assert caplog.messages == []
        return
    (said,) = caplog.messages
    assert "things move 5." in said or "things move 4.9" in said
    assert "(fast frames 2-3)" in said and "data.train.downsample=0.3" in said
    assert f"data.train.interpolate={proposed}" in said


def test_ghosts_in_prepared_folders(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = folder_of(tmp_path / "fast", [ground(0, 5.0 * t) for t in range(3)])
    plan = plan_footage(path, get_registry(), overrides=["frames=3"])
    with caplog.at_level(logging.WARNING):
        plan.write(tmp_path / "out")
        plan.write(tmp_path / "out")
    assert len(caplog.messages) == 1 and "pixels from one frame to the next" in caplog.messages[0]
