"""U-Nets over the encoders of timm."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from math import gcd
from pathlib import Path
from typing import Any, Literal, Self, cast

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurkit.errors import RecipeError, UnavailableError, WeightsError
from deblurkit_backbones.images import padded, stacked
from deblurkit_backbones.reasons import reason

WHERE = "architecture 'timm-unet'"
EXAMPLES = "convnext_tiny, resnet34, efficientnet_b0, regnety_008, mobilenetv3_large_100"


class TimmUNet(nn.Module):
    """A U-Net: timm's features from coarse to fine, each merged with the next.

    Args:
        inputs: Number of images it sees, at least 1.
        backbone: timm's name of an encoder that gives a pyramid of features.
        weights: Of the encoder: `random`, `pretrained` (by timm, from the Hugging Face hub), or
            the path of a file with timm's entries. A first convolution for one image gets
            its weights repeated for several, as timm does it.
        norm: What takes the place of batch norm in the encoder, where samples would touch each
            other: `group` norm, or `frozen` batch norm, whose statistics stay as loaded.
        decoder_width: Channels of the decoder.
        zero_init: Start the last layer at zero: the network begins as the identity on base.

    Raises:
        RecipeError: timm has no such encoder, or it gives no pyramid of features; or weights
            that were trained with batch norm are wanted without it.
        UnavailableError: pretrained weights cannot be reached.
        WeightsError: the weights file is missing, damaged or does not fit.
    """

    def __init__(
        self,
        inputs: int,
        backbone: str = "convnext_tiny",
        weights: str = "random",
        norm: Literal["group", "frozen"] = "group",
        decoder_width: int = 64,
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        self.inputs = inputs
        encoder = _encoder(backbone, 3 * inputs, weights)
        if any(isinstance(m, nn.BatchNorm2d) for m in encoder.modules()):
            if norm == "group" and weights != "random":
                raise RecipeError(
                    f"weights of '{backbone}' were trained with batch norm",
                    where=WHERE,
                    valid="norm: frozen, or weights: random",
                )
            if norm == "group":
                _use_group_norm(encoder)
        self.encoder = encoder
        info = cast(Any, encoder).feature_info
        channels, self.stride = info.channels(), max(info.reduction())
        _check_pyramid(encoder, backbone, 3 * inputs, channels, info.reduction())
        wide = decoder_width
        self.first = nn.Conv2d(channels[-1], wide, 3, padding=1)
        self.merges = nn.ModuleList(
            nn.Conv2d(wide + skip, wide, 3, padding=1)
            for skip in (*reversed(channels[:-1]), 3 * inputs)
        )
        self.last = nn.Conv2d(wide, 3, 3, padding=1)
        if zero_init:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(cast(Tensor, self.last.bias))
        self.train()

    def train(self, mode: bool = True) -> Self:
        """As any module, but the statistics of the encoder's batch norms stay as they are."""
        super().train(mode)
        for module in self.encoder.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

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
        height, width = base.shape[-2:]
        seen = padded(stacked(images, self.inputs), -width % self.stride, -height % self.stride)
        *finer, signal = self.encoder(seen)
        signal = F.gelu(self.first(signal))
        for merge, skip in zip(self.merges, (*reversed(finer), seen), strict=True):
            signal = F.interpolate(signal, skip.shape[-2:], mode="bilinear", align_corners=False)
            signal = F.gelu(merge(torch.cat([signal, skip], dim=1)))
        residual: Tensor = self.last(signal)
        return base + residual[..., :height, :width]


