"""A plane in a latent space that parts clips from the same clips backwards."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, relu

from deblurkit.frames import FrameSet, pairs


class HyperCut(nn.Module):
    """HyperCUT (Pham et al., CVPR 2023), from its description.

    A network maps a symmetric pair of frames (x_i, x_{T+1-i}), in this order, to a vector; a
    learnt vector n is the normal of a plane through the origin. The score of the pair is the
    cosine between the two: the side of the plane, and how far. Trained without any label, so
    that a pair and the pair swapped are on different sides and all pairs of a clip on one:

        L = mean over pairs  max(0, m² + s(x_i, x_j) s(x_j, x_i))
          + mean over pairs of pairs  max(0, m² - s(x_i, x_j) s(x_k, x_l))

    The paper gives the idea of sequence and reversed sequence on different sides; the network,
    the cosine and the hinge with its margin m are ours.

    Args:
        width: Channels of the first layer, a multiple of 8; each halving doubles them, up to
            four times as many.
        latent: Dimensions of the latent space.
        margin: m, 0 < m <= 1.
    """

    def __init__(self, *, width: int = 32, latent: int = 128, margin: float = 0.5) -> None:
        super().__init__()
        self.margin = margin
        layers: list[nn.Module] = []
        channels = 6
        for factor in (1, 2, 4, 4):
            layers += [
                nn.Conv2d(channels, factor * width, 3, stride=2, padding=1),
                nn.GroupNorm(8, factor * width),
                nn.ReLU(),
            ]
            channels = factor * width
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(channels, latent)
        self.normal = nn.Parameter(torch.randn(latent))

    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        """B×P cosines, one for each pair from the core outwards, in [-1, 1].

        Args:
            frames: B×3×H×W in [0, 1], all T frames.
        """
        return self._sides([(frames[i], frames[j]) for i, j in pairs(frames.T)])

    def own_loss(self, frames: FrameSet[Tensor]) -> Tensor:
        """L, a scalar: the mean over the batch."""
        wanted = self.margin**2
        said = self._sides([(frames[i], frames[j]) for i, j in pairs(frames.T)])
        turned = self._sides([(frames[j], frames[i]) for i, j in pairs(frames.T)])
        loss = relu(wanted + said * turned).mean()
        P = said.shape[1]
        if P > 1:
            first, second = torch.triu_indices(P, P, offset=1, device=said.device)
            for scores in (said, turned):
                loss = loss + relu(wanted - scores[:, first] * scores[:, second]).mean() / 2
        return loss

    def _sides(self, images: list[tuple[Tensor, Tensor]]) -> Tensor:
        """The scores of several pairs of B×3×H×W images, at once: B×P."""
        seen = torch.cat([torch.cat(pair, dim=1) for pair in images]) - 0.5
        vectors = self.head(self.features(seen).mean((2, 3)))
        sides = cosine_similarity(vectors, self.normal[None], dim=1)
        return sides.reshape(len(images), -1).T
