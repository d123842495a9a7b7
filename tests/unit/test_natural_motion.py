"""Depth, uneven speed, tremor and objects that bend: what their parameters promise."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from deblurkit_standard.datasets.photos_in_motion import PhotosInMotion, Scene
from deblurkit_standard.rendering.bending import Bending
from deblurkit_standard.rendering.camera_motion import Camera
from deblurkit_standard.rendering.cutouts import Cutout
from deblurkit_standard.rendering.depth import Depth
from deblurkit_standard.rendering.hand_shake import DRIFT_HZ, TREMOR_HZ, Shake, draw_tremor
from deblurkit_standard.rendering.tracks import Track

STILL = {"rotation": 0.0, "zoom": 0.0, "shake": 0.0, "objects": (0, 0), "downsample": 1.0}
SIDE = 250


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph whose colours say where they are: red the column, green the row."""
    folder = tmp_path_factory.mktemp("places")
    rows, columns = np.mgrid[:SIDE, :SIDE]
    pixels = np.stack([columns, rows, np.zeros_like(rows)], axis=-1).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "places.png")
    return folder


def scene_of(
    folder: Path, seed: int = 0, T: int = 5, size: int = 96, **parameters: object
) -> Scene:
    dataset = PhotosInMotion(photos=folder, **(STILL | {"frame_blur": 0.0} | parameters))
    return next(dataset.scenes("places.png", count=1, frames=T, size=size, rng=rng(seed)))


def seen_places(scene: Scene) -> np.ndarray:
    """T×S×S×2: which place (x, y) of the photograph each pixel sees, read off its colours."""
    return 255 * scene.frames()[..., :2]


# switched off, switched on


def test_neutral_parameters_change_nothing(places: Path) -> None:
    usual = {"rotation": 1.5, "zoom": 0.02, "shake": 1.5, "objects": (1, 3)}
    neutral = {"parallax": 0.0, "speeding": 0.0, "object_zoom": 0.0, "object_bend": 0.0}
    plain, said = (scene_of(places, **(usual | more)) for more in ({}, neutral))
    np.testing.assert_array_equal(plain.frames(), said.frames())
    shakeless = {"shake": 0.0}
    waves, tremor = (
        scene_of(places, **(usual | shakeless), shake_kind=kind) for kind in ("waves", "tremor")
    )
    np.testing.assert_array_equal(waves.frames(), tremor.frames())


def test_what_is_switched_on_leaves_the_rest_of_the_motion_as_it_is(places: Path) -> None:
    usual = {"rotation": 1.5, "zoom": 0.02, "shake": 1.5, "objects": (2, 2)}
    everything = {
        "parallax": 0.5,
        "speeding": 0.5,
        "shake_kind": "tremor",
        "object_zoom": 0.2,
        "object_bend": 3.0,
    }
    for seed in range(3):
        without, with_all = (scene_of(places, seed, **(usual | more)) for more in ({}, everything))
        one, other = without.view.camera, with_all.view.camera
        assert one.track.path == other.track.path and one.track.bend == other.track.bend
        assert (one.turn, one.zoom) == (other.turn, other.zoom)
        for cutout, changed in zip(without.cutouts, with_all.cutouts, strict=True):
            assert (cutout.radius, cutout.outline) == (changed.radius, changed.outline)
            assert (cutout.spin, cutout.track.path) == (changed.spin, changed.track.path)
            assert cutout.zoom == 0 != changed.zoom
            assert cutout.bending.size == 0 < changed.bending.size <= 3


@pytest.mark.parametrize("kind", ["waves", "tremor"])
def test_motion_run_backwards_gives_the_frames_backwards(places: Path, kind: str) -> None:
    scene = scene_of(
        places,
        rotation=5.0,
        zoom=0.1,
        shake=3.0,
        shake_kind=kind,
        parallax=0.8,
        speeding=0.6,
        objects=(2, 2),
        object_zoom=0.3,
        object_bend=4.0,
        frame_blur=2.0,
    )
    camera = scene.view.camera
    mirrored = Camera(
        backwards(camera.track),
        turn=(-camera.turn[0], -camera.turn[1]),
        zoom=(-camera.zoom[0], -camera.zoom[1]),
        shake=replace(camera.shake, waves=tuple((-w[0], *w[1:]) for w in camera.shake.waves)),
        depth=camera.depth,
    )
    cutouts = tuple(
        replace(
            cutout,
            track=backwards(cutout.track),
            spin=-cutout.spin,
            zoom=-cutout.zoom,
            bending=replace(cutout.bending, cycles=-cutout.bending.cycles),
        )
        for cutout in scene.cutouts
    )
    turned = replace(scene, view=replace(scene.view, camera=mirrored), cutouts=cutouts)
    forth = scene.frames()
    np.testing.assert_allclose(turned.frames(), forth[::-1], atol=1e-4)
    assert np.abs(forth - forth[::-1]).max() > 0.02


