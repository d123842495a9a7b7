"""The conformance suite of architectures."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from deblurkit.inference.in_strips import InStrips
from deblurkit.inference.rows import Whole
from deblurkit.inference.workspace import Workspace
from deblurkit.specs import ArchitectureSpec
from deblurkit.testing.subject import Component, Subject

SIZES = ((17, 23), (64, 48), (33, 40))
"""Heights and widths: odd, with no common factor, and even."""


def check_architecture(
    component: Component, /, *, batch_touches: bool = False, **params: Any
) -> None:
    """Check that an architecture keeps its contract (`ArchitectureSpec`).

    For each of its roles, with 1 to 3 images of several sizes: the output has the base's
    shape; inputs are left alone; base and every image matter; every parameter gets a gradient;
    samples of a batch do not touch each other; the same seed gives the same network; state
    dict, pickling and bf16 autocast work; `in_strips`, where it has that, gives what `forward`
    gives, with memory for its maps and without; with a parameter `zero_init` that is on, a new
    network is the identity on its base.

    Args:
        component: An `ArchitectureSpec`, or a registered component with one.
        batch_touches: In training, samples of a batch may touch each other (batch norm).
        **params: Parameters by name, over those of each role; make them small.

    Raises:
        AssertionError: what is wrong and how to mend it.
    """
    subject = Subject(component, ArchitectureSpec, params)
    settings: list[Mapping[str, Any]] = []
    for role in subject.spec.roles.values() or ({},):
        values = subject.validated({**role, **params})
        if values in settings:
            continue
        first, settings = not settings, [*settings, values]
        for inputs in (1, 2, 3) if first else (2,):
            network = _build(subject, inputs, values)
            _check_seed(subject, network, inputs, values)
            for size in SIZES if first and inputs == 2 else SIZES[:1]:
                _check_output(subject, network, *_images(inputs, size))
            if values.get("zero_init"):
                _check_identity(subject, network, *_images(inputs, SIZES[0]))
            _wake(network)
            _check_dependence(subject, network, *_images(inputs, SIZES[0]))
            _check_copies(subject, network, inputs, values)
            _check_batch(subject, network, inputs, batch_touches)
            _check_half(subject, network, *_images(inputs, SIZES[0]))
            for size in SIZES if first and inputs == 2 else SIZES[:1]:
                _check_in_strips(subject, network, *_images(inputs, size, batch=1))


def _images(inputs: int, size: tuple[int, int], batch: int = 2) -> tuple[list[Tensor], Tensor]:
    generator = torch.Generator().manual_seed(inputs)
    images = [torch.rand(batch, 3, *size, generator=generator) for _ in range(inputs)]
    return images, torch.rand(batch, 3, *size, generator=generator)


def _build(
    subject: Subject[ArchitectureSpec], inputs: int, values: Mapping[str, Any], seed: int = 0
) -> nn.Module:
    torch.manual_seed(seed)
    network = subject.build(inputs=inputs, **values)
    subject.require(
        isinstance(network, nn.Module),
        f"it builds a {type(network).__name__}",
        "build(inputs=n, ...) must give a torch.nn.Module",
    )
    return cast(nn.Module, network)


def _wake(network: nn.Module) -> None:
    """Move all parameters a little: layers that start at zero would hide what is behind them."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in network.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.add_(0.05 * noise.to(parameter))


def _check_output(
    subject: Subject[ArchitectureSpec], network: nn.Module, images: list[Tensor], base: Tensor
) -> None:
    before = [image.clone() for image in (*images, base)]
    try:
        output = network(tuple(images), base)
    except Exception as error:
        raise subject.failure(
            f"it fails on {len(images)} images of {tuple(base.shape)}: "
            f"{type(error).__name__}: {error}",
            "a network is called as network(images, base) with images of any height and width: "
            "pad inside and cut off what was added",
        ) from error
    subject.require(
        isinstance(output, Tensor) and output.shape == base.shape,
        f"for images of {tuple(base.shape)} it returns "
        f"{tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__}",
        "return one image of the base's shape",
    )
    subject.require(bool(output.isfinite().all()), "its output is not finite", "see its layers")
    subject.require(
        all(map(torch.equal, (*images, base), before)),
        "it changes the images it is given",
        "use no in-place operations on them: other networks see the same images",
    )


def _check_identity(
    subject: Subject[ArchitectureSpec], network: nn.Module, images: list[Tensor], base: Tensor
) -> None:
    for one in (base, *images):
        subject.require(
            torch.allclose(network(images, one), one, atol=1e-6),
            "with zero_init a new network does not give its base back",
            "start the last layer of every path to the output at zero and add the base to it",
        )


