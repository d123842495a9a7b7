"""A recipe from its clips to its scores and samples, in a run directory."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator

import deblurkit
from deblurkit.bundle import Bundle, save_bundle
from deblurkit.data.prepare import PreparedData, prepare_data
from deblurkit.data.stream import SampleStream, loader
from deblurkit.engine.device import choose_device, choose_precision, make_accelerator
from deblurkit.engine.environment import describe_environment
from deblurkit.engine.log import RunLog
from deblurkit.engine.phase_store import PhaseResult, PhaseStore
from deblurkit.engine.plan import Plan, build_graph, make_plan
from deblurkit.engine.progress import Reporter, Silent, clip_progress
from deblurkit.engine.results import score_run
from deblurkit.engine.rundir import METRICS, check_out, open_run, writing
from deblurkit.engine.stop import StopRequest, stop_on_signals
from deblurkit.engine.terms import StageLoss, build_terms
from deblurkit.engine.train import Batch, PhaseTrainer
from deblurkit.graph import FrameGraph
from deblurkit.recipe import Recipe
from deblurkit.registry import Registry, get_registry
from deblurkit.stages import Phase
from deblurkit.storage import content_hash, write_json


@dataclass(frozen=True)
class PhaseReport:
    """How a run came by one phase."""

    name: str
    key: str
    reused: bool
    seconds: float


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes:
        folder: The run directory.
        scores: As in `metrics.json`; see `deblurkit.evaluation.evaluate`.
        phases: What was trained and what was reused.
    """

    folder: Path
    scores: Mapping[str, Any]
    phases: tuple[PhaseReport, ...]


def run(
    recipe: Recipe,
    *,
    out: str | Path | None = None,
    fresh: bool = False,
    device: str = "auto",
    reporter: Reporter | None = None,
    registry: Registry | None = None,
) -> RunResult:
    """Train what a recipe says, score it on held-out clips and show it.

    Phases that an earlier run has trained under the same conditions are reused; one that was
    stopped goes on from its last checkpoint.

    Args:
        recipe: A resolved recipe, from `load_recipe`.
        out: The run directory; by default `runs/<name>-<hash of the recipe>`.
        fresh: Train everything anew, whatever is there.
        device: auto, cpu or cuda.
        reporter: Is told about progress; silent by default.
        registry: Where components come from; the installed plugins by default.

    Returns:
        The run directory, the scores and the phases.

    Raises:
        DataError: the clips cannot be made.
        RunError: the run directory holds another recipe or cannot be written.
        TrainingError: loss or gradients stopped being finite.
        Interrupted: SIGINT or SIGTERM came; running again goes on.
        PluginError, UnavailableError: a component cannot be used.
    """
    reporter, registry = reporter or Silent(), registry or get_registry()
    kind = choose_device(device)
    precision = choose_precision(recipe.training.precision, kind)
    accelerator = make_accelerator(kind, precision)
    folder = Path(out) if out else Path("runs") / f"{recipe.name}-{content_hash(_said(recipe), 6)}"
    main = accelerator.is_main_process
    if not main:
        reporter = Silent()
    if main:
        check_out(folder, recipe)
    with accelerator.main_process_first():
        data = prepare_data(recipe, registry, progress=clip_progress(reporter))
        entry = data.train.folder.name
        plan = make_plan(recipe, registry, device=kind, precision=precision, data={"clips": entry})
        graph = build_graph(recipe, registry, plan.nodes)
    if main:
        environment = describe_environment(registry, device=kind, precision=precision)
        open_run(folder, recipe, environment)
    work = _Work(plan, graph, data, registry, accelerator, PhaseStore(), reporter, fresh)
    log = RunLog(folder) if main else None
    with stop_on_signals() as stop:
        reports, records = [], list[Mapping[str, Any]]()
        for number, phase in enumerate(plan.phases, start=1):
            title = f"phase {number} of {len(plan.phases)}, {phase.name}"
            report, done = work.phase(phase, title, stop, log, records)
            reports.append(report)
            records += done.records
        if log:
            log.reset(records)
            log.close()
    scores: dict[str, Any] = {}
    if main:
        with writing(folder):
            bundle = _bundle(recipe, registry, graph, data, reports)
            save_bundle(folder / "weights", bundle)
            scores = score_run(
                folder, graph, data.test, recipe, registry,
                device=kind, precision=precision, reporter=reporter,
            )  # fmt: skip
            scores["phases"] = [vars(r) for r in reports]
            write_json(folder / METRICS, scores)
    accelerator.wait_for_everyone()
    return RunResult(folder, scores, tuple(reports))