def backwards(track: Track) -> Track:
    (dx, dy) = track.path
    return Track((-dx, -dy), -track.bend, -track.speeding)


# the camera's way


def test_colours_say_where_the_camera_looks(places: Path) -> None:
    scene = scene_of(places, translation=(20.0, 20.0))
    seen = seen_places(scene)
    way = seen[-1] - seen[0]
    expected = np.broadcast_to(scene.view.camera.track.path, way.shape)
    np.testing.assert_allclose(way, expected, atol=2e-3)
    np.testing.assert_allclose(np.linalg.norm(way, axis=-1), 20, atol=2e-3)


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_acceleration_bends_paths_by_no_more_than_its_share(places: Path, share: float) -> None:
    bows = []
    for seed in range(12):
        scene = scene_of(places, seed, translation=(20.0, 20.0), acceleration=share)
        seen = seen_places(scene)[:, 40, 40]
        halfway = seen[2] - (seen[0] + seen[-1]) / 2
        along = (seen[-1] - seen[0]) / 20
        assert abs(halfway @ along) < 0.01  # the bow goes to the side
        bows.append(float(np.linalg.norm(halfway)) / 20)
    assert 0.6 * share / 4 < max(bows) <= share / 4 + 1e-3


def test_speeding_changes_the_speed_and_not_the_path(places: Path) -> None:
    ratios = []
    for seed in range(8):
        more = {"translation": (24.0, 24.0), "acceleration": 0.0, "speeding": 0.8}
        seen = seen_places(scene_of(places, seed, T=9, **more))[:, 30, 30]
        steps = np.linalg.norm(np.diff(seen, axis=0), axis=1)
        assert steps.sum() == pytest.approx(24, abs=0.01)
        # Evenly accelerated, from 1 - s to 1 + s times the mean.
        np.testing.assert_allclose(np.diff(steps), np.diff(steps).mean(), atol=0.01)
        ratios.append((steps[-1] - steps[0]) / steps.mean() / (2 * 7 / 8))
    assert 0.4 < max(np.abs(ratios)) <= 0.8
    assert min(ratios) < 0 < max(ratios)


# depth


@pytest.mark.parametrize("parallax", [0.3, 1.0])
def test_near_places_move_further_than_far_ones(places: Path, parallax: float) -> None:
    spreads = []
    for seed in range(6):
        scene = scene_of(places, seed, translation=(16.0, 16.0), parallax=parallax)
        seen = seen_places(scene)
        way = (seen[-1] - seen[0]).reshape(-1, 2)
        along = np.array(scene.view.camera.track.path) / 16
        ahead = way @ along / 16
        # Depth moves nothing sideways but for the bow, whose ends lie on the path.
        strength = scene.view.camera.depth.parallax
        assert 0 < strength <= parallax
        assert 1 - strength / 2 - 0.01 <= ahead.min() < ahead.max() <= 1 + strength / 2 + 0.01
        spreads.append(np.ptp(ahead) / strength)
    assert np.mean(spreads) > 0.5


def test_depth_has_layers_and_stays_with_the_photograph() -> None:
    depth = Depth.draw(0.5, 100, 8.0, rng(1))
    grid = np.stack(np.meshgrid(*2 * [np.linspace(-300, 300, 200)]), axis=-1)
    lead = depth.lead(grid) / depth.parallax + 0.5
    assert lead.min() < 0.05 and lead.max() > 0.95
    # More of it is near the levels of three steps than between them.
    level = np.abs(3 * lead - np.rint(3 * lead))
    assert (level < 0.25).mean() > 0.6
    # The same place of the photograph has the same depth wherever the camera is.
    turned = np.array([[[0.9, -0.1], [0.1, 0.9]]])
    axis = np.linspace(-40, 40, 9)
    for centre in ([0.0, 0.0], [7.0, -3.0]):
        fast = depth.lead_on_grids(np.array([centre]), turned, axis)[0]
        points = np.stack(np.meshgrid(axis, axis), axis=-1) @ turned[0].T + centre
        np.testing.assert_allclose(fast, depth.lead(points), atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    parallax=st.floats(0, 2),
    size=st.integers(16, 256),
    path=st.floats(0, 100),
)
def test_depth_never_folds_tears_or_squeezes(
    seed: int, parallax: float, size: int, path: float
) -> None:
    track = Track.draw((path, path), 0.5, rng(seed))
    times = np.array([-0.5, 0.0, 0.5])
    reach = float(np.linalg.norm(track.at(times), axis=1).max())
    camera = Camera(track, depth=Depth.draw(parallax, size, reach, rng(seed + 1)))
    half = size / 2
    axis = np.arange(-half, half, 1.0)[:40]
    points = np.stack(np.meshgrid(axis, axis), axis=-1)
    seen = camera.places(times, points.reshape(-1, 2)).reshape(3, *points.shape)
    across, down = np.diff(seen, axis=2)[:, :-1], np.diff(seen, axis=1)[:, :, :-1]
    area = across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0]
    assert area.min() > 0.74 and area.max() < 1.26


