"""Every registered loss term keeps its contract, and the suite notices those that do not."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from deblurkit.frames import FrameSet
from deblurkit.registry import Registered, get_registry
from deblurkit.specs import LossSpec, Params
from deblurkit.testing import check_loss
from deblurkit.testing.losses import stronger_invariance
from deblurkit.testing.plugins import findings

Frames = FrameSet[Tensor]
SMALL: dict[str, dict[str, Any]] = {
    "perceptual": {"weights": "random", "layers": ("relu1_1", "relu1_2")},
    "adversarial": {"critic_width": 4},
}
VARIANTS = [
    ("pairwise", {"norm": "squared"}),
    ("pairwise", {"norm": "charbonnier"}),
    ("global-model", {"norm": "squared"}),
    ("pairwise-windowed", {"window": 0}),
    ("pairwise-windowed", {"window": 5, "norm": "squared", "softness": 0.1}),
    ("adversarial", {"critic_width": 4, "objective": "non-saturating", "critic_layers": 1}),
]


@pytest.mark.parametrize("component", get_registry().specs("loss"), ids=lambda r: r.qualified)
def test_registered_losses(component: Registered) -> None:
    params = SMALL.get(component.spec.name, {})
    check_loss(component, **params)
    assert stronger_invariance(component, **params) is None, "it declares less than it has"


@pytest.mark.parametrize(("name", "params"), VARIANTS)
def test_their_other_settings(name: str, params: dict[str, Any]) -> None:
    check_loss(get_registry().resolve("loss", name), **params)


# --- terms with one mistake each -----------------------------------------------------------


def mean_error(e: Frames, x: Frames) -> Tensor:
    return torch.stack([(e[i].double() - x[i].double()).square().mean() for i in e]).sum()


def good() -> Any:
    return mean_error


def map_instead_of_scalar() -> Any:
    return _map


def _map(e: Frames, x: Frames) -> Tensor:
    return (e[1] - x[1]).abs() if 1 in e else mean_error(e, x)


def summed_over_the_batch() -> Any:
    return _summed


def _summed(e: Frames, x: Frames) -> Tensor:
    return sum((e[i] - x[i]).double().square().sum() for i in e)  # type: ignore[return-value]


def summed_over_the_pixels() -> Any:
    return _spread


def _spread(e: Frames, x: Frames) -> Tensor:
    return _summed(e, x) / len(next(iter(e.values())))


def only_the_outermost_pair() -> Any:
    return _outermost


def _outermost(e: Frames, x: Frames) -> Tensor:
    ends = [i for i in (1, e.T) if i in e] or [next(iter(e))]
    return torch.stack([(e[i] - x[i]).double().square().mean() for i in ends]).sum()


class OtherDefaultParams(Params):
    size: float = 1.0


def other_default(*, size: float = 2.0) -> Any:
    del size
    return mean_error


def other_name(*, length: float = 1.0) -> Any:
    del length
    return mean_error


def infinite_slope_at_the_truth() -> Any:
    return _rooted


def _rooted(e: Frames, x: Frames) -> Tensor:
    return sum((e[i] - x[i]).double().square().mean((1, 2, 3)).sqrt().mean() for i in e)


def detached() -> Any:
    return _detached


def _detached(e: Frames, x: Frames) -> Tensor:
    return mean_error(e, x).detach()


def half_detached() -> Any:
    return _half_detached


def _half_detached(e: Frames, x: Frames) -> Tensor:
    return torch.stack([(e[i] * e[i].detach() - x[i]).double().mean() for i in e]).sum()


def random_each_time() -> Any:
    return _random


def _random(e: Frames, x: Frames) -> Tensor:
    return mean_error(e, x) * (1 + torch.rand(()))


def in_place() -> Any:
    return _in_place


def _in_place(e: Frames, x: Frames) -> Tensor:
    value = mean_error(e, x)
    with torch.no_grad():
        x[min(x)].clamp_(0, 1)
    return value


def half_precision() -> Any:
    return _half


def _half(e: Frames, x: Frames) -> Tensor:
    return torch.stack([(e[i] - x[i]).square().mean() for i in e]).sum()


def needs_contiguous() -> Any:
    return _viewed


def _viewed(e: Frames, x: Frames) -> Tensor:
    return torch.stack([(e[i].double() - x[i]).view(-1).square().mean() for i in e]).sum()


def layout_dependent() -> Any:
    return _strided


def _strided(e: Frames, x: Frames) -> Tensor:
    return mean_error(e, x) * (1.0 if e[min(e)].is_contiguous() else 2.0)


def not_picklable() -> Any:
    return lambda e, x: mean_error(e, x)  # noqa: PLW0108


def wrong_error_for_frames() -> Any:
    return _needs_all


def _needs_all(e: Frames, x: Frames) -> Tensor:
    if len(e) == 1:
        raise IndexError("not enough frames")
    return mean_error(e, x)


class Untrained(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(()))

    def forward(self, e: Frames, x: Frames) -> Tensor:
        return self.scale * mean_error(e, x)


class Forgetful(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.rand(()).item()

    def forward(self, e: Frames, x: Frames) -> Tensor:
        return self.scale * mean_error(e, x)


class Attached(Untrained):
    own_lr = 1e-3

    def own_loss(self, e: Frames, x: Frames) -> Tensor:
        return -self(e, x)


class WithoutOptimiser(Untrained):
    own_lr = 0.0

    def own_loss(self, e: Frames, x: Frames) -> Tensor:
        return -self(e, x)


def spec(build: str, **more: Any) -> LossSpec:
    return LossSpec(name="test", summary="a test", build=f"{__name__}:{build}", **more)


class Needy(Params):
    strength: float


def test_a_good_term_passes() -> None:
    check_loss(spec("good"))


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (spec("map_instead_of_scalar"), "return a scalar"),
        (spec("summed_over_the_batch"), "average over the batch"),
        (spec("summed_over_the_pixels"), "weights then mean the same at every size"),
        (spec("only_the_outermost_pair"), "reaches only [1, 5]"),
        (spec("other_default", params=OtherDefaultParams), "the default of size is 1.0"),
        (spec("other_name", params=OtherDefaultParams), "takes no size"),
        (spec("infinite_slope_at_the_truth"), "at the true frames its gradient is not finite"),
        (spec("detached"), "does not depend on the estimate"),
        (spec("half_detached"), "gradient is not the slope"),
        (spec("random_each_time"), "second call"),
        (spec("in_place"), "changes the images"),
        (spec("half_precision"), "on torch.bfloat16 images its value is torch.bfloat16"),
        (spec("needs_contiguous"), "use reshape"),
        (spec("layout_dependent"), "memory layout"),
        (spec("not_picklable"), "cannot be pickled"),
        (spec("wrong_error_for_frames"), "raise deblurkit.errors.FrameError"),
        (spec("Untrained"), "nobody trains them"),
        (spec("Forgetful"), "after loading its state dict"),
        (spec("good", trains_itself=True), "no deblurkit.losses.SelfTrainedTerm"),
        (spec("Attached", trains_itself=True), "detach the estimate"),
        (spec("WithoutOptimiser", trains_itself=True), "own_lr is 0.0"),
        (spec("good", invariance="reversal"), "in the order [3, 2, 1]"),
        (spec("good", invariance="pair-swap"), "declares invariance 'pair-swap'"),
        (spec("nothing_here"), "cannot be built"),
        (spec("good", params=Needy), "required ones"),
        (LossSpec(name="No Name", summary="s", build="a:b"), "spec breaks the contract"),
    ],
    ids=lambda value: value.build.rpartition(":")[2] if isinstance(value, LossSpec) else "",
)
def test_the_suite_notices(component: LossSpec, words: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_loss(component)
    assert words in str(caught.value)
    assert "mend:" in str(caught.value)


def test_invariances_are_told_apart() -> None:
    """Swapping one pair is more than running backwards; permuting is more than swapping."""
    pairwise = get_registry().resolve("loss", "pairwise").spec
    with pytest.raises(AssertionError, match="declares invariance 'permutation'"):
        check_loss(LossSpec(name="p", summary="s", build=pairwise.build, invariance="permutation"))
    with pytest.raises(AssertionError, match="declares invariance 'pair-swap'"):
        check_loss(spec("either_direction", invariance="pair-swap"))
    check_loss(spec("either_direction", invariance="reversal"))


def test_an_invariance_that_is_not_declared_is_noticed() -> None:
    assert stronger_invariance(spec("either_direction")) == "reversal"
    assert stronger_invariance(spec("either_direction", invariance="reversal")) is None
    assert stronger_invariance(spec("good")) is None
    pairwise = get_registry().resolve("loss", "pairwise").spec
    modest = LossSpec(name="p", summary="s", build=pairwise.build, invariance="reversal")
    component = Registered(modest, "mine", "dist", "1")
    (finding,) = findings([component], get_registry(), {})
    assert finding.problem is None
    assert finding.remark is not None and "invariance 'pair-swap'" in finding.remark


def either_direction() -> Any:
    return _either


def _either(e: Frames, x: Frames) -> Tensor:
    def per_sample(step: int) -> Tensor:
        frames = list(e)[::step]
        return sum((e[i] - x[j]).square().mean((1, 2, 3)) for i, j in zip(frames, x, strict=True))

    e, x = (FrameSet(s.T, {i: s[i].double() for i in s}) for s in (e, x))
    return torch.minimum(per_sample(1), per_sample(-1)).mean()


def test_another_kind_is_refused() -> None:
    family = get_registry().specs("family")[0]
    with pytest.raises(AssertionError, match="this suite is for LossSpec"):
        check_loss(family)


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(AssertionError, match="window"):
        check_loss(get_registry().resolve("loss", "pairwise-windowed"), window=-1)
