"""The conformance suite of datasets."""

from __future__ import annotations

from typing import Any

import numpy as np

from deblurkit.data.clip import Clip, ClipDataset, publishes_blur
from deblurkit.randomness import generator
from deblurkit.recipe.schema import Formation
from deblurkit.specs import DatasetSpec
from deblurkit.testing.subject import Component, Subject

SOURCES = 2
"""How many sources are tried: rendering all of a large dataset would take too long."""


def check_dataset(
    component: Component,
    /,
    *,
    clip_frames: int = 5,
    clip_size: int = 32,
    clip_count: int = 2,
    **params: Any,
) -> None:
    """Check that a dataset keeps its contract (`deblurkit.data.clip.ClipDataset`).

    Its sources exist, have names of their own and are the same in a second copy; clips have
    the number, shape and type asked for; and they are a pure function of the source and the
    generator's state, also in a pickled copy.

    Args:
        component: A `DatasetSpec`, or a registered component with one.
        clip_frames: Frames of a clip asked for.
        clip_size: Side of a clip asked for, pixels.
        clip_count: Clips asked for from each source.
        **params: The dataset's parameters by name; the rest take their defaults.

    Raises:
        AssertionError: what is wrong and how to mend it.
    """
    subject = Subject(component, DatasetSpec, params)
    dataset: ClipDataset = subject.build()
    _check_spec(subject)
    sources = _check_sources(subject, dataset)
    twin: ClipDataset = subject.build()
    copy: ClipDataset = subject.pickled(dataset, "clips are rendered by several processes")
    subject.require(
        tuple(twin.sources()) == sources == tuple(copy.sources()),
        "a second or a pickled copy has other sources",
        "let them depend on the parameters and the material alone, in a fixed order",
    )
    shape = (clip_frames, clip_size, clip_size, 3)

    def clips(from_: ClipDataset, source: str, seed: int) -> list[Clip]:
        rng = generator("check_dataset", seed)
        asked = {"count": clip_count, "frames": clip_frames, "size": clip_size}
        try:
            return list(from_.clips(source, rng=rng, **asked))
        except Exception as error:
            raise subject.failure(
                f"source '{source}' fails for {asked}: {type(error).__name__}: {error}",
                "hand larger material or a smaller clip_size and clip_frames to this suite",
            ) from error

    for source in sources[:SOURCES]:
        first = clips(dataset, source, 0)
        _check_clips(subject, first, source, clip_count, shape)
        _check_blurry(subject, first, publishes_blur(dataset), shape)
        for other, which in (
            (dataset, "a second call"),
            (twin, "a copy"),
            (copy, "a pickled copy"),
        ):
            again = clips(other, source, 0)
            subject.require(
                len(again) == len(first)
                and all(_same(a, b) for a, b in zip(first, again, strict=True)),
                f"source '{source}': {which} with the same generator state gives other clips",
                "draw all random numbers from the generator that clips() is given",
            )


def _same(one: Clip, other: Clip) -> bool:
    if one.blurry is None or other.blurry is None:
        blurry = one.blurry is other.blurry
    else:
        blurry = np.array_equal(one.blurry, other.blurry)
    return blurry and one.place == other.place and np.array_equal(one.frames, other.frames)


def _check_spec(subject: Subject[DatasetSpec]) -> None:
    """Layout and presets, which are not used by `clips`."""
    spec = subject.spec
    if spec.layout:
        layout = subject.load(spec.layout, "layout")
        lacks = [
            name
            for name in ("title", "general", "recognises", "recordings", "pairs")
            if not hasattr(layout, name)
        ]
        subject.require(
            not lacks,
            f"its layout has no {', '.join(lacks)}",
            "give it what deblurkit.footage.layout.Layout asks for",
        )
    known = set(spec.params.model_fields)
    for name, preset in spec.presets.items():
        strange = sorted(set(preset.params) - known) + sorted(
            set(preset.formation) - set(Formation.model_fields)
        )
        subject.require(
            not strange,
            f"preset '{name}' sets {', '.join(strange)}, which there is not",
            "name parameters of the dataset, and keys of data.formation",
        )


def _check_blurry(
    subject: Subject[DatasetSpec], clips: list[Clip], published: bool, shape: Any
) -> None:
    for clip in clips:
        blurry = clip.blurry
        right = (
            blurry is not None and blurry.shape == shape[1:] and blurry.dtype == np.uint8
            if published
            else blurry is None
        )
        subject.require(
            right,
            "a clip carries "
            + ("no blurry image" if blurry is None else f"{blurry.dtype} {blurry.shape}")
            + f" where published_blur is {published}",
            f"give uint8 {shape[1:]} where published_blur is true, else None",
        )


def _check_sources(subject: Subject[DatasetSpec], dataset: ClipDataset) -> tuple[str, ...]:
    sources = dataset.sources()
    subject.require(
        isinstance(sources, tuple) and all(isinstance(s, str) and s for s in sources),
        f"sources() gives {sources!r:.80}",
        "return a tuple of names",
    )
    subject.require(
        bool(sources), "it has no sources", "raise DataError where the material is missing"
    )
    twice = sorted({s for s in sources if sources.count(s) > 1})
    subject.require(
        not twice,
        f"two sources are called {', '.join(twice[:3])}",
        "names decide the split into training and test: each needs its own",
    )
    return sources


def _check_clips(
    subject: Subject[DatasetSpec], clips: list[Clip], source: str, count: int, shape: Any
) -> None:
    subject.require(
        len(clips) == count and all(isinstance(clip, Clip) for clip in clips),
        f"source '{source}' gives {len(clips)} clips, {count} were asked for",
        "give exactly `count` objects of deblurkit.data.clip.Clip",
    )
    for clip in clips:
        subject.require(
            clip.frames.shape == shape and clip.frames.dtype == np.uint8,
            f"a clip's frames are {clip.frames.dtype} {clip.frames.shape}",
            f"give uint8 {shape}: frames, height, width, colours",
        )
        subject.require(
            clip.source == source and isinstance(clip.place, str),
            f"a clip says it comes from '{clip.source}' at {clip.place!r}",
            f"say the source asked for, '{source}', and the place as text",
        )
