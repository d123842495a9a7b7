"""Score the weights of a run on a folder of prepared clips: whole frames, a published protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deblurkit.bundle import load_bundle
from deblurkit.data.prepared.clips import PreparedClips
from deblurkit.engine.device import choose_precision
from deblurkit.engine.progress import Reporter, Silent
from deblurkit.engine.rescore import check_unseen
from deblurkit.engine.results import named_scores
from deblurkit.engine.rundir import resolved_recipe
from deblurkit.errors import RunError
from deblurkit.evaluation.evaluate import evaluate, summary
from deblurkit.evaluation.protocols.lookup import DEFAULT, get_protocol
from deblurkit.evaluation.reblur import reblur_settings
from deblurkit.graph import FrameGraph, middle_alone
from deblurkit.inference.device import choose_device
from deblurkit.recipe import load_recipe
from deblurkit.recipe.schema import Formation
from deblurkit.registry import Registry, get_registry


def score_prepared(
    folder: Path,
    prepared: Path,
    *,
    protocol: str | None = None,
    device: str = "auto",
    reporter: Reporter | None = None,
    registry: Registry | None = None,
) -> dict[str, Any]:
    """Score a run's weights on prepared clips, one after another, each in its own size.

    Nothing is written. Clips of one frame have only their middle: then the middle network alone
    is scored.

    Args:
        folder: A run directory.
        prepared: A folder that `deblurkit data prepare` made.
        protocol: How; the recipe's by default.
        device: auto, cpu or cuda.
        reporter: Is told about progress.
        registry: Where components come from; the installed plugins by default.

    Returns:
        The scores; see `deblurkit.evaluation.evaluate.summary`.

    Raises:
        RunError: the folder is no run directory, the clips have another number of frames, or
            the run was trained on what would be scored.
        DataError: the prepared folder is unfinished or damaged.
        WeightsError: the weights are missing or damaged.
    """
    reporter, registry = reporter or Silent(), registry or get_registry()
    recipe = load_recipe(resolved_recipe(folder), registry=registry)
    clips = PreparedClips(prepared)
    bundle = load_bundle(folder, registry)
    check_unseen(bundle, clips.sources, folder)
    graph = _for_length(bundle.graph, clips.manifest.frames, prepared)
    formation = Formation(**clips.manifest.formation)
    how = get_protocol(
        protocol or recipe.evaluation.protocol,
        metrics=named_scores(recipe, registry),
        response=formation.response,
        gamma=formation.gamma,
    )
    kind = choose_device(device)
    reporter.start("scoring prepared clips", len(clips))
    sheets = evaluate(
        graph,
        clips.batches(),
        how,
        count=len(clips),
        device=kind,
        precision=choose_precision(recipe.training.precision, kind),
        advance=reporter.advance,
    )
    reporter.finish()
    if how.name == DEFAULT:
        for sheet in sheets.values():
            sheet.settings = reblur_settings(formation.response, formation.gamma)
    return summary(sheets)


def _for_length(graph: FrameGraph, frames: int, prepared: Path) -> FrameGraph:
    if frames == graph.T:
        return graph
    if frames == 1:
        return middle_alone(graph)
    raise RunError(
        f"the weights predict {graph.T} frames, the prepared clips have {frames}",
        where=str(prepared),
        hint=f"prepare clips of {graph.T} frames: --set frames={graph.T}",
    )
