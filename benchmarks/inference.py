"""Seconds for one photograph with the paper's networks, beside a plain implementation of them.

    python benchmarks/inference.py [--sizes 320 480 720] [--precisions fp32 bf16] [--threads 2]

A table like the paper's Table 3, measured here: the middle frame and all seven, by the plain
implementation of `plain_networks.py` and by deblurkit, in turns, so that a slow moment hits all.
*Floor*: the operations of the networks at the rate of their own largest convolution, 3×3 at 144
channels, measured in the same precision in the same turn; its share says how much of the time is
spent in anything else. Weights are random: what a network has learnt does not change its time.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch
from multi_scale import WIDTHS, paper_networks
from plain_networks import plain_sequence
from rich.console import Console
from rich.table import Table
from torch import Tensor

from deblurkit.engine.cost import count_parameters
from deblurkit.engine.inference_cost import measured_on
from deblurkit.frames import middle
from deblurkit.graph import FrameGraph, needed
from deblurkit.inference.allocation import peak_allocation
from deblurkit.inference.predict import predict, rehearse
from deblurkit.inference.rows import Whole
from deblurkit.inference.workspace import Workspace
from deblurkit.registry import get_registry

KINDS = {"fp32": torch.float32, "bf16": torch.bfloat16}
PUBLISHED = {
    "middle": {320: 0.24, 480: 0.30, 720: 0.45},
    "all 7": {320: 0.61, 480: 0.74, 720: 1.10},
}
"""Seconds in the paper's Table 3, on a Titan X."""

ROOM = 1 << 36
"""Bytes for maps: no file is used."""


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    frames: str
    how: str
    parameters: int
    seconds: Sequence[float]
    memory: int | None
    rates: Sequence[float]
    operations: int
    near: str


def networks() -> FrameGraph:
    """The paper's networks with random weights that are not at rest."""
    torch.manual_seed(0)
    graph = paper_networks(get_registry()).eval()
    with torch.no_grad():
        for parameter in graph.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.002)
    return graph


