from __future__ import annotations

import inspect
import itertools
import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import ndimage
from skimage.measure import points_in_poly

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError
from deblurkit_standard.datasets.moving_shapes import MovingShapes, Scene
from deblurkit_standard.plugin import MovingShapesParams
from deblurkit_standard.rendering.backgrounds import Photo, Smooth
from deblurkit_standard.rendering.frame_exposure import instants
from deblurkit_standard.rendering.shapes import Plain, Shape, Wave, polygon_sides, render

WHITE, BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def clips(
    dataset: MovingShapes, count: int = 2, T: int = 7, size: int = 48, seed: int = 0
) -> list[Clip]:
    source = dataset.sources()[1]
    return list(dataset.clips(source, count=count, frames=T, size=size, rng=rng(seed)))


def centroid(coverage: np.ndarray) -> np.ndarray:
    y, x = ndimage.center_of_mass(coverage)
    return np.array([x, y])


# the contract


@pytest.mark.parametrize("T", [1, 3, 7, 9])
@pytest.mark.parametrize("background", ["smooth", "photo"])
def test_clips_have_the_asked_shape(T: int, background: str) -> None:
    dataset = MovingShapes(objects=2, background=background, background_motion=3.0)
    found = clips(dataset, count=3, T=T, size=41)
    assert len(found) == 3
    for clip in found:
        assert clip.frames.shape == (T, 41, 41, 3)
        assert clip.frames.dtype == np.uint8
        assert clip.source == dataset.sources()[1]
        assert clip.place


@pytest.mark.parametrize("background", ["smooth", "photo"])
def test_a_clip_is_a_pure_function_of_parameters_source_and_generator(background: str) -> None:
    dataset = MovingShapes(objects=2, background=background, rotation=10, background_motion=2)
    first = clips(dataset)
    again = clips(pickle.loads(pickle.dumps(dataset)))
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.frames, other.frames)
        assert one.place == other.place
    assert not np.array_equal(first[0].frames, first[1].frames)
    assert not np.array_equal(first[0].frames, clips(dataset, seed=1)[0].frames)


def test_first_clips_do_not_depend_on_how_many_follow() -> None:
    dataset = MovingShapes()
    few, many = clips(dataset, count=1), clips(dataset, count=4)
    np.testing.assert_array_equal(few[0].frames, many[0].frames)


def test_sources_are_named_scenes_with_colours_of_their_own() -> None:
    dataset = MovingShapes(objects=0, scenes=12)
    sources = dataset.sources()
    assert sources[0] == "scene-000" and sources[-1] == "scene-011" and len(set(sources)) == 12
    views = [
        next(iter(dataset.clips(s, count=1, frames=1, size=32, rng=rng()))).frames[0]
        for s in sources
    ]
    for one, other in itertools.combinations(views, 2):
        assert np.abs(one.astype(int) - other).max() > 20


def test_parameters_of_the_recipe_are_those_of_the_class() -> None:
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(MovingShapes).parameters.items()
    }
    assert MovingShapesParams().model_dump() == defaults


@pytest.mark.parametrize(
    "wrong",
    [
        {"motion": (9.0, 8.0)},
        {"motion": (-1.0, 8.0)},
        {"size": (0.0, 8.0)},
        {"size": (9.0, 8.0)},
        {"shapes": ()},
        {"shapes": ("star",)},
        {"objects": -1},
        {"texture": 1.5},
    ],
)
def test_senseless_parameters_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MovingShapesParams(**wrong)


