"""A recipe from its clips to its scores and samples, in a run directory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import deblurkit
from deblurkit.bundle import Bundle, note_in_bundle, save_bundle
from deblurkit.data.recipe_clips import PreparedData, prepare_data
from deblurkit.engine.clip_order import build_order
from deblurkit.engine.cost import measure_cost
from deblurkit.engine.device import choose_precision, make_accelerator
from deblurkit.engine.environment import describe_environment
from deblurkit.engine.log import RunLog
from deblurkit.engine.phases import PhaseReport, PhaseRunner, check_batches
from deblurkit.engine.plan import build_graph, make_plan
from deblurkit.engine.progress import Reporter, Silent, clip_progress
from deblurkit.engine.results import Scorer
from deblurkit.engine.rundir import COST, METRICS, check_out, open_run, writing
from deblurkit.engine.stop import stop_on_signals
from deblurkit.engine.tasks import try_terms
from deblurkit.evaluation.evaluate import headlines, summary
from deblurkit.graph import FrameGraph
from deblurkit.inference.device import choose_device
from deblurkit.recipe import Recipe
from deblurkit.registry import Registry, get_registry
from deblurkit.storage import content_hash, write_json


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Attributes:
        folder: The run directory.
        scores: As in `metrics.json`; see `deblurkit.evaluation.evaluate.summary`.
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
    check_batches(recipe, accelerator.num_processes)
    folder = Path(out) if out else Path("runs") / f"{recipe.name}-{content_hash(_said(recipe), 6)}"
    main = accelerator.is_main_process
    if main:
        check_out(folder, recipe, registry)
    else:
        reporter = Silent()
    with accelerator.main_process_first():
        data = prepare_data(recipe, registry, progress=clip_progress(reporter))
        entry = data.train.folder.name
        plan = make_plan(recipe, registry, device=kind, precision=precision, data={"clips": entry})
        graph = build_graph(recipe, registry, plan.nodes)
        order = build_order(recipe, registry)
        try_terms(plan, registry)  # before anything is trained, not when its phase begins
    scorer = Scorer(recipe, registry, data.test, device=kind, precision=precision)
    if main:
        scorer.try_protocol()  # scoring comes last: a mistake should not cost the training
        environment = describe_environment(registry, device=kind, precision=precision)
        open_run(folder, recipe, environment)
    with stop_on_signals() as stop:
        phases = PhaseRunner(
            plan, graph, data.train, registry, accelerator,
            order=order, reporter=reporter, stop=stop, fresh=fresh,
        )  # fmt: skip
        with RunLog(folder) if main else nullcontext() as log:
            reports = [
                phases.run(phase, f"phase {number} of {len(plan.phases)}, {phase.name}", log)
                for number, phase in enumerate(plan.phases, start=1)
            ]
            if log:
                log.reset(phases.records)
    scores: dict[str, Any] = {}
    if main:
        with writing(folder):
            save_bundle(folder / "weights", _bundle(recipe, registry, graph, data, reports))
            cost = measure_cost(
                graph, reports, recipe=recipe, registry=registry, device=kind, precision=precision,
                reporter=reporter,
            )  # fmt: skip
            write_json(folder / COST, cost)
            sheets = scorer.score(graph, reporter)
            scorer.write_samples(folder, graph, reporter)
            scorer.write_sheets(folder, sheets, graph)
            found = summary(sheets)
            note_in_bundle(folder / "weights", scores=headlines(found))
            scores = {**found, "phases": [asdict(r) for r in reports]}
            if order is not None:
                scores["ordering"] = scorer.consistency(order)
            write_json(folder / METRICS, scores)  # last: with it, the run is whole
    return RunResult(folder, scores, tuple(reports))


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
        "data": {"dataset": recipe.data.train.name, **data.describe()},
        "deblurkit": deblurkit.__version__,
        "phases": {r.name: r.key for r in reports},
        "made": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    return Bundle(graph, architectures, about)
