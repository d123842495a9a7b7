"""Clips to look at before anything is trained: of a recipe, of footage, of prepared clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblurkit.data.clip import publishes_blur
from deblurkit.data.prepared.clips import PreparedClips
from deblurkit.data.prepared.plan import clip_generator
from deblurkit.data.prepared.prepare import plan_footage
from deblurkit.data.recipe_clips import clip_length, material
from deblurkit.formation import expose
from deblurkit.randomness import generator
from deblurkit.recipe import load_recipe
from deblurkit.registry import Registry
from deblurkit.report.preview import Preview

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def of_recipe(
    source: str, registry: Registry, *, count: int, overrides: Sequence[str] = ()
) -> list[Preview]:
    """Training clips of a recipe, whole, one of each of `count` sources; nothing is cached.

    Raises:
        RecipeError: the recipe is wrong.
        DataError: its material cannot be used.
    """
    recipe = load_recipe(source, overrides=overrides, registry=registry)
    dataset = material(recipe.data.train, registry).dataset
    names, camera = dataset.sources(), recipe.data.formation.camera()
    shown = []
    for k in range(count):
        name = names[k * len(names) // count if count < len(names) else k % len(names)]
        rng = generator(recipe.data.seed, "preview", name, k)
        clips = dataset.clips(
            name, count=1, frames=clip_length(recipe), size=recipe.data.clip_size, rng=rng
        )
        for clip in clips:
            if publishes_blur(dataset) and clip.blurry is not None:
                shown.append(Preview(clip.source, clip.blurry / 255, clip.frames / 255))
            else:
                y, x = expose(_first(clip.frames), camera, rng)
                shown.append(_formed(clip.source, y, x, camera.subframes))
    return shown


def of_footage(
    path: Path,
    registry: Registry,
    *,
    count: int,
    layout: str | None = None,
    preset: str | None = None,
    overrides: Sequence[str] = (),
) -> list[Preview]:
    """Whole frames of footage as `deblurkit data prepare` would cut and blur them.

    Raises:
        RecipeError, DataError: see `plan_footage`.
    """
    planned = plan_footage(
        path, registry, layout=layout, preset=preset, overrides=overrides, clips=count
    )
    camera, length = planned.recipe.data.formation.camera(), clip_length(planned.recipe)
    shown = []
    for shard in planned.shards:
        for e in shard.exposures:
            frames = planned.dataset.window(e.recording, e.start, length)
            label = f"{e.recording.name} {planned.dataset.span(e.start, length)}"
            own = planned.dataset.blurry(e.recording, e.start, length)
            if own is not None:
                shown.append(Preview(label, own / 255, frames / 255))
                continue
            rng = clip_generator(planned.dataset, e, planned.recipe.data.seed)
            y, x = expose(_first(frames), camera, rng)
            shown.append(_formed(label, y, x, camera.subframes))
    return shown


def of_prepared(folder: Path, *, count: int) -> list[Preview]:
    """Clips of a prepared folder, evenly chosen.

    Raises:
        DataError: it is unfinished or damaged.
    """
    clips = PreparedClips(folder)
    chosen = sorted({k * len(clips) // count for k in range(count)})
    shown = []
    for k in chosen:
        frames, blurry = clips.arrays(k)
        shown.append(Preview(f"{clips.sources[k]} {clips.places[k]}", blurry / 255, frames / 255))
    return shown


def _first(frames: Bytes) -> Bytes:
    """T×H×W×3 to T×3×H×W."""
    return np.ascontiguousarray(frames.transpose(0, 3, 1, 2))


def _formed(label: str, y: Floats, x: Floats, averaged: int) -> Preview:
    """y, 3×H×W, and the true frames, T×3×H×W, to look at."""
    return Preview(label, y.transpose(1, 2, 0), x.transpose(0, 2, 3, 1), averaged)
