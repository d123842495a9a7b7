"""Scores and samples of a frame graph on held-out clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from deblurkit.data.cache import ClipCache
from deblurkit.data.stream import SampleStream, loader
from deblurkit.engine.progress import Reporter
from deblurkit.errors import UnavailableError
from deblurkit.evaluation.direction import arrange, squared_errors
from deblurkit.evaluation.evaluate import NamedScore, as_images, evaluate, predict
from deblurkit.graph import FrameGraph
from deblurkit.recipe.schema import Recipe
from deblurkit.registry import Registry
from deblurkit.report.samples import write_samples
from deblurkit.specs import MetricSpec


class Scorer:
    """Scores a graph on test clips, and shows the first few.

    Args:
        recipe: Says metrics, formation and how many samples.
        registry: Where the metrics come from.
        clips: Held-out clips.
        device: Where to compute.
        precision: fp32, bf16 or fp16.
    """

    def __init__(
        self, recipe: Recipe, registry: Registry, clips: ClipCache, *, device: str, precision: str
    ) -> None:
        self.recipe, self.device, self.precision = recipe, device, precision
        self.metrics = _named_scores(recipe, registry)
        self.stream = SampleStream(
            clips,
            crop=None,
            formation=recipe.data.formation,
            augment=None,
            seed=recipe.data.seed,
            key="test",
            length=len(clips),
        )

    def try_metrics(self) -> None:
        """Score one blurry image, so that a metric that cannot work says so early.

        Raises:
            PluginError: a metric fails, for instance because the clips are too small for it.
        """
        sample = self.stream[0]
        true = as_images(sample["frames"][None])[0]
        blurry = np.broadcast_to(as_images(sample["blurry"][None, None])[0], true.shape)
        for metric in self.metrics:
            metric.frames(blurry[:1], true[:1])

    def score(self, graph: FrameGraph, reporter: Reporter) -> dict[str, Any]:
        """What `evaluation.evaluate` gives for all clips.

        Raises:
            TrainingError: the networks' images are not finite.
            PluginError: a metric fails.
        """
        reporter.start("scoring held-out clips", len(self.stream))
        scores = evaluate(
            graph,
            loader(self.stream, batch=self.recipe.evaluation.batch),
            self.metrics,
            device=self.device,
            precision=self.precision,
            advance=reporter.advance,
        )
        reporter.finish()
        return scores

    def write_samples(self, folder: Path, graph: FrameGraph, reporter: Reporter) -> None:
        """Write contact sheets and movies of the first clips.

        Raises:
            DataError: a file cannot be written.
        """
        shown = min(self.recipe.evaluation.samples, len(self.stream))
        if not shown:
            return
        reporter.start("writing samples", shown)
        for k in range(shown):
            try:
                self._write_sample(folder, k, graph)
            except UnavailableError as error:  # no encoder for the MP4; sheet and GIF are there
                reporter.say(f"samples without MP4: {error}")
            reporter.advance(k + 1)
        reporter.finish()

    def _write_sample(self, folder: Path, k: int, graph: FrameGraph) -> None:
        sample = self.stream[k]
        blurry = sample["blurry"][None].to(self.device)
        true = as_images(sample["frames"][None])[0]
        estimate = as_images(predict(graph, blurry, None, self.precision))[0]
        said = f"held-out clip {k + 1}, {self.stream.clips.sources[k]}"
        shown = arrange(estimate, squared_errors(estimate, true), "best")
        if not np.array_equal(shown, estimate):  # a video from one photo has no direction
            said += "; the estimate is shown backwards, as it fits best"
        image = as_images(blurry[:, None])[0, 0]
        write_samples(folder, f"clip-{k + 1:02d}", image, true, shown, said)


def _named_scores(recipe: Recipe, registry: Registry) -> tuple[NamedScore, ...]:
    found = []
    for name in recipe.evaluation.metrics:
        origin = registry.resolve("metric", name)
        spec = origin.spec
        assert isinstance(spec, MetricSpec)
        found.append(NamedScore(spec.name, origin.build(), spec.unit, spec.higher_is_better))
    return tuple(found)
