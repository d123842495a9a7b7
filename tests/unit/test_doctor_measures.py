"""What the checks of `data doctor` are made on: numbers of names, motion, likeness, sharpness."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_footage import Pixels, film, texture
from PIL import Image
from scipy import ndimage

from deblurkit.doctor.blur_fit import Samples
from deblurkit.doctor.case import few_or_one
from deblurkit.doctor.cuts import cuts, strays
from deblurkit.doctor.finding import Finding, spans
from deblurkit.doctor.likeness import NEAR, SAME, likeness, perceptual_hash, places_apart
from deblurkit.doctor.looking import chosen_runs, damage
from deblurkit.doctor.motion import BLOCKS, LONG_SIDE, small, step
from deblurkit.doctor.numbering import Gap, gaps, series_begin
from deblurkit.doctor.order import misplaced
from deblurkit.doctor.rhythm import jumps, pattern, repeats
from deblurkit.doctor.sharpness import SOFT, blurry_frames, detail, softness
from deblurkit.doctor.survey import split_of, survey
from deblurkit.doctor.trace import Trace, Tracer
from deblurkit.errors import DataError
from deblurkit_standard.layouts.image_folders import ImageFolders

SCENE = film("pan", 3, 1, (90, 120))[0]


# --- names -----------------------------------------------------------------------------------

RUNS = [f"{i:08d}_{j:03d}" for i in range(7) for j in range(7)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([f"{k:06d}" for k in range(3, 9)], []),
        (["000001", "000002", "000005"] + [f"{k:06d}" for k in range(6, 12)],
         [Gap(1, 2, ("000003", "000004"))]),
        (["f1_a", "f3_a", "f5_a", "f9_a", "f11_a"], [Gap(2, 1, ("f7_a",))]),
        ([f"GOPR0372_{k}" for k in (7, 8, 9, 10, 12)], [Gap(3, 1, ("GOPR0372_11",))]),
        (RUNS, []),
        ([n for n in RUNS if n != "00000002_003"], [Gap(16, 1, ("00000002_003",))]),
        ([n for n in RUNS if n != "00000002_006"], [Gap(19, 1, ("00000002_006",))]),
        ([n for n in RUNS if n != "00000002_000"], [Gap(13, 1, ("00000002_000",))]),
        ([n for n in RUNS if not n.startswith("00000003")], [Gap(20, 1, ("00000003_*",))]),
        (["1548266469.3", "1548266470.9", "1548266471.1", "1548266479.7"], []),
        (["left", "right"], []),
        ([], []),
    ],
)  # fmt: skip
def test_gaps_in_numbers(names: list[str], expected: list[Gap]) -> None:
    assert list(gaps(names)) == expected


@settings(max_examples=30)
@given(st.integers(0, 900), st.integers(8, 40), st.data())
def test_any_one_missing_number_is_told(first: int, count: int, data: st.DataObject) -> None:
    lost = data.draw(st.integers(1, count - 2))
    names = [f"take2_{first + k:05d}" for k in range(count) if k != lost]
    assert gaps(names) == (Gap(lost - 1, 1, (f"take2_{first + lost:05d}",)),)


def test_where_series_begin() -> None:
    assert series_begin(RUNS) == {0, 7, 14, 21, 28, 35, 42}
    assert series_begin([f"{k:03d}" for k in range(9)]) == {0}


def test_frames_are_said_in_runs() -> None:
    assert spans((3,)) == "3" and spans((9, 7, 8, 3, 20)) == "3, 7-9, 20"
    assert spans(tuple(range(1, 40, 2)), 3) == "1, 3, 5 and 17 more"


def test_many_findings_become_one_with_the_greatest_numbers() -> None:
    every = [
        Finding("dropped", "error", "a", "x", "y", (k,), (f"{k}.png",), {"times": k})
        for k in range(1, 12)
    ]
    assert few_or_one(every[:8], lambda frames: "many") == every[:8]
    (one,) = few_or_one(every, lambda frames: f"{len(frames)} places")
    assert one.text == "11 places" and one.frames == tuple(range(1, 12)) and len(one.files) == 11
    assert one.numbers == {"times": 11, "greatest_times": 11}


# --- motion ----------------------------------------------------------------------------------


def shifted(down: float, right: float) -> Pixels:
    moved = ndimage.shift(SCENE.astype(float), (down, right, 0), order=3, mode="nearest")
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("down", "right"), [(0.3, -0.2), (2.0, 1.5), (-4.0, 6.0), (0.0, 9.0)])
@pytest.mark.parametrize("gain", [1.0, 0.8])
def test_a_shift_is_measured_whatever_the_exposure(down: float, right: float, gain: float) -> None:
    found = step(small(SCENE), small((shifted(down, right) * gain).astype(np.uint8)))
    inner = found.flow.reshape(6, 8, 2)[1:-1, 1:-1].reshape(-1, 2)
    assert np.median(inner, 0) == pytest.approx([down, right], abs=0.08)
    assert found.match > 0.9
    assert found.speed == pytest.approx(np.hypot(down, right), abs=0.25)


def test_nothing_moves_in_equal_images() -> None:
    found = step(small(SCENE), small(SCENE))
    assert (found.match, found.change, found.speed) == (1.0, 0.0, 0.0)
    assert not found.flow.any() and found.flow.shape == (BLOCKS, 2)


def test_large_images_are_made_small_and_small_ones_are_not() -> None:
    assert small(np.zeros((720, 1280, 3), np.uint8)).shape == (108, LONG_SIDE)
    assert small(SCENE).shape == SCENE.shape[:2]


def trace_of(positions: list[float]) -> Trace:
    """Of a scene of which all blocks are at these places."""
    trace = Trace.empty(len(positions))
    trace.motion[1:] = np.diff(positions)[:, None] / np.sqrt(trace.motion.shape[1])
    trace.speed[1:] = abs(np.diff(positions))
    trace.known[1:] = True
    return trace


STEADY = [1.5 * t for t in range(24)]


@settings(max_examples=40)
@given(st.integers(0, 20), st.integers(1, 3), st.floats(-0.02, 0.02))
def test_swapped_frames_are_found_wherever_they_are(at: int, apart: int, bend: float) -> None:
    places = [2 * t + bend * t * t for t in range(24)]
    other = at + apart
    places[at], places[other] = places[other], places[at]
    (one,) = misplaced(trace_of(places))
    assert one.frames == (at, other) and one.order == (other, at)


@pytest.mark.parametrize("length", [5, 7, 8])
def test_swapped_frames_are_found_in_short_runs(length: int) -> None:
    places = [*STEADY[:length], *(40 - 2.0 * t for t in range(length))]
    trace = trace_of(places)
    trace.known[length] = False  # another exposure
    assert misplaced(trace) == ()
    for at in (0, 1, length - 2):
        swapped = places.copy()
        swapped[at], swapped[at + 1] = swapped[at + 1], swapped[at]
        trace = trace_of(swapped)
        trace.known[length] = False
        (one,) = misplaced(trace)
        assert one.frames == (at, at + 1)


def test_a_frame_from_far_away_and_even_motion() -> None:
    assert misplaced(trace_of(STEADY)) == ()
    (one,) = misplaced(trace_of([*STEADY[:9], STEADY[20], *STEADY[10:]]))
    assert one.frames == (9,) and one.order == ()


def test_random_motion_has_no_order_to_tell() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert misplaced(trace_of(np.cumsum(rng.normal(0, 3, 60)).tolist())) == ()


def test_steps_that_stand_and_steps_that_jump() -> None:
    assert repeats(trace_of(STEADY)) == () and jumps(trace_of(STEADY)) == ()
    stands = trace_of([*STEADY[:8], STEADY[7], *STEADY[8:]])
    assert repeats(stands) == (8,) and jumps(stands, (8,)) == ()
    lost = trace_of([*STEADY[:8], *STEADY[10:]])
    assert [(j.frame, j.times) for j in jumps(lost)] == [(8, pytest.approx(3.0))]
    pause = trace_of([*STEADY[:8], *[STEADY[7]] * 15, *STEADY[8:]])
    assert repeats(pause) == ()  # too long: it may have been like that
    slow = [0.0] * 6 + [0.2 * t * t for t in range(9)]
    assert repeats(trace_of(slow)) == () and jumps(trace_of(slow)) == ()


@pytest.mark.parametrize(("told", "shown"), [(24, 30), (24, 60), (25, 30), (30, 120)])
def test_patterns_of_conversion(told: int, shown: int) -> None:
    count = 48 * shown // told
    trace = trace_of([2.0 * (t * told // shown) for t in range(count)])
    found = pattern(repeats(trace), trace, repeated=True)
    assert found is not None and found.share == pytest.approx(told / shown, rel=0.03)
    accidents = trace_of([2.0 * (t - sum(t >= k for k in (9, 30, 34, 70))) for t in range(90)])
    assert len(repeats(accidents)) == 4
    assert pattern(repeats(accidents), accidents, repeated=True) is None


def traced(frames: Pixels) -> Trace:
    with ThreadPoolExecutor(1) as pool:
        tracer = Tracer(len(frames), pool)
        for k, frame in enumerate(frames):
            tracer.look(k, small(frame))
        return tracer.finish()


def test_cuts_and_frames_that_do_not_belong() -> None:
    frames = film("pan", 0, 8)
    foreign = film("shaky", 5, 8)
    assert (cuts(traced(frames)), strays(traced(frames))) == ((), ())
    trace = traced(np.concatenate([frames[:4], foreign[4:]]))
    assert (cuts(trace), strays(trace)) == ((4,), ())
    trace = traced(np.concatenate([frames[:4], foreign[4:5], frames[5:]]))
    assert (cuts(trace), strays(trace)) == ((), (4,))


def test_no_step_leads_across_a_frame_that_cannot_be_read() -> None:
    frames = film("pan", 0, 6)
    with ThreadPoolExecutor(1) as pool:
        tracer = Tracer(6, pool)
        for k, frame in enumerate(frames):
            tracer.look(k, None if k == 2 else small(frame), joined=k != 5)
        known = tracer.finish().known
    assert known.tolist() == [False, True, False, False, True, False]


# --- likeness and sharpness ------------------------------------------------------------------


def test_likeness_of_one_scene_and_of_two() -> None:
    cropped = SCENE[3:-2, 4:-3]
    smaller = np.asarray(Image.fromarray(SCENE).resize((70, 50)))
    other = film("pan", 4, 1, (90, 120))[0]
    for image in (cropped, smaller, (SCENE * 0.8).astype(np.uint8)):
        assert likeness(SCENE, image) > SAME + 0.1
    assert likeness(SCENE, other) < SAME - 0.3
    hashes = [perceptual_hash(small(image)) for image in (SCENE, smaller, other)]
    assert all(found is not None for found in hashes)
    apart = places_apart(np.stack(hashes[:1]), np.stack(hashes))[0]  # type: ignore[arg-type]
    assert apart[0] == 0 and apart[1] <= NEAR / 2 and apart[2] > NEAR / 2
    assert perceptual_hash(np.full((50, 70), 90, np.float32)) is None


def test_blur_lowers_fine_detail_along_its_direction() -> None:
    frames = film("pan", 0, 16, (128, 128))
    details = [detail(frame) for frame in frames]
    assert blurry_frames(details) == ()
    for axis, angle in ((1, 0.0), (0, 90.0)):
        shaken = ndimage.uniform_filter1d(frames[8].astype(float), 7, axis=axis)
        (one,) = blurry_frames([*details[:8], detail(shaken.astype(np.uint8)), *details[9:]])
        assert one.frame == 8 and one.directed and one.left < 0.5 < one.across
        assert min(abs(one.angle - angle), 180 - abs(one.angle - angle)) < 23


def test_softness_by_itself() -> None:
    sharp = texture(np.random.default_rng(0), 200, 300)
    soft = ndimage.gaussian_filter(sharp, (4, 4, 0))
    assert softness(sharp.astype(np.uint8)) < SOFT < softness(soft.astype(np.uint8))
    assert softness(np.full((40, 40, 3), 7, np.uint8)) == 0.0


def test_a_fit_of_a_single_frame_is_that_frame() -> None:
    frames = film("pan", 0, 6)
    best = Samples.of(frames[4], frames).best(range(1, 4))
    assert (best.start, best.frames, best.residual, best.psnr) == (4, 1, 0.0, 99.0)
    assert Samples.of(frames[4], frames).apart().argmin() == 4


# --- files -----------------------------------------------------------------------------------


def test_damage_that_a_decoder_may_pass_over(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(SCENE).save(path)
    whole = path.read_bytes()
    assert damage(path) == ""
    path.write_bytes(whole[:-12])
    assert "cut short" in damage(path)
    path.write_bytes(whole[:60] + bytes([whole[60] ^ 1]) + whole[61:])
    assert "checksum" in damage(path)
    Image.fromarray(SCENE).save(tmp_path / "a.jpg")
    assert damage(tmp_path / "a.jpg") == ""


@settings(max_examples=40)
@given(st.integers(0, 5000), st.integers(8, 3000))
def test_runs_of_a_sample(frames: int, most: int) -> None:
    runs = chosen_runs(frames, most)
    every = [k for run in runs for k in run]
    assert every == sorted(set(every)) and len(every) <= max(most, 0)
    assert not every or (every[0] == 0 and every[-1] < frames)
    if frames <= most:
        assert every == list(range(frames))
    elif most >= 120:
        assert all(len(run) == 60 for run in runs) and every[-1] == frames - 1


def test_folders_that_a_layout_refuses_are_searched(tmp_path: Path) -> None:
    for folder in ("val/a", "train_blur/x", "train_sharp/x"):
        (tmp_path / folder).mkdir(parents=True)
        for k in range(3):
            Image.fromarray(SCENE).save(tmp_path / folder / f"{k}.png")
    (tmp_path / "val/loop").symlink_to(tmp_path)
    (tmp_path / "val/bad.mp4").write_bytes(b"nothing" * 9)
    (tmp_path / "train_sharp/x/2.png").unlink()

    class Refuses(ImageFolders):
        def recordings(self, path: Path) -> tuple[()]:
            raise DataError("no", where="there")

        pairs = recordings  # type: ignore[assignment]

    found = survey(tmp_path, "made", Refuses())
    assert found.refused == "there: no"
    assert {(r.name, r.frames, r.split) for r in found.recordings} == {
        ("val/a", 3, "test"),
        ("val/bad.mp4", 0, "test"),
    }
    assert [(pair.scene, pair.sharp.name) for pair in found.pairs] == [
        ("x", "0.png"),
        ("x", "1.png"),
    ]
    assert [found.below(path) for path in found.alone] == ["train_blur/x/2.png"]
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="nothing to examine"):
        survey(tmp_path / "nothing", "made", Refuses())


def test_sides_that_names_tell() -> None:
    assert split_of("train/a") == "train" and split_of("set/val_orig/000") == "test"
    assert split_of("a") == "" and split_of("train/test") == ""
