"""The conformance suite of loss terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast, get_args

import torch
from torch import Tensor, nn

from deblurkit.errors import FrameError
from deblurkit.frames import FrameSet, indices, middle, pairs
from deblurkit.losses import Invariance, LossTerm
from deblurkit.specs import LossSpec
from deblurkit.testing.loss_gradients import check_gradient
from deblurkit.testing.loss_images import Frames, changed, in_precision, random_frames, same
from deblurkit.testing.loss_state import check_copies, check_own_training
from deblurkit.testing.subject import Component, Subject

LENGTHS = (3, 5, 7)


def check_loss(component: Component, /, **params: Any) -> None:
    """Check that a loss term keeps its contract (`deblurkit.losses`, `LossSpec`).

    On random images (2×3×18×21, sequences of 3, 5 and 7 frames, with and without the middle):
    a finite scalar, the mean over the batch, the same for the same input, float32 or wider for
    images of any precision and memory layout, inputs left alone; a right and finite gradient,
    also at the truth and where all estimates are equal; the declared invariance; the same
    value after pickling and loading its state; and what `trains_itself` promises.

    Args:
        component: A `LossSpec`, or a registered component with one.
        **params: The term's parameters by name; the rest take their defaults.

    Raises:
        AssertionError: what is wrong and how to mend it.
    """
    subject = Subject(component, LossSpec, params)
    torch.manual_seed(0)
    term: LossTerm = in_precision(torch.float64, subject.build())
    for T in LENGTHS:
        estimate, target = random_frames(T, 1), random_frames(T, 2)
        with_middle = indices(T)
        without = tuple(i for i in with_middle if i != middle(T))
        for frames in (with_middle, without):
            _check_value(subject, term, estimate.only(frames), target.only(frames))
        _check_stages(subject, term, estimate, target)
        _check_invariance(subject, term, estimate, target)
    estimate, target = random_frames(5, 3), random_frames(5, 4)
    _check_batch(subject, term, estimate, target)
    _check_size(subject, term, estimate, target)
    _check_layout(subject, term, estimate, target)
    check_gradient(subject, term, estimate, target)
    _check_precision(subject, term, estimate, target)
    check_copies(subject, estimate, target)
    check_own_training(subject, term, estimate, target)


def stronger_invariance(component: Component, /, **params: Any) -> Invariance | None:
    """An invariance beyond the declared one that a loss term has on random images.

    Args:
        component: A `LossSpec`, or a registered component with one, that keeps its contract.
        **params: The term's parameters by name; the rest take their defaults.

    Returns:
        The strongest that holds, None where it is the declared one.
    """
    subject = Subject(component, LossSpec, params)
    torch.manual_seed(0)
    term: LossTerm = in_precision(torch.float64, subject.build())
    levels = get_args(Invariance)
    for level in reversed(levels[levels.index(subject.spec.invariance) + 1 :]):
        if all(
            same(term(_moved(estimate, order), target), term(estimate, target))
            for estimate, target in ((random_frames(T, 1), random_frames(T, 2)) for T in LENGTHS)
            for order in _orders(estimate.T, level)
        ):
            return cast(Invariance, level)
    return None


def _moved(estimate: Frames, order: Mapping[int, int]) -> Frames:
    return FrameSet(estimate.T, {i: estimate[order[i]] for i in estimate}, estimate.blurry)


def _check_value(
    subject: Subject[LossSpec], term: LossTerm, estimate: Frames, target: Frames
) -> None:
    before = [changed(s, torch.clone) for s in (estimate, target)]
    try:
        value = term(estimate, target)
    except Exception as error:
        raise subject.failure(
            f"it fails on frames {list(estimate)} of {estimate.T}: {type(error).__name__}: {error}",
            "see that error; a term takes any frames of a sequence, with the middle or without; it "
            "raises deblurkit.errors.FrameError where it has no use for those it is given",
        ) from error
    subject.require(
        isinstance(value, Tensor) and value.ndim == 0 and value.is_floating_point(),
        f"it returns {tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__}",
        "return a scalar tensor: the mean over batch, channels and pixels",
    )
    subject.require(
        bool(value.isfinite()), f"its value is {value}", "keep it finite for images in [0, 1]"
    )
    for now, then in zip((estimate, target), before, strict=True):
        subject.require(
            all(torch.equal(now[i], then[i]) for i in then),
            "it changes the images it is given",
            "use no in-place operations on them",
        )
    subject.require(
        torch.equal(term(estimate, target), value),
        "a second call with the same images gives another value",
        "a term is a pure function of its images; draw random numbers when it is built",
    )


def _check_stages(
    subject: Subject[LossSpec], term: LossTerm, estimate: Frames, target: Frames
) -> None:
    """A stage may hold the middle alone or one pair; a term without use for them says so."""
    for frames in ((middle(estimate.T),), *pairs(estimate.T)):
        try:
            value = term(estimate.only(frames), target.only(frames))
        except FrameError:
            continue
        except Exception as error:
            raise subject.failure(
                f"on frames {list(frames)} of {estimate.T} alone it raises "
                f"{type(error).__name__}: {error}",
                "where a term has no use for the frames of a stage, raise deblurkit.errors."
                "FrameError and say which frames it takes",
            ) from error
        subject.require(
            value.ndim == 0 and bool(value.isfinite()),
            f"on frames {list(frames)} of {estimate.T} alone it gives {value}",
            "return a finite scalar, or raise FrameError and say which frames it takes",
        )


def _orders(T: int, level: Invariance) -> Iterator[dict[int, int]]:
    """Changes that a declared invariance allows: frame -> the frame whose estimate it gets."""
    same = {i: i for i in indices(T)}
    swaps = [{i: j, j: i} for i, j in pairs(T)]
    if level != "none":
        yield same | {i: j for swap in swaps for i, j in swap.items()}
    if level in ("pair-swap", "permutation"):
        yield from (same | swap for swap in swaps)
    if level == "permutation":
        others = [i for i in indices(T) if i != middle(T)]
        for k in range(1, 4):
            shuffled = torch.randperm(len(others), generator=torch.Generator().manual_seed(k))
            yield same | {i: others[n] for i, n in zip(others, shuffled.tolist(), strict=True)}


def _check_invariance(
    subject: Subject[LossSpec], term: LossTerm, estimate: Frames, target: Frames
) -> None:
    value = term(estimate, target)
    for order in _orders(estimate.T, subject.spec.invariance):
        other = term(_moved(estimate, order), target)
        subject.require(
            same(other, value),
            f"it declares invariance '{subject.spec.invariance}', but with the estimates of "
            f"{estimate.T} frames in the order {list(order.values())} its value is "
            f"{other:.6g} instead of {value:.6g}",
            "declare what holds (none, reversal, pair-swap, permutation), or mend the formula",
        )


def _check_batch(
    subject: Subject[LossSpec], term: LossTerm, estimate: Frames, target: Frames
) -> None:
    def sample(n: int) -> Tensor:
        return term(*(changed(s, lambda image: image[n : n + 1]) for s in (estimate, target)))

    mean = (sample(0) + sample(1)) / 2
    both = term(estimate, target)
    subject.require(
        same(both, mean, 1e-6),
        f"its value on a batch of two is {both:.6g}, the mean of its values on each {mean:.6g}",
        "average over the batch, channels and pixels, and let no sample touch another",
    )


def _check_size(
    subject: Subject[LossSpec], term: LossTerm, estimate: Frames, target: Frames
) -> None:
    """Four times the picture is no other error, but for what happens at the seams."""
    if subject.spec.trains_itself:  # what a critic says of a larger image is its own affair
        return
    value = float(term(estimate, target).detach())
    larger = [changed(s, lambda image: image.tile(1, 1, 2, 2)) for s in (estimate, target)]
    other = float(term(larger[0], larger[1]).detach())
    subject.require(
        abs(value) < 1e-9 or 0.4 < other / value < 2.5,
        f"its value is {value:.6g}, and {other:.6g} for the same images beside each other four "
        "times",
        "take the mean over batch, channels and pixels: weights then mean the same at every size "
        "of crop",
    )


def _check_layout(
    subject: Subject[LossSpec], term: LossTerm, estimate: Frames, target: Frames
) -> None:
    value = term(estimate, target)
    layouts: Mapping[str, Callable[[Tensor], Tensor]] = {
        "channels-last": lambda image: image.to(memory_format=torch.channels_last),
        "cut out of larger": lambda image: nn.functional.pad(image, (2, 3, 1, 2))[..., 1:-2, 2:-3],
    }
    for name, change in layouts.items():
        try:
            other = term(changed(estimate, change), changed(target, change))
        except RuntimeError as error:
            raise subject.failure(
                f"it fails on {name} images: {error}", "use reshape in the place of view"
            ) from error
        subject.require(
            same(other, value, 1e-6),
            f"on {name} images its value is {other:.6g} instead of {value:.6g}",
            "do not depend on the memory layout",
        )


def _check_precision(
    subject: Subject[LossSpec], term: LossTerm, estimate: Frames, target: Frames
) -> None:
    exact = term(estimate, target)
    single = in_precision(torch.float32, term)
    for dtype, tolerance in ((torch.float32, 1e-3), (torch.bfloat16, 0.1)):
        inputs = [changed(s, lambda image, d=dtype: image.to(d)) for s in (estimate, target)]  # type: ignore[misc]
        try:
            value = single(*inputs)
        except RuntimeError as error:
            raise subject.failure(
                f"it fails on {dtype} images: {error}",
                "bring images to float32 first (deblurkit.norms.widened)",
            ) from error
        subject.require(
            value.dtype in (torch.float32, torch.float64),
            f"on {dtype} images its value is {value.dtype}",
            "compute in float32 or wider (deblurkit.norms.widened): sums over an image lose "
            "most of their digits in half precision",
        )
        subject.require(
            same(value, exact, tolerance),
            f"on {dtype} images its value is {value:.6g}, on float64 ones {exact:.6g}",
            "compute in float32 or wider, and scale differences before squaring very small ones",
        )
    in_precision(torch.float64, term)
