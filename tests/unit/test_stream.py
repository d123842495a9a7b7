"""Sample streams: pure functions of (seed, key, k), whoever asks and in whatever order."""

from __future__ import annotations

import hashlib
import pickle
from collections import Counter
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deblurkit.data import augment as augmentation
from deblurkit.data.augment import Change
from deblurkit.data.cache import ClipCache, prepare_clips
from deblurkit.data.stream import SampleStream, loader
from deblurkit.errors import DataError
from deblurkit.formation import form
from deblurkit.recipe.schema import Augmentation, Formation

CLIPS, FRAMES, SIZE, CROP = 5, 3, 20, 12
NOTHING = Augmentation(permute_channels=False, rotate=False, flip=False, reverse=False, noise=0.0)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipCache:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEBLURKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.syspath_prepend(str(Path(__file__).parent))
        from striped_dataset import Striped

        return prepare_clips(
            Striped(),
            ("a", "b"),
            settings={"name": "striped"},
            split="train",
            count=CLIPS,
            frames=FRAMES,
            size=SIZE,
            seed=0,
        )


def stream(clips: ClipCache, **changes: Any) -> SampleStream:
    how: dict[str, Any] = {
        "crop": CROP,
        "formation": Formation(),
        "augment": Augmentation(),
        "seed": 3,
        "key": "train",
        "length": 23,
    }
    return SampleStream(clips, **{**how, **changes})


def same(one: Any, other: Any) -> bool:
    return (
        one["clip"] == other["clip"]
        and torch.equal(one["blurry"], other["blurry"])
        and torch.equal(one["frames"], other["frames"])
    )


def test_what_a_sample_is(clips: ClipCache) -> None:
    sample = stream(clips)[0]
    assert sample["frames"].shape == (FRAMES, 3, CROP, CROP)
    assert sample["blurry"].shape == (3, CROP, CROP)
    for image in (sample["frames"], sample["blurry"]):
        assert image.dtype == torch.float32 and image.is_contiguous()
        assert image.min() >= 0 and image.max() <= 1
    assert sample["clip"] in range(CLIPS)


def test_a_sample_depends_on_seed_key_and_number_alone(clips: ClipCache) -> None:
    one = stream(clips)
    backwards = {k: one[k] for k in reversed(range(len(one)))}
    copied = pickle.loads(pickle.dumps(stream(clips)))
    assert all(same(copied[k], backwards[k]) for k in range(len(copied)))
    for changes in ({"seed": 4}, {"key": "other"}):
        other = stream(clips, **changes)
        assert not any(same(one[k], other[k]) for k in range(10))
    assert not same(one[0], one[CLIPS])


def test_every_clip_once_an_epoch_in_orders_of_their_own(clips: ClipCache) -> None:
    samples = stream(clips, length=40 * CLIPS)
    epochs = [
        tuple(samples.clip_of(e * CLIPS + position) for position in range(CLIPS)) for e in range(40)
    ]
    assert all(sorted(epoch) == list(range(CLIPS)) for epoch in epochs)
    assert len(set(epochs)) > 20


def test_y_is_the_formation_of_the_frames(clips: ClipCache) -> None:
    how = Formation(response="srgb", bits=16)
    samples = stream(clips, formation=how, augment=Augmentation(noise=0.0))
    for k in range(5):
        y = form(samples[k]["frames"].numpy(), response="srgb", bits=16)
        assert np.array_equal(samples[k]["blurry"].numpy(), y)


def test_noise_has_the_size_asked_for_and_stays_in_range(clips: ClipCache) -> None:
    noisy = stream(clips, augment=Augmentation(noise=0.05), length=40)
    clean = stream(clips, augment=Augmentation(noise=0.0), length=40)
    errors = []
    for k in range(40):
        assert torch.equal(noisy[k]["frames"], clean[k]["frames"])
        y, without = noisy[k]["blurry"], clean[k]["blurry"]
        assert y.min() >= 0 and y.max() <= 1
        far_from_the_ends = (without > 0.25) & (without < 0.75)
        errors.append((y - without)[far_from_the_ends])
    every = torch.cat(errors)
    assert every.std().item() == pytest.approx(0.05, rel=0.05)
    assert every.mean().item() == pytest.approx(0, abs=0.003)


