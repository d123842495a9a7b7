"""Scores and samples of a frame graph on held-out clips, as a run directory keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from deblurkit.data.cache import ClipCache
from deblurkit.data.stream import SampleStream, loader
from deblurkit.engine.clip_order import ClipOrder
from deblurkit.engine.progress import Reporter
from deblurkit.engine.rundir import SAMPLES, scores_file
from deblurkit.errors import UnavailableError
from deblurkit.evaluation.clip_names import clip_name, frames_mark
from deblurkit.evaluation.direction import arrange, squared_errors
from deblurkit.evaluation.evaluate import as_images, estimates, evaluate
from deblurkit.evaluation.measures import ScoreSheet
from deblurkit.evaluation.named_scores import NamedScore
from deblurkit.evaluation.protocols.lookup import DEFAULT, get_protocol
from deblurkit.evaluation.reblur import reblur_settings
from deblurkit.evaluation.residuals import residual_sizes
from deblurkit.evaluation.rows import OF_WEIGHTS
from deblurkit.graph import FrameGraph
from deblurkit.recipe.schema import Recipe
from deblurkit.registry import Registry
from deblurkit.report.frame_strips import BLURRY, STRIPS, TRUE, write_index, write_strip
from deblurkit.report.samples import write_samples
from deblurkit.specs import MetricSpec
from deblurkit.storage import content_hash, write_json

_FEW = 16
"""So many clips say whether a network adds anything to its base."""


class Scorer:
    """Scores a graph on test clips, and shows the first few.

    Args:
        recipe: Says protocol, metrics, formation and how many samples.
        registry: Where the metrics come from.
        clips: Held-out clips.
        device: Where to compute.
        precision: fp32, bf16 or fp16.
    """

    def __init__(
        self, recipe: Recipe, registry: Registry, clips: ClipCache, *, device: str, precision: str
    ) -> None:
        self.recipe, self.device, self.precision = recipe, device, precision
        formation = recipe.data.formation
        self.protocol = get_protocol(
            recipe.evaluation.protocol,
            metrics=named_scores(recipe, registry),
            response=formation.response,
            gamma=formation.gamma,
        )
        self.stream = test_stream(recipe, clips)
        said = formation.model_dump(mode="json")
        self.test_set = content_hash([clips.folder.name, said, recipe.data.seed])
        """Identifies clips and blurry images: runs with the same were scored on the same."""

    def try_protocol(self) -> None:
        """Score one blurry image, so that a score that cannot work says so early.

        Raises:
            DataError, PluginError: a score fails, for instance because the clips are too small.
        """
        sample = self.stream[0]
        true = as_images(sample["frames"][None])[0]
        blurry = as_images(sample["blurry"][None, None])[0, 0]
        self.protocol.score(np.broadcast_to(blurry, true.shape), true, blurry)

    def score(self, graph: FrameGraph, reporter: Reporter) -> dict[str, ScoreSheet]:
        """What `evaluation.evaluate` gives for all clips.

        Raises:
            TrainingError: the networks' images are not finite.
            DataError, PluginError: a score fails.
        """
        reporter.start("scoring held-out clips", len(self.stream))
        formation, marks = self.recipe.data.formation, list[str]()
        sheets = evaluate(
            graph,
            _marked(loader(self.stream, batch=self.recipe.evaluation.batch), marks),
            self.protocol,
            count=len(self.stream),
            device=self.device,
            precision=self.precision,
            advance=reporter.advance,
        )
        reporter.finish()
        for sheet in sheets.values():
            sheet.true_frames = list(marks)
            if self.protocol.name == DEFAULT:
                sheet.settings = reblur_settings(formation.response, formation.gamma)
        return sheets

    def consistency(self, order: ClipOrder) -> dict[str, float]:
        """How consistently a recipe's ordering orders the clips: shares `pairs` and `clips`."""
        device = torch.device(self.device)
        order.freeze(device)
        batches = loader(self.stream, batch=self.recipe.evaluation.batch)
        return order.consistency({"frames": b["frames"].to(device)} for b in batches)

    def write_sheets(
        self, folder: Path, sheets: Mapping[str, ScoreSheet], graph: FrameGraph
    ) -> None:
        """Write `scores/<protocol>.json` of a run directory, for tables."""
        batch = next(iter(loader(self.stream, batch=min(_FEW, len(self.stream)))))
        blurry = batch["blurry"].to(self.device)
        said = {
            "protocol": next(iter(sheets.values())).protocol,
            "test_set": self.test_set,
            "residuals": residual_sizes(graph.to(self.device).eval(), blurry, self.precision),
            "rows": {name: sheet.to_json() for name, sheet in sheets.items()},
        }
        write_json(folder / scores_file(self.protocol.name), said)

    def write_samples(self, folder: Path, graph: FrameGraph, reporter: Reporter) -> None:
        """Write contact sheets, movies and strips of the first clips into a run directory.

        Raises:
            DataError: a file cannot be written.
        """
        shown = min(self.recipe.evaluation.samples, len(self.stream))
        if not shown:
            return
        reporter.start("writing samples", shown)
        index = []
        for k in range(shown):
            name, source = clip_name(k + 1, len(self.stream)), self.stream.clips.sources[k]
            try:
                self._write_sample(folder, name, k, graph)
            except UnavailableError as error:  # no encoder for the MP4; the rest is there
                reporter.say(f"samples without MP4: {error}")
            index.append({"name": name, "source": source})
            reporter.advance(k + 1)
        write_index(folder / STRIPS, self.recipe.frames, index)
        reporter.finish()

    def _write_sample(self, folder: Path, name: str, k: int, graph: FrameGraph) -> None:
        sample = self.stream[k]
        blurry, frames = (sample[key][None].to(self.device) for key in ("blurry", "frames"))
        rows = {n: s[0] for n, s in estimates(graph, blurry, frames, self.precision).items()}
        true, image = rows["truth"], as_images(blurry[:, None])[0, 0]
        write_strip(folder / STRIPS, name, BLURRY, image[None])
        write_strip(folder / STRIPS, name, TRUE, true)
        # A video from one photo has no direction: each is shown in the one that fits best.
        best = {n: arrange(rows[n], squared_errors(rows[n], true), "best") for n in OF_WEIGHTS}
        for row, sequence in best.items():
            write_strip(folder / STRIPS, name, row, sequence)
        said = f"held-out clip {k + 1}, {self.stream.clips.sources[k]}"
        if not np.array_equal(best["estimate"], rows["estimate"]):
            said += "; the estimate is shown backwards, as it fits best"
        write_samples(folder / SAMPLES, name, image, true, best["estimate"], said)