def _check_dependence(
    subject: Subject[ArchitectureSpec], network: nn.Module, images: list[Tensor], base: Tensor
) -> None:
    network.train()
    images = [image.clone().requires_grad_() for image in images]
    base = base.clone().requires_grad_()
    network.zero_grad()
    output = network(images, base)
    (output * torch.linspace(-1, 1, output.numel()).view_as(output)).sum().backward()
    subject.require(
        base.grad is not None and bool(base.grad.any()),
        "its output does not depend on the base",
        "return base plus a residual",
    )
    unused = [k for k, image in enumerate(images) if image.grad is None or not image.grad.any()]
    subject.require(
        not unused,
        f"its output does not depend on image {unused} of {len(images)}, counted from 0",
        "use all images, and let gradients reach them: networks may be trained together",
    )
    dead = [
        name
        for name, p in network.named_parameters()
        if p.requires_grad and (p.grad is None or not p.grad.any())
    ]
    subject.require(
        not dead,
        f"no gradient reaches {', '.join(dead[:5])}",
        "drop parameters without use, or freeze them with requires_grad_(False)",
    )
    network.zero_grad()


def _check_seed(
    subject: Subject[ArchitectureSpec], network: nn.Module, inputs: int, values: Mapping[str, Any]
) -> None:
    again = _build(subject, inputs, values)
    ours, others = network.state_dict(), again.state_dict()
    subject.require(
        ours.keys() == others.keys() and all(torch.equal(ours[k], others[k]) for k in ours),
        "two networks built after the same torch.manual_seed differ",
        "draw first weights from torch's generator and nothing else",
    )


def _check_copies(
    subject: Subject[ArchitectureSpec], network: nn.Module, inputs: int, values: Mapping[str, Any]
) -> None:
    images, base = _images(inputs, SIZES[0])
    network.eval()
    with torch.no_grad():
        output = network(images, base)
        subject.require(
            torch.equal(network(images, base), output),
            "in evaluation mode a second call gives another output",
            "draw no random numbers in evaluation mode",
        )
        copy = subject.pickled(network, "networks go to other processes")
        subject.require(
            torch.equal(copy(images, base), output),
            "after pickling its output is another",
            "keep all of its state in parameters, buffers and plain attributes",
        )
        other = _build(subject, inputs, values, seed=1).eval()
        other.load_state_dict(network.state_dict())
        subject.require(
            torch.equal(other(images, base), output),
            "after loading its state dict another copy gives another output",
            "register what decides the output as parameters or buffers",
        )


def _check_batch(
    subject: Subject[ArchitectureSpec], network: nn.Module, inputs: int, batch_touches: bool
) -> None:
    images, base = _images(inputs, SIZES[0])
    for training in (False, True):
        if training and batch_touches:
            continue
        network.train(training)
        torch.manual_seed(0)
        with torch.no_grad():
            both = network(images, base)
            torch.manual_seed(0)
            one = network([image[:1] for image in images], base[:1])
        subject.require(
            torch.allclose(both[:1], one, rtol=1e-3, atol=1e-4),
            f"in {'training' if training else 'evaluation'} mode a sample's output depends on "
            "the other samples of its batch",
            "take statistics over each image alone; for batch norm, say batch_touches=True to "
            "this suite",
        )


def _check_half(
    subject: Subject[ArchitectureSpec], network: nn.Module, images: list[Tensor], base: Tensor
) -> None:
    network.train()
    try:
        with torch.autocast("cpu", torch.bfloat16):
            output = network(images, base)
        output.float().square().mean().backward()
    except RuntimeError as error:
        raise subject.failure(
            f"it fails under bf16 autocast: {error}",
            "do not mix tensors of fixed precision with those of layers: use .to(x) or x.new_*",
        ) from error
    subject.require(
        output.shape == base.shape and bool(output.isfinite().all()),
        "under bf16 autocast its output is not finite or of another shape",
        "compute exponentials, divisions and long sums in float32",
    )


def _check_in_strips(
    subject: Subject[ArchitectureSpec], network: nn.Module, images: list[Tensor], base: Tensor
) -> None:
    if not isinstance(network, InStrips):
        return
    network.eval()
    with torch.inference_mode():
        expected = network(images, base)
        for room in (1 << 40, 0):
            rows = network.in_strips([Whole(i) for i in images], Whole(base), Workspace(room))
            subject.require(
                (rows.channels, rows.height, rows.width) == tuple(base.shape[1:]),
                f"in_strips gives {rows.channels}×{rows.height}×{rows.width} for a base of "
                f"{tuple(base.shape)}",
                "return rows of the base's size",
            )
            halves = range(0, rows.height + 1, rows.height // 2)
            parts = [rows.rows(a, b) for a, b in itertools.pairwise((*halves[:2], rows.height))]
            subject.require(
                torch.allclose(torch.cat(parts, dim=2), expected, rtol=1e-4, atol=1e-4),
                "in_strips gives other numbers than forward"
                + (" where maps have no room in memory" if room == 0 else ""),
                "see that zeros beyond the border come after norms and activations, and that "
                "moments are those of whole maps",
            )