# tremor


def test_tremor_has_its_power_where_hands_have_it() -> None:
    seconds, rate = 8.0, 100.0
    times = np.linspace(-0.5, 0.5, int(seconds * rate), endpoint=False)
    power = np.zeros(len(times) // 2 + 1)
    for seed in range(40):
        shake = draw_tremor(5.0, (seconds, seconds), 0.5, rng(seed))
        speed = np.gradient(shake.at(times), 1 / rate, axis=0) * np.hanning(len(times))[:, None]
        power += (np.abs(np.fft.rfft(speed, axis=0)) ** 2).sum(axis=1)
    hertz = np.fft.rfftfreq(len(times), 1 / rate)

    def height(low: float, high: float) -> float:
        return float(power[(hertz >= low) & (hertz < high)].mean())

    even, tremor = height(1, 7), height(TREMOR_HZ[0] + 0.5, TREMOR_HZ[1] - 0.5)
    assert 2.5 < tremor / even < 6
    assert 0.5 < height(1, 3) / height(4, 7) < 2  # a random walk: the speed's spectrum is even
    assert height(TREMOR_HZ[1] + 0.6, 40) < 1e-3 * tremor
    assert power[hertz < DRIFT_HZ[0] / 2].sum() < 0.02 * power.sum()


@pytest.mark.parametrize("exposure", [1 / 30, 1 / 4])
def test_tremor_is_as_large_as_asked_and_curls_with_the_exposure(exposure: float) -> None:
    turns = []
    for seed in range(20):
        shake = draw_tremor(6.0, (exposure, exposure), 0.6, rng(seed))
        places = shake.at(np.linspace(-0.6, 0.6, 3001))
        assert np.linalg.norm(places, axis=1).max() == pytest.approx(6, abs=1e-2)
        assert np.abs(places.max(axis=0) + places.min(axis=0)).max() < 0.02  # about its middle
        heading = np.unwrap(np.arctan2(*np.diff(places, axis=0).T))
        turns.append(np.abs(np.diff(heading)).sum())
    if exposure < 0.1:
        assert np.median(turns) < math.pi
    else:
        assert np.median(turns) > 2 * math.pi
    assert (
        draw_tremor(0.0, (exposure, exposure), 0.6, rng()).at(np.zeros(3)).tolist() == [[0, 0]] * 3
    )


def test_the_camera_shakes_as_far_as_asked(places: Path) -> None:
    for seed in range(5):
        more = {"translation": (0.0, 0.0), "shake": 8.0, "shake_kind": "tremor"}
        scene = scene_of(places, seed, T=9, **more)
        seen = seen_places(scene)
        assert np.ptp(seen - seen[:1], axis=(1, 2)).max() < 5e-3  # all of the view alike
        away = seen[:, 5, 5] - seen[:, 5, 5].mean(axis=0)
        assert 0.1 < np.linalg.norm(away, axis=1).max() <= 16


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), step=st.floats(0.001, 0.05), size=st.floats(0, 20))
def test_no_more_is_missed_between_instants_than_said(seed: int, step: float, size: float) -> None:
    shake = draw_tremor(size, (0.03, 0.5), 0.5, rng(seed))
    coarse, fine = (shake.at(np.arange(-0.5, 0.5, s)) for s in (step, step / 16))
    inside = fine[: 16 * (len(coarse) - 1) + 1]
    assert (inside.max(axis=0) <= coarse.max(axis=0) + shake.missed(step) + 1e-9).all()
    assert (inside.min(axis=0) >= coarse.min(axis=0) - shake.missed(step) - 1e-9).all()
    assert Shake().missed(step) == 0


# objects


