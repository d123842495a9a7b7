"""From a resolved recipe to what must be done: networks, phases, and what decides each phase."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

import deblurkit
from deblurkit.engine.clip_order import ORDERING
from deblurkit.errors import PluginError
from deblurkit.frames import middle
from deblurkit.graph import FrameGraph, NetworkRequest, Node, check_nodes, needed, requests
from deblurkit.randomness import seed_of
from deblurkit.recipe.schema import Recipe, Training
from deblurkit.registry import Registered, Registry
from deblurkit.specs import OrderingSpec
from deblurkit.stages import Family, Phase, Schedule
from deblurkit.storage import content_hash, file_hash


@dataclass(frozen=True)
class Plan:
    """A recipe worked out.

    Attributes:
        recipe: The resolved recipe.
        nodes: The frame graph's nodes.
        phases: In an order in which each comes after those it needs.
        keys: Phase name -> hash of everything that decides its result.
    """

    recipe: Recipe
    nodes: tuple[Node, ...]
    phases: tuple[Phase, ...]
    keys: Mapping[str, str]

    def training(self, phase: Phase) -> Training:
        """The settings of a phase's group."""
        settings: Training = getattr(self.recipe.training, phase.group)
        return settings

    def frames(self, phase: Phase) -> tuple[int, ...]:
        """The frames whose estimates a phase's losses see."""
        return tuple(sorted(i for stage in phase.stages for i in stage.frames))

    def is_ordered(self, phase: Phase) -> bool:
        """Whether a phase sees clips in the order of the recipe's ordering, or trains that."""
        return self.recipe.ordering is not None and (
            not phase.stages or sees_direction(phase, self.recipe.frames)
        )

    def phase_nodes(self, phase: Phase) -> tuple[Node, ...]:
        """The nodes a phase evaluates."""
        return needed(self.nodes, self.frames(phase), phase.given)


def make_plan(
    recipe: Recipe, registry: Registry, *, device: str, precision: str, data: Mapping[str, Any]
) -> Plan:
    """Work out phases and their keys.

    Args:
        recipe: A resolved recipe.
        registry: Where its components come from.
        device: Device type; results differ between types.
        precision: The precision in force; results differ with it.
        data: What decides the training clips: settings, sources, versions.

    Raises:
        PluginError: a family or schedule gives a graph or phases that cannot work.
    """
    T = recipe.frames
    family: Family = registry.resolve("family", recipe.family.name).build(**recipe.family.params)
    schedule: Schedule = registry.resolve("schedule", recipe.schedule.name).build(
        **recipe.schedule.params
    )
    nodes = check_nodes(family.graph(T), T)
    stages = tuple(s for s in family.stages(T) if s.frames)  # of one frame there are no others
    phases = _sorted(_ordered(recipe, registry, schedule.phases(nodes, stages, T)))
    if recipe.ordering and any(node.network == ORDERING for node in nodes):
        raise PluginError(
            f"a network is called '{ORDERING}', as the ordering's own weights are",
            where=f"family '{recipe.family.name}'",
            hint="give it another name, or train without an ordering",
        )
    plan = Plan(recipe, nodes, phases, {})
    keys: dict[str, str] = {}
    for phase in phases:
        decides: dict[str, Any] = {
            "deblurkit": deblurkit.__version__,
            "torch": torch.__version__,
            "device": device,
            "precision": precision,
            "seed": recipe.seed,
            "T": T,
            "name": phase.name,  # it seeds the stream of samples
            "training": plan.training(phase).model_dump(mode="json"),
            "data": data,
            "crop": recipe.data.crop,
            "formation": recipe.data.formation.model_dump(mode="json"),
            "augment": recipe.data.augment.model_dump(mode="json"),
            "needs": {n: keys[n] for n in phase.needs},
        }
        if phase.stages:
            decides |= {
                "phase": {"stages": [asdict(s) for s in phase.stages], "given": phase.given},
                "trains": sorted(phase.trains),
                "nodes": [asdict(n) for n in plan.phase_nodes(phase)],
                "architecture": _architecture_of(plan, registry, phase),
                "losses": {s.group: _losses_of(recipe, registry, s.group) for s in phase.stages},
            }
        if plan.is_ordered(phase):
            decides["ordering"] = _ordering_of(recipe, registry)
        keys[phase.name] = content_hash(decides)
    return Plan(recipe, nodes, phases, keys)


