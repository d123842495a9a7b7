"""The only training loop: one phase from its first step, or its last checkpoint, to its end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from deblurkit.engine.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from deblurkit.engine.optimizer import MovingAverage, learning_rate, make_optimizer
from deblurkit.engine.phase_store import PhaseResult
from deblurkit.engine.progress import Reporter, describe
from deblurkit.engine.stop import StopRequest
from deblurkit.engine.tasks import Batch, Task
from deblurkit.errors import TrainingError
from deblurkit.randomness import seed_of
from deblurkit.recipe.schema import Training
from deblurkit.stages import Phase

Record = dict[str, Any]

_SKIPPED = 50
"""fp16: so many steps in a row without a finite gradient are no search for a scale any more."""


class PhaseTrainer:
    """Trains the networks of one phase.

    Args:
        phase: Which one.
        task: What it trains, and its loss.
        settings: Steps, batch, optimiser.
        batches: `batches(first)` gives the phase's batches from number `first` on, `accumulate`
            of them a step, each a mapping with "blurry" B×C×H×W and "frames" B×T×C×H×W.
        accelerator: Device, precision, processes.
        folder: Where checkpoints go.
        seed: Of the run.
        key: The phase's hash.
    """

    def __init__(
        self,
        phase: Phase,
        task: Task,
        settings: Training,
        batches: Callable[[int], Iterable[Batch]],
        accelerator: Accelerator,
        *,
        folder: Path,
        seed: int,
        key: str,
    ) -> None:
        self.phase, self.task, self.settings = phase, task, settings
        self.accelerator, self.folder, self.seed, self.key = accelerator, folder, seed, key
        self._batches = batches
        self.step, self.seconds, self.records = 0, 0.0, list[Record]()
        self._sums, self._summed, self._skipped = dict[str, Tensor](), 0, 0

        self.parameters = [p for n in phase.trains for p in task.networks[n].parameters()]
        optimizer = make_optimizer(self.parameters, settings)
        self.module, self.optimizer = accelerator.prepare(task.module, optimizer)
        self.average = MovingAverage(self.parameters, settings.ema) if settings.ema else None

    def train(
        self,
        reporter: Reporter,
        stop: StopRequest,
        *,
        title: str,
        checkpoint_every: int,
        log_every: int,
        log: Callable[[Record], None],
    ) -> PhaseResult:
        """Run the phase to its end.

        Raises:
            TrainingError: loss or gradients stopped being finite; the weights did not move.
            Interrupted: a signal asked to stop; everything up to this step is saved.
            RunError: a checkpoint cannot be written.
        """
        began, steps = time.monotonic() - self.seconds, self.settings.steps
        told, since = self.step, time.monotonic()
        batches = iter(self._batches(self.step * self.settings.accumulate))
        reporter.start(title, steps, self.step)
        while self.step < steps:
            values, norm = self._one_step(batches)
            self.step += 1
            self._sum_up(values)
            self.seconds = time.monotonic() - began

            if self.step % log_every == 0 or self.step == steps:
                now = time.monotonic()
                rate = (self.step - told) * self.settings.batch / max(now - since, 1e-9)
                told, since = self.step, now
                record = self._record(self._means(), norm, rate)
                self.records.append(record)
                log(record)
                reporter.advance(self.step, describe(record["terms"], rate))
            asked = self._asked_to_stop(stop)
            if self.step < steps and (asked or self.step % checkpoint_every == 0):
                self.save()
            if asked and self.step < steps:
                raise stop.interrupted(
                    f"after step {self.step} of {steps}", where=f"phase '{self.phase.name}'"
                )
        reporter.finish()
        if self.average:
            self.average.apply()
        weights = {
            n: {k: v.detach().cpu().clone() for k, v in self.task.networks[n].state_dict().items()}
            for n in self.phase.trains
        }
        return PhaseResult(self.key, weights, tuple(self.records), self.seconds)

    def _one_step(self, batches: Iterator[Batch]) -> tuple[dict[str, Tensor], float]:
        parts = self.settings.accumulate
        torch.manual_seed(seed_of(self.seed, "step", self.phase.name, self.step))
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.settings)
        self.optimizer.zero_grad(set_to_none=True)
        values: dict[str, Tensor] = {}
        for part in range(parts):
            # Processes exchange gradients once a step; DDP decides that in the forward pass.
            apart = part < parts - 1 and self.accelerator.num_processes > 1
            with self.accelerator.no_sync(self.module) if apart else nullcontext():
                loss, said = self.task.loss(self.module, next(batches))
                if not bool(torch.isfinite(loss)):
                    raise self._not_finite("the loss", said)
                self.accelerator.backward(loss / parts)
            for name, value in said.items():
                values[name] = values.get(name, torch.zeros_like(value)) + value / parts
        limit = self.settings.clip_norm or math.inf
        norm = float(self.accelerator.clip_grad_norm_(self.parameters, limit))
        self._check_norm(norm, values)
        self.optimizer.step()
        if self.average:
            self.average.update(self.step)
        return values, norm

    def save(self) -> None:
        """Write a checkpoint of the step just done."""
        self.accelerator.wait_for_everyone()
        if not self.accelerator.is_main_process:
            return
        scalars: dict[str, Any] = {
            "seconds": self.seconds,
            "records": self.records,
            "summed": self._summed,
        }
        if self.accelerator.scaler is not None:
            scalars["scaler"] = self.accelerator.scaler.state_dict()
        parts: dict[str, Mapping[str, Tensor]] = {
            f"network:{n}": self.task.networks[n].state_dict() for n in self.phase.trains
        }
        parts["optimizer"] = optimizer_tensors(self.optimizer)
        parts["sums"] = self._sums
        if self.average:
            parts["average"] = {str(i): t for i, t in enumerate(self.average.average)}
        parts.update(self.task.tensors())
        tensors = {f"{part}|{k}": v for part, found in parts.items() for k, v in found.items()}
        save_checkpoint(self.folder, Checkpoint(self.step, tensors, scalars))

    def resume(self) -> list[str]:
        """Go back to the newest whole checkpoint, if there is one; returns what was damaged.

        Raises:
            RunError: there are checkpoints, and all are damaged.
        """
        checkpoint, problems = load_checkpoint(self.folder)
        if checkpoint is None:
            return problems
        parts: dict[str, dict[str, Tensor]] = {}
        for name, tensor in checkpoint.tensors.items():
            part, rest = name.split("|", 1)
            parts.setdefault(part, {})[rest] = tensor
        for name in self.phase.trains:
            self.task.networks[name].load_state_dict(parts[f"network:{name}"])
        restore_optimizer(self.optimizer, parts.get("optimizer", {}))
        if self.average:
            for i, tensor in enumerate(self.average.average):
                tensor.copy_(parts["average"][str(i)])
        self.task.restore(parts)
        if self.accelerator.scaler is not None and "scaler" in checkpoint.scalars:
            self.accelerator.scaler.load_state_dict(checkpoint.scalars["scaler"])
        device = self.accelerator.device
        self._sums = {name: t.to(device) for name, t in parts.get("sums", {}).items()}
        self._summed = int(checkpoint.scalars["summed"])
        self.step = checkpoint.step
        self.seconds = float(checkpoint.scalars["seconds"])
        self.records = list(checkpoint.scalars["records"])
        return problems

    def _sum_up(self, values: Mapping[str, Tensor]) -> None:
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
        self._summed += 1

    def _means(self) -> dict[str, float]:
        """Each value's mean over the steps since the last record, and over all processes."""
        names = sorted(self._sums)
        values = torch.stack([self._sums[name].float() for name in names]) / self._summed
        self._sums, self._summed = {}, 0
        means = self.accelerator.reduce(values, "mean").tolist()
        return dict(zip(names, means, strict=True))

    def _record(self, values: Mapping[str, float], norm: float, rate: float) -> Record:
        return {
            "phase": self.phase.name,
            "step": self.step,
            "terms": dict(values),
            "lr": learning_rate(self.step - 1, self.settings),
            "gradient_norm": norm if math.isfinite(norm) else None,
            "samples_per_second": round(rate, 2),
            "seconds": round(self.seconds, 2),
        }

    def _check_norm(self, norm: float, values: Mapping[str, Tensor]) -> None:
        """With fp16 some steps without a finite gradient belong to finding the scale."""
        self._skipped = 0 if math.isfinite(norm) else self._skipped + 1
        if self._skipped > (0 if self.accelerator.scaler is None else _SKIPPED):
            raise self._not_finite("the gradient's norm", values)

    def _not_finite(self, what: str, values: Mapping[str, Tensor]) -> TrainingError:
        settings = f"training.{self.phase.group}"
        parts = []
        for name, value in values.items():
            maker = None if bool(torch.isfinite(value)) else self.task.maker(name)
            parts.append(f"{name} = {float(value):.4g}" + (f" {maker}" if maker else ""))
        said = ", ".join(parts)
        return TrainingError(
            f"{what} is not finite in step {self.step + 1} ({said}); the networks did not move",
            where=f"phase '{self.phase.name}'",
            hint=f"lower {settings}.lr, set {settings}.clip_norm, or use training.precision=fp32",
        )

    def _asked_to_stop(self, stop: StopRequest) -> bool:
        if self.accelerator.num_processes == 1:
            return bool(stop)
        flag = torch.tensor(float(bool(stop)), device=self.accelerator.device)
        return bool(self.accelerator.reduce(flag, "sum") > 0)
