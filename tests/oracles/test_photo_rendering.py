"""Frames of `photos-in-motion` against a plain loop that anyone would write."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from deblurkit_standard.datasets.photos_in_motion import PhotosInMotion

PLAIN = Path(__file__).parents[2] / "benchmarks" / "rendering.py"


@pytest.fixture(scope="module")
def plain() -> ModuleType:
    spec = importlib.util.spec_from_file_location("plain_rendering", PLAIN)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("mix", ["translation", "default", "everything"])
@pytest.mark.parametrize("frames", [1, 5])
def test_frames_are_those_of_a_plain_loop_over_instants(
    plain: ModuleType, mix: str, frames: int
) -> None:
    dataset = PhotosInMotion(**plain.MIXES[mix])
    rng = np.random.default_rng(7)
    for source in ("coffee", "rocket"):
        for scene in dataset.scenes(source, count=2, frames=frames, size=56, rng=rng):
            expected = plain.plain_frames(scene, plain.spline_look_up(scene.view.pixels))
            assert np.ptp(expected) > 0.1
            np.testing.assert_allclose(plain.ours(scene), expected, atol=1e-4)


def test_a_difference_would_be_noticed(plain: ModuleType) -> None:
    scene = next(
        PhotosInMotion(objects=(0, 0)).scenes(
            "chelsea", count=1, frames=3, size=56, rng=np.random.default_rng(0)
        )
    )
    expected = plain.plain_frames(scene, plain.spline_look_up(scene.view.pixels))
    x, y = scene.view.place
    shifted = replace(scene, view=replace(scene.view, place=(x + 0.1, y)))
    assert np.abs(shifted.frames() - expected).max() > 1e-3
