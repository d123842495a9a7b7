"""The perceptual loss against torchvision's VGG-16 with the same weights, and plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor

from deblurkit.errors import FrameError
from deblurkit.frames import FrameSet
from deblurkit_standard.losses.perceptual import LAYERS, VGG16, Perceptual


def frames(seed: int, size: tuple[int, int] = (20, 24), dtype: torch.dtype = torch.float64):
    rng = np.random.default_rng(seed)
    return FrameSet(3, {i: torch.tensor(rng.random((2, 3, *size)), dtype=dtype) for i in (1, 2, 3)})


def empty_column() -> torch.nn.Sequential:
    with torch.device("meta"):  # the classifier behind the features is large
        return torchvision.models.vgg16(weights=None).features.eval()


@pytest.fixture(scope="module")
def reference() -> torch.nn.Sequential:
    """Torchvision's features with our random weights, not in place so that taps stay."""
    column = empty_column().to_empty(device="cpu")
    ours = VGG16(LAYERS, "random").state_dict()
    column.load_state_dict({k.removeprefix("features."): v for k, v in ours.items()})
    for module in column:
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    return column.double()


def tapped(column: torch.nn.Sequential, images: Tensor) -> dict[str, Tensor]:
    """Every rectifier's output by its usual name: block, then place within the block."""
    mean = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(3, 1, 1)
    signal, block, place, found = (images - mean) / std, 1, 1, {}
    for module in column[:-1]:  # the last pools what nobody looks at
        signal = module(signal)
        if isinstance(module, torch.nn.ReLU):
            found[f"relu{block}_{place}"] = signal
            place += 1
        elif isinstance(module, torch.nn.MaxPool2d):
            block, place = block + 1, 1
    return found


def test_all_taps_are_the_named_layers(reference: torch.nn.Sequential) -> None:
    images = frames(0)[1]
    expected = tapped(reference, images)
    assert tuple(expected) == LAYERS
    found = VGG16(LAYERS, "random").double()(images)
    for name, ours in zip(LAYERS, found, strict=True):
        assert ours.min() == 0  # after the rectifier, not before
        assert torch.allclose(ours, expected[name], rtol=1e-5, atol=1e-6)


def test_the_papers_layers_are_the_default() -> None:
    first, second = Perceptual("random").vgg.taps
    column = empty_column()
    # relu2_2 has 128 channels at half size, relu3_3 256 at a quarter.
    assert (column[first - 1].out_channels, column[second - 1].out_channels) == (128, 256)
    assert [f.shape[1:] for f in Perceptual("random").vgg(torch.rand(1, 3, 20, 24))] == [
        (128, 10, 12),
        (256, 5, 6),
    ]


def test_value_matches_numpy(reference: torch.nn.Sequential) -> None:
    e, x = frames(1), frames(2)
    expected = 0.0
    for i in e:
        ours, true = tapped(reference, e[i]), tapped(reference, x[i])
        for layer in ("relu2_2", "relu3_3"):
            expected += np.square((ours[layer] - true[layer]).detach().numpy()).mean()
    term = Perceptual("random").double()
    assert term(e, x).item() == pytest.approx(expected, rel=1e-6)
    assert term(x, x).item() == 0


def test_gradcheck() -> None:
    x = frames(3, (8, 9))
    images = [frames(4, (8, 9))[i][:1].requires_grad_() for i in (1, 2)]
    truth = FrameSet(3, {i: x[i][:1] for i in (1, 2)})
    term = Perceptual("random", ["relu1_2", "relu2_1"]).double()

    def value(*estimates: Tensor) -> Tensor:
        return term(FrameSet(3, {1: estimates[0], 2: estimates[1]}), truth)

    assert torch.autograd.gradcheck(value, images, fast_mode=True)


def test_random_weights_are_the_same_every_time_and_frozen() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = Perceptual("random")
    assert torch.equal(torch.random.get_rng_state(), before)
    second = Perceptual("random")
    assert all(map(torch.equal, first.state_dict().values(), second.state_dict().values()))
    assert not any(p.requires_grad for p in first.parameters())
    assert not first.train().vgg.training


def test_half_precision_does_not_blur_the_ruler() -> None:
    e, x = frames(5, dtype=torch.float32), frames(6, dtype=torch.float32)
    near = FrameSet(3, {i: x[i] + 1e-3 * (e[i] - 0.5) for i in x})
    term = Perceptual("random")
    exact = term.double()(*(FrameSet(3, {i: s[i].double() for i in s}) for s in (near, x)))
    term = term.float()
    with torch.autocast("cpu", torch.bfloat16):
        value = term(near, x)
    assert value.dtype == torch.float32
    assert value.item() == pytest.approx(exact.item(), rel=1e-3)


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="'relu2_3'; did you mean 'relu"):
        Perceptual("random", ["relu2_3"])
    for layers in ([], ["relu1_1", "relu1_1"]):
        with pytest.raises(ValueError, match="each once"):
            Perceptual("random", layers)
    term = Perceptual("random")
    with pytest.raises(ValueError, match="at least 4x4 pixels"):
        term(frames(0, (3, 9), torch.float32), frames(1, (3, 9), torch.float32))
    gray = FrameSet(3, {1: torch.rand(1, 1, 8, 8)})
    with pytest.raises(ValueError, match="three colours"):
        term(gray, gray)
    with pytest.raises(FrameError, match="no frame"):
        term(gray.only([]), gray.only([]))
