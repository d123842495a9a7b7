"""The phases of one run: found in the store, or trained and kept there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from accelerate import Accelerator
from torch import nn

from deblurkit.data.cache import ClipCache
from deblurkit.data.stream import SampleStream, loader
from deblurkit.engine.clip_order import ORDERING, ClipOrder
from deblurkit.engine.log import RunLog
from deblurkit.engine.phase_store import PhaseResult, PhaseStore
from deblurkit.engine.plan import Plan
from deblurkit.engine.progress import Reporter
from deblurkit.engine.step_cost import work_of
from deblurkit.engine.stop import StopRequest
from deblurkit.engine.tasks import task_of
from deblurkit.engine.train import PhaseTrainer
from deblurkit.errors import RecipeError
from deblurkit.graph import FrameGraph
from deblurkit.recipe import Recipe
from deblurkit.recipe.schema import Training
from deblurkit.registry import Registry
from deblurkit.stages import Phase


@dataclass(frozen=True)
class PhaseReport:
    """How a run came by one phase."""

    name: str
    key: str
    reused: bool
    seconds: float


class PhaseRunner:
    """Finds or trains phases, and fills the graph with their weights.

    Args:
        plan: Phases and their keys.
        graph: All networks.
        clips: Training clips.
        registry: Where loss terms come from.
        order: The recipe's ordering, if it has one.
        accelerator: Device, precision, processes.
        reporter: Is told about progress.
        stop: Asked whether to stop.
        fresh: Train even what is in the store.
    """

    def __init__(
        self,
        plan: Plan,
        graph: FrameGraph,
        clips: ClipCache,
        registry: Registry,
        accelerator: Accelerator,
        *,
        order: ClipOrder | None = None,
        reporter: Reporter,
        stop: StopRequest,
        fresh: bool,
    ) -> None:
        self.plan, self.graph, self.clips, self.registry = plan, graph, clips, registry
        self.accelerator, self.reporter = accelerator, reporter
        self.stop, self.fresh, self.order = stop, fresh, order
        self.networks: dict[str, nn.Module] = dict(graph.networks.items())
        if order is not None and order.module is not None:
            self.networks[ORDERING] = order.module
        self.store = PhaseStore()
        self.records: list[Mapping[str, Any]] = []

    def run(self, phase: Phase, title: str, log: RunLog | None) -> PhaseReport:
        """Find a phase's result or train it; the graph holds its weights afterwards.

        Raises:
            Interrupted: a signal asked to stop.
            TrainingError, RunError, PluginError: as `PhaseTrainer.train`.
        """
        key = self.plan.keys[phase.name]
        result = None if self.fresh else self.store.get(key, phase.trains)
        self.accelerator.wait_for_everyone()
        reused = result is not None
        if result is None:
            reused, result = self._train_alone(phase, title, log)
        if reused:
            self.reporter.say(
                f"{title}: reused, trained before in {result.seconds:.1f} s (phase {key[:8]})"
            )
        for name, state in result.weights.items():
            self.networks[name].load_state_dict(dict(state))
        self.records += result.records
        if self.stop:
            raise self.stop.interrupted(f"after {title}")
        return PhaseReport(phase.name, key, reused, round(result.seconds, 3))

    def _train_alone(
        self, phase: Phase, title: str, log: RunLog | None
    ) -> tuple[bool, PhaseResult]:
        """Train under the phase's lock, unless another run has done so meanwhile."""
        key, main = self.plan.keys[phase.name], self.accelerator.is_main_process
        said = False

        def wait() -> None:
            nonlocal said
            if not said:
                self.reporter.say(f"{title}: another run is training it; waiting for that")
            said = True
            if self.stop:
                raise self.stop.interrupted(f"while waiting for {title}")

        with self.store.lock(key, wait) if main else nullcontext(False) as waited:
            if self.fresh and main and not waited:
                self.store.forget(key)
            self.accelerator.wait_for_everyone()
            result = self.store.get(key, phase.trains)
            self.accelerator.wait_for_everyone()
            if result is not None:
                return True, result
            result = self._train(phase, title, log)
            if main:
                self.store.put(
                    result,
                    phase.name,
                    steps=self.plan.training(phase).steps,
                    work=self._work(phase),
                )
            self.accelerator.wait_for_everyone()
        return False, result

    def _train(self, phase: Phase, title: str, log: RunLog | None) -> PhaseResult:
        recipe = self.plan.recipe
        trainer = PhaseTrainer(
            phase,
            task_of(self.plan, phase, self.graph, self.order, self.registry, self.accelerator),
            self.plan.training(phase),
            self._batches(phase),
            self.accelerator,
            folder=self.store.training_folder(self.plan.keys[phase.name]),
            seed=recipe.seed,
            key=self.plan.keys[phase.name],
        )
        for problem in trainer.resume():
            self.reporter.say(f"{title}: {problem}; going on from step {trainer.step}")
        if log:
            log.reset([*self.records, *trainer.records])
        result = trainer.train(
            self.reporter,
            self.stop,
            title=title,
            checkpoint_every=recipe.training.checkpoint_every,
            log_every=recipe.training.log_every,
            log=log.append if log else lambda record: None,
        )
        self.accelerator.free_memory()  # it would keep every phase's wrappers and optimisers
        return result

    def _work(self, phase: Phase) -> str:
        return work_of(
            self.plan,
            phase,
            device=self.accelerator.device.type,
            precision=self.accelerator.mixed_precision.replace("no", "fp32"),
            processes=self.accelerator.num_processes,
        )

    def _batches(self, phase: Phase) -> Callable[[int], Any]:
        recipe, settings = self.plan.recipe, self.plan.training(phase)
        part = settings.batch // settings.accumulate
        total = settings.steps * settings.accumulate
        stream = SampleStream(
            self.clips,
            crop=recipe.data.crop,
            formation=recipe.data.formation,
            augment=recipe.data.augment,
            seed=recipe.seed,
            key=f"train {phase.name}",
            length=total * part,
        )

        def batches(first: int) -> Any:
            found = loader(
                stream,
                batch=part,
                start_step=first,
                steps=total - first,
                workers=recipe.data.workers,
                pin_memory=self.accelerator.device.type == "cuda",
            )
            return self.accelerator.prepare(found)  # each process takes its part of a batch

        return batches


def check_batches(recipe: Recipe, processes: int) -> None:
    """Check that every batch can be divided among the processes.

    Raises:
        RecipeError: it cannot.
    """
    for group in recipe.training.GROUPS:
        if group == ORDERING and recipe.ordering is None:
            continue
        settings: Training = getattr(recipe.training, group)
        part = settings.batch // settings.accumulate
        if part % processes:
            raise RecipeError(
                f"{part} samples cannot be divided among {processes} processes",
                where=f"training.{group}",
                valid=f"batch / accumulate a multiple of {processes}",
                hint=f"--set training.{group}.batch=...",
            )
