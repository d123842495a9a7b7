from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from deblurkit.engine.optimizer import MovingAverage, learning_rate, make_optimizer
from deblurkit.recipe.schema import Training


def rates(**settings: object) -> list[float]:
    training = Training(**settings)  # type: ignore[arg-type]
    return [learning_rate(k, training) for k in range(training.steps)]


def test_cosine_warms_up_and_ends_near_a_hundredth() -> None:
    found = rates(steps=1000, lr=1.0, warmup=100)
    assert found[0] == pytest.approx(0.01)
    assert max(found) == found[100] == pytest.approx(1.0)
    assert all(b <= a for a, b in itertools.pairwise(found[100:]))
    assert found[-1] == pytest.approx(0.01, abs=1e-4)
    assert found[550] == pytest.approx((1 + 0.01) / 2, abs=1e-3)


def test_constant_stays() -> None:
    assert set(rates(steps=50, lr=0.3, lr_schedule="constant")) == {0.3}
    assert rates(steps=50, lr=0.3, lr_schedule="constant", warmup=3)[:4] == pytest.approx(
        [0.1, 0.2, 0.3, 0.3]
    )


def test_one_cycle_agrees_with_torch() -> None:
    steps, peak = 200, 0.1
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    oracle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=peak, total_steps=steps + 2, pct_start=0.3 * steps / (steps + 1)
        + 1 / (steps + 1) - 1e-9, cycle_momentum=False
    )  # fmt: skip
    theirs = []
    for _ in range(steps):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        oracle.step()
    np.testing.assert_allclose(
        rates(steps=steps, lr=peak, lr_schedule="one-cycle"), theirs, rtol=0.05, atol=1e-3
    )


@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_optimizers_agree_with_torchs_plain_ones(name: str) -> None:
    torch.manual_seed(0)
    ours, theirs = (nn.Parameter(torch.ones(5)) for _ in range(2))
    settings = Training(optimizer=name, lr=0.05, weight_decay=0.1, betas=(0.8, 0.95))  # type: ignore[arg-type]
    plain = torch.optim.AdamW if name == "adamw" else torch.optim.Adam
    a = make_optimizer([ours], settings)
    b = plain([theirs], lr=0.05, weight_decay=0.1, betas=(0.8, 0.95))
    for k in range(10):
        for p in (ours, theirs):
            p.grad = torch.linspace(-1, 1, 5) * (k + 1)
        a.step()
        b.step()
    torch.testing.assert_close(ours, theirs)
    assert not torch.equal(ours, torch.ones(5))


def test_the_moving_average_is_one() -> None:
    p = nn.Parameter(torch.zeros(2))
    average = MovingAverage([p], decay=0.9)
    expected, decays = torch.zeros(2), []
    for k in range(30):
        with torch.no_grad():
            p.copy_(torch.tensor([k, k * k], dtype=torch.float32))
        average.update(k)
        decays.append(min(0.9, (1 + k) / (10 + k)))
        expected = decays[-1] * expected + (1 - decays[-1]) * p.detach()
    average.apply()
    torch.testing.assert_close(p.detach(), expected)
    assert decays[0] == 0.1
