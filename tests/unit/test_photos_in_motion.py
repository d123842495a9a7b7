from __future__ import annotations

import inspect
import math
import os
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError
from scipy import ndimage

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError
from deblurkit_standard.datasets.photos_in_motion import PhotosInMotion
from deblurkit_standard.plugin import PhotosInMotionParams
from deblurkit_standard.rendering.camera_motion import Camera, CameraMotion
from deblurkit_standard.rendering.cutouts import Cutout, CutoutMotion, draw_cutout
from deblurkit_standard.rendering.one_thread import one_thread
from deblurkit_standard.rendering.photographs import BUNDLED, load_photo
from deblurkit_standard.rendering.spline_surface import SplineSurface
from deblurkit_standard.rendering.tracks import Track

STILL = {"translation": (0.0, 0.0), "rotation": 0.0, "zoom": 0.0, "shake": 0.0}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def textured(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A photograph with details of a few pixels everywhere."""
    noise = ndimage.gaussian_filter(rng(seed).standard_normal((height, width, 3)), (1.5, 1.5, 0.3))
    return (128 + 50 * noise / noise.std()).clip(0, 255).astype(np.uint8)


def save(folder: Path, name: str, pixels: np.ndarray) -> Path:
    folder.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(folder / name)
    return folder


def clips(
    dataset: PhotosInMotion, count: int = 1, T: int = 5, size: int = 40, seed: int = 0
) -> list[Clip]:
    source = dataset.sources()[0]
    return list(dataset.clips(source, count=count, frames=T, size=size, rng=rng(seed)))


# the contract


@pytest.mark.parametrize("T", [1, 3, 9])
def test_clips_have_the_asked_shape(T: int) -> None:
    found = clips(PhotosInMotion(), count=2, T=T, size=41)
    assert len(found) == 2
    for clip in found:
        assert clip.frames.shape == (T, 41, 41, 3)
        assert clip.frames.dtype == np.uint8
        assert clip.source == "astronaut"
        assert clip.place


def test_a_clip_is_a_pure_function_of_parameters_source_and_generator() -> None:
    dataset = PhotosInMotion(objects=(1, 3))
    first = clips(dataset, count=2)
    again = clips(pickle.loads(pickle.dumps(dataset)), count=3)
    for one, other in zip(first, again, strict=False):
        np.testing.assert_array_equal(one.frames, other.frames)
        assert one.place == other.place
    assert not np.array_equal(first[0].frames, first[1].frames)
    assert not np.array_equal(first[0].frames, clips(dataset, seed=1)[0].frames)


def test_rendering_is_on_one_thread_and_leaves_torch_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, used = torch.get_num_threads(), []
    at = SplineSurface.at

    def watched(*places: object) -> np.ndarray:
        used.append(torch.get_num_threads())
        return at(*places)

    monkeypatch.setattr(SplineSurface, "at", watched)
    torch.set_num_threads(2)
    try:
        clips(PhotosInMotion(objects=(1, 1)))
        assert set(used) == {1} and torch.get_num_threads() == 2
        with pytest.raises(KeyError), one_thread():
            raise KeyError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_parameters_of_the_recipe_are_those_of_the_class() -> None:
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(PhotosInMotion).parameters.items()
    }
    assert PhotosInMotionParams().model_dump() == defaults


@pytest.mark.parametrize(
    "wrong",
    [
        {"objects": (2, 1)},
        {"objects": (-1, 1)},
        {"translation": (9.0, 8.0)},
        {"object_size": (0.0, 4.0)},
        {"zoom": 1.0},
        {"downsample": 0.0},
        {"acceleration": 1.0},
        {"speeding": 1.0},
        {"object_zoom": 1.0},
        {"parallax": -0.1},
        {"exposure": (0.0, 0.1)},
        {"exposure": (0.2, 0.1)},
        {"shake_kind": "earthquake"},
    ],
)
def test_senseless_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        PhotosInMotionParams(**wrong)


def test_every_bundled_photograph_gives_different_clips_at_the_usual_size() -> None:
    dataset = PhotosInMotion()
    assert dataset.sources() == tuple(BUNDLED)
    seen = [
        next(iter(dataset.clips(s, count=1, frames=3, size=96, rng=rng()))).frames
        for s in dataset.sources()
    ]
    for k, frames in enumerate(seen):
        assert frames.std() > 1
        assert all(np.abs(frames.astype(int) - other).mean() > 5 for other in seen[:k])


# camera


def test_without_motion_every_frame_is_the_photograph(tmp_path: Path) -> None:
    photo = textured(60, 70)
    dataset = PhotosInMotion(
        photos=save(tmp_path / "p", "a.png", photo), objects=(0, 0), downsample=1.0, **STILL
    )
    clip = clips(dataset, T=3)[0]
    np.testing.assert_array_equal(clip.frames[0], clip.frames[1])
    np.testing.assert_array_equal(clip.frames[0], clip.frames[2])
    # The place is anywhere between the pixels, so the photo is found up to a pixel's shift.
    views = np.lib.stride_tricks.sliding_window_view(photo, (40, 40), axis=(0, 1))
    errors = np.abs(views.astype(int) - np.moveaxis(clip.frames[0], -1, 0)).mean(axis=(2, 3, 4))
    assert errors.min() < 25 < np.median(errors)


@pytest.mark.parametrize("seed", range(4))
def test_the_camera_moves_as_far_as_asked(tmp_path: Path, seed: int) -> None:
    dataset = PhotosInMotion(
        photos=save(tmp_path / "p", "a.png", textured(100, 100)),
        objects=(0, 0),
        downsample=1.0,
        frame_blur=0.0,
        **(STILL | {"translation": (6.0, 6.0)}),
    )
    clip = clips(dataset, size=64, seed=seed)[0]
    dx, dy = (float(part) for part in re.search(r"camera (\S+) (\S+) pixels", clip.place).groups())
    assert math.hypot(dx, dy) == pytest.approx(6.0, abs=0.1)
    first, last = clip.frames[[0, -1]].astype(float)

    def error(x: float, y: float) -> float:
        """How badly the last frame is the first one, seen from (x, y) further on."""
        moved = ndimage.shift(first, (-y, -x, 0))
        return float(np.abs(moved - last)[10:-10, 10:-10].mean())

    assert error(dx, dy) < 2.5
    assert min(error(dx + 1, dy), error(dx - 1, dy), error(dx, dy + 1), error(dx, dy - 1)) > 7


def test_tracks_have_their_ends_and_are_smooth() -> None:
    for seed in range(20):
        track = Track.draw((3.0, 7.0), 0.5, rng(seed))
        places = track.at(np.linspace(-0.5, 0.5, 101))
        np.testing.assert_allclose(places[-1] - places[0], track.path, atol=1e-12)
        assert 3 <= math.hypot(*track.path) <= 7
        steps = np.linalg.norm(np.diff(places, axis=0), axis=1)
        assert steps.max() < 1.5 * steps.min()


def test_a_turning_zooming_camera_is_a_similarity_with_the_asked_ends() -> None:
    camera = Camera(Track((0.0, 0.0)), turn=(0.2, 0.3), zoom=(math.log(1.1), -0.2))
    points = np.array([[10.0, 0.0], [0.0, 10.0]])
    first, last = camera.places(np.array([-0.5, 0.5]), points)
    sizes = np.linalg.norm([first, last], axis=-1)
    np.testing.assert_allclose(sizes[1] / sizes[0], 1.1)
    assert (sizes <= 10 + 1e-9).all()
    turned = np.arctan2(last[:, 1], last[:, 0]) - np.arctan2(first[:, 1], first[:, 0])
    np.testing.assert_allclose(turned, 0.2)
    np.testing.assert_allclose(np.sum(last[0] * last[1]), 0, atol=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(4, 200),
    T=st.sampled_from([1, 3, 7, 11]),
    motion=st.builds(
        CameraMotion,
        translation=st.tuples(st.just(0.0), st.floats(0, 60)),
        rotation=st.floats(0, 120),
        zoom=st.floats(0, 0.9),
        shake=st.floats(0, 20),
        acceleration=st.floats(0, 0.99),
        speeding=st.floats(0, 0.99),
        parallax=st.floats(0, 2),
        shake_kind=st.sampled_from(["waves", "tremor"]),
        exposure=st.tuples(st.floats(0.01, 0.1), st.floats(0.1, 1)),
    ),
)
def test_no_camera_ever_sees_beyond_the_least_photograph(
    seed: int, size: int, T: int, motion: CameraMotion
) -> None:
    t_end = 0.5 + 0.5 / max(1, T - 1)
    camera = motion.draw(size, t_end, rng(seed), rng(seed + 1))
    half = (size - 1) / 2
    view = np.stack(np.meshgrid(*2 * [np.linspace(-half, half, 9)]), axis=-1).reshape(-1, 2)
    times = np.linspace(-t_end, t_end, 193) if T > 1 else np.zeros(1)
    places = camera.places(times, view)
    extent = places.max(axis=(0, 1)) - places.min(axis=(0, 1))
    assert (extent <= motion.room(size, t_end) - 2).all()
    # What is said to be seen is what the photograph is cut to.
    low, high, _ = camera.reach(camera.watched(t_end, T), size)
    assert (low <= places.min(axis=(0, 1))).all() and (places.max(axis=(0, 1)) <= high).all()
    assert (high - low <= motion.room(size, t_end) - 1).all()


def test_there_are_no_borders_in_a_photograph_of_the_least_size(tmp_path: Path) -> None:
    dataset = PhotosInMotion(
        photos=tmp_path / "p", objects=(0, 0), downsample=1.0, rotation=20.0, zoom=0.3, shake=4.0
    )
    save(tmp_path / "p", "white.png", np.full((20, 20, 3), 255, np.uint8))
    with pytest.raises(DataError, match="too small: 20×20 pixels") as refused:
        clips(dataset)
    need = int(re.search(r"at least (\d+)×", str(refused.value)).group(1))
    save(tmp_path / "p", "white.png", np.full((need - 1, need + 9, 3), 255, np.uint8))
    with pytest.raises(DataError, match=r"white\.png"):
        clips(dataset)
    # A ramp goes on rising where the photo is seen, and would turn back beyond its borders.
    ramp = np.broadcast_to(np.linspace(0, 255, need)[:, None, None], (need, need, 3))
    save(tmp_path / "p", "white.png", np.rint(ramp).astype(np.uint8))
    for clip in clips(dataset, count=20):
        rise = np.diff(clip.frames[..., 0].astype(int), axis=1)
        assert rise.min() >= 0


def sample(pixels: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Values shape×3 at places of a photograph."""
    ends = [np.array([f(x), f(y)]) for f in (np.min, np.max)]
    surface = SplineSurface.over(pixels, *ends)
    left, top = surface.corner
    return surface.at((x - left).astype(np.float32), (y - top).astype(np.float32))


def test_sampling_between_pixels_follows_the_scene() -> None:
    rows, columns = np.mgrid[:50, :60].astype(float)
    scene = [
        lambda y, x: 0.5 + 0.4 * np.cos(0.5 * x + 0.3 * y),
        lambda y, x: 0.5 + 0.3 * np.sin(0.7 * x - 0.2 * y),
        lambda y, x: x / 60,
    ]
    pixels = np.stack([np.rint(255 * f(rows, columns)) for f in scene], axis=-1).astype(np.uint8)
    y, x = rng().uniform(12, 36, (2, 7, 9))
    values = sample(pixels, y, x)
    assert values.shape == (7, 9, 3)
    for channel, f in enumerate(scene):
        np.testing.assert_allclose(values[..., channel], f(y, x), atol=0.006)


def test_sampling_a_part_is_sampling_the_whole() -> None:
    pixels = textured(90, 80)
    whole = pixels / 255.0
    for low, high, count in ((30, 40, 50), (0, 79, 40000)):
        y, x = rng().uniform(low, high, (2, count))
        y[:4], x[:4] = (low, low, high, high), (low, high, low, high)
        for channel, values in enumerate(sample(pixels, y, x).T):
            exact = ndimage.map_coordinates(whole[..., channel], [y, x], order=3, mode="mirror")
            np.testing.assert_allclose(values, exact.clip(0, 1), atol=1e-4)
    np.testing.assert_allclose(sample(pixels, np.zeros(1), np.zeros(1))[0], whole[0, 0], atol=1e-6)


def test_a_shifted_window_is_the_same_as_its_places() -> None:
    surface = SplineSurface.over(textured(60, 70), np.zeros(2), np.array([69.0, 59.0]))
    corners = np.array([[0.0, 0.0], [3.25, 7.5], [37.0, 26.999]])
    axis = np.arange(33.0)
    for corner, window in zip(corners, surface.windows(corners, 33), strict=True):
        x, y = np.meshgrid(axis + corner[0], axis + corner[1])
        single = surface.at(x.astype(np.float32), y.astype(np.float32))
        np.testing.assert_allclose(window, single, atol=2e-5)


def test_a_frame_is_blurred_by_no_more_than_asked(tmp_path: Path) -> None:
    # An edge across the camera's path: its width in the frames is its blur.
    edge = np.zeros((120, 120, 3), np.uint8)
    edge[:, 60:] = 255
    smooth = ndimage.gaussian_filter(edge, (0, 1.0, 0))
    folder = save(tmp_path / "p", "edge.png", smooth)
    widths = []
    for blur in (0.0, 1.0, 50.0):
        dataset = PhotosInMotion(
            photos=folder,
            objects=(0, 0),
            downsample=1.0,
            frame_blur=blur,
            subframes=32,
            **(STILL | {"translation": (30.0, 30.0)}),
        )
        found = []
        for clip in clips(dataset, count=12, T=5, size=64):
            rows = clip.frames[:, 32, :, 0] / 255.0
            inside = (rows[:, 0] < 0.01) & (rows[:, -1] > 0.99)
            found += list(((rows > 0.05) & (rows < 0.95)).sum(axis=1)[inside])
        widths.append(max(found))
    assert widths[0] <= 4
    assert widths[1] <= widths[0] + 1
    assert widths[2] >= widths[0] + 4


# objects


@pytest.mark.parametrize("number", [0, 1, 3])
def test_the_number_of_objects_is_as_asked(tmp_path: Path, number: int) -> None:
    # Objects cut from the white half of a photo, moving over the still, black one.
    photo = np.zeros((81, 240, 3), np.uint8)
    photo[:, 120:] = 255
    dataset = PhotosInMotion(
        photos=save(tmp_path / "p", "a.png", photo),
        objects=(number, number),
        object_size=(5.0, 6.0),
        object_motion=(18.0, 20.0),
        downsample=1.0,
        **STILL,
    )
    counts = []
    for seed in range(40):
        clip = clips(dataset, size=80, seed=seed)[0]
        assert clip.place.endswith(f"{number} objects")
        still = clip.frames.min(axis=0).max(axis=-1) < 128
        if still.all():  # the view is in the black half, and the objects move everywhere
            counts.append(ndimage.label(clip.frames[0].max(axis=-1) > 128)[1])
    assert max(counts, default=0) <= number
    if number:
        assert counts.count(number) >= 3


def test_both_ends_of_the_number_of_objects_occur() -> None:
    dataset = PhotosInMotion(objects=(1, 3))
    places = [clip.place for clip in clips(dataset, count=25, T=3, size=48)]
    assert {place.split("; ")[-1] for place in places} == {f"{n} objects" for n in (1, 2, 3)}


def test_an_object_is_opaque_with_a_soft_edge_and_shows_another_place() -> None:
    pixels = textured(90, 90)
    outline = ((3, 0.4, 0.15),)
    cutout = Cutout((40.0, 50.0), (20.0, 20.0), Track((0.0, 0.0)), 14.0, outline, softness=3.0)
    coverage, colour, corners = cutout.patch(pixels, np.zeros(1))
    x, y = corners[0]
    middle = (0, 20 - y, 20 - x)
    assert coverage[middle] == 1
    assert coverage.min() == 0
    assert 20 < ((coverage > 0.01) & (coverage < 0.99)).sum() < 2 * math.pi * 14 * 4
    np.testing.assert_allclose(colour[0, :, 20 - y, 20 - x], pixels[50, 40] / 255, atol=1e-6)
    rows, columns = np.mgrid[: coverage.shape[1], : coverage.shape[2]]
    away = np.hypot(columns + x - 20, rows + y - 20)
    assert coverage[0][away > 14].max() == 0
    assert coverage[0][away < 0.7 * (14 - 1.5) - 1.5].min() == 1


def test_an_object_carries_its_texture_along_its_track() -> None:
    pixels = textured(90, 90)
    cutout = Cutout((45.0, 45.0), (20.5, 21.0), Track((8.0, -6.0), 0.4), 10.0, softness=2.0)
    times = np.array([-0.5, 0.5])
    coverage, colour, corners = cutout.patch(pixels, times)
    np.testing.assert_array_equal(corners[1] - corners[0], [8, -6])
    np.testing.assert_allclose(coverage[0], coverage[1], atol=1e-5)
    np.testing.assert_allclose(colour[0], colour[1], atol=1e-5)


def test_an_object_turns_with_its_texture() -> None:
    # A quarter turn, from minus an eighth to plus an eighth.
    pixels = textured(90, 90)
    outline = ((2, 0.3, 0.2),)
    cutout = Cutout((45.0, 45.0), (20.0, 20.0), Track((0.0, 0.0)), 12.0, outline, 2.0, math.pi / 2)
    coverage, colour, _ = cutout.patch(pixels, np.array([-0.5, 0.5]))
    p = 27  # odd: the pixels symmetric about the centre
    first, last = coverage[0, :p, :p], coverage[1, :p, :p]
    np.testing.assert_allclose(np.rot90(first, -1), last, atol=1e-5)
    seen = first > 0
    turned = np.rot90(colour[0, :, :p, :p], -1, axes=(1, 2))
    np.testing.assert_allclose(
        turned[:, np.rot90(seen, -1)], colour[1, :, :p, :p][:, last > 0], atol=1e-4
    )


def test_objects_stand_out_from_what_is_behind_them() -> None:
    photo = np.zeros((64, 128, 3), np.uint8)
    photo[:, 64:] = textured(64, 64) // 2 + 128
    black, motion = np.zeros((40, 40, 3)), CutoutMotion((1.0, 2.0))
    places = [
        draw_cutout(photo, black, motion, radius=8.0, rng=rng(k), other=rng(99)).texture
        for k in range(30)
    ]
    assert np.mean([x > 56 for x, _ in places]) > 0.95


def test_a_path_of_an_object_longer_than_the_view_is_refused() -> None:
    with pytest.raises(DataError, match="20 pixels leaves a clip of 16×16"):
        clips(PhotosInMotion(), size=16)
    assert clips(PhotosInMotion(objects=(0, 0)), size=16)


# photographs


def test_the_sources_are_the_images_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    for name in ("b10.png", "b9.JPG", "a.webp"):
        save(folder, name, textured(80, 80))
    (folder / "notes.txt").write_text("from the holidays")
    (folder / "more").mkdir()
    assert PhotosInMotion(photos=folder).sources() == ("a.webp", "b9.JPG", "b10.png")
    assert PhotosInMotion(photos=str(folder)).sources() == ("a.webp", "b9.JPG", "b10.png")


def test_a_missing_or_empty_folder_and_one_without_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        PhotosInMotion(photos=tmp_path / "nowhere").sources()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty"):
        PhotosInMotion(photos=tmp_path / "empty").sources()
    (tmp_path / "empty" / "notes.txt").write_text("x")
    with pytest.raises(DataError, match="no image in this folder"):
        PhotosInMotion(photos=tmp_path / "empty").sources()
    with pytest.raises(DataError, match="this is a file"):
        PhotosInMotion(photos=tmp_path / "empty" / "notes.txt").sources()


def test_an_image_that_cannot_be_read_is_named_and_never_skipped(tmp_path: Path) -> None:
    folder = save(tmp_path / "p", "good.png", textured(80, 80))
    (folder / "bad.jpg").write_bytes(b"this is no photograph")
    with pytest.raises(DataError, match=r"bad\.jpg: this is not an image"):
        PhotosInMotion(photos=folder).sources()
    whole = (folder / "good.png").read_bytes()
    (folder / "bad.jpg").unlink()
    (folder / "good.png").write_bytes(whole[: len(whole) // 2])
    dataset = PhotosInMotion(photos=folder)
    with pytest.raises(DataError, match=r"good\.png: the image is damaged or cut short"):
        clips(dataset)
    (folder / "good.png").unlink()
    with pytest.raises(DataError, match=r"good\.png"):
        next(iter(dataset.clips("good.png", count=1, frames=3, size=40, rng=rng())))


def test_an_unknown_source_is_named() -> None:
    with pytest.raises(DataError, match=r"no source 'moon'[\s\S]*astronaut, "):
        next(iter(PhotosInMotion().clips("moon", count=1, frames=3, size=40, rng=rng())))


@pytest.mark.parametrize("side", [1, 2, 30])
def test_a_tiny_photo_is_refused_with_the_least_size_and_that_is_enough(
    tmp_path: Path, side: int
) -> None:
    folder = save(tmp_path / "p", "tiny.png", textured(side, 300))
    dataset = PhotosInMotion(photos=folder, downsample=0.45)
    with pytest.raises(DataError, match=r"tiny\.png: .*after scaling by 0\.45") as refused:
        clips(dataset)
    need = int(re.search(r"at least (\d+)×", str(refused.value)).group(1))
    save(folder, "tiny.png", textured(need, need))
    assert clips(dataset)
    save(folder, "tiny.png", textured(need - 4, need))
    with pytest.raises(DataError):
        clips(dataset)


def test_a_smaller_scale_that_would_do_is_offered(tmp_path: Path) -> None:
    folder = save(tmp_path / "p", "small.png", textured(110, 110))
    with pytest.raises(DataError) as refused:
        clips(PhotosInMotion(photos=folder))
    scale = float(re.search(r"downsample ([0-9.]+) or more", str(refused.value)).group(1))
    assert 0.45 < scale < 1
    assert clips(PhotosInMotion(photos=folder, downsample=scale))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1", "CMYK", "LA", "I;16"])
def test_photos_of_every_kind_become_colour_clips(tmp_path: Path, mode: str) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    image = Image.fromarray(textured(90, 90))
    if mode == "I;16":
        image = Image.fromarray(textured(90, 90)[..., 0].astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    image.save(folder / ("a.tif" if mode == "CMYK" else "a.png"))
    clip = clips(PhotosInMotion(photos=folder, downsample=1.0, objects=(0, 0)))[0]
    assert clip.frames.shape == (5, 40, 40, 3)
    assert 40 < clip.frames.mean() < 215
    assert clip.frames.std() > 10
    if mode in ("L", "1", "LA", "I;16"):
        np.testing.assert_array_equal(clip.frames[..., 0], clip.frames[..., 2])


def test_photos_stand_as_their_camera_was_held(tmp_path: Path) -> None:
    pixels = textured(60, 90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it
    (tmp_path / "p").mkdir()
    Image.fromarray(pixels).save(tmp_path / "p" / "a.png", exif=exif)
    np.testing.assert_array_equal(load_photo(tmp_path / "p", "a.png", 1.0), np.rot90(pixels, -1))


def test_scaling_is_without_aliasing_and_never_changes_the_file_read(tmp_path: Path) -> None:
    stripes = np.zeros((80, 120, 3), np.uint8)
    stripes[:, ::2] = 255
    folder = save(tmp_path / "p", "a.png", stripes)
    scaled = load_photo(folder, "a.png", 0.45)
    assert scaled.shape == (36, 54, 3)
    assert np.ptp(scaled[4:-4, 4:-4].astype(int)) <= 20
    with pytest.raises(ValueError, match="read-only"):
        scaled[0] = 0


def test_a_replaced_photo_is_read_again(tmp_path: Path) -> None:
    folder = save(tmp_path / "p", "a.png", textured(90, 90))
    dataset = PhotosInMotion(photos=folder, downsample=1.0)
    before = clips(dataset)[0]
    save(folder, "a.png", textured(91, 90, seed=1))
    assert not np.array_equal(before.frames, clips(dataset)[0].frames)


def test_a_folder_of_real_photographs() -> None:
    root = os.environ.get("DEBLURKIT_DATA")
    if not root:
        pytest.skip("DEBLURKIT_DATA names no folder with photographs in photos/")
    dataset = PhotosInMotion(photos=Path(root) / "photos")
    sources = dataset.sources()
    assert len(sources) >= 2
    for source in sources[:4]:
        clip = next(iter(dataset.clips(source, count=1, frames=7, size=96, rng=rng())))
        assert clip.frames.shape == (7, 96, 96, 3)
        assert np.abs(np.diff(clip.frames.astype(int), axis=0)).max() > 0


def test_a_changed_photograph_changes_the_fingerprint(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        Image.fromarray(rng.integers(0, 256, (90, 90, 3), dtype=np.uint8)).save(tmp_path / name)
    dataset = PhotosInMotion(photos=tmp_path)
    before = dataset.fingerprint()
    assert PhotosInMotion(photos=tmp_path).fingerprint() == before
    Image.fromarray(rng.integers(0, 256, (91, 90, 3), dtype=np.uint8)).save(tmp_path / "b.png")
    assert dataset.fingerprint() != before