# motion


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(["disc", "box", "polygon"]))
def test_an_object_moves_as_far_as_its_path_and_stands_in_the_middle_halfway(
    seed: int, kind: str
) -> None:
    dataset = MovingShapes(
        motion=(5.0, 11.0), size=(6.0, 9.0), shapes=(kind,), texture=0, frame_blur=0.0
    )
    scene = dataset.draw("scene-001", 64, rng(seed))
    shape = replace(scene.shapes[0], centre=(31.3, 32.1), colour=WHITE)
    coverage = dataset.film(Scene((shape,), Plain(BLACK)), 5, 64)[..., 0]
    centres = np.array([centroid(frame) for frame in coverage])
    path = centres[-1] - centres[0]
    np.testing.assert_allclose(path, shape.path, atol=0.05)
    assert 5 - 0.1 <= np.hypot(*path) <= 11 + 0.1
    np.testing.assert_allclose(np.diff(centres, axis=0), np.tile(path / 4, (4, 1)), atol=0.05)
    np.testing.assert_allclose(centres[2], (centres[0] + centres[-1]) / 2, atol=0.05)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6))
def test_objects_stay_mostly_inside_with_sizes_and_turns_in_range(seed: int) -> None:
    dataset = MovingShapes(objects=3, rotation=30.0, motion=(4.0, 14.0), size=(5.0, 12.0))
    for shape in dataset.draw("scene-003", 64, rng(seed)).shapes:
        assert 5 <= shape.radius <= 12
        assert abs(shape.spin) <= math.radians(30)
        for end in (-0.5, 0.5):
            place = np.asarray(shape.centre) + end * np.asarray(shape.path)
            assert (place >= 0.7 * shape.radius - 1e-9).all()
            assert (place <= 63 - 0.7 * shape.radius + 1e-9).all()


def test_directions_are_all_around() -> None:
    dataset = MovingShapes()
    paths = [dataset.draw("scene-000", 64, rng(k)).shapes[0].path for k in range(400)]
    angles = np.array([math.atan2(y, x) for x, y in paths])
    sectors = np.histogram(angles, bins=8, range=(-math.pi, math.pi))[0]
    assert sectors.min() > 25 and sectors.max() < 80


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_there_are_n_objects(n: int) -> None:
    dataset = MovingShapes(objects=n, size=(6.0, 10.0), overlap=False, contrast=0.5)
    for seed in range(5):
        scene = dataset.draw("scene-002", 96, rng(seed))
        assert len(scene.shapes) == n
        film = dataset.film(scene, 3, 96)
        empty = dataset.film(Scene((), scene.background), 3, 96)
        for frame in np.abs(film - empty).max(axis=-1) > 0.02:
            # Pixels of a corner may hang together by their corners only.
            assert ndimage.label(frame, np.ones((3, 3)))[1] == n


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("background", ["smooth", "photo"])
def test_n_objects_make_two_to_the_n_sequences_of_one_blurry_image(n: int, background: str) -> None:
    dataset = MovingShapes(
        objects=n, overlap=False, rotation=25, size=(6.0, 10.0), background=background
    )
    scene = dataset.draw(dataset.sources()[0], 80, rng(n))
    sequences = [
        dataset.film(Scene(shapes, scene.background), 7, 80)
        for shapes in itertools.product(*((s, s.reversed()) for s in scene.shapes))
    ]
    assert len(sequences) == 2**n
    for sequence in sequences[1:]:
        assert np.abs(sequence.mean(axis=0) - sequences[0].mean(axis=0)).max() < 1e-10
        np.testing.assert_array_equal(sequence[3], sequences[0][3])
    for one, other in itertools.combinations(sequences, 2):
        assert np.abs(one[0] - other[0]).max() > 0.05


def test_no_overlap_holds_while_the_shutter_never_closes() -> None:
    dataset = MovingShapes(
        objects=2, overlap=False, frame_blur=100.0, size=(6.0, 8.0), motion=(20.0, 24.0)
    )
    for seed in range(30):
        scene = dataset.draw("scene-000", 64, rng(seed))
        one, other = (
            dataset.film(Scene(shapes, scene.background), 3, 64).mean(axis=0)
            for shapes in [scene.shapes, (scene.shapes[0], scene.shapes[1].reversed())]
        )
        assert np.abs(one - other).max() < 1e-10


