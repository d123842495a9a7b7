"""Scores and samples of a run: on the recipe's own held-out clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deblurkit.data.cache import ClipCache
from deblurkit.data.stream import SampleStream, loader
from deblurkit.engine.progress import Reporter
from deblurkit.errors import UnavailableError
from deblurkit.evaluation.evaluate import NamedScore, as_images, evaluate, predict
from deblurkit.graph import FrameGraph
from deblurkit.recipe.schema import Recipe
from deblurkit.registry import Registry
from deblurkit.report.samples import write_samples


def score_run(
    folder: Path,
    graph: FrameGraph,
    clips: ClipCache,
    recipe: Recipe,
    registry: Registry,
    *,
    device: str,
    precision: str,
    reporter: Reporter,
) -> dict[str, Any]:
    """Score a graph on test clips and write samples of the first few into `samples/`.

    Returns:
        What `evaluate` returns.
    """
    stream = SampleStream(
        clips,
        crop=None,
        formation=recipe.data.formation,
        augment=None,
        seed=recipe.data.seed,
        key="test",
        length=len(clips),
    )
    metrics = named_scores(recipe, registry)
    reporter.start("scoring held-out clips", len(clips))
    scores = evaluate(
        graph,
        loader(stream, batch=recipe.evaluation.batch),
        metrics,
        device=device,
        precision=precision,
        advance=reporter.advance,
    )
    reporter.finish()
    shown = min(recipe.evaluation.samples, len(clips))
    if shown:
        reporter.start("writing samples", shown)
    for k in range(shown):
        try:
            _write_sample(folder / "samples", k, stream, graph, device, precision)
        except UnavailableError as error:  # no encoder for the MP4; picture and GIF are there
            reporter.say(f"samples without MP4: {error}")
        reporter.advance(k + 1)
    reporter.finish()
    return scores


def named_scores(recipe: Recipe, registry: Registry) -> tuple[NamedScore, ...]:
    """The recipe's frame scores."""
    found = []
    for name in recipe.evaluation.metrics:
        origin = registry.resolve("metric", name)
        spec: Any = origin.spec
        found.append(NamedScore(spec.name, origin.build(), spec.unit, spec.higher_is_better))
    return tuple(found)


def _write_sample(
    folder: Path, k: int, stream: SampleStream, graph: FrameGraph, device: str, precision: str
) -> None:
    sample = stream[k]
    blurry = sample["blurry"][None].to(device)
    true = as_images(sample["frames"][None])[0]
    estimate = as_images(predict(graph, blurry, None, precision))[0]
    ahead = float(((estimate - true) ** 2).mean())
    back = float(((estimate[::-1] - true) ** 2).mean())
    said = f"held-out clip {k + 1}, {stream.clips.sources[k]}"
    if back < ahead:  # a video from one photograph has no direction of its own
        estimate, said = estimate[::-1], f"{said}; the estimate is shown backwards, as it fits best"
    image = as_images(blurry[:, None])[0, 0]
    write_samples(folder, f"clip-{k + 1:02d}", image, true, estimate, said)
