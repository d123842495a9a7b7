"""How long the networks take for one image, and how much memory they need for it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from deblurkit.engine.environment import processor
from deblurkit.graph import FrameGraph
from deblurkit.inference.allocation import peak_allocation

HEIGHT, WIDTH = 320, 568
"""320p at 16:9, the smallest size of the paper's Table 3."""

_PASSES, _SECONDS = 5, 5.0
"""At most so many passes, and no further one that would take the sum beyond so many seconds."""


@dataclass(frozen=True)
class Inference:
    """What one image costs.

    Attributes:
        seconds: Median of several passes after a warm-up.
        memory: Peak of what the passes allocate, bytes; None where it could not be measured.
        measured_on: Processor or GPU, threads, precision, version of torch.
    """

    seconds: float
    memory: int | None
    measured_on: str


def measured_on(device: str, precision: str) -> str:
    """What a measurement here is made on, for people."""
    if device == "cuda":
        where = torch.cuda.get_device_name()
    else:
        threads = torch.get_num_threads()
        where = f"{processor()}, {threads} thread{'s' if threads > 1 else ''}"
    return f"{where}, {precision}, torch {torch.__version__}"


def measure_inference(
    graph: FrameGraph,
    *,
    device: str,
    precision: str,
    height: int = HEIGHT,
    width: int = WIDTH,
    frames: Iterable[int] | None = None,
) -> Inference:
    """Time the networks on one image, given only y, and find the peak of their memory.

    Seconds: the median of passes after a warm-up, as many as fit into 5 s, at least one and
    at most five. The image is in memory and stays there: nothing is read or written.

    Memory: images and features at their peak, the estimates included, weights and y not; the
    bytes that torch's allocator hands out, on a GPU `torch.cuda.max_memory_allocated`, on the
    CPU the running sum of the profiler's record, which has oneDNN's temporaries in it. The
    same networks give the same number every time. The process's resident memory does not:
    in fresh processes it rises by 170 to 560 MB for a pass that allocates 92 MB, as the C
    library keeps freed blocks for later; where it is made to give them back at once, it rises
    by what is counted here (143.6 of 143.6 MB in fp32).

    Random state, mode, device and weights of the networks are as before, afterwards.

    Args:
        graph: The networks; moved to the device, where they stay.
        device: cpu or cuda.
        precision: fp32, bf16 or fp16.
        height: Of the image, pixels.
        width: Of the image, pixels.
        frames: The frames wanted, 1-based; all T by default.

    Raises:
        RuntimeError: there is not enough memory.
        FrameError: a wanted frame cannot be predicted from y.
    """
    wanted = None if frames is None else tuple(frames)
    y = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)).to(device)
    kind = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision)

    def one_pass() -> None:
        with torch.autocast(device, dtype=kind, enabled=kind is not None):
            graph(y, None, wanted)
        if device == "cuda":
            torch.cuda.synchronize()

    with _left_alone(graph, y), torch.no_grad():
        memory = peak_allocation(one_pass, device)  # a warm-up, too
        times: list[float] = []
        while not times or (len(times) < _PASSES and sum(times) + median(times) <= _SECONDS):
            began = time.perf_counter()
            one_pass()
            times.append(time.perf_counter() - began)
    return Inference(median(times), memory, measured_on(device, precision))


@contextmanager
def _left_alone(graph: FrameGraph, y: Tensor) -> Iterator[None]:
    """The networks on y's device in evaluation mode; mode and random state are restored."""
    modes = [(module, module.training) for module in graph.modules()]
    devices = [y.device] if y.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        graph.to(y.device).eval()
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training
