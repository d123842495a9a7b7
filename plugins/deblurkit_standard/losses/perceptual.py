"""The perceptual loss: squared error of VGG-16 features.

The paper compares the middle frame after relu2_2 and relu3_3 (eq. 3), following Johnson,
Alahi and Fei-Fei (ECCV 2016): ImageNet-normalised images, features after the rectifier.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Self, cast, get_args

import timm
import torch
import torch.nn.functional as F
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from deblurkit.errors import FrameError, nearest
from deblurkit.frames import FrameSet
from deblurkit.losses import same_frames
from deblurkit.norms import widened
from deblurkit_standard.timm_weights import load_weights

Layer = Literal[
    "relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3",
    "relu4_1", "relu4_2", "relu4_3", "relu5_1", "relu5_2", "relu5_3",
]  # fmt: skip
LAYERS: tuple[Layer, ...] = get_args(Layer)
RANDOM_SEED = 16
"""Of the random weights, so that they are the same in every process and every run."""


def perceptual(estimate: FrameSet[Tensor], target: FrameSet[Tensor], features: VGG16) -> Tensor:
    """Squared error of features: Σ_i Σ_layers mean (f(x̂[i]) - f(x[i]))².

    Args:
        estimate: Estimated frames, B×3×H×W each, of any range.
        target: The true frames of the same indices and shapes, in [0, 1].
        features: Gives the features of a batch of images, a list with one entry a layer.

    Returns:
        Scalar >= 0: mean over batch, channels and positions of each layer, summed over layers
        and frames; float32, or float64 for float64 images. 0 at the true frames.

    Raises:
        FrameError: there is no frame.
        ValueError: estimate and target hold different frames, or images do not have three
            channels or are too small for the deepest layer.
    """
    same_frames(estimate, target)
    if not len(estimate):
        raise FrameError("there is no frame to compare", valid="at least one frame")
    images, truth = (torch.cat([widened(s[i]) for i in s]) for s in (estimate, target))
    # In half precision, features of a good estimate differ by little more than their rounding.
    with torch.autocast(images.device.type, enabled=False):
        ours = features(images)
        with torch.no_grad():
            true = features(truth)
        # The frames are one batch here, so a mean over it is their mean; their sum is wanted.
        errors = [F.mse_loss(a, b) for a, b in zip(ours, true, strict=True)]
    return len(estimate) * torch.stack(errors).sum()


class VGG16(nn.Module):
    """timm's VGG-16 up to the deepest of some layers, frozen.

    Args:
        layers: Rectifiers by their usual names, relu1_1 to relu5_3.
        weights: `pretrained` (ImageNet, from the Hugging Face hub), the path of a
            .safetensors or .pth file with timm's or torchvision's entries, or `random`
            (the same random weights every time).

    Raises:
        ValueError: a layer is unknown, named twice, or none is named.
        UnavailableError: pretrained weights cannot be reached.
        WeightsError: the file is missing, damaged or does not fit.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, layers: Iterable[str], weights: str) -> None:
        super().__init__()
        layers = tuple(layers)
        if unknown := [layer for layer in layers if layer not in LAYERS]:
            raise ValueError(f"VGG-16 has no layer {unknown[0]!r}; {nearest(unknown[0], LAYERS)}")
        if not layers or len(set(layers)) < len(layers):
            raise ValueError(f"layers must be at least one, each once, not {layers}")
        with torch.device("meta"):  # the classifier behind the features is 20 times their size
            column = cast(nn.Sequential, timm.create_model("vgg16", pretrained=False).features)
        rectifiers = [k for k, module in enumerate(column) if isinstance(module, nn.ReLU)]
        place = dict(zip(LAYERS, rectifiers, strict=True))
        # All of it is loaded so that a file is checked whole, then cut to what is used.
        self.features = column.to_empty(device="cpu")
        if weights == "random":
            self._randomise()
        else:
            load_weights(self, weights, "vgg16", "loss term 'perceptual', weights")
        self.taps = tuple(place[layer] for layer in LAYERS if layer in layers)
        self.features = self.features[: self.taps[-1] + 1]
        self.least_side = 2 ** sum(isinstance(module, nn.MaxPool2d) for module in self.features)
        for name, value in (("mean", IMAGENET_DEFAULT_MEAN), ("std", IMAGENET_DEFAULT_STD)):
            self.register_buffer(name, torch.tensor(value).view(3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features of N×3×H×W images, values in [0, 1], one entry a layer, shallow first."""
        height, width = images.shape[-2:]
        if images.shape[1] != 3 or min(height, width) < self.least_side:
            raise ValueError(
                f"VGG-16 features need three colours and at least {self.least_side}x"
                f"{self.least_side} pixels; the images are {tuple(images.shape)}"
            )
        signal = (images - self.mean) / self.std
        found = []
        for k, module in enumerate(self.features):
            signal = module(signal)
            if k in self.taps:
                found.append(signal)
        return found

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation mode: the features are a ruler, not a part that learns."""
        return super().train(False)

    def _randomise(self) -> None:
        generator = torch.Generator().manual_seed(RANDOM_SEED)
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(cast(Tensor, module.bias))


class Perceptual(nn.Module):
    """`perceptual` as a loss term.

    Args:
        weights: `pretrained`, the path of a weights file, or `random`; see `VGG16`.
        layers: Rectifiers whose output is compared; the paper's by default.
    """

    def __init__(
        self,
        weights: str = "pretrained",
        layers: Iterable[str] = ("relu2_2", "relu3_3"),
    ) -> None:
        super().__init__()
        self.vgg = VGG16(layers, weights)

    def forward(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
        """Return the loss, a scalar; see `perceptual`."""
        return perceptual(estimate, target, self.vgg)
