"""The conformance suite of orderings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deblurkit.frames import FrameSet
from deblurkit.ordering import LearnedOrdering, Ordering, backwards
from deblurkit.specs import OrderingSpec
from deblurkit.testing.loss_images import Frames, changed, random_frames, same
from deblurkit.testing.subject import Component, Subject

LENGTHS = (3, 5, 7)
SHAPES = ((3, 3, 40, 40), (3, 3, 41, 56))


def check_ordering(component: Component, /, **params: object) -> None:
    """Check that an ordering keeps its contract (`deblurkit.ordering`, `OrderingSpec`).

    On random clips of 3, 5 and 7 frames (3×3×40×40 and 41×56): finite B×P scores, the same for
    the same clips, each clip's own whatever is beside it, another for the clip backwards,
    images left alone, and the same after pickling and loading its state. One that learns has
    parameters, all of which its own loss reaches, and some steps of Adam on a batch make that
    loss smaller; one that does not has nothing to train.

    Args:
        component: An `OrderingSpec`, or a registered component with one.
        **params: The ordering's parameters by name; the rest take their defaults.

    Raises:
        AssertionError: what is wrong and how to mend it.
    """
    subject = Subject(component, OrderingSpec, params)
    torch.manual_seed(0)
    ordering: Ordering = subject.build()
    if isinstance(ordering, nn.Module):
        ordering.eval()
    for T in LENGTHS:
        for shape in SHAPES:
            _check_scores(subject, ordering, _clips(T, shape))
    _check_copies(subject, _clips(5, SHAPES[0]))
    _check_learning(subject, ordering, _clips(5, SHAPES[0]))


def _clips(T: int, shape: tuple[int, ...]) -> Frames:
    return changed(random_frames(T, 1, shape), lambda image: image.float().clamp(0, 1))


def _check_scores(subject: Subject[OrderingSpec], ordering: Ordering, frames: Frames) -> None:
    before = changed(frames, torch.clone)
    try:
        scores = ordering(frames)
    except Exception as error:
        raise subject.failure(
            f"it fails on {frames.T} frames of {tuple(frames[1].shape)}: "
            f"{type(error).__name__}: {error}",
            "an ordering takes clips of any odd length of at least 3, and of any size",
        ) from error
    batch = len(frames[1])
    ok = isinstance(scores, Tensor) and scores.ndim == 2 and len(scores) == batch
    subject.require(
        ok and scores.shape[1] > 0 and scores.is_floating_point(),
        f"it returns {tuple(scores.shape) if isinstance(scores, Tensor) else type(scores)} "
        f"for {batch} clips",
        "return B×P floats: P scores a clip, above 0 where it runs forwards",
    )
    subject.require(bool(scores.isfinite().all()), "its scores are not finite", "keep them finite")
    subject.require(
        all(torch.equal(frames[i], before[i]) for i in before),
        "it changes the images it is given",
        "use no in-place operations on them",
    )
    subject.require(
        torch.equal(ordering(frames), scores),
        "a second call with the same clips gives other scores",
        "in eval mode, an ordering is a pure function of its clips",
    )
    alone = ordering(changed(frames, lambda image: image[:1]))
    subject.require(
        same(alone, scores[:1], 1e-4),
        "a clip's scores change with the clips beside it",
        "use no statistics over the batch",
    )
    turned = ordering(backwards(frames))
    subject.require(
        not same(turned, scores, 1e-6),
        "a clip and the clip backwards have the same scores",
        "scores must depend on the order of the frames",
    )


def _check_copies(subject: Subject[OrderingSpec], frames: Frames) -> None:
    """Seed, pickling and state dict bring the same ordering back."""
    found = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        made = subject.build()
        found.append(made.eval() if isinstance(made, nn.Module) else made)
    one, again, other = found
    scores = one(frames)
    subject.require(
        torch.equal(again(frames), scores),
        "two of it built after the same torch.manual_seed differ",
        "draw first weights from torch's generator, nothing else",
    )
    subject.require(
        torch.equal(subject.pickled(one, "it goes to other processes")(frames), scores),
        "after pickling it gives other scores",
        "keep all of its state in attributes that can be pickled",
    )
    if isinstance(one, nn.Module):
        other.load_state_dict(one.state_dict())
        subject.require(
            torch.equal(other(frames), scores),
            "after loading its state dict another copy gives other scores",
            "register what decides the scores as parameters or buffers",
        )


def _check_learning(
    subject: Subject[OrderingSpec], ordering: Ordering, frames: FrameSet[Tensor]
) -> None:
    module = ordering if isinstance(ordering, nn.Module) else None
    learns = module is not None and any(p.requires_grad for p in module.parameters())
    if not subject.spec.learns:
        subject.require(
            not learns,
            "it has parameters that learn, but declares learns=False: nobody trains them",
            "freeze them with requires_grad_(False), or declare learns=True",
        )
        return
    subject.require(
        module is not None and learns and isinstance(ordering, LearnedOrdering),
        "it declares learns=True, and is no module with an own_loss and parameters",
        "make it a torch.nn.Module with own_loss(frames), or declare learns=False",
    )
    assert module is not None
    assert isinstance(ordering, LearnedOrdering)
    module.train()
    optimizer = torch.optim.Adam(module.parameters(), 1e-3)
    losses = []
    for _ in range(20):
        value = ordering.own_loss(frames)
        subject.require(
            value.ndim == 0 and bool(value.isfinite()) and value.requires_grad,
            f"own_loss gives {value}",
            "return a finite scalar that depends on its parameters",
        )
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        subject.require(
            all(p.grad is not None for p in module.parameters() if p.requires_grad),
            "own_loss does not reach all of its parameters",
            "drop parameters without use, or freeze them",
        )
        losses.append(float(value.detach()))
        optimizer.step()
    subject.require(
        losses[0] == 0 or min(losses) < losses[0],
        f"20 steps of Adam on one batch did not make own_loss smaller than {losses[0]:.4g}",
        "check its sign, and that no gradient is cut",
    )