def build_graph(recipe: Recipe, registry: Registry, nodes: tuple[Node, ...]) -> FrameGraph:
    """Build all networks; each one's first weights depend on the seed and its name alone."""
    origin = registry.resolve("architecture", recipe.architecture.name)

    def make(request: NetworkRequest) -> nn.Module:
        params = getattr(recipe.architecture, request.role)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of(recipe.seed, "network", request.network))
            network = origin.build(inputs=request.inputs, **params)
        if not isinstance(network, nn.Module):
            raise PluginError(
                f"it built {type(network).__name__}, not a torch module",
                where=f"architecture '{origin.spec.name}' of plugin {origin.owner}",
            )
        return network

    return FrameGraph.build(recipe.frames, nodes, make)


def sees_direction(phase: Phase, T: int) -> bool:
    """Whether anything of a phase is another for the clip backwards: any frame but the middle."""
    frames = {i for stage in phase.stages for i in stage.frames} | set(phase.given)
    return frames != {middle(T)}


def _ordered(recipe: Recipe, registry: Registry, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """The phases, after one that trains the recipe's ordering where that learns."""
    if recipe.ordering is None:
        return phases
    spec = registry.resolve("ordering", recipe.ordering.name).spec
    if not isinstance(spec, OrderingSpec) or not spec.learns:
        return phases
    own = Phase(name=ORDERING, stages=(), group="ordering", trains=(ORDERING,))
    return (
        own,
        *(
            replace(phase, needs=(*phase.needs, ORDERING))
            if sees_direction(phase, recipe.frames)
            else phase
            for phase in phases
        ),
    )


def _ordering_of(recipe: Recipe, registry: Registry) -> dict[str, Any]:
    assert recipe.ordering is not None
    origin = registry.resolve("ordering", recipe.ordering.name)
    params = with_contents(recipe.ordering.params)
    return {"name": origin.qualified, "code": code_of(origin), "params": params}


def _architecture_of(plan: Plan, registry: Registry, phase: Phase) -> dict[str, Any]:
    origin = registry.resolve("architecture", plan.recipe.architecture.name)
    roles = {r.role for r in requests(plan.phase_nodes(phase)) if r.network in phase.trains}
    return {
        "name": f"{origin.owner}:{origin.spec.name}",
        "code": code_of(origin),
        "roles": {
            role: with_contents(getattr(plan.recipe.architecture, role)) for role in sorted(roles)
        },
    }


def _losses_of(recipe: Recipe, registry: Registry, group: str) -> dict[str, Any]:
    losses = {}
    for name, term in getattr(recipe.loss, group).items():
        if term is not None and term.weight:
            origin = registry.resolve("loss", name)
            params = with_contents(term.params)
            said = {"weight": term.weight, "params": params, "code": code_of(origin)}
            losses[f"{origin.owner}:{origin.spec.name}"] = said
    return losses


def code_of(origin: Registered) -> str:
    """A component's code: its distribution's version and the source file of what it builds."""
    try:
        source = inspect.getsourcefile(origin.load())
    except TypeError:  # built in, or made at run time
        source = None
    return f"{origin.version} {file_hash(Path(source)) if source else ''}"


def with_contents(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters, with the contents of every file that they name as a hash beside the name."""
    return {
        name: [str(value), file_hash(Path(value))]
        if isinstance(value, str | Path) and Path(value).is_file()
        else value
        for name, value in params.items()
    }


def _sorted(phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """Phases in an order in which each comes after those it needs, otherwise as given."""
    left, done, order = list(phases), set[str](), list[Phase]()
    if len({p.name for p in phases}) != len(phases):
        raise PluginError(f"phases share a name: {[p.name for p in phases]}", where="schedule")
    while left:
        ready = next((p for p in left if set(p.needs) <= done), None)
        if ready is None:
            raise PluginError(
                "phases need each other in a circle, or one that does not exist: "
                + "; ".join(f"{p.name} needs {', '.join(p.needs)}" for p in left),
                where="schedule",
            )
        left.remove(ready)
        done.add(ready.name)
        order.append(ready)
    return tuple(order)