class _Work:
    """The phases of one run: looked up, trained, kept."""

    def __init__(
        self,
        plan: Plan,
        graph: FrameGraph,
        data: PreparedData,
        registry: Registry,
        accelerator: Accelerator,
        store: PhaseStore,
        reporter: Reporter,
        fresh: bool,
    ) -> None:
        self.plan, self.graph, self.data, self.registry = plan, graph, data, registry
        self.accelerator, self.store, self.reporter = accelerator, store, reporter
        self.fresh = fresh

    def phase(
        self,
        phase: Phase,
        title: str,
        stop: StopRequest,
        log: RunLog | None,
        before: list[Mapping[str, Any]],
    ) -> tuple[PhaseReport, PhaseResult]:
        """Find a phase's result or train it; the graph holds its weights afterwards."""
        key = self.plan.keys[phase.name]
        main = self.accelerator.is_main_process

        def wait() -> None:
            self.reporter.say(f"{title}: another run is training it; waiting for that")

        with self.store.lock(key, wait) if main else nullcontext(False) as waited:
            if self.fresh and main and not waited:
                self.store.forget(key)
            self.accelerator.wait_for_everyone()
            result = self.store.get(key)
            reused = result is not None
            if result is None:
                result = self._train(phase, title, stop, log, before)
                if main:
                    self.store.put(result, phase.name)
                self.accelerator.wait_for_everyone()
            else:
                self.reporter.say(
                    f"{title}: reused, trained before in {result.seconds:.0f} s ({key[:8]}; "
                    "--fresh trains it again)"
                )
        for name, state in result.weights.items():
            self.graph.networks[name].load_state_dict(dict(state))
        return PhaseReport(phase.name, key, reused, round(result.seconds, 1)), result

    def _train(
        self,
        phase: Phase,
        title: str,
        stop: StopRequest,
        log: RunLog | None,
        before: list[Mapping[str, Any]],
    ) -> PhaseResult:
        recipe, settings = self.plan.recipe, self.plan.training(phase)
        losses = tuple(
            StageLoss(stage, build_terms(recipe, self.registry, stage.group, stage.name))
            for stage in phase.stages
        )
        trainer = PhaseTrainer(
            phase,
            self.graph,
            losses,
            settings,
            self._batches(phase),
            self.accelerator,
            folder=self.store.training_folder(self.plan.keys[phase.name]),
            seed=recipe.seed,
            key=self.plan.keys[phase.name],
        )
        for problem in trainer.resume():
            self.reporter.say(f"{title}: {problem}; going on from step {trainer.step}")
        if log:
            log.reset([*before, *trainer.records])
        result = trainer.train(
            self.reporter,
            stop,
            title=title,
            checkpoint_every=recipe.training.checkpoint_every,
            log_every=recipe.training.log_every,
            log=log.append if log else lambda record: None,
        )
        self.accelerator.free_memory()  # it would keep every phase's wrappers and optimisers
        return result

    def _batches(self, phase: Phase) -> Callable[[int], Any]:
        recipe, settings = self.plan.recipe, self.plan.training(phase)
        part = max(1, settings.batch // settings.accumulate)
        total = settings.steps * settings.accumulate
        stream = SampleStream(
            self.data.train,
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
            # On one process Accelerate's wrapper would only move tensors; it also reads a
            # batch ahead, which costs nothing on a GPU and a step's memory on the CPU.
            prepared: Batch = self.accelerator.prepare(found)
            return prepared

        return batches


def _said(recipe: Recipe) -> dict[str, Any]:
    return recipe.model_dump(mode="json")


def _bundle(
    recipe: Recipe,
    registry: Registry,
    graph: FrameGraph,
    data: PreparedData,
    reports: list[PhaseReport],
) -> Bundle:
    origin = registry.resolve("architecture", recipe.architecture.name)
    roles = ("middle", "core", "outer")
    architectures = {
        role: {
            "name": origin.spec.name,
            "plugin": origin.owner,
            "version": origin.version,
            "params": getattr(recipe.architecture, role),
        }
        for role in roles
    }
    about = {
        "formation": recipe.data.formation.model_dump(mode="json"),
        "recipe": {"name": recipe.name, "hash": content_hash(_said(recipe))},
        "data": data.describe(),
        "deblurkit": deblurkit.__version__,
        "phases": {r.name: r.key for r in reports},
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    return Bundle(graph, architectures, about)
