"""The run directory: what is where, and that it holds one run.

recipe.resolved.yaml   the recipe with every default filled in; can be run as it is
environment.json       versions, processor, device, precision
metrics.jsonl          training records
tensorboard/           the same for TensorBoard, where it is installed
weights/               the bundle: bundle.json and one safetensors file a network
metrics.json           scores on held-out clips, summed up
scores/<protocol>.json the same clip by clip, for tables: see `study.run_records`
cost.json              parameters, time and memory
samples/               held-out clips as contact sheets and movies
samples/strips/        the same as plain PNG strips, for reports: see `report.frame_strips`
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deblurkit.errors import DeblurkitError, RunError
from deblurkit.printable import writable
from deblurkit.recipe import Recipe, dump_recipe, load_recipe
from deblurkit.registry import Registry
from deblurkit.storage import atomic_file, write_json

RECIPE = "recipe.resolved.yaml"
METRICS = "metrics.json"
SAMPLES = "samples"
COST = "cost.json"


def scores_file(protocol: str) -> str:
    """Where a run keeps its scores under a protocol, relative to its folder."""
    return f"scores/{protocol}.json"


def check_out(folder: Path, recipe: Recipe, registry: Registry) -> None:
    """Check that a run of the recipe can be written there; leaves nothing behind.

    Raises:
        RunError: the folder holds something else, is a file, or cannot be written.
    """
    check_path(folder)
    with writing(folder):
        if (folder / RECIPE).exists():
            if not _says(folder / RECIPE, recipe, registry):
                raise RunError(
                    "the folder holds a run of another recipe",
                    where=str(folder),
                    hint="choose another --out, or remove the folder",
                )
        elif folder.is_dir() and any(folder.iterdir()):
            raise RunError(
                "the folder holds other things than a run",
                where=str(folder),
                valid="a new or empty folder, or that of the same recipe",
                hint="choose another --out",
            )
        there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
        with tempfile.TemporaryFile(dir=there):
            pass


def check_path(folder: Path) -> None:
    """Check that all files of a run can have names in a folder.

    Raises:
        RunError: its path is not UTF-8.
    """
    if writable(str(folder)) != str(folder):
        raise RunError(
            "the path is not UTF-8, and weights and videos cannot be written under such names",
            where=str(folder),
            hint="choose another --out",
        )


def open_run(folder: Path, recipe: Recipe, environment: Mapping[str, Any]) -> None:
    """Make the run directory and write what is known before training.

    Raises:
        RunError: it cannot be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_file(folder / RECIPE) as temporary:
            temporary.write_text(dump_recipe(recipe), "utf-8")
        write_json(folder / "environment.json", environment)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the operating system says while a run directory is written into a RunError."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"the run directory cannot be written: {error.strerror or error}",
            where=str(folder),
            hint="choose another --out, or make room; trained phases are kept and reused",
        ) from error


def _says(kept: Path, recipe: Recipe, registry: Registry) -> bool:
    """Whether a resolved recipe says the same, however it was come by."""
    try:
        return load_recipe(kept, registry=registry) == recipe
    except DeblurkitError:  # of another version, or of a plugin that is gone
        return False


def resolved_recipe(folder: Path) -> Path:
    """The resolved recipe of a run directory.

    Raises:
        RunError: the folder is no run directory.
    """
    path = folder / RECIPE
    if not path.is_file():
        raise RunError(
            f"there is no {RECIPE}",
            where=str(folder),
            valid="a run directory, as `deblurkit run` makes it",
        )
    return path


def metrics_of(folder: Path) -> dict[str, Any]:
    """The scores of a run; empty where it has none yet or they cannot be read."""
    try:
        said: dict[str, Any] = json.loads((folder / METRICS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said
