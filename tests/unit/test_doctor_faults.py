"""`data doctor` finds every fault that is planted, and nothing in footage without any."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from made_footage import KINDS, Pixels, film, write_frames
from made_videos import write_video
from PIL import Image
from real_data import real_data
from scipy import ndimage

from deblurkit.doctor.examine import examine
from deblurkit.doctor.finding import Check, Report
from deblurkit.errors import DataError
from deblurkit.footage.layout import Layout
from deblurkit.footage.recording import Pair, Recording
from deblurkit.formation import inverse_response, response
from deblurkit.registry import get_registry
from deblurkit_standard.layouts.image_folders import ImageFolders, recording_of
from deblurkit_standard.layouts.video_files import VideoFiles

COUNT = 24
Plant = Callable[[Path, Pixels], None]


@cache
def footage(kind: str, seed: int = 0, noise: float = 1.0) -> Pixels:
    return film(kind, seed, COUNT, noise=noise)


def mean(frames: Pixels, kind: str = "identity", gamma: float = 2.2) -> Pixels:
    """The blurry image of frames."""
    light = inverse_response(frames / 255.0, kind, gamma).mean(0)  # type: ignore[arg-type]
    blurry = response(light, kind, gamma)  # type: ignore[arg-type]
    return np.rint(255 * blurry).astype(np.uint8)


class Scenes:
    """`{train,test}/SCENE/%06d.png`, with blurry images in `blur/SCENE` where there are any."""

    title = "scenes for tests"
    general = False
    averaged = 7

    def recognises(self, path: Path) -> bool:
        return path.is_dir()

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        return tuple(
            recording_of(folder, f"{side}/{folder.name}", rate=240.0, split=side)  # type: ignore[arg-type]
            for side in ("train", "test")
            for folder in sorted((path / side).glob("*"))
        )

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        return tuple(
            Pair(
                f"{file.parent.name}/{file.stem}", file, self._sharp(path, file), file.parent.name,
                "train", f"train/{file.parent.name}", int(file.stem) - 1, self.averaged,
            )
            for file in sorted(path.glob("blur/*/*.png"))
        )  # fmt: skip

    def _sharp(self, path: Path, blurry: Path) -> Path:
        own = path / "sharp" / blurry.parent.name / blurry.name
        middle = int(blurry.stem) + self.averaged // 2
        scene = path / "train" / blurry.parent.name
        return own if own.exists() else scene / f"{middle:06d}.png"


def write_image(path: Path, image: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def found(path: Path, layout: Layout, **options: object) -> Report:
    return examine(path, "made", layout, workers=1, **options)  # type: ignore[arg-type]


# --- nothing wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seed", "noise"), [(1, 0.0), (2, 4.0)])
def test_nothing_is_found_in_clean_images(
    tmp_path: Path, kind: str, seed: int, noise: float
) -> None:
    write_frames(tmp_path / kind, footage(kind, seed, noise), first=seed)
    report = found(tmp_path, ImageFolders())
    assert report.findings == ()
    assert (report.recordings, report.frames, report.examined) == (1, COUNT, COUNT)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_found_in_a_clean_video(tmp_path: Path, kind: str) -> None:
    write_video(tmp_path / "a.mp4", footage(kind))
    assert found(tmp_path / "a.mp4", VideoFiles()).findings == ()


def test_nothing_is_found_in_clean_pairs_of_even_and_odd_length(tmp_path: Path) -> None:
    frames = footage("shaky")
    write_frames(tmp_path / "train" / "a", frames)
    for first in (0, 5, 12):
        blurry = mean(frames[first : first + 7], "gamma")
        write_image(tmp_path / f"blur/a/{first + 1:06d}.png", blurry)
    assert found(tmp_path, Scenes()).findings == ()
    for first in (0, 5, 12):
        write_image(tmp_path / f"blur/a/{first + 1:06d}.png", mean(frames[first : first + 6]))
    even = Scenes()
    even.averaged = 6
    assert found(tmp_path, even, checks=("blur",)).findings == ()


def test_a_still_scene_and_one_that_stops_and_goes_are_clean(tmp_path: Path) -> None:
    frames = footage("object", 1, 0.0)
    still = np.repeat(frames[:1], 8, 0)
    write_frames(tmp_path / "a", np.concatenate([still, frames, np.repeat(frames[-1:], 8, 0)]))
    write_frames(tmp_path / "b", np.repeat(footage("object", 2, 0.0)[:1], COUNT, 0))
    assert found(tmp_path, ImageFolders()).findings == ()


def test_flickering_light_is_no_fault(tmp_path: Path) -> None:
    flicker = 1 + 0.15 * np.sin(np.arange(COUNT))[:, None, None, None]
    frames = np.clip(footage("pan") * flicker, 0, 255).astype(np.uint8)
    write_frames(tmp_path / "a", frames)
    assert found(tmp_path, ImageFolders()).findings == ()


# --- one fault -------------------------------------------------------------------------------


def renumbered(folder: Path, frames: Pixels) -> None:
    shutil.rmtree(folder)
    write_frames(folder, frames)


def truncate(folder: Path, _: Pixels) -> None:
    file = folder / "000012.png"
    file.write_bytes(file.read_bytes()[:-300])


def change_a_byte(folder: Path, _: Pixels) -> None:
    file = folder / "000012.png"
    data = bytearray(file.read_bytes())
    data[-30] ^= 255  # within the checksum of the compressed pixels
    file.write_bytes(bytes(data))


def halve(folder: Path, frames: Pixels) -> None:
    write_image(folder / "000012.png", frames[11, ::2, ::2])


def copy(folder: Path, _: Pixels) -> None:
    shutil.copyfile(folder / "000011.png", folder / "000012.png")


def copy_far(folder: Path, _: Pixels) -> None:
    """Added at the end: where it took a place it would be in the wrong order, too."""
    shutil.copyfile(folder / "000020.png", folder / "000099x.png")


def swap(folder: Path, frames: Pixels) -> None:
    write_frames(folder, frames[[*range(11), 12, 11, *range(13, COUNT)]])


def swap_first(folder: Path, frames: Pixels) -> None:
    write_frames(folder, frames[[1, 0, *range(2, COUNT)]])


def misplace(folder: Path, frames: Pixels) -> None:
    write_frames(folder, frames[[*range(7), 10, *range(7, 10), *range(11, COUNT)]])


def drop(folder: Path, frames: Pixels) -> None:
    renumbered(folder, np.delete(frames, 11, 0))


def drop_three(folder: Path, frames: Pixels) -> None:
    renumbered(folder, np.delete(frames, [11, 12, 13], 0))


def repeat(folder: Path, frames: Pixels) -> None:
    rng = np.random.default_rng(0)
    again = frames[10] + rng.normal(0, 0.7, frames[10].shape)
    write_image(folder / "000012.png", np.clip(np.rint(again), 0, 255).astype(np.uint8))


def cut(folder: Path, frames: Pixels) -> None:
    other = footage("pan", 7)
    write_frames(folder, np.concatenate([frames[:11], other[11:]]))


def convert(folder: Path, frames: Pixels) -> None:
    write_frames(folder, frames[np.arange(COUNT) * 4 // 5])


def double(folder: Path, frames: Pixels) -> None:
    write_frames(folder, frames[np.arange(COUNT) // 2])


def thin_out(folder: Path, frames: Pixels) -> None:
    """One in five is left out."""
    kept = [t for t in range(COUNT + 6) if t % 5 != 4]
    renumbered(folder, film("pan", 0, COUNT + 6, noise=1.0)[kept])


def blur(folder: Path, frames: Pixels) -> None:
    shaken = ndimage.uniform_filter1d(frames[11].astype(float), 7, axis=1)
    write_image(folder / "000012.png", np.rint(shaken).astype(np.uint8))


def whiten(folder: Path, frames: Pixels) -> None:
    Image.fromarray(frames[11]).convert("L").save(folder / "000012.png")


def see_through(folder: Path, frames: Pixels) -> None:
    image = Image.fromarray(frames[11]).convert("RGBA")
    image.putpixel((0, 0), (*image.getpixel((0, 0))[:3], 254))  # type: ignore[index, misc]
    image.save(folder / "000012.png")


@dataclass(frozen=True)
class Fault:
    plant: Plant
    check: Check
    frames: tuple[int, ...] | None  # None: others beside
    kind: str = "pan"

    def __str__(self) -> str:
        return f"{self.plant.__name__}-{self.kind}"


FAULTS = [
    Fault(lambda folder, _: (folder / "000012.png").unlink(), "missing", (11,)),
    Fault(truncate, "damaged", (12,)),
    Fault(change_a_byte, "damaged", (12,)),
    Fault(halve, "size", (12,)),
    Fault(copy, "duplicates", (12,)),
    Fault(swap, "order", (12, 13)),
    Fault(swap, "order", (12, 13), "object"),
    Fault(swap_first, "order", (1, 2)),
    Fault(misplace, "order", (8, 9, 10, 11), "shaky"),
    Fault(drop, "dropped", (11, 12)),
    Fault(drop, "dropped", (11, 12), "object"),
    Fault(drop_three, "dropped", (11, 12), "shaky"),
    Fault(repeat, "repeated", (12,)),
    Fault(repeat, "repeated", (12,), "shaky"),
    Fault(cut, "cuts", (12,)),
    Fault(cut, "cuts", (12,), "object"),
    Fault(convert, "rate", None),
    Fault(blur, "sharpness", (12,)),
    Fault(whiten, "kind", (12,)),
    Fault(see_through, "kind", (12,)),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_planted_fault_is_found_and_nothing_else(tmp_path: Path, fault: Fault) -> None:
    frames = footage(fault.kind)
    folder = write_frames(tmp_path / "scene", frames)
    fault.plant(folder, frames)
    (finding,) = found(tmp_path, ImageFolders()).findings
    assert (finding.check, finding.recording) == (fault.check, "scene"), finding
    if fault.frames is not None:
        assert finding.frames == fault.frames
    assert finding.text and finding.remedy


def test_a_copy_elsewhere_in_a_recording_and_in_another(tmp_path: Path) -> None:
    a, b = (write_frames(tmp_path / name, footage("pan", k)) for k, name in enumerate("ab"))
    shutil.copyfile(a / "000003.png", a / "000025.png")
    shutil.copyfile(a / "000005.png", b / "000025.png")
    report = found(tmp_path, ImageFolders(), checks=("duplicates",))
    assert [(f.recording, f.frames) for f in report.findings] == [("a", (3, 25)), ("a", (5,))]
    assert report.findings[1].files == ("a/000005.png", "b/000025.png")


@pytest.mark.parametrize(
    ("share", "plant", "kind"),
    [(0.8, convert, "pan"), (0.5, double, "shaky"), (1.25, thin_out, "pan")],
)
def test_the_rate_before_conversion_is_told(
    tmp_path: Path, share: float, plant: Plant, kind: str
) -> None:
    frames = footage(kind)
    folder = write_frames(tmp_path / "train" / "scene", frames)
    plant(folder, frames)
    (finding,) = found(tmp_path, Scenes()).findings
    assert finding.check == "rate"
    assert finding.numbers["real_rate"] == pytest.approx(240 * share, rel=0.03)


def test_a_video_that_does_not_have_the_rate_that_is_said(tmp_path: Path) -> None:
    class Said(VideoFiles):
        def recordings(self, path: Path) -> tuple[Recording, ...]:
            return tuple(replace(r, rate=240.0) for r in super().recordings(path))

    write_video(tmp_path / "a.mp4", footage("pan"))
    (finding,) = found(tmp_path, Said()).findings
    assert (finding.check, finding.numbers) == ("rate", {"rate": 25.0, "expected": 240.0})


def test_time_stamps_that_vary_and_that_leave_frames_out(tmp_path: Path) -> None:
    frames = footage("pan")
    irregular = np.cumsum(np.random.default_rng(0).integers(1, 4, COUNT))
    write_video(tmp_path / "a.mkv", frames, times=irregular.tolist())
    (finding,) = found(tmp_path / "a.mkv", VideoFiles()).findings
    assert finding.check == "rate" and "varies" in finding.text
    write_video(tmp_path / "b.mkv", frames, times=[t + 2 * (t > 10) for t in range(COUNT)])
    (finding,) = found(tmp_path / "b.mkv", VideoFiles()).findings
    assert (finding.check, finding.frames, finding.numbers) == ("dropped", (11, 12), {"missing": 2})


def test_a_video_that_breaks_off_and_one_that_is_none(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", footage("pan"), movflags="+faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 5])
    (tmp_path / "b.mp4").write_bytes(b"nothing" * 40)
    first, second = found(tmp_path, VideoFiles()).findings
    assert (first.check, first.recording) == ("damaged", "a.mp4") and "breaks off" in first.text
    assert (second.check, second.recording) == ("damaged", "b.mp4")


@pytest.mark.parametrize(
    ("first", "count", "kind", "gamma", "said"),
    [
        (5, 7, "identity", 2.2, "of frames 6-12 through identity"),
        (4, 6, "gamma", 2.2, "of frames 5-10 through gamma 2.2"),
        (3, 9, "gamma", 1.6, "of frames 4-12 through gamma 1.6"),
    ],
)
def test_blur_of_other_frames_is_found_with_the_right_ones(
    tmp_path: Path, first: int, count: int, kind: str, gamma: float, said: str
) -> None:
    frames = footage("pan")
    write_frames(tmp_path / "train" / "a", frames)
    write_image(tmp_path / "blur/a/000005.png", mean(frames[first : first + count], kind, gamma))
    (finding,) = found(tmp_path, Scenes(), checks=("blur",)).findings
    assert finding.recording == "a/000005" and said in finding.text
    assert finding.numbers["best_first"] == first + 1 and finding.numbers["best_frames"] == count
    assert (
        0 < float(finding.numbers["best_residual"]) < 0.5 < 1 < float(finding.numbers["residual"])
    )


def test_blur_of_no_frames_at_all(tmp_path: Path) -> None:
    write_frames(tmp_path / "train" / "a", footage("pan"))
    write_image(tmp_path / "blur/a/000005.png", mean(footage("shaky")[4:11]))
    (finding,) = found(tmp_path, Scenes(), checks=("blur",)).findings
    assert "the mean of no run of frames around 5-11" in finding.text


def test_one_image_of_another_response_than_the_rest(tmp_path: Path) -> None:
    frames = footage("pan")
    write_frames(tmp_path / "train" / "a", frames)
    for k in range(0, 16, 4):
        kind = "identity" if k == 8 else "gamma"
        write_image(tmp_path / f"blur/a/{k + 1:06d}.png", mean(frames[k : k + 7], kind))
    (finding,) = found(tmp_path, Scenes(), checks=("blur",)).findings
    assert finding.recording == "a/000009"
    assert (finding.numbers["best_response"], finding.numbers["response"]) == (
        "identity",
        "gamma 2.2",
    )


def test_a_sharp_image_that_is_not_the_middle(tmp_path: Path) -> None:
    frames = footage("pan")
    write_frames(tmp_path / "train" / "a", frames)
    write_image(tmp_path / "blur/a/000005.png", mean(frames[4:11]))
    write_image(tmp_path / "sharp/a/000005.png", frames[9])
    (finding,) = found(tmp_path, Scenes(), checks=("blur",)).findings
    assert "not the middle frame 8 of 'train/a' but 10" in finding.text


class Folders:
    """Pairs of one name in `blur` and `sharp`, and nothing more known."""

    title, general = "pairs for tests", False

    def recognises(self, path: Path) -> bool:
        return (path / "blur").is_dir()

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        return ()

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        blurry = sorted((path / "blur").iterdir())
        for file in blurry:
            if not (path / "sharp" / file.name).exists():
                raise DataError("this blurry image has no sharp one", where=str(file))
        return tuple(Pair(f.stem, f, path / "sharp" / f.name, "a") for f in blurry)


def write_pairs(path: Path, shift: int = 0) -> None:
    frames = footage("pan")
    for k in range(6):
        write_image(path / f"blur/{k:03d}.png", mean(frames[3 * k : 3 * k + 5]))
        write_image(path / f"sharp/{k:03d}.png", frames[3 * min(max(k - shift, 0), 6) + 2])


def test_pairs_without_recordings(tmp_path: Path) -> None:
    write_pairs(tmp_path)
    assert found(tmp_path, Folders()).findings == ()
    (tmp_path / "blur/002.png").rename(tmp_path / "x.png")
    (tmp_path / "sharp/002.png").rename(tmp_path / "blur/002.png")
    (tmp_path / "x.png").rename(tmp_path / "sharp/002.png")
    (finding,) = found(tmp_path, Folders()).findings
    assert (finding.check, finding.recording) == ("blur", "002") and "swapped" in finding.remedy
    (tmp_path / "sharp/002.png").unlink()
    (finding,) = found(tmp_path, Folders()).findings
    assert (finding.check, finding.files) == ("missing", ("blur/002.png",))


def test_pairs_with_shifted_numbers_or_another_size(tmp_path: Path) -> None:
    write_pairs(tmp_path, shift=1)
    (finding,) = found(tmp_path, Folders()).findings
    assert "fit the sharp image after theirs better" in finding.text
    write_pairs(tmp_path)
    write_image(tmp_path / "sharp/003.png", footage("pan")[11][:40])
    (finding,) = found(tmp_path, Folders()).findings
    assert (finding.check, finding.recording) == ("size", "003")


# --- leaks -----------------------------------------------------------------------------------


def altered(image: Pixels) -> Pixels:
    """Cropped by 4 %, scaled to 80 % and compressed."""
    height, width = image.shape[:2]
    cropped = Image.fromarray(image[height // 50 : -height // 50, width // 25 :])
    scaled = cropped.resize((int(0.8 * width), int(0.8 * height)), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    scaled.save(file, "JPEG", quality=60)
    return np.asarray(Image.open(file))


@pytest.fixture
def divided(tmp_path: Path) -> Path:
    """Two scenes to train on, one for testing."""
    for k, name in enumerate(("train/a", "train/b", "test/c")):
        write_frames(tmp_path / name, film("pan", k, 8, (96, 128)))
    return tmp_path


def test_a_scene_on_both_sides_of_a_split(divided: Path) -> None:
    assert found(divided, Scenes(), checks=("leaks",)).findings == ()
    write_frames(divided / "train/again", film("pan", 0, 8, (96, 128)))  # one side only
    assert found(divided, Scenes(), checks=("leaks",)).findings == ()
    shown = [altered(frame) for frame in film("pan", 1, 8, (96, 128))]
    write_frames(divided / "test/d", shown)
    (finding,) = found(divided, Scenes(), checks=("leaks",)).findings
    assert (finding.recording, finding.numbers["other"]) == ("train/b", "test/d")


def test_a_scene_of_another_data_set(
    divided: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    write_frames(other / "mine", film("shaky", 5, 8, (96, 128)))
    against = (other, "frames", ImageFolders())
    assert found(divided, Scenes(), checks=("leaks",), against=against).findings == ()
    write_frames(other / "theirs", [altered(f) for f in film("pan", 2, 8, (96, 128))[3:6]])
    (finding,) = found(divided, Scenes(), checks=("leaks",), against=against).findings
    assert (finding.recording, finding.numbers["other"]) == ("test/c", "theirs")


# --- many, and much --------------------------------------------------------------------------


def test_all_faults_at_once(tmp_path: Path) -> None:
    frames = footage("pan")
    plants = {f.check: f for f in FAULTS if f.kind == "pan"}
    for k, (check, fault) in enumerate(plants.items()):
        other = film("pan", 20 + k, COUNT, noise=1.0)
        fault.plant(write_frames(tmp_path / f"train/{check}", other), other)
    write_frames(tmp_path / "train/mixed", frames)
    write_image(tmp_path / "blur/mixed/000005.png", mean(frames[6:13]))
    write_frames(tmp_path / "test/again", frames[:4])
    with pytest.raises(DataError):
        Scenes().recordings(tmp_path)  # a layout stops at the first of them
    report = found(tmp_path, Scenes())
    assert {f.check for f in report.findings} >= {*plants, "blur", "leaks"}
    for check in plants:
        assert any(f.recording == f"train/{check}" for f in report.findings if f.check == check)


def test_many_findings_of_one_kind_are_told_as_one(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "a", footage("pan"))
    for k in range(2, COUNT, 2):
        (folder / f"{k:06d}.png").write_bytes(b"nothing")
    (finding,) = found(tmp_path, ImageFolders(), checks=("damaged",)).findings
    assert finding.frames == tuple(range(2, COUNT, 2)) and len(finding.files) == len(finding.frames)


def test_a_sample_of_a_long_recording(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "a", np.zeros((200, 16, 16, 3), np.uint8))
    (folder / "000100.png").unlink()
    report = found(tmp_path, ImageFolders(), sample=60)
    assert (report.frames, report.examined) == (199, 60)
    assert [f.check for f in report.findings] == ["missing"]  # names are read in all


def test_only_what_is_asked_for(tmp_path: Path) -> None:
    frames = footage("pan")
    folder = write_frames(tmp_path / "a", frames)
    truncate(folder, frames)
    (folder / "000003.png").unlink()
    report = found(tmp_path, ImageFolders(), checks=("missing",))
    assert [f.check for f in report.findings] == ["missing"]
    assert (report.checks, report.examined) == (("missing",), 0)


def test_a_short_recording(tmp_path: Path) -> None:
    write_frames(tmp_path / "a", footage("pan")[:5])
    (finding,) = found(tmp_path, ImageFolders()).findings
    assert finding.check == "short" and "--set frames=5" in finding.remedy


def test_real_footage_is_believed() -> None:
    for name in ("karma.mp4", "box.mp4", "dog.mp4"):
        layout = next(
            origin.load(origin.spec.layout)()  # type: ignore[attr-defined]
            for origin in get_registry().specs("dataset")
            if origin.spec.name == "video"
        )
        assert found(real_data(f"video/{name}"), layout, sample=60).findings == ()
    assert found(real_data("pairs/reds/sharp"), ImageFolders()).findings == ()