@pytest.mark.parametrize("contrast", [0.25, 0.45])
def test_colours_stand_out_from_the_background_and_from_each_other(contrast: float) -> None:
    dataset = MovingShapes(objects=2, contrast=contrast)
    enough = []
    for seed in range(60):
        scene = dataset.draw("scene-004", 64, rng(seed))
        still = scene.background.at(np.zeros(1), 64)[0]
        colours = [np.asarray(shape.colour) for shape in scene.shapes]
        distances = [np.linalg.norm(colours[0] - colours[1])]
        for shape, colour in zip(scene.shapes, colours, strict=True):
            # What is behind the box around the whole path.
            reach = np.abs(shape.path) / 2 + shape.radius
            left, top = np.maximum(0, np.asarray(shape.centre) - reach).astype(int)
            right, bottom = (np.asarray(shape.centre) + reach + 1).astype(int)
            behind = still[:, top:bottom, left:right].mean(axis=(1, 2))
            distances.append(np.linalg.norm(colour - behind))
        enough.append(min(distances) >= contrast)
    assert np.mean(enough) > 0.95


def test_the_background_moves_as_one() -> None:
    dataset = MovingShapes(objects=0, background_motion=8.0, frame_blur=0.0)
    scene = dataset.draw("scene-000", 48, rng(3))
    dx, dy = scene.background.path
    assert 0 < math.hypot(dx, dy) <= 8
    film = dataset.film(scene, 3, 48)
    x, y = scene.background.corner
    moved = Smooth("scene-000", (x - dx / 2, y - dy / 2)).at(np.zeros(1), 48)[0]
    np.testing.assert_allclose(film[-1], np.moveaxis(moved, 0, -1), atol=1e-12)


# rendering against independent computations


def supersampled(
    shape: Shape, angles: list[float] | None, t: float, size: int, n: int = 16
) -> np.ndarray:
    """Coverage and texture by n×n points a pixel, from the definitions."""
    step = (np.arange(size * n) + 0.5) / n - 0.5
    x, y = np.meshgrid(step, step)
    x, y = x - shape.centre[0] - t * shape.path[0], y - shape.centre[1] - t * shape.path[1]
    turn = np.exp(-1j * shape.spin * t)
    u = (x + 1j * y) * turn
    if angles is None:
        inside = np.abs(u) <= shape.radius
    else:
        corners = shape.radius * np.exp(1j * np.asarray(angles))
        points = np.stack([u.real.ravel(), u.imag.ravel()], axis=1)
        inside = points_in_poly(points, np.stack([corners.real, corners.imag], 1)).reshape(u.shape)
    value = np.full(u.shape, shape.colour[0])
    for wave in shape.waves:
        value += wave.amplitude[0] * np.cos(wave.k[0] * u.real + wave.k[1] * u.imag + wave.phase)
    return (inside * value).reshape(size, n, size, n).mean(axis=(1, 3))


TEXTURE = (
    Wave((0.5, 0.2), 1.0, (0.1, 0.1, 0.1)),
    Wave((-0.3, 0.8), 2.0, (0.05, 0.05, 0.05)),
)


@pytest.mark.parametrize("t", [-0.5, 0.13, 0.5])
@pytest.mark.parametrize(
    ("angles", "worst"),
    [
        (None, 0.02),
        ([0.2, 1.3, 0.2 + math.pi, 1.3 + math.pi], 0.02),
        ([0.1, 1.2, 2.9, 4.4], 0.02),
        ([0.3, 2.4, 4.6], 0.06),  # sharp corners
    ],
    ids=["disc", "box", "polygon", "triangle"],
)
def test_shapes_are_where_supersampling_says(
    angles: list[float] | None, worst: float, t: float
) -> None:
    sides = () if angles is None else polygon_sides(angles, 9.3)
    shape = Shape((19.7, 20.4), (5.3, -3.9), 9.3, (0.6, 0.6, 0.6), sides, TEXTURE, spin=0.7)
    drawn = render([shape], Plain(BLACK), [t], 40)[0, ..., 0]
    expected = supersampled(shape, angles, t, 40)
    error = np.abs(drawn - expected)
    assert error.max() < worst
    assert error.mean() < 6e-4
    np.testing.assert_allclose(drawn.sum(), expected.sum(), rtol=0.002)
    np.testing.assert_allclose(centroid(drawn), centroid(expected), atol=0.01)


