"""From a recipe's `data` to clips on disk: datasets, split, cache."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deblurkit.data.cache import ClipCache, clips_folder, prepare_clips
from deblurkit.data.clip import ClipDataset, publishes_blur
from deblurkit.data.render import Plan
from deblurkit.data.split import Split, split_sources
from deblurkit.errors import DataError, PluginError
from deblurkit.randomness import generator
from deblurkit.recipe.schema import Component, Recipe
from deblurkit.registry import Registered, Registry

Progress = Callable[[int, int], None]

_FEW = 64
"""Up to so many clips are rendered sooner than processes for it are started."""


@dataclass(frozen=True)
class Material:
    """A dataset, built, and what describes it."""

    dataset: ClipDataset
    settings: dict[str, Any]
    distribution: str


@dataclass(frozen=True)
class PreparedData:
    """The clips of a run.

    Attributes:
        train: Training clips.
        test: Held-out clips, of other sources.
    """

    train: ClipCache
    test: ClipCache

    def describe(self) -> dict[str, Any]:
        """What the run records: the cache entries and the sources of each side."""
        return {
            name: {
                "entry": clips.folder.name,
                "clips": len(clips),
                "sources": sorted(set(clips.sources)),
            }
            for name, clips in (("train", self.train), ("test", self.test))
        }


def prepare_data(
    recipe: Recipe,
    registry: Registry,
    *,
    progress: Callable[[str], Progress] | None = None,
) -> PreparedData:
    """Render, or find in the cache, the training and test clips of a recipe.

    Args:
        recipe: Resolved.
        registry: Where its datasets come from.
        progress: Makes a progress function for "training clips" and for "test clips".

    Raises:
        DataError: the material is missing, damaged or too little.
        PluginError: a dataset broke its contract.
    """
    train, test, split = _divided(recipe, registry)
    return PreparedData(
        _clips(recipe, train, "train", split.train, progress),
        _clips(recipe, test, "test", split.test, progress),
    )


def prepare_test_clips(
    recipe: Recipe,
    registry: Registry,
    *,
    progress: Callable[[str], Progress] | None = None,
) -> ClipCache:
    """Only the test clips of `prepare_data`; arguments and errors as there."""
    _, test, split = _divided(recipe, registry)
    return _clips(recipe, test, "test", split.test, progress)


def clip_length(recipe: Recipe) -> int:
    """Frames a cached clip: T true ones, or T times the sub-frames of the recipe's formation."""
    return recipe.frames * recipe.data.formation.subframes


def train_entry(recipe: Recipe, registry: Registry) -> Path:
    """The cache folder of the training clips of `prepare_data`; nothing is rendered.

    Raises:
        DataError: the material is missing or too little.
        PluginError: a dataset broke its contract.
    """
    train, _, split = _divided(recipe, registry)
    plan = Plan(
        dataset=train.settings["name"],
        sources=split.train,
        split="train",
        count=recipe.data.clips,
        frames=clip_length(recipe),
        size=recipe.data.clip_size,
        seed=recipe.data.seed,
        blurry=publishes_blur(train.dataset),
    )
    return clips_folder(train.dataset, plan, train.settings)


def _divided(recipe: Recipe, registry: Registry) -> tuple[Material, Material, Split]:
    data = recipe.data
    train = material(data.train, registry)
    test = train if data.test is None else material(data.test, registry)
    try:
        split = split_sources(
            train.dataset.sources(),
            held_out=data.held_out,
            test=None if data.test is None else test.dataset.sources(),
        )
    except DataError:
        _try_one(train, recipe)  # material that gives no clip at all is the worse problem
        raise
    return train, test, split


def _clips(
    recipe: Recipe,
    material: Material,
    side: Literal["train", "test"],
    sources: tuple[str, ...],
    progress: Callable[[str], Progress] | None,
) -> ClipCache:
    count = recipe.data.clips if side == "train" else recipe.evaluation.clips
    with _naming(material):
        return _prepared(recipe, material, side, sources, count, progress)


@contextmanager
def _naming(material: Material) -> Iterator[None]:
    """Errors of a dataset's plugin say which distribution it came with."""
    try:
        yield
    except PluginError as error:
        raise PluginError(
            error.what,
            where=f"{error.where or material.settings['name']} ({material.distribution})",
            valid=error.valid,
            hint=error.hint,
        ) from error


def _prepared(
    recipe: Recipe,
    material: Material,
    side: Literal["train", "test"],
    sources: tuple[str, ...],
    count: int,
    progress: Callable[[str], Progress] | None,
) -> ClipCache:
    return prepare_clips(
        material.dataset,
        sources,
        settings=material.settings,
        split=side,
        count=count,
        frames=clip_length(recipe),
        size=recipe.data.clip_size,
        seed=recipe.data.seed,
        workers=(os.cpu_count() or 1) if count > _FEW else 0,
        progress=progress("training clips" if side == "train" else "test clips")
        if progress
        else None,
    )


def _try_one(material: Material, recipe: Recipe) -> None:
    """Cut a clip, for the error it may raise."""
    source = material.dataset.sources()[0]
    rng = generator(recipe.data.seed, "try", source)
    frames, size = clip_length(recipe), recipe.data.clip_size
    next(material.dataset.clips(source, count=1, frames=frames, size=size, rng=rng), None)


def material(component: Component, registry: Registry) -> Material:
    """Build the dataset that a recipe names.

    Raises:
        PluginError: it does not work.
        DataError: what it has to say about its data.
    """
    origin: Registered = registry.resolve("dataset", component.name)
    dataset: ClipDataset = origin.build(**component.params)
    params = origin.spec.params(**component.params).model_dump(mode="json")
    return Material(
        dataset,
        {"name": origin.qualified, "version": origin.version, "params": params},
        f"{origin.distribution} {origin.version}",
    )