def test_crops_reach_every_corner(clips: ClipCache) -> None:
    """Without other changes a sample is a piece of its clip, from anywhere."""
    samples = stream(clips, augment=NOTHING, length=400)
    corners = Counter()
    windows = np.lib.stride_tricks.sliding_window_view(
        clips.frames[:, 0, :, :, 1], (CROP, CROP), axis=(1, 2)
    )
    for k in range(400):
        piece = np.rint(samples[k]["frames"][0, 1].numpy() * 255).astype(np.uint8)
        hits = np.argwhere((windows[samples[k]["clip"]] == piece).all((2, 3)))
        assert len(hits) == 1
        corners[tuple(hits[0])] += 1
    places = SIZE - CROP + 1
    assert {row for row, _ in corners} == {column for _, column in corners} == set(range(places))


def test_the_fixed_stream_gives_the_middle_of_every_clip_in_order(clips: ClipCache) -> None:
    fixed = stream(clips, augment=None, key="test", length=CLIPS)
    cut = (SIZE - CROP) // 2
    for k in range(CLIPS):
        inner = clips.frames[k][:, cut : cut + CROP, cut : cut + CROP]
        expected = inner.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        assert np.array_equal(fixed[k]["frames"].numpy(), expected)
        assert np.array_equal(fixed[k]["blurry"].numpy(), form(expected))
        assert fixed[k]["clip"] == k
    whole = stream(clips, augment=None, crop=None, key="test", length=CLIPS)
    assert whole[1]["frames"].shape == (FRAMES, 3, SIZE, SIZE)


def test_noise_of_the_formation_is_fixed_too(clips: ClipCache) -> None:
    how = Formation(noise=0.05)
    one, other = (stream(clips, augment=None, formation=how, key="test") for _ in range(2))
    assert same(one[2], other[2])
    assert not torch.equal(one[2]["blurry"], stream(clips, augment=None, key="test")[2]["blurry"])


class Unchanging:
    """Clips that are the same wherever they are made."""

    blurry: np.ndarray | None = None
    frames = np.random.Generator(np.random.PCG64(11)).integers(
        0, 256, (5, 7, 20, 20, 3), dtype=np.uint8
    )

    def __len__(self) -> int:
        return len(self.frames)


@pytest.mark.parametrize(
    ("how", "augment", "marks"),
    [
        (Formation(), Augmentation(), ("bd216d2511f02af5", "ce2cca11b190d109")),
        (Formation(), None, ("3e418ba3b9e1eeda", "f35e42e68abdb30a")),
        (Formation(noise=0.02, bits=16), Augmentation(), ("b7fe629dbe7fb78e", "1f00a137b18f9f5e")),
        (Formation(noise=0.02), None, ("92b0a1e209b468e5", "537bf1e32664bf0e")),
    ],
    ids=["training", "fixed", "noise in training", "fixed noise"],
)
def test_plain_samples_never_change(
    how: Formation, augment: Augmentation | None, marks: tuple[str, str]
) -> None:
    """Bit by bit those of the first release: what a camera can do since then adds no draws."""
    samples = SampleStream(
        cast("ClipCache", Unchanging()), crop=None if augment is None else CROP, formation=how,
        augment=augment, seed=3, key="k", length=5,
    )  # fmt: skip
    for k, mark in enumerate(marks):
        sample = samples[k]
        found = hashlib.sha256(sample["blurry"].numpy().tobytes())
        found.update(sample["frames"].numpy().tobytes())
        found.update(str(sample["clip"]).encode())
        assert found.hexdigest()[:16] == mark


REALISTIC = Formation(
    response="gamma", subframes=3, duty=0.5, headroom=(1.0, 4.0), shot_noise=(1e-4, 1e-2),
    read_noise=(1e-4, 1e-2), white_balance=0.3, mosaic=True, jpeg=(60, 95),
)  # fmt: skip