def test_whole_pixels_of_motion_move_the_picture_by_whole_pixels() -> None:
    shape = Shape((15.25, 14.5), (6.0, -4.0), 6.0, (0.5, 0.3, 0.2), (), TEXTURE)
    first, last = render([shape], Plain(BLACK), [-0.5, 0.5], 32)
    np.testing.assert_allclose(np.roll(first, (-4, 6), axis=(0, 1)), last, atol=1e-12)


def test_later_shapes_hide_earlier_ones_in_every_frame() -> None:
    red = Shape((12, 12), (6, 0), 6.0, (1.0, 0.0, 0.0))
    blue = Shape((12, 12), (-6, 0), 4.0, (0.0, 0.0, 1.0))
    for frame, x in zip(
        render([red, blue], Plain(BLACK), [-0.5, 0, 0.5], 25), [15, 12, 9], strict=True
    ):
        np.testing.assert_allclose(frame[12, x], [0, 0, 1], atol=1e-9)
    for frame, x in zip(
        render([blue, red], Plain(BLACK), [-0.5, 0, 0.5], 25), [9, 12, 15], strict=True
    ):
        np.testing.assert_allclose(frame[12, x], [1, 0, 0], atol=1e-9)


@pytest.mark.parametrize("centre", [(-30.0, 10.0), (10.0, 55.0), (-3.0, -3.0), (22.0, 0.0)])
def test_shapes_may_leave_the_view(centre: tuple[float, float]) -> None:
    shape = Shape(centre, (0.0, 0.0), 6.0, WHITE)
    wide = Shape((centre[0] + 64, centre[1] + 64), (0.0, 0.0), 6.0, WHITE)
    seen = render([shape], Plain(BLACK), [0.0], 20)
    np.testing.assert_allclose(
        seen, render([wide], Plain(BLACK), [0.0], 148)[:, 64:84, 64:84], atol=1e-12
    )


@pytest.mark.parametrize("angle", [0.0, 1e-7, 0.3, math.pi / 4, math.pi / 2])
def test_edges_at_any_angle_stay_within_values_and_move_evenly(angle: float) -> None:
    sides = polygon_sides([angle + k * math.pi / 2 for k in (0.5, 1.5, 2.5, 3.5)], 8.0)
    shape = Shape((20.0, 20.0), (4.0, 4.0), 8.0, WHITE, sides)
    drawn = render([shape], Plain(BLACK), np.linspace(-0.5, 0.5, 33), 40)
    assert drawn.min() == 0 and 1 - 1e-9 < drawn.max() <= 1
    np.testing.assert_allclose(drawn[..., 0].sum(axis=(1, 2)), 2 * 8.0**2, rtol=0.003)


def test_a_frame_of_several_instants_is_their_mean() -> None:
    shape = Shape((10, 10), (8, 3), 5.0, WHITE, (), TEXTURE)
    alone = render([shape], Plain(BLACK), [-0.4, -0.2, 0.1, 0.3], 20)
    together = render([shape], Plain(BLACK), [[-0.4, -0.2], [0.1, 0.3]], 20)
    np.testing.assert_allclose(together, alone.reshape(2, 2, 20, 20, 3).mean(axis=1), atol=1e-15)


