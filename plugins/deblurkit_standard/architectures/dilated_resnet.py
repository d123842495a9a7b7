"""A ResNet at output stride 8 by dilation, with a light decoder: no resampling.

The paper resamples its images to sub-images and back (section 6). This network does not: it
looks at a large field by the strides and dilations of an ordinary ResNet (Yu, Koltun,
Funkhouser, CVPR 2017), so that what resampling buys can be measured.

Images side by side enter the encoder at strides 2, 4 and, dilated from there, 8. Back up, from
8 to 4 to 2 to the full size: bilinear, the level's features added through a 1×1 convolution,
then 3×3; at full size a 3×3 convolution of the images themselves is added, and a last 3×3 gives
the three colours of the residual.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from math import gcd
from typing import Any, Literal, cast

import timm
import torch
import torch.nn.functional as F
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from deblurkit.errors import RecipeError
from deblurkit_standard.timm_weights import load_weights

STRIDE = 8
AFFINE = ("weight", "bias")
WHERE = "architecture 'dilated-resnet'"
EXAMPLES = "resnet18, resnet34, resnet50, resnet50d, seresnet50, resnext50_32x4d, wide_resnet50_2"


class DilatedResNet(nn.Module):
    """A network for one frame: a dilated timm ResNet with a light decoder.

    Args:
        inputs: Number of images it sees, at least 1.
        backbone: Any ResNet of timm that can be dilated, with or without a tag that says
            which pretrained weights (`resnet18.a1_in1k`).
        weights: Of the encoder: `random`, `pretrained` (from the Hugging Face hub), or the
            path of a .safetensors or .pth file with timm's entries.
        norm: `group` puts group norm in the place of the encoder's batch norm, so that
            samples of a batch do not touch each other; `batch` leaves it.
        decoder_width: Channels of the decoder.
        zero_init: Start the last layer at zero: the network begins as the identity on base.

    Raises:
        RecipeError: the backbone is unknown or cannot be dilated, or pretrained weights are
            wanted without batch norm.
        UnavailableError: pretrained weights cannot be reached.
        WeightsError: the weights file is missing, damaged or does not fit.
        ValueError: a number is below 1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        inputs: int,
        backbone: str = "resnet18",
        weights: str = "random",
        norm: Literal["batch", "group"] = "group",
        decoder_width: int = 64,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        if min(inputs, decoder_width) < 1:
            raise ValueError(
                f"inputs and decoder_width must be 1 or more, not {inputs}, {decoder_width}"
            )
        if weights == "pretrained" and norm != "batch":
            raise RecipeError(
                f"pretrained weights were trained with batch norm, not with norm: {norm}",
                where=WHERE,
                valid="weights: pretrained with norm: batch, or weights: random",
            )
        self.inputs = inputs
        self.encoder = _encoder(backbone, 3 * inputs)
        if norm == "group":
            _use_group_norm(self.encoder)
        if weights != "random":
            load_weights(self.encoder, weights, backbone, f"{WHERE}, weights")
        wide = decoder_width
        at_2, at_4, *_, at_8 = cast(Any, self.encoder).feature_info.channels()
        self.from_8 = nn.Conv2d(at_8, wide, 1)
        self.from_4 = nn.Conv2d(at_4, wide, 1)
        self.from_2 = nn.Conv2d(at_2, wide, 1)
        self.from_images = nn.Conv2d(3 * inputs, wide, 3, padding=1)
        self.merge_4 = nn.Conv2d(wide, wide, 3, padding=1)
        self.merge_2 = nn.Conv2d(wide, wide, 3, padding=1)
        self.last = nn.Conv2d(wide, 3, 3, padding=1)
        if zero_init:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(cast(Tensor, self.last.bias))
        for name, value in (("mean", IMAGENET_DEFAULT_MEAN), ("std", IMAGENET_DEFAULT_STD)):
            repeated = torch.tensor(value).repeat(inputs).view(-1, 1, 1)
            self.register_buffer(name, repeated, persistent=False)

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        """Predict a frame as base plus a residual.

        Args:
            images: The images it sees, as many as `inputs`, B×3×H×W each, any H and W.
            base: The image the residual is added to, B×3×H×W.

        Returns:
            The frame, B×3×H×W, not clamped.

        Raises:
            ValueError: the number of images is not the one it was made for.
        """
        if len(images) != self.inputs:
            raise ValueError(f"the network sees {self.inputs} images, and {len(images)} were given")
        height, width = base.shape[-2:]
        seen = (torch.cat(list(images), 1) - self.mean) / self.std
        # Whole strides, so that features of all levels meet; what is added is cut off again.
        seen = F.pad(seen, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
        at_2, at_4, *_, at_8 = self.encoder(seen)
        signal = F.relu(_up(self.from_8(at_8), at_4) + self.from_4(at_4))
        signal = F.relu(self.merge_4(signal))
        signal = F.relu(_up(signal, at_2) + self.from_2(at_2))
        signal = F.relu(self.merge_2(signal))
        signal = F.relu(_up(signal, seen) + self.from_images(seen))
        residual: Tensor = self.last(signal)
        return base + residual[..., :height, :width]


def _encoder(backbone: str, channels: int) -> nn.Module:
    """Timm's ResNet as a pyramid of features at strides 2, 4 and then 8.

    Raises:
        RecipeError: timm has no such ResNet, or not one that can be dilated.
    """
    name = backbone.partition(".")[0]
    # timm's class ResNet also has ResNeXt and SE-ResNet; hybrids with attention are none.
    known = {*timm.list_models("*resnet*"), *timm.list_models(module="resnet")}
    known = {n for n in known if not n.startswith(("vit_", "lambda_"))}
    if name not in known:
        close = get_close_matches(name, sorted(known), n=4, cutoff=0.5)
        raise RecipeError(
            f"timm has no ResNet '{backbone}'",
            where=f"{WHERE}, backbone",
            valid=(f"near it: {', '.join(close)}; " if close else "") + f"for instance: {EXAMPLES}",
            hint="timm.list_models('*resnet*') lists them all",
        )
    try:
        encoder: nn.Module = timm.create_model(
            backbone,
            pretrained=False,
            features_only=True,
            output_stride=STRIDE,
            in_chans=channels,
        )
    except (AssertionError, TypeError, RuntimeError) as error:  # how timm refuses
        raise RecipeError(
            f"timm's '{backbone}' cannot be had at output stride {STRIDE}"
            + (f": {error}" if isinstance(error, RuntimeError) else ""),
            where=f"{WHERE}, backbone",
            valid=f"for instance: {EXAMPLES}",
        ) from error
    return encoder


def _use_group_norm(module: nn.Module, groups: int = 32) -> None:
    """Put group norm in the place of every batch norm, keeping its affine parameters."""
    for name, child in module.named_children():
        if not isinstance(child, nn.BatchNorm2d):
            _use_group_norm(child, groups)
            continue
        new: nn.Module = nn.GroupNorm(gcd(groups, child.num_features), child.num_features)
        with torch.no_grad():
            # timm starts some of them at 0, so that a residual block starts as the identity.
            new.load_state_dict({k: v for k, v in child.state_dict().items() if k in AFFINE})
        if hasattr(child, "act"):  # timm's batch norms that include what follows them
            new = nn.Sequential(new, cast(nn.Module, child.drop), cast(nn.Module, child.act))
        setattr(module, name, new)


def _up(signal: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(signal, like.shape[-2:], mode="bilinear", align_corners=False)
