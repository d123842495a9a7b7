"""What this plugin offers. Imported by every listing: no torch here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from deblurkit.hookspecs import hookimpl
from deblurkit.specs import ArchitectureSpec, Params

DEBLURKIT_API = 1


class SpandrelParams(Params):
    network: str = Field(
        "NAFNet",
        description="its name in spandrel: NAFNet, Uformer, FFTformer, SCUNet, SwinIR, ...",
    )
    options: dict[str, Any] = Field(
        default_factory=dict, description="arguments of its constructor; the rest as published"
    )
    weights: str = Field("random", description="random, or the path of a file with its weights")


class TimmUNetParams(Params):
    backbone: str = Field(
        "convnext_tiny", description="timm's name of the encoder, any with a pyramid of features"
    )
    weights: str = Field(
        "random", description="of the encoder: random, pretrained (by timm), or a file's path"
    )
    norm: Literal["group", "frozen"] = Field(
        "group",
        description="in place of the encoder's batch norm, if it has any: group norm, or batch "
        "norm that keeps its statistics, which pretrained weights need",
    )
    decoder_width: int = Field(64, ge=1, description="channels of the decoder")
    zero_init: bool = Field(True, description="a new network is the identity on its base")


class MultiScaleParams(Params):
    scales: int = Field(3, ge=1, le=5, description="sizes of the image, each half the one before")
    blocks: int = Field(19, ge=1, description="residual blocks at each scale")
    width: int = Field(64, ge=1, description="channels")


@hookimpl
def deblurkit_architectures() -> list[ArchitectureSpec]:
    """The architectures of this plugin."""
    return [
        ArchitectureSpec(
            name="spandrel",
            summary="a single-image restoration network that spandrel can build, and its weights",
            build="deblurkit_backbones.spandrel_network:SpandrelNetwork",
            params=SpandrelParams,
            reference="github.com/chaiNNer-org/spandrel",
            first_weights={"weights": "random"},
        ),
        ArchitectureSpec(
            name="timm-unet",
            summary="a U-Net over any encoder of timm that gives a pyramid of features",
            build="deblurkit_backbones.timm_unet:TimmUNet",
            params=TimmUNetParams,
            reference="Ronneberger et al. 2015; github.com/huggingface/pytorch-image-models",
            first_weights={"weights": "random"},
        ),
        ArchitectureSpec(
            name="multi-scale",
            summary="coarse to fine over three scales, 12 million parameters",
            build="deblurkit_backbones.multi_scale:MultiScale",
            params=MultiScaleParams,
            reference="Nah et al., CVPR 2017, section 3.1",
        ),
    ]
