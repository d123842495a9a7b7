"""Loss terms that train something of their own: a GAN's critic, by an optimiser of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from accelerate import Accelerator
from torch import Tensor

from deblurkit.engine.checkpoint import optimizer_tensors, restore_optimizer
from deblurkit.engine.terms import StageLoss
from deblurkit.errors import TrainingError
from deblurkit.frames import FrameSet
from deblurkit.losses import SelfTrainedTerm


class SelfTrained:
    """The self-trained terms of a phase's stages.

    Args:
        losses: The phase's.
        accelerator: Device, precision, processes.
    """

    def __init__(self, losses: Iterable[StageLoss], accelerator: Accelerator) -> None:
        self.accelerator = accelerator
        self._terms: dict[str, tuple[tuple[int, ...], SelfTrainedTerm, torch.optim.Optimizer]] = {}
        for loss in losses:
            for name, term in loss.self_trained().items():
                optimizer = torch.optim.Adam(
                    term.parameters(), term.own_lr, (0.5, 0.999), fused=True
                )
                self._terms[f"{loss.stage.name}/{name}"] = (loss.stage.frames, term, optimizer)

    def step(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> dict[str, Tensor]:
        """Let each take a step on detached estimates, then freeze it for the networks' step.

        Returns:
            Each one's own loss, as `name-own`, summed over stages.

        Raises:
            TrainingError: an own loss or its gradient is not finite; nothing of it moved.
        """
        said: dict[str, Tensor] = {}
        for name, (frames, term, optimizer) in self._terms.items():
            mine = FrameSet(estimate.T, {i: estimate[i].detach() for i in frames}, estimate.blurry)
            parameters = list(term.parameters())
            for p in parameters:
                p.requires_grad_(True)
            optimizer.zero_grad(set_to_none=True)
            # fp16 would need a gradient scaler of its own; a critic is small.
            half = self.accelerator.mixed_precision == "fp16"
            with (
                torch.autocast(self.accelerator.device.type, enabled=False)
                if half
                else (self.accelerator.autocast())
            ):
                loss = term.own_loss(mine, target.only(frames))
            loss.backward()  # type: ignore[no-untyped-call]
            if self.accelerator.num_processes > 1:
                for p in parameters:
                    if p.grad is not None:
                        p.grad = self.accelerator.reduce(p.grad, "mean")
            norm = _norm(parameters)
            if not math.isfinite(norm) or not bool(torch.isfinite(loss)):
                raise TrainingError(
                    f"the own loss of term '{name.split('/')[1]}' is not finite "
                    f"({float(loss):.4g}, gradient {norm:.4g}); what it trains did not move",
                    where=f"stage '{name.split('/')[0]}'",
                    hint="lower the term's own learning rate, or leave the term out",
                )
            optimizer.step()
            for p in parameters:
                p.requires_grad_(False)
            key = f"{name.split('/')[1]}-own"
            said[key] = said.get(key, torch.zeros_like(loss)) + loss.detach()
        return said

    def tensors(self) -> dict[str, Mapping[str, Tensor]]:
        """What a checkpoint keeps of them, by part."""
        parts: dict[str, Mapping[str, Tensor]] = {}
        for name, (_, term, optimizer) in self._terms.items():
            parts[f"term:{name}"] = term.state_dict()
            parts[f"term-optimizer:{name}"] = optimizer_tensors(optimizer)
        return parts

    def restore(self, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Put back what `tensors` gave."""
        for name, (_, term, optimizer) in self._terms.items():
            term.load_state_dict(parts[f"term:{name}"])
            restore_optimizer(optimizer, parts[f"term-optimizer:{name}"])


def _norm(parameters: Iterable[Tensor]) -> float:
    norms = [p.grad.float().norm() for p in parameters if p.grad is not None]
    return float(torch.stack(norms).norm()) if norms else 0.0
