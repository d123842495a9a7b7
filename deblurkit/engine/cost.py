"""What a run costs: parameters, training time, and time and memory for one image."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from deblurkit.engine.inference_cost import (
    HEIGHT,
    WIDTH,
    Inference,
    measure_inference,
    measured_on,
)
from deblurkit.engine.phases import PhaseReport
from deblurkit.engine.plan import code_of, with_contents
from deblurkit.engine.progress import Reporter, Silent
from deblurkit.graph import FrameGraph, requests
from deblurkit.recipe import Recipe
from deblurkit.registry import Registry
from deblurkit.storage import cache_root, content_hash, write_json

_FORMAT = 1
"""Changes when the same networks are no longer measured in the same way."""


def measure_cost(
    graph: FrameGraph,
    reports: Sequence[PhaseReport],
    *,
    recipe: Recipe,
    registry: Registry,
    device: str,
    precision: str,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """What a run costs, as its `cost.json` says it.

    Networks of the same shape take the same time whatever their weights, so a measurement is
    kept in the cache and serves every run of the same networks on the same machine.

    Args:
        graph: All networks of the run.
        reports: How the run came by its phases.
        recipe: Resolved; says what the networks are.
        registry: Where the architecture comes from.
        device: cpu or cuda.
        precision: fp32, bf16 or fp16.
        reporter: Is told when something is measured, or could not be.

    Returns:
        `parameters`: of all networks, a shared one once; `training_seconds`: of all phases,
        those that an earlier run trained as well; `spent_seconds`: of those that this run
        trained; `inference_seconds` and `inference_memory` (bytes): all T frames of one image
        of 568×320 pixels, None where that cannot be measured; `measured_on`: where that was,
        or why it was not.
    """
    said: dict[str, Any] = {
        "parameters": count_parameters(graph),
        "training_seconds": round(sum(r.seconds for r in reports), 3),
        "spent_seconds": round(sum(r.seconds for r in reports if not r.reused), 3),
        "inference_seconds": None,
        "inference_memory": None,
    }
    reporter = reporter or Silent()
    try:
        found = inference_of(graph, recipe, registry, device, precision, reporter)
    except Exception as error:  # noqa: BLE001 - whatever it is, the trained networks are worth more
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        reporter.say(f"time and memory for one image could not be measured: {why}")
        return {**said, "measured_on": f"not measured: {why}"}
    return {
        **said,
        "inference_seconds": found.seconds,
        "inference_memory": found.memory,
        "measured_on": found.measured_on,
    }


def count_parameters(graph: torch.nn.Module) -> int:
    """The parameters of all networks; one that several frames share counts once."""
    return sum(p.numel() for p in graph.parameters())


def inference_of(
    graph: FrameGraph,
    recipe: Recipe,
    registry: Registry,
    device: str,
    precision: str,
    reporter: Reporter,
) -> Inference:
    """`measure_inference` of a recipe's networks, from the cache where it was done before.

    Raises:
        RuntimeError, FrameError: as `measure_inference`; or whatever a network raises.
    """
    decides = {
        "format": _FORMAT,
        "frames": graph.T,
        "nodes": [asdict(node) for node in graph.nodes],
        "architecture": _architecture(graph, recipe, registry),
        "image": [HEIGHT, WIDTH],
        "on": measured_on(device, precision),
    }
    path = cache_root() / "inference" / f"{content_hash(decides)}.json"
    try:
        return _read(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged
        pass
    reporter.say(f"measuring time and memory for one image of {WIDTH}×{HEIGHT} pixels")
    found = measure_inference(graph, device=device, precision=precision)
    try:
        write_json(path, {**asdict(found), "of": decides})
    except OSError as error:
        reporter.say(f"the measurement could not be kept for later runs: {error}")
    return found


def _architecture(graph: FrameGraph, recipe: Recipe, registry: Registry) -> dict[str, Any]:
    origin = registry.resolve("architecture", recipe.architecture.name)
    roles = {request.role for request in requests(graph.nodes)}
    return {
        "name": origin.qualified,
        "code": code_of(origin),
        "roles": {
            role: with_contents(getattr(recipe.architecture, role)) for role in sorted(roles)
        },
    }


def _read(said: Mapping[str, Any]) -> Inference:
    memory = said["memory"]
    return Inference(
        float(said["seconds"]), None if memory is None else int(memory), str(said["measured_on"])
    )
