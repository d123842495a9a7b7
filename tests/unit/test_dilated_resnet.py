"""The dilated ResNet: strides, norms, sizes, and the backbones it refuses."""

from __future__ import annotations

import pytest
import timm
import torch
from pydantic import ValidationError
from torch import nn

from deblurkit.errors import RecipeError
from deblurkit.registry import get_registry
from deblurkit_standard.architectures.dilated_resnet import DilatedResNet

TINY = {"backbone": "test_resnet", "decoder_width": 4}


def test_it_is_dilated_not_strided_beyond_8() -> None:
    network = DilatedResNet(1, "resnet18", decoder_width=4)
    sides = [64 // f.shape[-1] for f in network.encoder(torch.rand(1, 3, 64, 64))]
    assert sides == [2, 4, 8, 8, 8]
    dilations = {m.dilation[0] for m in network.encoder.modules() if isinstance(m, nn.Conv2d)}
    assert dilations == {1, 2, 4}


def test_norm_is_replaced_and_keeps_its_first_values() -> None:
    group = DilatedResNet(1, **TINY, norm="group")
    batch = DilatedResNet(1, **TINY, norm="batch")
    count = [sum(isinstance(m, nn.BatchNorm2d) for m in n.modules()) for n in (group, batch)]
    groups = [m for m in group.modules() if isinstance(m, nn.GroupNorm)]
    assert count[0] == 0 and count[1] == len(groups) > 0
    # timm's residual blocks start as the identity: the last norm of each is zero.
    assert any(not m.weight.any() for m in groups) and any(m.weight.any() for m in groups)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (17, 23), (64, 48)])
@pytest.mark.parametrize("inputs", [1, 3])
def test_any_size_and_the_identity_at_first(size: tuple[int, int], inputs: int) -> None:
    torch.manual_seed(0)
    images = [torch.rand(2, 3, *size) for _ in range(inputs)]
    network = DilatedResNet(inputs, **TINY)
    assert torch.equal(network(images, images[-1]), images[-1])
    moved = DilatedResNet(inputs, **TINY, zero_init=False)(images, images[-1])
    assert moved.shape == images[0].shape and not torch.equal(moved, images[-1])


def test_padding_does_not_shift_the_image() -> None:
    torch.manual_seed(0)
    network = DilatedResNet(1, **TINY, norm="batch", zero_init=False).eval()
    wide = torch.rand(1, 3, 40, 48)
    wide[..., 20:, :] = wide[..., 19:20, :]  # what replication puts below row 19
    whole = network([wide[..., :24, :]], wide[..., :24, :])
    part = network([wide[..., :20, :]], wide[..., :20, :])
    assert torch.allclose(part, whole[..., :20, :], atol=1e-5)


def test_weights_are_reached_under_bf16_and_channels_last() -> None:
    network = DilatedResNet(2, **TINY, zero_init=False).to(memory_format=torch.channels_last)
    images = [torch.rand(1, 3, 20, 20).to(memory_format=torch.channels_last) for _ in range(2)]
    with torch.autocast("cpu", torch.bfloat16):
        output = network(images, images[0])
    assert output.dtype == torch.float32 and output.isfinite().all()


@pytest.mark.parametrize(
    ("backbone", "words"),
    [
        ("resnet81", "near it: "),
        ("vgg16", "for instance: resnet18"),
        ("", "for instance: resnet18"),
        ("resnet18.bogus", "bogus"),
        ("vit_base_resnet50d_224", "no ResNet"),
        ("legacy_seresnet18", "cannot be had at output stride 8"),
        ("inception_resnet_v2", "cannot be had at output stride 8"),
    ],
)
def test_other_backbones_are_refused_with_near_choices(backbone: str, words: str) -> None:
    with pytest.raises(RecipeError, match="backbone") as caught:
        DilatedResNet(1, backbone)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "backbone",
    ["resnet34d", "resnet50.a1_in1k", "resnext50_32x4d", "seresnet50", "resnetv2_50", "skresnet18"],
)
@pytest.mark.parametrize("norm", ["group", "batch"])
def test_timms_resnets_can_be_wired(backbone: str, norm: str) -> None:
    with torch.device("meta"):  # shapes only: no weights, no arithmetic
        network = DilatedResNet(2, backbone, norm=norm)
        image = torch.rand(2, 3, 17, 70)
        assert network([image, image], image).shape == image.shape
    assert timm.is_model(backbone)


def test_pretrained_needs_batch_norm() -> None:
    with pytest.raises(RecipeError, match="pretrained with norm: batch"):
        DilatedResNet(1, weights="pretrained", norm="group")
    params = get_registry().resolve("architecture", "dilated-resnet").spec.params
    with pytest.raises(ValidationError, match="need norm: batch"):
        params(weights="pretrained")
    assert params(weights="pretrained", norm="batch")


def test_wrong_numbers_are_named() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        DilatedResNet(0)
    with pytest.raises(ValueError, match="sees 2 images, and 1 were given"):
        DilatedResNet(2, **TINY)([torch.rand(1, 3, 8, 8)], torch.rand(1, 3, 8, 8))
