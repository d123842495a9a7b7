"""Score the weights of a finished run again, on its own held-out clips or on others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from deblurkit.bundle import Bundle, load_bundle, note_in_bundle
from deblurkit.data.cache import ClipCache
from deblurkit.data.recipe_clips import prepare_test_clips
from deblurkit.engine.device import choose_precision
from deblurkit.engine.progress import Reporter, Silent, clip_progress
from deblurkit.engine.results import Scorer
from deblurkit.engine.rundir import METRICS, metrics_of, resolved_recipe, writing
from deblurkit.errors import RunError
from deblurkit.evaluation.evaluate import headlines, summary
from deblurkit.inference.device import choose_device
from deblurkit.recipe import Recipe, load_recipe
from deblurkit.registry import Registry, get_registry
from deblurkit.storage import write_json

OPEN = ("data.train", "data.test", "data.seed", "data.formation", "data.clip_size", "evaluation")
"""The parts of a recipe that may differ between training and scoring."""


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
            run's scores and samples are written anew; with nothing but `evaluation.protocol`,
            its scores under that protocol are; with any other, nothing is written.
        device: auto, cpu or cuda.
        reporter: Is told about progress.
        registry: Where components come from; the installed plugins by default.

    Returns:
        The scores; see `deblurkit.evaluation.evaluate.summary`.

    Raises:
        RunError: the folder is no run directory, or an override changes what was trained or
            would score what was trained on.
        WeightsError: the weights are missing or damaged.
    """
    reporter, registry = reporter or Silent(), registry or get_registry()
    protocol_only = all(said.startswith("evaluation.protocol=") for said in overrides)
    kind = choose_device(device)
    recipe, bundle, clips = open_held_out(folder, overrides, reporter, registry)
    precision = choose_precision(recipe.training.precision, kind)
    scorer = Scorer(recipe, registry, clips, device=kind, precision=precision)
    sheets = scorer.score(bundle.graph, reporter)
    scores = summary(sheets)
    if overrides and not protocol_only:
        return scores
    with writing(folder):
        scorer.write_sheets(folder, sheets, bundle.graph)
        if not overrides:
            scorer.write_samples(folder, bundle.graph, reporter)
            note_in_bundle(folder / "weights", scores=headlines(scores))
            scores["phases"] = metrics_of(folder).get("phases", [])
            write_json(folder / METRICS, scores)
    return scores


def open_held_out(
    folder: Path, overrides: Sequence[str], reporter: Reporter, registry: Registry
) -> tuple[Recipe, Bundle, ClipCache]:
    """A run's recipe with changes, its weights, and the held-out clips that follow.

    Raises:
        RunError: as `rescore`.
        WeightsError: the weights are missing or damaged.
    """
    path = resolved_recipe(folder)
    for said in overrides:
        if not said.startswith(tuple(f"{key}{end}" for key in OPEN for end in ".=")):
            raise RunError(
                f"--set {said} would change what was trained",
                where=str(folder),
                valid="keys under " + ", ".join(OPEN),
            )
    recipe = load_recipe(path, overrides=overrides, registry=registry)
    bundle = load_bundle(folder, registry)
    if recipe.frames != bundle.graph.T:
        raise RunError(f"the weights predict {bundle.graph.T} frames, the recipe {recipe.frames}")
    clips = prepare_test_clips(recipe, registry, progress=clip_progress(reporter))
    check_unseen(bundle, clips.sources, folder)
    return recipe, bundle, clips


def check_unseen(bundle: Bundle, sources: Iterable[str], folder: Path) -> None:
    """Refuse to score what a run was trained on.

    Args:
        bundle: The run's weights, which say what they were trained on.
        sources: What would be scored: sources of a dataset, or whole recordings, of which
            passages (`NAME frames 1-60`) may have been trained on.
        folder: The run's, for the message.

    Raises:
        RunError: it was trained on one of them.
    """
    trained = set(bundle.about.get("data", {}).get("train", {}).get("sources", ()))
    trained |= {name.rsplit(" frames ", 1)[0] for name in trained}
    if seen := sorted(trained & set(sources)):
        raise RunError(
            f"the run was trained on what would be scored: {', '.join(seen[:4])}"
            + (f" and {len(seen) - 4} more" if len(seen) > 4 else ""),
            where=str(folder),
            valid="sources that are not among its training sources",
            hint="give other material: --set data.test.name=..., or another folder with --on; "
            "or leave the split as it was",
        )
