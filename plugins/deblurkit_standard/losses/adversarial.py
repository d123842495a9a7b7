"""The adversarial loss: a patch critic must take every estimated frame for a true one.

The paper adds such a term to all frames but the middle (section 5.3) without saying which;
both usual objectives are here. With D the critic's scores:

                      critic minimises                           networks minimise
    hinge             max(0, 1 - D(x)) + max(0, 1 + D(x̂))        -D(x̂)
    non-saturating    softplus(-D(x)) + softplus(D(x̂))           softplus(-D(x̂))

The critic judges every frame alone and does not know its index: any order of the frames
scores the same.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from deblurkit.frames import FrameSet
from deblurkit.losses import moving_frames, same_frames
from deblurkit.norms import widened
from deblurkit_standard.architectures.patch_critic import PatchCritic

Objective = Literal["hinge", "non-saturating"]
OBJECTIVES: tuple[Objective, ...] = get_args(Objective)


def adversarial(estimated_scores: Tensor, objective: Objective = "hinge") -> Tensor:
    """What the networks minimise.

    Args:
        estimated_scores: The critic's scores of estimates, any shape, unbounded.
        objective: `hinge` or `non-saturating`.

    Returns:
        Scalar, the mean over scores; below 0 for hinge where the critic is convinced.

    Raises:
        ValueError: the objective is unknown.
    """
    scores = widened(estimated_scores)
    if _check(objective) == "hinge":
        return -scores.mean()
    return F.softplus(-scores).mean()


def critic_loss(
    estimated_scores: Tensor, true_scores: Tensor, objective: Objective = "hinge"
) -> Tensor:
    """What the critic minimises.

    Args:
        estimated_scores: Its scores of estimates, any shape, unbounded.
        true_scores: Its scores of true frames.
        objective: `hinge` or `non-saturating`.

    Returns:
        Scalar >= 0, the mean over scores.

    Raises:
        ValueError: the objective is unknown.
    """
    estimated, true = widened(estimated_scores), widened(true_scores)
    if _check(objective) == "hinge":
        return F.relu(1 - true).mean() + F.relu(1 + estimated).mean()
    return F.softplus(-true).mean() + F.softplus(estimated).mean()


class Adversarial(nn.Module):
    """`adversarial` and `critic_loss` with their critic, as a loss term that trains itself.

    Args:
        objective: `hinge` or `non-saturating`.
        critic_width: Channels of the critic's first layer.
        critic_layers: Layers of stride 2 in the critic.
        critic_lr: Learning rate of the critic's own optimiser.

    Raises:
        ValueError: the objective is unknown or a number makes no sense.
    """

    def __init__(
        self,
        objective: Objective = "hinge",
        critic_width: int = 64,
        critic_layers: int = 3,
        critic_lr: float = 1e-4,
    ) -> None:
        super().__init__()
        if not critic_lr > 0:
            raise ValueError(f"critic_lr must be above 0, not {critic_lr!r}")
        self.objective = _check(objective)
        self.own_lr = critic_lr
        self.critic = PatchCritic(critic_width, critic_layers)

    def forward(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
        """The networks' loss: `adversarial`, summed over all frames here but the middle.

        The critic's parameters get no gradient from it, frozen or not.

        Args:
            estimate: Estimated frames, B×3×H×W each, of any range, at least 2×2 pixels.
            target: The true frames; only their indices and shapes are looked at.

        Returns:
            Scalar: mean over batch and patches, summed over frames, so that its weight beside
            other terms does not depend on how many frames a stage has.

        Raises:
            FrameError: there is no frame but the middle.
            ValueError: estimate and target hold different frames, or they are too small.
        """
        same_frames(estimate, target)
        frames = moving_frames(estimate, "adversarial")
        fixed = {name: p.detach() for name, p in self.critic.named_parameters()}
        scores: Tensor = functional_call(self.critic, fixed, (self._batch(estimate, frames),))
        return len(frames) * adversarial(scores, self.objective)

    def own_loss(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
        """The critic's loss, `critic_loss`, the mean over the same frames.

        The estimates get no gradient from it, detached or not. Arguments and errors as in
        `forward`.
        """
        same_frames(estimate, target)
        frames = moving_frames(estimate, "adversarial")
        # One pass over estimates and true frames; instance norm keeps the images apart.
        images = torch.cat([self._batch(estimate, frames).detach(), self._batch(target, frames)])
        estimated, true = self.critic(images).chunk(2)
        return critic_loss(estimated, true, self.objective)

    @staticmethod
    def _batch(images: FrameSet[Tensor], frames: tuple[int, ...]) -> Tensor:
        return torch.cat([widened(images[i]) for i in frames])


def _check(objective: Objective) -> Objective:
    if objective not in OBJECTIVES:
        raise ValueError(f"unknown objective {objective!r}; choices: {', '.join(OBJECTIVES)}")
    return objective
