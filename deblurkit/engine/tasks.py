"""What one phase minimises: the losses of its stages, or its ordering's own loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from deblurkit.engine.clip_order import ORDERING, ClipOrder
from deblurkit.engine.plan import Plan
from deblurkit.engine.self_trained import SelfTrained
from deblurkit.engine.terms import StageLoss, build_terms
from deblurkit.errors import DeblurkitError, PluginError
from deblurkit.frames import FrameSet
from deblurkit.graph import FrameGraph
from deblurkit.registry import Registered, Registry
from deblurkit.stages import Phase

Batch = Mapping[str, Tensor]


class Task(Protocol):
    """What a phase trains, and how a batch becomes its loss.

    Attributes:
        networks: What learns, by the names that the phase says.
        module: What a batch goes through; the trainer may wrap it, for several processes.
    """

    networks: Mapping[str, nn.Module]
    module: nn.Module

    def loss(self, module: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of a batch, by `module` as the trainer wrapped it, and its parts by name."""

    def maker(self, name: str) -> str | None:
        """Whose a part of the loss is, for messages; None where that is nobody's in particular."""

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """What a checkpoint keeps of it beside the networks, by part."""

    def restore(self, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Put back what `tensors` gave."""


class FramesTask:
    """Stages of frames: estimates against true frames, all in the order that clips are given.

    Args:
        phase: Which frames, which networks.
        graph: All networks; those that the phase does not train must have their weights.
        losses: One for each stage of the phase.
        accelerator: Device, precision, processes.
        architecture: Whose the networks are, for messages.
        order: Turns clips first; trained already.
    """

    def __init__(
        self,
        phase: Phase,
        graph: FrameGraph,
        losses: tuple[StageLoss, ...],
        accelerator: Accelerator,
        architecture: Registered,
        order: ClipOrder | None = None,
    ) -> None:
        self.T, self.losses, self.accelerator, self.order = graph.T, losses, accelerator, order
        self.architecture = architecture
        for name, network in graph.networks.items():
            network.train(name in phase.trains).requires_grad_(name in phase.trains)
        self.networks: Mapping[str, nn.Module] = {
            name: graph.networks[name] for name in phase.trains
        }
        wanted = tuple(sorted(i for stage in phase.stages for i in stage.frames))
        self.module: nn.Module = _Frames(graph.to(accelerator.device), wanted, phase.given)
        for loss in losses:
            for part in loss.modules():
                part.to(accelerator.device)
        if order is not None:
            order.freeze(accelerator.device)
        self._own = SelfTrained(losses, accelerator)

    def loss(self, module: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Task`; terms that train something of their own take their step first."""
        blurry, frames = batch["blurry"], batch["frames"]
        if self.order is not None:
            frames = self.order(frames)
        estimates = self._estimates(module, blurry, frames)
        estimate = FrameSet(self.T, estimates, blurry)
        target = FrameSet(self.T, {i: frames[:, i - 1] for i in estimates}, blurry)
        said = self._own.step(estimate, target)
        with self.accelerator.autocast():
            results = [loss(estimate, target) for loss in self.losses]
        terms: dict[str, Tensor] = {}
        for _, values in results:
            for name, value in values.items():
                terms[name] = terms.get(name, torch.zeros_like(value)) + value
        return torch.stack([total for total, _ in results]).sum(), {**said, **terms}

    def _estimates(self, module: nn.Module, blurry: Tensor, frames: Tensor) -> dict[int, Tensor]:
        """What the networks give; an error of theirs says whose they are."""
        try:
            found: dict[int, Tensor] = module(blurry, frames)
            return found
        except (torch.OutOfMemoryError, MemoryError):
            raise
        except DeblurkitError as error:
            raise self._broken(error.what, error.where, error.valid) from error
        except Exception as error:
            if "allocate memory" in str(error):  # how torch says it of the processor's
                raise
            raise self._broken(f"a network raises {type(error).__name__}: {error}") from error

    def _broken(self, what: str, where: str | None = None, valid: str | None = None) -> PluginError:
        whose = f"architecture '{self.architecture.spec.name}' {_of(self.architecture)}"
        return PluginError(
            what,
            where=f"{where}, {whose}" if where else whose,
            valid=valid,
            hint="deblurkit plugins check finds such mistakes: mend it if it is yours, else "
            "tell its authors or take another architecture",
        )

    def maker(self, name: str) -> str | None:
        """See `Task`."""
        terms = {term.name: term.origin for loss in self.losses for term in loss.terms}
        return _of(terms[name]) if name in terms else None

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """See `Task`."""
        return self._own.tensors()

    def restore(self, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
        """See `Task`."""
        self._own.restore(parts)


class OrderingTask:
    """A learned ordering's own loss.

    Args:
        order: The ordering.
        accelerator: Device, precision, processes.
    """

    def __init__(self, order: ClipOrder, accelerator: Accelerator) -> None:
        assert order.module is not None  # it learns
        module = order.module.to(accelerator.device).train().requires_grad_(True)
        self.networks: Mapping[str, nn.Module] = {ORDERING: module}
        self.module: nn.Module = _OwnLoss(order, module)
        self.accelerator, self._origin = accelerator, order.origin

    def loss(self, module: nn.Module, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """See `Task`."""
        with self.accelerator.autocast():
            value = module(batch["frames"])
        return value, {ORDERING: value.detach()}

    def maker(self, name: str) -> str | None:
        """See `Task`."""
        return _of(self._origin)

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """See `Task`."""
        return {}

    def restore(self, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
        """See `Task`."""


def task_of(
    plan: Plan,
    phase: Phase,
    graph: FrameGraph,
    order: ClipOrder | None,
    registry: Registry,
    accelerator: Accelerator,
) -> Task:
    """What a phase of a plan trains.

    Args:
        plan: The plan.
        phase: One of its phases.
        graph: All networks.
        order: The recipe's ordering, if it has one.
        registry: Where loss terms come from.
        accelerator: Device, precision, processes.

    Raises:
        PluginError, UnavailableError: a loss term cannot be had.
    """
    if not phase.stages:
        assert order is not None  # only an ordering has a phase without stages
        return OrderingTask(order, accelerator)
    losses = tuple(
        StageLoss(stage, build_terms(plan.recipe, registry, stage.group, stage.name))
        for stage in phase.stages
    )
    architecture = registry.resolve("architecture", plan.recipe.architecture.name)
    return FramesTask(
        phase, graph, losses, accelerator, architecture, order if plan.is_ordered(phase) else None
    )


def try_terms(plan: Plan, registry: Registry) -> None:
    """Give every stage's loss terms random frames once, so that what cannot work says so early.

    Raises:
        PluginError, UnavailableError: a term cannot be had, or breaks its contract.
        FrameError: a stage has frames that a term has no use for.
    """
    recipe, generator = plan.recipe, torch.Generator().manual_seed(0)
    side = recipe.data.crop
    for phase in plan.phases:
        for stage in phase.stages:
            made = torch.rand(2, 1, len(stage.frames), 3, side, side, generator=generator)
            frames = [
                FrameSet(recipe.frames, dict(zip(stage.frames, m.unbind(1), strict=True)), m[:, 0])
                for m in (made[0].requires_grad_(), made[1])
            ]
            terms = build_terms(recipe, registry, stage.group, stage.name)
            StageLoss(stage, terms)(frames[0], frames[1])


def _of(origin: Registered) -> str:
    return f"of plugin '{origin.owner}' ({origin.distribution} {origin.version})"


class _Frames(nn.Module):
    """The frame graph as one phase uses it: which frames are wanted, which are given true."""

    def __init__(self, graph: FrameGraph, wanted: tuple[int, ...], given: tuple[int, ...]) -> None:
        super().__init__()
        self.graph, self.wanted, self.given = graph, wanted, given

    def forward(self, blurry: Tensor, frames: Tensor) -> dict[int, Tensor]:
        """y, B×C×H×W, and the true frames, B×T×C×H×W, to the wanted estimates by index."""
        given = {i: frames[:, i - 1] for i in self.given}
        return dict(self.graph(blurry, given, self.wanted))


class _OwnLoss(nn.Module):
    """An ordering's own loss as a forward pass, where processes exchange gradients."""

    def __init__(self, order: ClipOrder, module: nn.Module) -> None:
        super().__init__()
        self.module, self._order = module, order

    def forward(self, frames: Tensor) -> Any:
        """True frames, B×T×C×H×W, to a scalar."""
        return self._order.own_loss(frames)