def _encoder(backbone: str, channels: int, weights: str) -> nn.Module:
    name = backbone.partition(".")[0]
    if not timm.is_model(name):
        close = get_close_matches(name, timm.list_models(), n=4, cutoff=0.5)
        raise RecipeError(
            f"timm has no model '{backbone}'",
            where=f"{WHERE}, backbone",
            valid=(f"near it: {', '.join(close)}; " if close else "") + f"for instance: {EXAMPLES}",
            hint="timm.list_models() lists them all",
        )
    own: dict[str, Any] = {}
    if weights not in ("random", "pretrained"):
        path = Path(weights).expanduser()
        if not path.is_file():
            raise WeightsError(
                f"there is no weights file '{weights}'",
                where=f"{WHERE}, weights",
                valid="'random', 'pretrained', or a file's path",
            )
        own = {"pretrained_cfg_overlay": {"file": str(path)}}
    try:
        made: nn.Module = timm.create_model(
            backbone, pretrained=False, features_only=True, in_chans=channels
        )
    except Exception as error:  # how timm's constructors refuse differs
        raise _no_pyramid(backbone, str(error)) from error
    if weights == "random":
        return made
    try:
        with _quiet():
            found: nn.Module = _loaded(backbone, channels, own)
            # What differs between two loads was drawn at random both times: it is not in the file.
            missing = _differing(found, _loaded(backbone, channels, own))
    except OSError as error:
        if own:
            raise _unfit(weights, error) from error
        raise UnavailableError(
            f"pretrained weights of '{backbone}' cannot be fetched: {reason(error)}",
            where=f"{WHERE}, weights",
            valid="'random', or the path of a file with them",
        ) from error
    except Exception as error:  # whatever a damaged or foreign file makes the readers raise
        raise _unfit(weights, error) from error
    if missing:
        some = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if missing[3:] else "")
        raise WeightsError(
            f"'{weights}' lacks entries of the encoder of '{backbone}': {some}",
            where=f"{WHERE}, weights",
            valid="timm's weights of this backbone, under timm's names",
            hint=f"as timm.create_model('{name}').state_dict() has them",
        )
    return found


def _loaded(backbone: str, channels: int, own: Mapping[str, Any]) -> nn.Module:
    made: nn.Module = timm.create_model(
        backbone, pretrained=True, features_only=True, in_chans=channels, **own
    )
    return made


def _differing(one: nn.Module, other: nn.Module) -> list[str]:
    theirs = other.state_dict()
    return [name for name, value in one.state_dict().items() if not value.equal(theirs[name])]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without timm's warnings of entries that it does not use: what is missing is checked here."""
    log = logging.getLogger("timm")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _unfit(weights: str, error: Exception) -> WeightsError:
    return WeightsError(
        f"the weights '{weights}' cannot be used: {reason(error)}",
        where=f"{WHERE}, weights",
        valid="timm's weights of this backbone, as .safetensors or .pth",
    )


def _no_pyramid(backbone: str, why: str) -> RecipeError:
    return RecipeError(
        f"timm's '{backbone}' gives no pyramid of features: {why.strip().splitlines()[0]}",
        where=f"{WHERE}, backbone",
        valid=f"for instance: {EXAMPLES}",
    )


def _check_pyramid(
    encoder: nn.Module, backbone: str, channels: int, widths: list[int], strides: list[int]
) -> None:
    """Try it on a small image: what some encoders say of themselves is not what they give."""
    side = 2 * max(strides)
    with torch.no_grad():
        training = encoder.training
        try:
            found = encoder.eval()(torch.zeros(1, channels, side, side))
        except Exception as error:
            raise _no_pyramid(backbone, str(error)) from error
        encoder.train(training)
    wanted = [(1, c, side // s, side // s) for c, s in zip(widths, strides, strict=True)]
    if [tuple(f.shape) for f in found] != wanted or strides != sorted(set(strides)):
        raise _no_pyramid(backbone, f"features of strides {strides} and {widths} channels")


def _use_group_norm(module: nn.Module, groups: int = 32) -> None:
    """Put group norm in the place of every batch norm, keeping its affine parameters."""
    for name, child in module.named_children():
        if not isinstance(child, nn.BatchNorm2d):
            _use_group_norm(child, groups)
            continue
        new: nn.Module = nn.GroupNorm(gcd(groups, child.num_features), child.num_features)
        with torch.no_grad():
            # timm starts some of them at 0, so that a residual block starts as the identity.
            new.load_state_dict(
                {k: v for k, v in child.state_dict().items() if k in ("weight", "bias")}
            )
        if hasattr(child, "act"):  # timm's batch norms that include what follows them
            new = nn.Sequential(new, cast(nn.Module, child.drop), cast(nn.Module, child.act))
        setattr(module, name, new)