@pytest.mark.parametrize("path", [(4.6, -3.2), (6.0, 0.0), (0.0, 7.0)])
def test_a_moving_photo_is_interpolated_by_cubic_splines(path: tuple[float, float]) -> None:
    pixels = ndimage.gaussian_filter(rng().uniform(0, 255, (60, 50, 3)), (1.2, 1.2, 0))
    pixels = (pixels * 2 - 128).clip(0, 255).astype(np.uint8)
    times = np.array([-0.5, -0.21, 0.0, 0.5])
    views = Photo(pixels, (12, 15), path, margin=12).at(times, 20)
    for t, view in zip(times, views, strict=True):
        rows, columns = np.mgrid[15:35, 12:32].astype(float)
        where = [rows - t * path[1], columns - t * path[0]]
        for channel in range(3):
            expected = ndimage.map_coordinates(
                pixels[..., channel] / 255.0, where, order=3, mode="mirror"
            )
            np.testing.assert_allclose(view[channel], expected.clip(0, 1), atol=1e-3)
    still = Photo(pixels, (12, 15)).at(times, 20)
    np.testing.assert_allclose(views[2], still[0], atol=1e-12)


# sharpness


@given(
    motion=st.floats(0, 40),
    T=st.sampled_from([3, 5, 7, 9]),
    blur=st.floats(0, 50),
)
def test_instants_are_symmetric_close_together_and_within_the_blur(
    motion: float, T: int, blur: float
) -> None:
    times = instants(motion, T, blur)
    assert times.shape[0] == T
    np.testing.assert_array_equal(times, -times[::-1, ::-1])
    np.testing.assert_allclose(times.mean(axis=1), np.linspace(-0.5, 0.5, T), atol=1e-12)
    pixels = times * motion * (T - 1)  # pixels along the path
    steps = np.diff(pixels, axis=1)
    assert (steps <= 0.5 + 1e-9).all()
    assert (pixels[:, -1] - pixels[:, 0] <= min(blur, motion) + 1e-9).all()


def test_a_shutter_that_never_closes_leaves_no_gap_between_frames() -> None:
    steps = np.diff(instants(2.7, 7, 100.0).reshape(-1))
    np.testing.assert_allclose(steps, steps[0])


def test_one_frame_is_one_instant_and_slow_motion_needs_no_more() -> None:
    np.testing.assert_array_equal(instants(5.0, 1, 1.0), [[0.0]])
    assert instants(5.0, 7, 0.0).shape == (7, 1)
    assert instants(0.4, 7, 1.0).shape == (7, 1)
    assert instants(20.0, 7, 100.0, most=4).shape == (7, 4)


def test_edges_are_sharp_by_default_and_blur_with_the_open_shutter() -> None:
    shape = Shape((24.0, 24.0), (18.0, 0.0), 9.0, WHITE)
    scene = Scene((shape,), Plain(BLACK))
    widths = []
    for blur in (0.0, 1.0, 100.0):
        row = MovingShapes(frame_blur=blur).film(scene, 7, 48)[3, 24, :, 0]
        widths.append(int(((row > 0.01) & (row < 0.99)).sum()))
    assert widths[0] <= 2 < widths[2]
    assert widths[1] <= 4


# mistakes


def test_an_unknown_source_is_named() -> None:
    with pytest.raises(DataError, match=r"no source 'scene-900'[\s\S]*scene-000 to scene-063"):
        next(iter(MovingShapes().clips("scene-900", count=1, frames=7, size=48, rng=rng())))


def test_a_path_longer_than_the_view_is_refused() -> None:
    with pytest.raises(DataError, match="16 pixels leaves a clip of 12×12"):
        next(iter(MovingShapes().clips("scene-000", count=1, frames=7, size=12, rng=rng())))


def test_too_many_objects_to_stay_apart_are_refused() -> None:
    dataset = MovingShapes(objects=8, overlap=False)
    with pytest.raises(DataError, match="no room for 8 objects"):
        next(iter(dataset.clips("scene-000", count=1, frames=7, size=48, rng=rng())))


def test_a_view_larger_than_a_photo_is_refused_with_the_least_size() -> None:
    dataset = MovingShapes(background="photo", background_motion=4.0)
    with pytest.raises(DataError, match=r"astronaut: .*too small: 230×230[\s\S]*330×330"):
        next(iter(dataset.clips("astronaut", count=1, frames=7, size=320, rng=rng())))
