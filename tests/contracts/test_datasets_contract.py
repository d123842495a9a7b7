"""Every registered dataset and frame score keeps its contract; the suites notice mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import made_datasets
import numpy as np
import pytest
from PIL import Image

from deblurkit.data.clip import Clip
from deblurkit.data.prepared.prepare import plan_footage
from deblurkit.errors import UnavailableError
from deblurkit.registry import Registered, get_registry
from deblurkit.specs import DatasetSpec, MetricSpec, Preset
from deblurkit.testing import check_dataset, check_metric


def footage(count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 256, (48, 64 + count, 3), dtype=np.uint8)
    return [np.ascontiguousarray(wide[:, k : k + 64]) for k in range(count)]


@pytest.fixture
def material(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """What the datasets of the user's own material need: a few frames, drawn at random."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for k, frame in enumerate(footage(24)):
        Image.fromarray(frame).save(folder / f"{k:03d}.png")
    video = tmp_path / "video.mp4"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for frame in footage(24):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
    sets = {
        name: {"path": made_datasets.MADE[name][1](tmp_path / name)}
        for name in ("gopro", "reds", "adobe240", "b-aist++", "hypercut")
    }
    x4k = made_datasets.x4k(tmp_path / "x4k")
    pairs = made_datasets.named_pairs(tmp_path / "pairs")
    overrides = ["data.train.passage=8", "frames=5"]
    prepared = plan_footage(folder, get_registry(), layout="frames", overrides=overrides)
    prepared.write(tmp_path / "prepared")
    return {
        **sets,
        "x4k1000fps": {"path": x4k},
        "pairs": {"path": pairs, "clip_frames": 1},
        "prepared": {"path": tmp_path / "prepared", "blurry": "kept"},
        "frames": {"path": folder, "passage": 12},
        "video": {"path": video, "passage": 12},
        "moving-shapes": {"size": (3.0, 6.0), "motion": (2.0, 6.0), "scenes": 4},
    }


@pytest.mark.parametrize("component", get_registry().specs("dataset"), ids=lambda r: r.qualified)
def test_registered_datasets(component: Registered, material: dict[str, dict[str, Any]]) -> None:
    check_dataset(component, **material.get(component.spec.name, {}))


@pytest.mark.parametrize("component", get_registry().specs("metric"), ids=lambda r: r.qualified)
def test_registered_metrics(component: Registered) -> None:
    try:
        check_metric(component)
    except AssertionError as error:
        if not isinstance(error.__cause__, UnavailableError):
            raise
        pytest.skip(f"{error.__cause__.what}")  # lpips: tests/oracles has it with other weights


# --- datasets with one mistake each --------------------------------------------------------


class Good:
    def sources(self) -> tuple[str, ...]:
        return ("one", "two")

    def draw(self, frames: int, size: int, rng: np.random.Generator) -> np.ndarray:
        return rng.integers(0, 256, (frames, size, size, 3), dtype=np.uint8)

    def clips(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Clip]:
        for _ in range(count):
            yield Clip(self.draw(frames, size, rng), source, "drawn")


class Empty(Good):
    def sources(self) -> tuple[str, ...]:
        return ()


class Listed(Good):
    def sources(self) -> Any:
        return ["one", "two"]


class Doubled(Good):
    def sources(self) -> tuple[str, ...]:
        return ("one", "one")


class Floats(Good):
    def draw(self, frames: int, size: int, rng: np.random.Generator) -> np.ndarray:
        return super().draw(frames, size, rng) / 255


class OneFrameMore(Good):
    def draw(self, frames: int, size: int, rng: np.random.Generator) -> np.ndarray:
        return super().draw(frames + 1, size, rng)


class OwnDice(Good):
    def draw(self, frames: int, size: int, rng: np.random.Generator) -> np.ndarray:
        return super().draw(frames, size, np.random.default_rng())


class TooMany(Good):
    def clips(self, source: str, *, count: int, **more: Any) -> Iterator[Clip]:
        return super().clips(source, count=count + 1, **more)


