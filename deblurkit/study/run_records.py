"""What a finished run has to say to a table: scores clip by clip, cost, recipe."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from deblurkit.engine.rundir import COST, METRICS, resolved_recipe, scores_file
from deblurkit.errors import RunError
from deblurkit.evaluation.measures import ScoreSheet
from deblurkit.recipe import Recipe, load_recipe
from deblurkit.registry import Registry, get_registry


@dataclass(frozen=True)
class Cost:
    """What a run costs.

    Attributes:
        parameters: Of all networks together; a shared network counts once.
        training_seconds: Of all its phases, as if none had been there before.
        spent_seconds: Of the phases that this run trained itself.
        inference_seconds: All T frames of one 568×320 image, the median of several passes;
            None where it was not measured.
        inference_memory: Peak memory of that above what the process held before, bytes.
        measured_on: Processor or GPU, threads, precision.
    """

    parameters: int
    training_seconds: float
    spent_seconds: float
    inference_seconds: float | None = None
    inference_memory: int | None = None
    measured_on: str = ""


_COST = TypeAdapter(Cost)


@dataclass(frozen=True)
class RunRecord:
    """A finished run, scored under one protocol.

    Attributes:
        folder: The run directory.
        recipe: Resolved.
        sheets: What was scored -> its sheet: `estimate`, `true-middle` (given at test time),
            `reordered` (each pair by hand), `blurry` (in every frame), `frozen-middle` (the
            true one, in every frame), `mean-of-both` (directions of the truth), `truth`. All
            over the same clips in the same order.
        test_set: Identifies clips and formation; runs with the same were scored on the same.
        cost: See `Cost`.
        residuals: What each frame's network adds to its base, T numbers; see
            `deblurkit.evaluation.residuals`.
    """

    folder: Path
    recipe: Recipe
    sheets: Mapping[str, ScoreSheet]
    test_set: str
    cost: Cost
    residuals: tuple[float, ...] = ()


def read_run(
    folder: Path, protocol: str = "deblurkit", registry: Registry | None = None
) -> RunRecord:
    """Read a run's scores under a protocol.

    Raises:
        RunError: the folder is no finished run, was not scored under this protocol, or what it
            holds is damaged.
    """
    recipe = load_recipe(resolved_recipe(folder), registry=registry or get_registry())
    if not (folder / METRICS).is_file() and not (folder / scores_file(protocol)).is_file():
        raise RunError(
            "the run is not finished", where=str(folder), hint=f"go on: {how_to_go_on(folder)}"
        )
    again = shlex.join(["deblurkit", "evaluate", str(folder), "--protocol", protocol])
    again = f"score it: {again}"
    scores = _json(folder / scores_file(protocol), folder, f"not scored under '{protocol}'", again)
    cost = _json(folder / COST, folder, "not finished", f"go on: {how_to_go_on(folder)}")
    try:
        sheets = {name: ScoreSheet.from_json(said) for name, said in scores["rows"].items()}
        if "estimate" not in sheets:
            raise ValueError("no scores of the estimate")
        return RunRecord(
            folder,
            recipe,
            sheets,
            str(scores["test_set"]),
            _COST.validate_python(cost),
            tuple(map(float, scores.get("residuals", ()))),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(
            f"its scores are damaged: {error}",
            where=str(folder),
            hint=f"score it again: deblurkit evaluate {folder}",
        ) from error


def how_to_go_on(folder: Path) -> str:
    """The command that finishes a run.

    Raises:
        RunError: the folder is no run directory.
    """
    recipe = resolved_recipe(folder)
    return shlex.join(["deblurkit", "run", str(recipe), "--out", str(folder)])


def _json(path: Path, folder: Path, otherwise: str, hint: str) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise RunError(f"the run is {otherwise}", where=str(folder), hint=hint) from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path.name} cannot be read: {error}", where=str(folder)) from error
    return said
