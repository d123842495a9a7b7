"""What the standard plugin offers. Imported by every listing: no torch here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from deblurkit.hookspecs import hookimpl
from deblurkit.specs import (
    ArchitectureSpec,
    DatasetSpec,
    LossSpec,
    MetricSpec,
    OrderingSpec,
    Params,
)
from deblurkit_standard.footage_specs import FOOTAGE

DEBLURKIT_API = 1

Pixels = Annotated[float, Field(ge=0)]
VGGLayer = Literal[
    "relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3",
    "relu4_1", "relu4_2", "relu4_3", "relu5_1", "relu5_2", "relu5_3",
]  # fmt: skip
Seconds = Annotated[float, Field(gt=0, le=10)]
Number = TypeVar("Number", int, float)


def _rising(ends: tuple[Number, Number]) -> tuple[Number, Number]:
    if ends[0] > ends[1]:
        raise ValueError(f"the least, {ends[0]:g}, is above the largest, {ends[1]:g}")
    return ends


Range = Annotated[tuple[Pixels, Pixels], AfterValidator(_rising)]
Radii = Annotated[
    tuple[Annotated[float, Field(ge=1)], Annotated[float, Field(ge=1)]], AfterValidator(_rising)
]


class CharbonnierParams(Params):
    epsilon: float = Field(1e-3, gt=0, description="where the error turns from squared to linear")


class PerceptualParams(Params):
    weights: str = Field(
        "pretrained",
        description="pretrained (ImageNet, by timm), the path of a weights file, or random",
    )
    layers: tuple[VGGLayer, ...] = Field(
        ("relu2_2", "relu3_3"), min_length=1, description="VGG-16 layers compared, each once"
    )

    @field_validator("layers")
    @classmethod
    def _each_once(cls, layers: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(layers)) < len(layers):
            raise ValueError("a layer is named twice")
        return layers


class AdversarialParams(Params):
    objective: Literal["hinge", "non-saturating"] = Field(
        "hinge", description="what the critic and the networks play for"
    )
    critic_width: int = Field(64, ge=1, description="channels of the critic's first layer")
    critic_layers: int = Field(3, ge=1, le=6, description="layers of stride 2 in the critic")
    critic_lr: float = Field(1e-4, gt=0, description="learning rate of the critic's Adam")


class MotionDirectionParams(Params):
    angle: float = Field(
        0.0, ge=-180, le=180,
        description="direction of forward motion in degrees: 0 to the right, 90 downwards",
    )  # fmt: skip


class PairwiseValueParams(Params):
    norm: Literal["l1", "squared", "charbonnier"] = Field(
        "squared", description="error of a frame at a point"
    )


class PairwiseWindowedParams(Params):
    window: int = Field(
        16, ge=0, description="side of a window in pixels, half overlapping; 0: the whole image"
    )
    norm: Literal["l1", "squared", "charbonnier"] = Field("l1", description="error of a frame")
    softness: float = Field(
        0.0, ge=0, description="temperature of a soft minimum, in units of the error; 0: hard"
    )


class DilatedResNetParams(Params):
    backbone: str = Field("resnet18", description="any ResNet of timm")
    weights: str = Field("random", description="random, pretrained (by timm) or a weights file")
    norm: Literal["batch", "group"] = Field(
        "group", description="normalisation of the encoder; pretrained weights need batch"
    )
    decoder_width: int = Field(64, ge=1, description="channels of the decoder")
    zero_init: bool = Field(
        True, description="start the last layer at zero: the network begins as the identity"
    )

    @model_validator(mode="after")
    def _pretrained_needs_batch(self) -> Self:
        if self.weights == "pretrained" and self.norm != "batch":
            raise ValueError("pretrained weights need norm: batch, which they were trained with")
        return self


class MovingShapesParams(Params):
    objects: int = Field(1, ge=0, le=8, description="n independently moving objects: 2^n solutions")
    motion: Range = Field(
        (8.0, 16.0), description="least and largest path of an object, first to last frame, pixels"
    )
    size: Radii = Field((10.0, 20.0), description="least and largest radius of an object, pixels")
    shapes: tuple[Literal["disc", "box", "polygon"], ...] = Field(
        ("disc", "box", "polygon"), min_length=1, description="kinds of objects to draw from"
    )
    texture: float = Field(
        0.3, ge=0, le=1, description="contrast of the objects' texture, peak to valley, of 1"
    )
    contrast: float = Field(
        0.35,
        ge=0,
        le=1,
        description="least distance of an object's colour from what is behind it, in RGB",
    )
    rotation: float = Field(0.0, ge=0, description="largest turn of an object, degrees a clip")
    overlap: bool = Field(
        True, description="objects may hide each other; false: exactly 2^n solutions"
    )
    frame_blur: Pixels = Field(
        1.0, description="largest motion within one true frame, pixels; 0: an instant"
    )
    background: Literal["smooth", "photo"] = Field(
        "smooth", description="smooth random colours, or scikit-image's photographs"
    )
    background_motion: Pixels = Field(0.0, description="largest path of the background, pixels")
    downsample: float = Field(
        0.45, gt=0, le=1, description="photographs are scaled by this first; the paper's 45 %"
    )
    scenes: int = Field(64, ge=2, description="number of smooth backgrounds, the sources")


class PhotosInMotionParams(Params):
    photos: Path | None = Field(
        None, description="folder of photographs; null: the ones inside scikit-image"
    )
    add_bundled: bool = Field(
        False, description="the ones inside scikit-image as well, beside those of the folder"
    )
    objects: Annotated[
        tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0, le=8)]],
        AfterValidator(_rising),
    ] = Field((0, 3), description="least and largest number of objects")
    translation: Range = Field(
        (0.0, 16.0), description="least and largest path of the camera, pixels"
    )
    rotation: float = Field(1.5, ge=0, description="largest turn of the camera, degrees")
    zoom: float = Field(0.02, ge=0, lt=1, description="largest change of size over the clip")
    shake: Pixels = Field(1.5, description="largest size of the camera's shake, pixels")
    shake_kind: Literal["waves", "tremor"] = Field(
        "waves", description="waves: two slow swings; tremor: a hand's drift and its 8 to 12 Hz"
    )
    exposure: Annotated[tuple[Seconds, Seconds], AfterValidator(_rising)] = Field(
        (0.03, 0.25),
        description="shortest and longest time that the shutter is open, seconds; for tremor",
    )
    parallax: float = Field(
        0.0,
        ge=0,
        le=2,
        description="largest difference of motion between the nearest and the farthest parts of "
        "the photograph, a share of the camera's path",
    )
    acceleration: float = Field(
        0.5,
        ge=0,
        lt=1,
        description="largest departure from uniform motion, a share: bows of paths, and speed "
        "of the camera's turn and zoom",
    )
    speeding: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="largest change of speed along the paths of camera and objects, a share: "
        "0.5 for half to one and a half times the mean",
    )
    object_motion: Range = Field(
        (4.0, 20.0), description="least and largest path of an object in the view, pixels"
    )
    object_size: Radii = Field(
        (8.0, 32.0), description="least and largest radius of an object, pixels"
    )
    object_rotation: float = Field(
        10.0, ge=0, description="largest turn of an object, degrees a clip"
    )
    object_zoom: float = Field(
        0.0, ge=0, lt=1, description="largest change of an object's size over the clip"
    )
    object_bend: Pixels = Field(
        0.0, description="largest size of a wave that bends an object, pixels"
    )
    downsample: float = Field(
        0.45, gt=0, le=1, description="photographs are scaled by this first; the paper's 45 %"
    )
    frame_blur: Pixels = Field(
        1.0, description="largest motion within one true frame, pixels; 0: an instant"
    )
    subframes: int = Field(
        4, ge=1, le=64, description="instants averaged for one frame, at most; two a pixel suffice"
    )


class PreparedParams(Params):
    path: Path = Field(description="a folder that `deblurkit data prepare` made")
    blurry: Literal["formed", "kept"] = Field(
        "formed", description="blurred by data.formation, or the blurry images in the folder"
    )


class LpipsParams(Params):
    net: Literal["alex", "vgg"] = Field(
        "alex", description="backbone: alex, which most tables use, or vgg; by torchvision"
    )


@hookimpl
def deblurkit_losses() -> Sequence[LossSpec]:
    return [
        LossSpec(
            name="mse",
            summary="squared error of every frame, the mean over pixels",
            build="deblurkit_standard.losses.pixel:mse_term",
        ),
        LossSpec(
            name="l1",
            summary="absolute error of every frame, the mean over pixels",
            build="deblurkit_standard.losses.pixel:l1_term",
        ),
        LossSpec(
            name="charbonnier",
            summary="sqrt(error^2 + epsilon^2) of every frame, the mean over pixels",
            build="deblurkit_standard.losses.pixel:charbonnier_term",
            params=CharbonnierParams,
            reference="Charbonnier et al., ICIP 1994; Lai et al., CVPR 2017",
        ),
        LossSpec(
            name="perceptual",
            summary="squared error of VGG-16 features of every frame",
            build="deblurkit_standard.losses.perceptual:Perceptual",
            params=PerceptualParams,
            reference="Johnson, Alahi, Fei-Fei, ECCV 2016; layers of Jin et al. 2018",
        ),
        LossSpec(
            name="adversarial",
            summary="a patch critic must take every estimated frame for a true one",
            build="deblurkit_standard.losses.adversarial:Adversarial",
            params=AdversarialParams,
            invariance="permutation",
            trains_itself=True,
            reference="Goodfellow et al., NIPS 2014; hinge: Lim and Ye 2017",
        ),
        LossSpec(
            name="pairwise-value",
            summary="error of each pair in the better of its two orders, value by value: a control",
            build="deblurkit_standard.losses.pairwise_value:PairwiseValue",
            params=PairwiseValueParams,
            invariance="pair-swap",
            reference="deblurkit",
        ),
        LossSpec(
            name="pairwise-windowed",
            summary="error of each pair in the better of its two orders, chosen window by window",
            build="deblurkit_standard.losses.pairwise_windowed:PairwiseWindowed",
            params=PairwiseWindowedParams,
            invariance="pair-swap",
            reference="deblurkit",
        ),
    ]


@hookimpl
def deblurkit_architectures() -> Sequence[ArchitectureSpec]:
    return [
        ArchitectureSpec(
            name="dilated-resnet",
            summary="a timm ResNet at output stride 8 by dilation, with a light decoder",
            build="deblurkit_standard.architectures.dilated_resnet:DilatedResNet",
            params=DilatedResNetParams,
            reference="Yu, Koltun, Funkhouser, CVPR 2017; backbones by timm",
            first_weights={"weights": "random"},
        )
    ]


@hookimpl
def deblurkit_orderings() -> Sequence[OrderingSpec]:
    """Which way clips run."""
    return [
        OrderingSpec(
            name="motion-direction",
            summary="the way most of it moves: to the right, or along another direction",
            build="deblurkit_standard.orderings.motion_direction:MotionDirection",
            params=MotionDirectionParams,
            reference="Lucas and Kanade, IJCAI 1981",
        )
    ]


@hookimpl
def deblurkit_datasets() -> Sequence[DatasetSpec]:
    return [
        DatasetSpec(
            name="moving-shapes",
            summary="textured shapes moving over a background, rendered; the paper's Fig. 2 grown",
            build="deblurkit_standard.datasets.moving_shapes:MovingShapes",
            params=MovingShapesParams,
        ),
        DatasetSpec(
            name="photos-in-motion",
            summary="photographs under camera motion with moving objects before them",
            build="deblurkit_standard.datasets.photos_in_motion:PhotosInMotion",
            params=PhotosInMotionParams,
        ),
        *FOOTAGE,
        DatasetSpec(
            name="prepared",
            summary="clips that `deblurkit data prepare` made",
            build="deblurkit_standard.datasets.prepared:Prepared",
            params=PreparedParams,
        ),
    ]


@hookimpl
def deblurkit_metrics() -> Sequence[MetricSpec]:
    return [
        MetricSpec(
            name="psnr",
            summary="peak signal-to-noise ratio, peak 1",
            build="deblurkit_standard.metrics.psnr:frame_psnr",
            unit="dB",
        ),
        MetricSpec(
            name="ssim",
            summary="structural similarity, Gaussian window of 11 pixels, sigma 1.5",
            build="deblurkit_standard.metrics.ssim:frame_ssim",
            reference="Wang et al., IEEE TIP 2004",
        ),
        MetricSpec(
            name="lpips",
            summary="learned perceptual distance; its backbone's weights must be had once",
            build="deblurkit_standard.metrics.lpips:frame_lpips",
            params=LpipsParams,
            higher_is_better=False,
            reference="Zhang et al., CVPR 2018",
        ),
    ]
