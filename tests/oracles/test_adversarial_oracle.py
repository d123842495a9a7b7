"""The adversarial loss against numpy, and its critic against pix2pix's arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurkit.errors import FrameError
from deblurkit.frames import FrameSet
from deblurkit_standard.architectures.patch_critic import PatchCritic
from deblurkit_standard.losses.adversarial import (
    OBJECTIVES,
    Adversarial,
    Objective,
    adversarial,
    critic_loss,
)


def frames(seed: int, size: int = 16, dtype: torch.dtype = torch.float32) -> FrameSet[Tensor]:
    rng = np.random.default_rng(seed)
    images = {i: torch.tensor(rng.random((2, 3, size, size)), dtype=dtype) for i in range(1, 6)}
    return FrameSet(5, images)


def softplus(values: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(values))


def test_objectives_match_numpy() -> None:
    rng = np.random.default_rng(0)
    fake, real = rng.normal(size=(2, 3, 1, 4, 4)) * 2
    a, b = torch.tensor(fake), torch.tensor(real)
    assert adversarial(a, "hinge").item() == pytest.approx(-fake.mean())
    assert adversarial(a, "non-saturating").item() == pytest.approx(softplus(-fake).mean())
    hinge = np.maximum(0, 1 - real).mean() + np.maximum(0, 1 + fake).mean()
    assert critic_loss(a, b, "hinge").item() == pytest.approx(hinge)
    expected = softplus(-real).mean() + softplus(fake).mean()
    assert critic_loss(a, b, "non-saturating").item() == pytest.approx(expected)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_term_takes_every_frame_but_the_middle_once(objective: Objective) -> None:
    torch.manual_seed(0)
    e, x = frames(1, dtype=torch.float64), frames(2, dtype=torch.float64)
    term = Adversarial(objective, critic_width=4, critic_layers=2).double()
    scores = {i: (term.critic(e[i]), term.critic(x[i])) for i in (1, 2, 4, 5)}
    ours = sum(adversarial(s, objective).item() for s, _ in scores.values())
    own = np.mean([critic_loss(s, t, objective).item() for s, t in scores.values()])
    assert term(e, x).item() == pytest.approx(ours)
    assert term.own_loss(e, x).item() == pytest.approx(own)
    moved = FrameSet(5, {**e, 3: e[3] + 1})
    assert term(moved, x).item() == pytest.approx(ours)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_gradcheck(objective: Objective) -> None:
    torch.manual_seed(0)
    term = Adversarial(objective, critic_width=2, critic_layers=1).double()
    x = frames(3, 6, torch.float64)
    images = [image[:1].requires_grad_() for image in frames(4, 6, torch.float64).values()]
    truth = FrameSet(5, {i: x[i][:1] for i in x})

    def value(*estimates: Tensor) -> Tensor:
        return term(FrameSet(5, dict(enumerate(estimates, 1))), truth)

    assert torch.autograd.gradcheck(value, images, fast_mode=True)


def test_each_side_leaves_the_other_alone() -> None:
    torch.manual_seed(0)
    term = Adversarial(critic_width=4, critic_layers=1)
    e, x = frames(5), frames(6)
    for image in e.values():
        image.requires_grad_()
    term(e, x).backward()
    assert all(p.grad is None and p.requires_grad for p in term.critic.parameters())
    assert e[1].grad is not None and e[1].grad.any()
    e[1].grad = None
    term.own_loss(e, x).backward()
    assert e[1].grad is None
    # What only shifts a channel before it is normalised has a gradient of 0, but for rounding.
    assert all(p.grad is not None for p in term.critic.parameters())
    assert all(p.grad.any() for p in term.critic.parameters() if p.ndim > 1)


def test_a_critic_learns_to_tell_and_estimates_learn_to_pass() -> None:
    torch.manual_seed(0)
    true = FrameSet(3, {i: torch.rand(4, 3, 16, 16) for i in (1, 3)})
    blurred = {i: F.avg_pool2d(true[i], 5, 1, 2, count_include_pad=False) for i in true}
    estimate = {i: image.clone().requires_grad_() for i, image in blurred.items()}
    term = Adversarial(critic_width=8, critic_layers=2)
    critic = torch.optim.Adam(term.parameters(), 2e-3)
    first = term.own_loss(FrameSet(3, estimate), true).item()
    for _ in range(40):
        critic.zero_grad()
        loss = term.own_loss(FrameSet(3, estimate), true)
        loss.backward()
        critic.step()
    assert loss.item() < 0.5 * first
    before = term(FrameSet(3, estimate), true).item()
    images = torch.optim.Adam(estimate.values(), 0.02)
    for _ in range(20):
        images.zero_grad()
        term(FrameSet(3, estimate), true).backward()
        images.step()
    assert term(FrameSet(3, estimate), true).item() < before - 0.5


def test_critic_is_pix2pix() -> None:
    """The same layers by hand: C64-C128-C256 of stride 2, C512 of stride 1, one score."""
    torch.manual_seed(0)
    critic = PatchCritic(width=4, layers=3)
    image = torch.rand(2, 3, 40, 33)
    signal = 2 * image - 1
    weights = [m for m in critic.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in weights] == [4, 8, 16, 32, 1]
    for k, (layer, stride) in enumerate(zip(weights, (2, 2, 2, 1, 1), strict=True)):
        signal = F.conv2d(signal, layer.weight, layer.bias, stride, padding=2)
        if 0 < k < 4:
            mean = signal.mean((2, 3), keepdim=True)
            variance = signal.var((2, 3), keepdim=True, unbiased=False)
            signal = (signal - mean) / (variance + 1e-5).sqrt()
        if k < 4:
            signal = torch.where(signal > 0, signal, 0.2 * signal)
    assert torch.allclose(critic(image), signal, atol=1e-5)
    drawn = torch.cat([layer.weight.flatten() for layer in weights])
    assert drawn.std().item() == pytest.approx(0.02, rel=0.05)
    assert drawn.mean().item() == pytest.approx(0, abs=0.002)


def test_a_score_sees_70_pixels() -> None:
    critic = PatchCritic(width=2, layers=3)
    for k, module in enumerate(critic.layers):
        if isinstance(module, nn.InstanceNorm2d):
            critic.layers[k] = nn.Identity()  # its statistics see the whole image
    image = torch.rand(1, 3, 160, 160, requires_grad=True)
    scores = critic(image)
    scores[0, 0, scores.shape[2] // 2, scores.shape[3] // 2].backward()
    assert image.grad is not None
    rows = image.grad.abs().sum((0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == 70


@pytest.mark.parametrize("size", [2, 3, 16, 31])
@pytest.mark.parametrize("layers", [1, 3, 6])
def test_small_crops_work(size: int, layers: int) -> None:
    scores = PatchCritic(width=2, layers=layers)(torch.rand(1, 3, size, size))
    assert scores.numel() > 0 and scores.isfinite().all()


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match="choices: hinge, non-saturating"):
        Adversarial("wasserstein")
    with pytest.raises(ValueError, match="critic_lr"):
        Adversarial(critic_lr=0.0)
    with pytest.raises(ValueError, match="1 or more"):
        PatchCritic(width=0)
    with pytest.raises(ValueError, match="2x2 pixels"):
        PatchCritic(width=2)(torch.rand(1, 3, 1, 9))
    middle = frames(0).only([3])
    with pytest.raises(FrameError, match="but the middle"):
        Adversarial(critic_width=2)(middle, middle)
