"""Small sums on one thread: several processes render at once, and more threads only wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it torch computes on one thread; afterwards on as many as before.

    Each step of the rendering takes some microseconds. Shared between threads it gains nothing,
    and where there are more threads than processors each step waits for one that is not running.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