def _marked(
    batches: Iterable[Mapping[str, torch.Tensor]], marks: list[str]
) -> Iterator[Mapping[str, torch.Tensor]]:
    """The same batches; notes the mark of each clip's true frames on the way."""
    for batch in batches:
        marks += map(frames_mark, as_images(batch["frames"]))
        yield batch


def test_stream(recipe: Recipe, clips: ClipCache) -> SampleStream:
    """Held-out clips as they are scored: whole, in their order, with the recipe's formation."""
    return SampleStream(
        clips,
        crop=None,
        formation=recipe.data.formation,
        augment=None,
        seed=recipe.data.seed,
        key="test",
        length=len(clips),
    )


def named_scores(recipe: Recipe, registry: Registry) -> tuple[NamedScore, ...]:
    """The metrics that a recipe asks for; one that cannot be had here says why when it is used.

    Raises:
        PluginError: a metric does not work.
    """
    found = []
    for name in recipe.evaluation.metrics:
        origin = registry.resolve("metric", name)
        spec = origin.spec
        assert isinstance(spec, MetricSpec)
        about: dict[str, Any] = {"unit": spec.unit, "higher_is_better": spec.higher_is_better}
        try:
            found.append(NamedScore(spec.name, origin.build(), **about))
        except UnavailableError as error:  # the column says so, the run goes on
            reason = str(error).splitlines()[0]
            found.append(NamedScore(spec.name, _never, **about, unavailable=reason))
    return tuple(found)


def _never(*images: object) -> float:  # noqa: ARG001
    raise AssertionError("an unavailable score is never asked")
