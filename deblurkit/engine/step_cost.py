"""How long a training step takes: from phases that were trained before, or from real steps.

Steps that compute the same, on the same machine, take the same time whatever their weights and
clips. What they compute is put into a hash, the phase's *work*; the store keeps it with the
seconds of each phase it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, cast

import numpy as np
from accelerate import Accelerator

from deblurkit.data.cache import ClipCache
from deblurkit.data.recipe_clips import clip_length
from deblurkit.data.stream import SampleStream, loader
from deblurkit.engine.clip_order import build_order
from deblurkit.engine.inference_cost import measured_on
from deblurkit.engine.plan import Plan
from deblurkit.engine.progress import Silent
from deblurkit.engine.stop import StopRequest
from deblurkit.engine.tasks import task_of
from deblurkit.engine.train import PhaseTrainer
from deblurkit.graph import FrameGraph, requests
from deblurkit.recipe.schema import Training
from deblurkit.registry import Registry
from deblurkit.stages import Phase
from deblurkit.storage import content_hash

_STEPS = 5
"""So many steps are timed; the first, which sets everything up, does not count."""


@dataclass(frozen=True)
class StepTime:
    """What one step of a phase takes.

    Attributes:
        seconds: A whole step, all its parts.
        scaled: Measured with one sample and multiplied by the samples of a step, because a
            whole step would have taken too long.
    """

    seconds: float
    scaled: bool = False


def work_of(plan: Plan, phase: Phase, *, device: str, precision: str, processes: int = 1) -> str:
    """A hash of everything that decides how long a step of a phase takes here."""
    recipe, settings = plan.recipe, plan.training(phase)
    nodes = plan.phase_nodes(phase)
    decides: dict[str, Any] = {
        "on": measured_on(device, precision),
        "processes": processes,
        "T": recipe.frames,
        "crop": recipe.data.crop,
        "workers": recipe.data.workers,
        "formation": recipe.data.formation.model_dump(mode="json"),
        "augment": recipe.data.augment.model_dump(mode="json"),
        "frames": plan.frames(phase),
        "given": phase.given,
        "trains": sorted(phase.trains),
        "nodes": [asdict(n) for n in nodes],
        "architecture": recipe.architecture.name,
        "sizes": {r.role: getattr(recipe.architecture, r.role) for r in requests(nodes)},
        "losses": {
            stage.group: {
                name: term.params
                for name, term in getattr(recipe.loss, stage.group).items()
                if term is not None
            }
            for stage in phase.stages
        },
        "batch": settings.batch,
        "accumulate": settings.accumulate,
        "optimizer": settings.optimizer,
        "clipped": settings.clip_norm > 0,
        "average": settings.ema > 0,
    }
    if recipe.ordering is not None and plan.is_ordered(phase):
        decides["ordering"] = recipe.ordering.model_dump(mode="json")
    return content_hash(decides)


def time_step(
    plan: Plan,
    phase: Phase,
    graph: FrameGraph,
    registry: Registry,
    accelerator: Accelerator,
    *,
    limit: float,
) -> StepTime:
    """Time real steps of a phase on random images; nothing is kept, the graph's weights change.

    Args:
        plan: Of the recipe.
        phase: Which of its phases.
        graph: Its networks, with any weights.
        registry: Where loss terms come from.
        accelerator: Device and precision.
        limit: Seconds that the steps may take; if they would take longer, one sample is timed
            in place of a whole step.

    Raises:
        DeblurkitError: a loss term cannot be had, or the step fails.
    """
    settings = plan.training(phase)
    part = settings.batch // settings.accumulate
    one = _seconds(plan, phase, graph, registry, accelerator, batch=1, steps=2)
    if one * part * _STEPS > limit:
        return StepTime(one * settings.batch, scaled=True)
    seconds = _seconds(plan, phase, graph, registry, accelerator, batch=part, steps=_STEPS)
    return StepTime(seconds * settings.accumulate)


def _seconds(
    plan: Plan,
    phase: Phase,
    graph: FrameGraph,
    registry: Registry,
    accelerator: Accelerator,
    *,
    batch: int,
    steps: int,
) -> float:
    recipe = plan.recipe
    task = task_of(plan, phase, graph, build_order(recipe, registry), registry, accelerator)
    few = {"steps": steps, "batch": batch, "accumulate": 1, "warmup": 0}
    settings: Training = plan.training(phase).model_copy(update=few)
    trainer = PhaseTrainer(
        phase, task, settings, _batches(plan, batch, steps, accelerator), accelerator,
        folder=Path(), seed=recipe.seed, key="",
    )  # fmt: skip
    ends: list[float] = []
    trainer.train(
        Silent(),
        StopRequest(),
        title="",
        checkpoint_every=steps + 1,  # never
        log_every=1,
        log=lambda record: ends.append(time.perf_counter()),
    )
    accelerator.free_memory()
    return median(np.diff(ends).tolist())


class _RandomClips:
    """As much of a cache of clips as a stream needs."""

    def __init__(self, count: int, frames: int, size: int) -> None:
        shape = (count, frames, size, size, 3)
        self.frames = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        self.blurry = None

    def __len__(self) -> int:
        return len(self.frames)


def _batches(
    plan: Plan, batch: int, steps: int, accelerator: Accelerator
) -> Callable[[int], Iterable[Any]]:
    recipe = plan.recipe
    stream = SampleStream(
        cast("ClipCache", _RandomClips(batch, clip_length(recipe), recipe.data.crop)),
        crop=recipe.data.crop,
        formation=recipe.data.formation,
        augment=recipe.data.augment,
        seed=recipe.seed,
        key="timing",
        length=batch * steps,
    )
    batches: Iterable[Any] = accelerator.prepare(loader(stream, batch=batch, steps=steps))
    if recipe.data.workers:  # they make batches while the networks learn
        batches = list(batches)
    return lambda first: batches
