"""Every registered architecture keeps its contract, and the suite notices those that do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from deblurkit.registry import Registered, get_registry
from deblurkit.specs import ArchitectureSpec, Params
from deblurkit.testing import check_architecture

SMALL: dict[str, dict[str, Any]] = {
    "resampling-cnn": {"width": 8, "blocks": (((1, 2),), ((2, 1),)), "fusion_width": 4},
    "dilated-resnet": {"backbone": "test_resnet", "decoder_width": 8},
}


@pytest.mark.parametrize(
    "component", get_registry().specs("architecture"), ids=lambda r: r.qualified
)
def test_registered_architectures(component: Registered) -> None:
    check_architecture(component, **SMALL.get(component.spec.name, {}))


@pytest.mark.parametrize("backbone", ["resnet10t", "resnetv2_18"])
def test_dilated_resnet_with_other_backbones(backbone: str) -> None:
    component = get_registry().resolve("architecture", "dilated-resnet")
    check_architecture(component, backbone=backbone, decoder_width=8, zero_init=False)


def test_dilated_resnet_with_batch_norm() -> None:
    component = get_registry().resolve("architecture", "dilated-resnet")
    small = SMALL["dilated-resnet"]
    check_architecture(component, batch_touches=True, norm="batch", **small)
    with pytest.raises(AssertionError, match="in training mode a sample's output depends"):
        check_architecture(component, norm="batch", **small)


# --- networks with one mistake each --------------------------------------------------------


class Zero(Params):
    zero_init: bool = True


class Good(nn.Module):
    def __init__(self, inputs: int, zero_init: bool = True) -> None:
        super().__init__()
        self.inputs = inputs
        self.layer = nn.Conv2d(3 * inputs, 8, 3, padding=1)
        self.last = nn.Conv2d(8, 3, 1)
        if zero_init:
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)

    def residual(self, images: Sequence[Tensor]) -> Tensor:
        residual: Tensor = self.last(self.layer(torch.cat(list(images), 1)).relu())
        return residual

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        return base + self.residual(images)


class NoIdentity(Good):
    def __init__(self, inputs: int, zero_init: bool = True) -> None:
        super().__init__(inputs, zero_init=False)


class OneImage(Good):
    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        return base + self.residual([images[0]] * self.inputs)


class NoBase(Good):
    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        return self.residual(images)


class InPlace(Good):
    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        with torch.no_grad():
            images[0].clamp_(0.1, 0.9)
        return base + self.residual(images)


class EvenSides(Good):
    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        half = nn.functional.avg_pool2d(self.residual(images), 2)
        return base + half.repeat_interleave(2, 2).repeat_interleave(2, 3)


class Cropped(Good):
    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        return super().forward(images, base)[..., 1:]


class Unused(Good):
    def __init__(self, inputs: int, zero_init: bool = True) -> None:
        super().__init__(inputs, zero_init)
        self.unused = nn.Conv2d(3, 3, 1)


class BatchMean(Good):
    def residual(self, images: Sequence[Tensor]) -> Tensor:
        residual = super().residual(images)
        return residual - residual.mean()


class Forgetful(Good):
    def __init__(self, inputs: int, zero_init: bool = True) -> None:
        super().__init__(inputs, zero_init)
        self.scale = 1 + torch.rand(()).item()

    def residual(self, images: Sequence[Tensor]) -> Tensor:
        return self.scale * super().residual(images)


class Dropout(Good):
    def residual(self, images: Sequence[Tensor]) -> Tensor:
        return nn.functional.dropout(super().residual(images), 0.5, training=True)


class Unseeded(Good):
    count = 0

    def __init__(self, inputs: int, zero_init: bool = True) -> None:
        super().__init__(inputs, zero_init)
        Unseeded.count += 1
        with torch.no_grad():
            self.layer.weight += Unseeded.count


class FixedPrecision(Good):
    def residual(self, images: Sequence[Tensor]) -> Tensor:
        signal = self.layer(torch.cat(list(images), 1)).relu()
        kept = torch.ones_like(images[0][:, :1]).expand_as(signal).clone()
        kept[:] = 0.5
        return self.last(signal.index_add(1, torch.arange(8), kept))


class Lambda(Good):
    def __init__(self, inputs: int, zero_init: bool = True) -> None:
        super().__init__(inputs, zero_init)
        self.activation = lambda x: x.relu()


def not_a_module(inputs: int, zero_init: bool = True) -> Any:
    return lambda images, base: base


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Good", None),
        ("NoIdentity", "zero_init"),
        ("OneImage", "image [1]"),
        ("NoBase", "does not give its base back"),
        ("InPlace", "changes the images"),
        ("EvenSides", "pad inside"),
        ("Cropped", "one image of the base's shape"),
        ("Unused", "no gradient reaches unused.weight"),
        ("BatchMean", "in evaluation mode a sample's output depends"),
        ("Forgetful", "after loading its state dict"),
        ("Dropout", "in evaluation mode a second call"),
        ("Unseeded", "same torch.manual_seed"),
        ("Lambda", "cannot be pickled"),
        ("FixedPrecision", "fails under bf16 autocast"),
        ("not_a_module", "a torch.nn.Module"),
    ],
)
def test_the_suite_notices(name: str, words: str | None) -> None:
    spec = ArchitectureSpec(name="test", summary="s", build=f"{__name__}:{name}", params=Zero)
    if words is None:
        check_architecture(spec)
        return
    with pytest.raises(AssertionError) as caught:
        check_architecture(spec)
    assert words in str(caught.value)


def test_without_zero_init_the_base_must_still_matter() -> None:
    spec = ArchitectureSpec(name="test", summary="s", build=f"{__name__}:NoBase", params=Zero)
    with pytest.raises(AssertionError, match="does not depend on the base"):
        check_architecture(spec, zero_init=False)
