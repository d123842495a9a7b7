"""The paper's networks beside a multi-scale one: seconds and memory for one image.

    python benchmarks/multi_scale.py [--sizes 320 480 720] [--device cpu] [--precision fp32]

Random weights: what a network has learnt does not change how long it takes. The paper's Table 3
stands beside the numbers as a reminder; it was measured on a Titan X, and only ratios within
one column can be compared with ratios here. The multi-scale network is that of Nah, Kim and
Lee, "Deep Multi-scale Convolutional Neural Network for Dynamic Scene Deblurring", CVPR 2017, of
the distribution deblurkit-backbones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from deblurkit.engine.cost import count_parameters
from deblurkit.engine.device import choose_precision
from deblurkit.engine.inference_cost import Inference, measure_inference, measured_on
from deblurkit.frames import BLURRY, middle
from deblurkit.graph import FrameGraph, NetworkRequest, Node, needed
from deblurkit.inference.device import choose_device
from deblurkit.registry import Registry, get_registry
from deblurkit.specs import ArchitectureSpec

# The distribution need not be installed for what is measured here.
sys.path.insert(
    0, str(Path(__file__).resolve().parents[1] / "plugins" / "deblurkit-backbones" / "src")
)
from deblurkit_backbones.multi_scale import MultiScale

WIDTHS = {320: 568, 480: 854, 720: 1280}
"""Height -> width of 320p, 480p and 720p at 16:9, pixels."""


@dataclass(frozen=True)
class Contender:
    """A line of the table.

    Attributes:
        name: What is measured.
        frames: The frames wanted; None for all.
        published: Height -> seconds in the paper's Table 3.
        parameters: Millions, as the paper's Table 3 says it.
    """

    name: str
    frames: tuple[int, ...] | None
    published: Mapping[int, float]
    parameters: int

    def __hash__(self) -> int:
        return hash(self.name)


MULTI_SCALE = Contender("multi-scale", None, {320: 2.43, 480: 3.52, 720: 4.80}, 12)
MIDDLE = Contender("middle frame", (middle(7),), {320: 0.24, 480: 0.30, 720: 0.45}, 5)
ALL = Contender("all 7 frames", None, {320: 0.61, 480: 0.74, 720: 1.10}, 17)


def multi_scale() -> FrameGraph:
    """The multi-scale network as a frame graph of one frame."""
    return FrameGraph(
        1,
        [Node(1, "multi-scale", (BLURRY,), BLURRY, "middle")],
        {"multi-scale": MultiScale(inputs=1)},
    )


def paper_networks(registry: Registry, factor: int | None = None) -> FrameGraph:
    """The paper's networks at full width, T = 7, shared within pairs.

    Args:
        registry: Where family and architecture come from.
        factor: Resampling factor of the middle network; the paper's 4 by default.
    """
    origin = registry.resolve("architecture", "resampling-cnn")
    assert isinstance(origin.spec, ArchitectureSpec)
    roles, params = origin.spec.roles, origin.spec.params

    def make(request: NetworkRequest) -> nn.Module:
        said = dict(roles[request.role])
        if factor is not None and request.role == "middle":
            said["factor"] = factor
        network: nn.Module = origin.build(inputs=request.inputs, **params(**said).model_dump())
        return network

    family = registry.resolve("family", "sequential").build(share="pair")
    return FrameGraph.build(7, family.graph(7), make)


def contenders(registry: Registry, baseline: bool = True) -> dict[Contender, FrameGraph]:
    """All contenders with their networks; `middle frame` and `all 7 frames` have the same."""
    ours = paper_networks(registry)
    found = {MIDDLE: ours, ALL: ours}
    return {MULTI_SCALE: multi_scale(), **found} if baseline else found


@dataclass(frozen=True)
class Size:
    """What can be counted instead of measured.

    Attributes:
        parameters: Of the networks that the contender uses; a shared one once.
        flop: Floating-point operations of its convolutions for one image of 320p.
    """

    parameters: int
    flop: int


def sizes_of(registry: Registry) -> dict[Contender, Size]:
    """Parameters and operations, counted on torch's meta device: takes no memory and no time."""
    found = {}
    with torch.device("meta"), torch.no_grad():
        for contender, graph in contenders(registry).items():
            wanted = contender.frames or tuple(range(1, graph.T + 1))
            used = {node.network for node in needed(graph.nodes, wanted)}
            with FlopCounterMode(display=False) as counter:
                graph(torch.empty(1, 3, 320, WIDTHS[320]), None, wanted)
            parameters = sum(count_parameters(graph.networks[name]) for name in used)
            found[contender] = Size(parameters, int(counter.get_total_flops()))
    return found


