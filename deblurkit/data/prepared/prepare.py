"""From footage on the disk to a folder of prepared clips: layout, preset, recipe keys, shards."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from deblurkit.data.prepared.manifest import Manifest
from deblurkit.data.prepared.plan import Planned, exposures, need, shards
from deblurkit.data.prepared.write import Progress, write_prepared
from deblurkit.data.recipe_clips import material
from deblurkit.errors import DataError, nearest
from deblurkit.footage.dataset import FootageDataset
from deblurkit.footage.layout import recognise
from deblurkit.recipe import Recipe, load_recipe
from deblurkit.registry import Registered, Registry
from deblurkit.specs import DatasetSpec, Preset

_BASE = "sequential_pairwise"
"""A recipe whose keys the settings are; only `frames` and `data` of it are used."""


@dataclass(frozen=True)
class Preparation:
    """What is to be prepared.

    Attributes:
        dataset: The footage.
        recipe: Its `frames`, `data.train` and `data.formation` decide the clips.
        shards: What goes where.
        about: What describes the footage, for the manifest.
        bytes: What it takes on the disk.
    """

    dataset: FootageDataset
    recipe: Recipe
    shards: tuple[Planned, ...]
    about: dict[str, Any]

    @property
    def bytes(self) -> int:
        return need(self.shards, self.recipe.frames)

    @property
    def clips(self) -> int:
        """Number of clips."""
        return sum(len(shard.exposures) for shard in self.shards)

    def write(
        self, folder: Path, *, workers: int = 0, progress: Progress | None = None
    ) -> Manifest:
        """Make the folder; see `prepared.write.write_prepared`."""
        formation = self.recipe.data.formation
        return write_prepared(
            folder,
            self.dataset,
            self.shards,
            frames=self.recipe.frames,
            source=self.about,
            formation={} if self.dataset.published_blur else formation.model_dump(mode="json"),
            camera=formation.camera(),
            seed=self.recipe.data.seed,
            workers=workers,
            progress=progress,
        )


def plan_footage(
    path: Path,
    registry: Registry,
    *,
    layout: str | None = None,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    step: int | None = None,
    clips: int | None = None,
) -> Preparation:
    """Decide which clips footage gives; nothing is read but names and headers.

    Args:
        path: Folder or file of the footage.
        registry: Where datasets come from.
        layout: Name of the dataset; None: found out.
        preset: Name of one of the dataset's presets.
        overrides: Changes, `key=value`, with a recipe's keys: `frames`, and what begins with
            `data.train.` or `data.formation.`. Without `frames`, clips have 7, or as many as
            the data set's runs.
        step: Distance of the first frames of two clips, in used frames; the preset's, or as
            many as a clip takes, by default.
        clips: How many, at most; 0: all.

    Raises:
        DataError: the footage is unknown, cannot be used, or has no such preset.
        RecipeError: an override is wrong.
    """
    origin = registry.resolve("dataset", layout) if layout else recognise(path, registry)[0]
    said = _preset(origin, preset)
    settings = [
        f"data.train.name={origin.qualified}",
        f"data.train.path={json.dumps(os.fspath(path.expanduser().absolute()))}",
        f"frames={said.frames}",
        *(f"data.train.{key}={json.dumps(value)}" for key, value in said.params.items()),
        *(f"data.formation.{key}={json.dumps(value)}" for key, value in said.formation.items()),
    ]
    recipe = load_recipe(_BASE, overrides=[*settings, *overrides], registry=registry)
    dataset = _footage(recipe, registry, path)
    runs = {recording.window for recording in dataset.recordings}
    if preset is None and len(runs) == 1 and 0 not in runs and not _says_frames(overrides):
        settings.append(f"frames={runs.pop()}")
        recipe = load_recipe(_BASE, overrides=[*settings, *overrides], registry=registry)
    taken = recipe.frames * recipe.data.formation.subframes
    if dataset.published_blur and taken != recipe.frames:
        raise DataError(
            "the data set's own blurry images were not made of sub-frames",
            where=str(path),
            hint="--set data.formation.subframes=1, or --set data.train.blurry=formed",
        )
    default = said.step if preset else taken
    chosen = exposures(
        dataset,
        frames=taken,
        step=step or default,
        most=said.clips if clips is None else clips,
    )
    about = material(recipe.data.train, registry).settings
    about = {**about, "fingerprint": dataset.fingerprint(), "preset": preset}
    return Preparation(dataset, recipe, shards(dataset, chosen, frames=recipe.frames), about)


def _footage(recipe: Recipe, registry: Registry, path: Path) -> FootageDataset:
    dataset = material(recipe.data.train, registry).dataset
    if not isinstance(dataset, FootageDataset):
        raise DataError(
            f"'{recipe.data.train.name}' is no footage: it has no frames of its own to prepare",
            where=str(path),
            hint="name a recipe instead to fill the cache with its clips",
        )
    return dataset


def _says_frames(overrides: Sequence[str]) -> bool:
    return any(said.split("=")[0].strip() == "frames" for said in overrides)


def _preset(origin: Registered, name: str | None) -> Preset:
    spec = cast(DatasetSpec, origin.spec)
    if name is None:
        return Preset(summary="")
    try:
        return spec.presets[name]
    except KeyError:
        raise DataError(
            f"dataset '{spec.name}' has no preset '{name}'",
            valid=nearest(name, spec.presets) if spec.presets else "no preset at all",
            hint="without --preset, say what you want with --set, --step and --clips",
        ) from None