class OtherSource(Good):
    def clips(self, source: str, **more: Any) -> Iterator[Clip]:
        return super().clips("elsewhere", **more)


class Fails(Good):
    def clips(self, source: str, **more: Any) -> Iterator[Clip]:
        raise ZeroDivisionError("no pixels")


class SharpOnly(Good):
    published_blur = True


class UnaskedBlur(Good):
    def clips(self, source: str, **more: Any) -> Iterator[Clip]:
        for clip in super().clips(source, **more):
            yield replace(clip, blurry=clip.frames[0])


class NoLayout:
    title = "a folder"


class Locked(Good):
    def __init__(self) -> None:
        self.opened = (k for k in range(3))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Empty", "no sources"),
        ("Listed", "a tuple of names"),
        ("Doubled", "two sources are called one"),
        ("Floats", "float64"),
        ("OneFrameMore", "(6, 32, 32, 3)"),
        ("OwnDice", "a second call"),
        ("TooMany", "gives 3 clips, 2 were asked for"),
        ("OtherSource", "'elsewhere'"),
        ("Fails", "no pixels"),
        ("Locked", "cannot be pickled"),
        ("SharpOnly", "carries no blurry image where published_blur is True"),
        ("UnaskedBlur", "(32, 32, 3) where published_blur is False"),
    ],
)
def test_the_dataset_suite_notices(name: str, words: str) -> None:
    check_dataset(DatasetSpec(name="test", summary="s", build=f"{__name__}:Good"))
    with pytest.raises(AssertionError) as caught:
        check_dataset(DatasetSpec(name="test", summary="s", build=f"{__name__}:{name}"))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"layout": f"{__name__}:NoLayout"}, "no general, recognises, recordings, pairs"),
        ({"layout": f"{__name__}:Missing"}, "its layout"),
        ({"presets": {"a": Preset(summary="s", params={"size": 3})}}, "sets size, which there"),
        ({"presets": {"a": Preset(summary="s", formation={"blur": 3})}}, "preset 'a' sets blur"),
    ],
)
def test_the_dataset_suite_looks_at_layout_and_presets(more: dict[str, Any], words: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_dataset(DatasetSpec(name="test", summary="s", build=f"{__name__}:Good", **more))
    assert words in str(caught.value)


# --- scores with one mistake each ----------------------------------------------------------


def error(estimate: np.ndarray, true: np.ndarray) -> float:
    return float(np.square(estimate - true).mean())


def numpy_error(estimate: np.ndarray, true: np.ndarray) -> Any:
    return np.square(estimate - true).mean()


def clipping_error(estimate: np.ndarray, true: np.ndarray) -> float:
    true *= 0.5
    return error(estimate, true)


def dicing_error(estimate: np.ndarray, true: np.ndarray) -> float:
    return error(estimate, true) + float(np.random.default_rng().random())


def constant_error(estimate: np.ndarray, true: np.ndarray) -> float:
    return 1.0


def make_error() -> Any:
    return error


def make_numpy_error() -> Any:
    return numpy_error


def make_clipping_error() -> Any:
    return clipping_error


def make_dicing_error() -> Any:
    return dicing_error


def make_constant_error() -> Any:
    return constant_error


@pytest.mark.parametrize(
    ("name", "higher", "words"),
    [
        ("make_error", True, "higher_is_better=True"),
        ("make_numpy_error", False, "return a Python float"),
        ("make_clipping_error", False, "changes the frames"),
        ("make_dicing_error", False, "second call"),
        ("make_constant_error", False, "more noise worse"),
    ],
)
def test_the_metric_suite_notices(name: str, higher: bool, words: str) -> None:
    check_metric(
        MetricSpec(name="test", summary="s", build=f"{__name__}:make_error", higher_is_better=False)
    )
    spec = MetricSpec(name="test", summary="s", build=f"{__name__}:{name}", higher_is_better=higher)
    with pytest.raises(AssertionError) as caught:
        check_metric(spec)
    assert words in str(caught.value)