def test_an_object_grows_to_its_radius_with_its_texture() -> None:
    pixels = np.zeros((120, 120, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.mgrid[:120, :120][::-1]
    ends = np.array([-0.5, 0.5])
    for zoom in (math.log(1.5), -math.log(1.5)):
        cutout = Cutout((60.0, 60.0), (40.0, 40.0), Track((0.0, 0.0)), 20.0, zoom=zoom)
        coverage, colour, corners = cutout.patch(pixels, ends)
        areas = coverage.sum(axis=(1, 2))
        assert areas[1] / areas[0] == pytest.approx(math.exp(2 * zoom), rel=0.02)
        assert areas.max() == pytest.approx(math.pi * 19.5**2, rel=0.02)
        for k, scale in enumerate(cutout.sizes(ends)):
            x, y = corners[k]
            for off in (0, 6):  # the texture is enlarged with it, and never reduced
                seen = 255 * colour[k, :2, 40 - y, 40 + off - x]
                np.testing.assert_allclose(seen, [60 + off / scale / 1.5, 60], atol=1e-2)
        assert cutout.sizes(np.linspace(-0.5, 0.5, 11)).max() <= 1 + 1e-12


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), size=st.floats(0, 12), radius=st.floats(4, 40))
def test_objects_bend_smoothly_and_keep_their_area(seed: int, size: float, radius: float) -> None:
    bending = Bending.draw(size, radius, rng(seed))
    assert bending.size <= size
    times = np.linspace(-0.6, 0.6, 7)
    h = 0.25
    axis = np.arange(-radius, radius, h, dtype=np.float32)[:60]
    x, y = (np.broadcast_to(p, (7, len(axis), len(axis))) for p in np.meshgrid(axis, axis))
    moved_x, moved_y = bending.undone(times, x, y)
    assert np.hypot(moved_x - x, moved_y - y).max() <= bending.size + 1e-4
    (xu, xv), (yu, yv) = (
        (np.diff(p, axis=2)[:, :-1] / h, np.diff(p, axis=1)[:, :, :-1] / h)
        for p in (moved_x, moved_y)
    )
    slopes = np.stack([xu - 1, xv, yu, yv - 1])
    assert np.abs(slopes).max() < 0.51  # parts slide along each other, at most this steeply
    np.testing.assert_allclose(xu * yv - xv * yu, 1, atol=0.03)
    # And from one instant to the next: no part goes further than the wave allows.
    step = np.hypot(np.diff(moved_x, axis=0), np.diff(moved_y, axis=0)).max()
    assert step <= bending.size * 2 * math.pi * abs(bending.cycles) * 0.2 + 1e-4


def test_a_bent_object_is_within_its_patch_and_its_outline_moves() -> None:
    pixels = rng().integers(0, 256, (90, 90, 3), dtype=np.uint8)
    bending = Bending(5.0, (0.1, 0.0), 0.3, 1.0)
    bent, rigid = (
        Cutout((45.0, 45.0), (30.0, 30.0), Track((0.0, 0.0)), 14.0, bending=how)
        for how in (bending, replace(bending, size=0.0))
    )
    times = np.linspace(-0.5, 0.5, 5)
    coverage = bent.patch(pixels, times)[0]
    assert coverage[:, [0, -1]].max() == 0 and coverage[:, :, [0, -1]].max() == 0
    areas, area = coverage.sum(axis=(1, 2)), rigid.patch(pixels, times)[0][0].sum()
    np.testing.assert_allclose(areas, area, rtol=0.01)
    assert np.abs(np.diff(coverage, axis=0)).max() > 0.9


def test_objects_ways_are_never_longer_than_said() -> None:
    span = np.linspace(-0.5, 0.5, 65)
    for seed in range(10):
        draw = rng(seed)
        cutout = Cutout(
            (0.0, 0.0),
            (50.0, 50.0),
            Track.draw((4.0, 20.0), 0.5, draw, 0.5),
            15.0,
            spin=float(draw.uniform(-1, 1)),
            zoom=float(draw.uniform(-0.3, 0.3)),
        )
        angle = draw.uniform(0, 2 * math.pi, 12)
        rim = 15.0 * np.stack([np.cos(angle), np.sin(angle)])
        gone = span + cutout.track.speeding * (span**2 - 0.25)
        turn = cutout.spin * gone
        scale = cutout.sizes(span)
        x = scale[:, None] * (np.outer(np.cos(turn), rim[0]) - np.outer(np.sin(turn), rim[1]))
        y = scale[:, None] * (np.outer(np.sin(turn), rim[0]) + np.outer(np.cos(turn), rim[1]))
        where = np.stack([x, y], axis=-1) + cutout.places(span)[:, None]
        ways = np.linalg.norm(np.diff(where, axis=0), axis=-1).max(axis=1)
        assert (ways <= cutout.ways(span) + 1e-9).all()
        assert (cutout.ways(span) < 3 * ways + 0.1).all()