@pytest.mark.parametrize("augment", [Augmentation(), None], ids=["training", "fixed"])
def test_samples_of_a_realistic_camera(clips: ClipCache, augment: Augmentation | None) -> None:
    """Clips of T times K frames give samples of T, the same whenever they are asked for."""
    one, other = (
        pickle.loads(pickle.dumps(stream(clips, formation=REALISTIC, augment=augment, length=4)))
        for _ in range(2)
    )
    for k in (3, 0, 1):
        sample = one[k]
        assert sample["frames"].shape == (FRAMES // 3, 3, CROP, CROP)
        assert sample["blurry"].is_contiguous() and sample["frames"].is_contiguous()
        assert same(sample, other[k])
    assert not same(one[0], one[1])


def test_the_true_frame_is_the_middle_of_its_sub_frames(clips: ClipCache) -> None:
    samples = stream(clips, formation=Formation(subframes=3), augment=None, length=CLIPS)
    whole = stream(clips, augment=None, length=CLIPS)
    for k in range(CLIPS):
        assert torch.equal(samples[k]["frames"], whole[k]["frames"][1:2])
        assert torch.equal(samples[k]["blurry"], whole[k]["blurry"])
    with pytest.raises(DataError, match="clips of 3 frames cannot have 5 sub-frames a frame"):
        stream(clips, formation=Formation(subframes=5))
    published = Unchanging()
    published.frames, published.blurry = clips.frames, clips.frames[:, 0]
    with pytest.raises(DataError, match="these clips have their own"):
        stream(cast("ClipCache", published), formation=Formation(subframes=3))


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_the_same_from_any_start_with_any_workers(
    clips: ClipCache, workers: int
) -> None:
    samples = stream(clips)
    expected = [[samples[k] for k in range(b * 4, min(b * 4 + 4, 23))] for b in range(6)]
    before = torch.random.get_rng_state()
    for start, steps in ((0, None), (2, 3)):
        batches = list(loader(samples, batch=4, start_step=start, steps=steps, workers=workers))
        wanted = expected[start : None if steps is None else start + steps]
        assert len(batches) == len(wanted)
        for batch, parts in zip(batches, wanted, strict=True):
            assert torch.equal(batch["blurry"], torch.stack([p["blurry"] for p in parts]))
            assert torch.equal(batch["frames"], torch.stack([p["frames"] for p in parts]))
            assert batch["clip"].tolist() == [p["clip"] for p in parts]
    assert torch.equal(torch.random.get_rng_state(), before), "torch's own numbers were drawn"


def test_mistakes_are_named(clips: ClipCache) -> None:
    with pytest.raises(DataError, match=r"data\.crop: a crop of 21 pixels(.|\n)*1 to 20"):
        stream(clips, crop=21)
    with pytest.raises(ValueError, match="valid: length >= 0, crop >= 1"):
        stream(clips, crop=0)
    with pytest.raises(IndexError, match="there is no sample 23; valid: 0 to 22"):
        stream(clips)[23]
    with pytest.raises(ValueError, match="batches 2 to 7 were asked for; the stream has 6"):
        loader(stream(clips), batch=4, start_step=2, steps=5)
    with pytest.raises(ValueError, match="at least 1"):
        loader(stream(clips), batch=0)


# Augmentation on its own.

PIXELS = np.arange(3 * 6 * 6 * 3, dtype=np.uint16).astype(np.uint8).reshape(3, 6, 6, 3)
CHANGES = st.builds(
    Change,
    top=st.integers(0, 2),
    left=st.integers(0, 2),
    channels=st.permutations([0, 1, 2]).map(tuple),
    turns=st.integers(0, 3),
    flip=st.booleans(),
    reverse=st.booleans(),
)


@given(change=CHANGES)
def test_a_change_moves_values_where_it_says(change: Change) -> None:
    """Every value of the result, found again in the clip by following the words."""
    side = 4
    out = augmentation.apply(change, PIXELS, side)
    assert out.shape == (3, 3, side, side) and out.flags["C_CONTIGUOUS"]
    for t, c, i, j in np.ndindex(out.shape):
        row, column = i, (side - 1 - j if change.flip else j)
        for _ in range(change.turns):  # undo a quarter turn counter-clockwise
            row, column = column, side - 1 - row
        source = PIXELS[
            2 - t if change.reverse else t,
            change.top + row,
            change.left + column,
            change.channels[c],
        ]
        assert out[t, c, i, j] == source


def test_all_changes_are_drawn_equally_often() -> None:
    rng = np.random.default_rng(0)
    drawn = [
        augmentation.draw(Augmentation(), height=6, width=6, crop=6, rng=rng) for _ in range(4800)
    ]
    counts = Counter((d.channels, d.turns, d.flip, d.reverse) for d in drawn)
    assert len(counts) == 6 * 4 * 2 * 2
    assert min(counts.values()) > 20 and max(counts.values()) < 100


def test_switching_one_change_off_leaves_the_others_alone() -> None:
    def draw(**off: bool) -> Change:
        return augmentation.draw(
            Augmentation(**off), height=9, width=9, crop=4, rng=np.random.default_rng(7)
        )

    everything = draw()
    neutral = {"permute_channels": "channels", "rotate": "turns", "flip": "flip"}
    for name, attribute in {**neutral, "reverse": "reverse"}.items():
        changed = draw(**{name: False})
        for other in ("top", "left", "channels", "turns", "flip", "reverse"):
            wanted = getattr(Change() if other == attribute else everything, other)
            assert getattr(changed, other) == wanted
