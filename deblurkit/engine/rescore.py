"""Score the weights of a finished run again, on its own held-out clips or on others."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deblurkit.bundle import load_bundle
from deblurkit.data.prepare import prepare_data
from deblurkit.engine.device import choose_device, choose_precision
from deblurkit.engine.progress import Reporter, Silent, clip_progress
from deblurkit.engine.results import score_run
from deblurkit.engine.rundir import metrics_of, resolved_recipe, writing
from deblurkit.errors import RunError
from deblurkit.recipe import load_recipe
from deblurkit.registry import Registry, get_registry
from deblurkit.storage import write_json


def rescore(
    folder: Path,
    *,
    overrides: Sequence[str] = (),
    device: str = "auto",
    reporter: Reporter | None = None,
    registry: Registry | None = None,
) -> dict[str, Any]:
    """Score a run's weights.

    Args:
        folder: A run directory.
        overrides: Changes to the recipe's data or evaluation, as `key=value`. Without any, the
            run's `metrics.json` and samples are written anew; with some, nothing is written.
        device: auto, cpu or cuda.
        reporter: Is told about progress.
        registry: Where components come from; the installed plugins by default.

    Returns:
        The scores; see `deblurkit.evaluation.evaluate`.

    Raises:
        RunError: the folder is no run directory, or an override changes what was trained.
        WeightsError: the weights are missing or damaged.
    """
    reporter, registry = reporter or Silent(), registry or get_registry()
    path = resolved_recipe(folder)
    for said in overrides:
        if not said.startswith(("data.", "evaluation.")):
            raise RunError(
                f"--set {said} would change what was trained",
                where=str(folder),
                valid="keys under data. and evaluation.",
            )
    recipe = load_recipe(path, overrides=overrides, registry=registry)
    kind = choose_device(device)
    precision = choose_precision(recipe.training.precision, kind)
    graph = load_bundle(folder, registry).graph
    if recipe.frames != graph.T:
        raise RunError(f"the weights predict {graph.T} frames, the recipe {recipe.frames}")
    data = prepare_data(recipe, registry, progress=clip_progress(reporter))
    with tempfile.TemporaryDirectory() as elsewhere:
        target = Path(elsewhere) if overrides else folder
        with writing(folder):
            scores = score_run(
                target, graph, data.test, recipe, registry,
                device=kind, precision=precision, reporter=reporter,
            )  # fmt: skip
            if not overrides:
                scores["phases"] = metrics_of(folder).get("phases", [])
                write_json(folder / "metrics.json", scores)
    return scores
