"""A training step at the default scale against a plain one, measured in one run.

The plain step is what one writes first from the paper: one colour after another through the
network, `F.instance_norm`, fp32, an optimiser that goes from tensor to tensor. Same weights,
same batches, same losses. Variants change one thing at a time, so the table says what pays.

    python benchmarks/training.py [--steps 8] [--threads 2]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from deblurkit.data.recipe_clips import prepare_data
from deblurkit.data.stream import SampleStream, loader
from deblurkit.engine.plan import build_graph, make_plan
from deblurkit.frames import FrameSet
from deblurkit.graph import FrameGraph
from deblurkit.inference.device import cpu_computes_bf16
from deblurkit.recipe import Recipe, load_recipe
from deblurkit.registry import Registry, get_registry
from deblurkit_jin2018.architectures import resampling_cnn
from deblurkit_jin2018.losses.pairwise import pairwise


@dataclass(frozen=True)
class Variant:
    """One way to take a training step."""

    name: str
    per_colour: bool = False
    bf16: bool = False
    channels_last: bool = False
    plain_norm: bool = False
    fused: bool = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    said = parser.parse_args()
    torch.set_num_threads(said.threads)
    recipe, registry = load_recipe("sequential_pairwise"), get_registry()
    batch, loading = next_batch(recipe, registry)
    half = cpu_computes_bf16()
    variants = [
        Variant("plain: per colour, fp32", per_colour=True, plain_norm=True, fused=False),
        Variant("colours in one pass, fp32", plain_norm=True, fused=False),
        Variant("+ instance norm as group norm"),
        Variant("+ channels-last", channels_last=True),
    ]
    if half:
        variants += [
            Variant("group norm, bf16 (what deblurkit uses)", bf16=True),
            Variant("group norm, bf16, channels-last", bf16=True, channels_last=True),
            Variant(
                "instance norm, bf16, channels-last", bf16=True, channels_last=True, plain_norm=True
            ),
        ]  # fmt: skip
    steps = {v.name: make_step(v, recipe, registry, batch) for v in variants}
    for step in steps.values():
        step()  # the first call chooses kernels
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(said.steps):  # in turns, so that a slow moment of the machine hits all
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            times[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    flop = count_flop(make_step(variants[1], recipe, registry, batch))
    rate = {kind: convolution_rate(kind) for kind in ([torch.float32] + [torch.bfloat16] * half)}
    plain = medians[variants[0].name]
    side = recipe.data.crop
    print(
        f"core stage of {recipe.name}, batch {recipe.training.others.batch}, "
        f"{side}×{side} px, {torch.get_num_threads()} threads: "
        f"{flop / 1e9:.0f} GFLOP of convolutions a step (forward and backward)"
    )
    for kind, value in rate.items():
        print(f"a 3×3 convolution of this shape alone, {kind}: {value / 1e9:.0f} GFLOP/s")
    print(f"{'':44}{'ms/step':>8}{'ratio':>8}{'of the floor':>14}")
    for variant in variants:
        seconds = medians[variant.name]
        floor = flop / rate[torch.bfloat16 if variant.bf16 else torch.float32]
        print(f"{variant.name:44}{seconds * 1e3:8.0f}{plain / seconds:8.2f}{floor / seconds:14.0%}")
    used = medians[variants[4 if half else 2].name]
    print(f"loading a batch: {loading * 1e3:.1f} ms, {loading / used:.1%} of a step")


def next_batch(recipe: Recipe, registry: Registry) -> tuple[dict[str, Tensor], float]:
    """One batch, and the seconds that a batch takes to load."""
    data = prepare_data(recipe, registry)
    size = recipe.training.others.batch
    stream = SampleStream(
        data.train,
        crop=recipe.data.crop,
        formation=recipe.data.formation,
        augment=recipe.data.augment,
        seed=0,
        key="benchmark",
        length=20 * size,
    )
    found, times = [], []
    batches = iter(loader(stream, batch=size))
    for _ in range(20):
        began = time.perf_counter()
        found.append(next(batches))
        times.append(time.perf_counter() - began)
    return dict(found[-1]), statistics.median(times)  # type: ignore[arg-type]


def make_step(
    variant: Variant, recipe: Recipe, registry: Registry, batch: dict[str, Tensor]
) -> Callable[[], None]:
    """A function that takes one optimiser step of the core stage, true middle given."""
    plan = make_plan(recipe, registry, device="cpu", precision="fp32", data={})
    graph = build_graph(recipe, registry, plan.nodes)
    if variant.per_colour:
        graph.networks = nn.ModuleDict({k: PerColour(m) for k, m in graph.networks.items()})  # type: ignore[arg-type]
    parameters = [p for n in ("before-1", "after-1") for p in graph.networks[n].parameters()]
    optimizer = torch.optim.AdamW(parameters, 1e-4, fused=variant.fused)
    if variant.channels_last:
        graph = graph.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    y, x = batch["blurry"], batch["frames"]

    def step() -> None:
        real = resampling_cnn.InstanceNorm.forward
        if variant.plain_norm:
            resampling_cnn.InstanceNorm.forward = plain_norm  # type: ignore[method-assign]
        try:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=variant.bf16):
                out = predict(graph, y, x[:, 3], variant.channels_last)
            estimate = FrameSet(7, {i: out[i].float() for i in (3, 5)})
            target = FrameSet(7, {i: x[:, i - 1] for i in (3, 5)})
            pairwise(estimate, target).backward()
            optimizer.step()
        finally:
            resampling_cnn.InstanceNorm.forward = real  # type: ignore[method-assign]

    return step


def predict(graph: FrameGraph, y: Tensor, middle: Tensor, channels_last: bool) -> FrameSet[Tensor]:
    if channels_last:
        y, middle = (t.to(memory_format=torch.channels_last) for t in (y, middle))
    return graph(y, {4: middle}, (3, 5))


def plain_norm(self: resampling_cnn.InstanceNorm, x: Tensor) -> Tensor:
    return F.instance_norm(x, weight=self.weight.to(x.dtype), bias=self.bias.to(x.dtype))


class PerColour(nn.Module):
    """The network with one colour after another through stems, blocks and heads."""

    def __init__(self, network: resampling_cnn.ResamplingCNN) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        net, colours = self.network, []
        for c in range(3):
            alone = slice(c, c + 1)
            x = torch.cat(
                [
                    stem(F.pixel_unshuffle(image[:, alone], net.factor))
                    for stem, image in zip(net.stems, images, strict=True)
                ],
                dim=1,
            )
            fine = F.pixel_unshuffle(base[:, alone], net.factor)
            for group, head in zip(net.groups, net.heads, strict=True):
                x = group(x)
                fine = fine + head(x)
            colours.append(F.pixel_shuffle(fine, net.factor))
        colour = net.fusion_in(torch.cat(colours, dim=1))
        residual: Tensor = net.fusion_out(net.fusion_block(colour))
        return base + residual


def count_flop(step: Callable[[], None]) -> int:
    """Floating-point operations of one step's convolutions, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        step()
    return int(counter.get_total_flops())


def convolution_rate(kind: torch.dtype) -> float:
    """FLOP a second of a 3×3 convolution of the step's shape, forward and backward."""
    x = torch.randn(48, 64, 16, 16).to(kind).requires_grad_()
    weight = torch.randn(64, 64, 3, 3).to(kind).requires_grad_()
    best = float("inf")
    for _ in range(20):
        began = time.perf_counter()
        F.conv2d(x, weight, padding=1).sum().backward()
        best = min(best, time.perf_counter() - began)
    return 3 * 2 * x.numel() * 64 * 9 / best


if __name__ == "__main__":
    main()