def measure(
    registry: Registry,
    *,
    height: int,
    device: str,
    precision: str,
    rounds: int = 3,
    baseline: bool = True,
) -> dict[Contender, list[Inference]]:
    """Measure the contenders on an image of a size, in turns: a slow moment hits all of them.

    Returns:
        Contender -> a measurement for each round.
    """
    graphs = contenders(registry, baseline)
    found: dict[Contender, list[Inference]] = {contender: [] for contender in graphs}
    for _ in range(rounds):
        for contender, graph in graphs.items():
            found[contender].append(
                measure_inference(
                    graph,
                    device=device,
                    precision=precision,
                    height=height,
                    width=WIDTHS[height],
                    frames=contender.frames,
                )
            )
    return found


@dataclass(frozen=True)
class Ratio:
    """How many times as long one takes as another: the median of all rounds, and their range."""

    value: float
    low: float
    high: float


def ratio(slow: Sequence[Inference], fast: Sequence[Inference]) -> Ratio:
    """Compare round with round."""
    ratios = [one.seconds / other.seconds for one, other in zip(slow, fast, strict=True)]
    return Ratio(median(ratios), min(ratios), max(ratios))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--sizes", type=int, nargs="+", choices=sorted(WIDTHS), default=[320], metavar="HEIGHT",
        help="320, 480, 720 (default 320)",
    )  # fmt: skip
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--precision", choices=["auto", "fp32", "bf16", "fp16"], default="auto")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-baseline", action="store_true", help="not the multi-scale network")
    said = parser.parse_args()
    torch.set_num_threads(said.threads)
    device = choose_device(said.device)
    precision = choose_precision(said.precision, device)
    console, registry = Console(), get_registry()
    console.print(f"on {measured_on(device, precision)}", highlight=False)
    sizes = sizes_of(registry)
    for height in said.sizes:
        with console.status(f"measuring at {height}p"):
            found = measure(
                registry, height=height, device=device, precision=precision,
                rounds=max(1, said.rounds), baseline=not said.no_baseline,
            )  # fmt: skip
        console.print(table_of(height, found, sizes))


def table_of(
    height: int, found: Mapping[Contender, Sequence[Inference]], sizes: Mapping[Contender, Size]
) -> Table:
    """One size's table; what the paper published stands at the right."""
    width = WIDTHS[height]
    table = Table(title=f"{height}p, {width}×{height} pixels", title_justify="left")
    heads = ("parameters", "TFLOP", "seconds", "MB", "times as fast", "paper", "seconds", "as fast")
    table.add_column("")
    for head in heads:
        table.add_column(head, justify="right")
    for contender, rounds in found.items():
        size, published = sizes[contender], contender.published
        ours = theirs = ""
        if MULTI_SCALE in found and contender != MULTI_SCALE:
            faster = ratio(found[MULTI_SCALE], rounds)
            ours = f"{faster.value:.1f} ({faster.low:.1f}–{faster.high:.1f})"
            theirs = f"{MULTI_SCALE.published[height] / published[height]:.1f}"
        memory = rounds[0].memory
        table.add_row(
            contender.name,
            f"{size.parameters:,}",
            f"{size.flop * width * height / (320 * WIDTHS[320]) / 1e12:.2f}",
            f"{median(one.seconds for one in rounds):.3f}",
            "" if memory is None else f"{memory / 1e6:.0f}",
            ours,
            f"{contender.parameters} M",
            f"{published[height]:.2f}",
            theirs,
        )
    return table


if __name__ == "__main__":
    main()
