"""What work allocates at its peak, by the library's own record."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch.autograd.profiler import profile
from torch.profiler import DeviceType, kineto_available


def peak_allocation(work: Callable[[], None], device: str) -> int | None:
    """Do the work; the most bytes that it held at a time above what was held before.

    On the CPU the running sum of the profiler's record, on a GPU torch's own count.

    Args:
        work: What is done: once on the CPU, twice on a GPU.
        device: cpu or cuda.

    Returns:
        Bytes; None where they cannot be measured.
    """
    if device == "cuda":
        work()  # the first call also allocates what stays, such as the libraries' workspaces
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        work()
        return torch.cuda.max_memory_allocated() - before
    if not kineto_available():
        work()
        return None
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # else it writes lines to the terminal
    with profile(use_kineto=True, profile_memory=True) as record:
        work()
    held = peak = 0
    events = record.kineto_results.events() if record.kineto_results else []
    for event in sorted(events, key=lambda e: e.start_ns()):
        if event.name() == "[memory]" and event.device_type() == DeviceType.CPU:
            held += event.nbytes()
            peak = max(peak, held)
    return peak or None