def image(height: int) -> Tensor:
    """A smooth random image, 1×3×H×W in [0, 1]."""
    torch.manual_seed(1)
    width = WIDTHS[height]
    coarse = torch.rand(1, 3, height // 8, width // 8)
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


def rate(kind: torch.dtype, height: int = 180, width: int = 320, channels: int = 144) -> float:
    """Operations a second of a 3×3 convolution, channels last: the best of several."""
    x = torch.rand(1, channels, height, width).to(kind, memory_format=torch.channels_last)
    weight = torch.rand(channels, channels, 3, 3).to(kind, memory_format=torch.channels_last)
    best = float("inf")
    with torch.inference_mode():
        for _ in range(8):
            began = time.perf_counter()
            torch.nn.functional.conv2d(x, weight, padding=1)
            best = min(best, time.perf_counter() - began)
    return 2 * weight.numel() * height * width / best


def lines(height: int, precisions: Sequence[str], rounds: int) -> list[Line]:
    """Measure one size, in turns."""
    graph, y = networks(), image(height)
    found = []
    for name, frames in (("middle", (middle(7),)), ("all 7", tuple(range(1, 8)))):
        ways: dict[str, Callable[[], dict[int, Tensor]]] = {
            "plain": lambda frames=frames: plain_sequence(graph, y, frames)
        }
        for precision in precisions:
            ways[precision] = lambda frames=frames, kind=KINDS[precision]: _ours(
                graph, y, frames, kind
            )
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        results: dict[str, dict[int, Tensor]] = {}
        memory = {}
        rates: dict[str, list[float]] = {way: [] for way in ways}
        with torch.inference_mode():
            for way, work in ways.items():  # a warm-up, too
                memory[way] = peak_allocation(partial(_into, results, way, work), "cpu")
            for _ in range(rounds):
                for way, work in ways.items():
                    rates[way].append(rate(KINDS.get(way, torch.float32)))
                    began = time.perf_counter()
                    work()
                    seconds[way].append(time.perf_counter() - began)
        used = {node.network for node in needed(graph.nodes, frames)}
        parameters = sum(count_parameters(graph.networks[n]) for n in used)
        rehearsal = rehearse(graph, Whole(y), ROOM, frames=frames)
        assert rehearsal is not None
        for way in ways:
            near = "" if way == "plain" else _near(results["plain"], results[way])
            found.append(
                Line(
                    name,
                    way,
                    parameters,
                    seconds[way],
                    memory[way],
                    rates[way],
                    rehearsal.operations,
                    near,
                )
            )
    return found


def _into(
    results: dict[str, dict[int, Tensor]], way: str, work: Callable[[], dict[int, Tensor]]
) -> None:
    results[way] = work()


def _ours(
    graph: FrameGraph, y: Tensor, frames: tuple[int, ...], kind: torch.dtype
) -> dict[int, Tensor]:
    y = y.contiguous(memory_format=torch.channels_last)
    found = predict(graph, Whole(y), workspace=Workspace(ROOM, kind=kind), frames=frames)
    return {i: rows.rows(0, rows.height) for i, rows in found.items()}


def _near(exact: dict[int, Tensor], found: dict[int, Tensor]) -> str:
    """How near to the plain implementation: the largest difference, or PSNR where that is more."""
    worst = max(float((exact[i] - found[i]).abs().max()) for i in exact)
    if worst < 1e-3:
        return f"{worst:.0e}"
    squares = torch.stack([(exact[i] - found[i]).square().mean() for i in exact])
    return f"{-10 * float(squares.mean().log10()):.1f} dB"


def table_of(height: int, found: Sequence[Line]) -> Table:
    """One size's table; what the paper published stands at the right."""
    table = Table(title=f"{height}p, {WIDTHS[height]}×{height} pixels", title_justify="left")
    table.add_column("")
    for head in (
        "parameters",
        "TFLOP",
        "s",
        "MB",
        "times as fast",
        "memory",
        "of floor",
        "differs",
    ):
        table.add_column(head, justify="right")
    table.add_column("paper, s", justify="right")
    for line in found:
        plain = next(x for x in found if x.frames == line.frames and x.how == "plain")
        ratios = [a / b for a, b in zip(plain.seconds, line.seconds, strict=True)]
        taken = median(line.seconds)
        floors = [line.operations / r for r in line.rates]
        shares = [floor / s for floor, s in zip(floors, line.seconds, strict=True)]
        table.add_row(
            f"{line.frames}, {line.how}",
            f"{line.parameters / 1e6:.2f} M",
            f"{line.operations / 1e12:.2f}",
            f"{taken:.2f}",
            "" if line.memory is None else f"{line.memory / 1e6:.0f}",
            f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})",
            f"{line.memory / plain.memory:.2f}" if line.memory and plain.memory else "",
            f"{median(shares):.0%}",
            line.near,
            f"{PUBLISHED[line.frames][height]:.2f}",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", choices=sorted(WIDTHS), default=[320])
    parser.add_argument("--precisions", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    said = parser.parse_args()
    torch.set_num_threads(said.threads)
    console = Console(width=120)
    console.print(f"on {measured_on('cpu', ' and '.join(said.precisions))}", highlight=False)
    for height in said.sizes:
        with console.status(f"measuring at {height}p"):
            found = lines(height, said.precisions, max(1, said.rounds))
        console.print(table_of(height, found))
        for name in sorted({"fp32", *said.precisions}):
            way = "plain" if name == "fp32" else name
            speeds = [r for line in found if line.how in (way, name) for r in line.rates]
            console.print(
                f"a 3×3 convolution of 144 channels, {name}: {median(speeds) / 1e9:.0f} GFLOP/s "
                f"({min(speeds) / 1e9:.0f}–{max(speeds) / 1e9:.0f})",
                highlight=False,
            )


if __name__ == "__main__":
    main()
