"""Memory for strips."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Scratch:
    """Memory for strips, used again and again: fresh memory costs the system time."""

    def __init__(self) -> None:
        self._free: list[Tensor] = []

    @contextmanager
    def borrow(self, channels: int, rows: int, width: int, kind: torch.dtype) -> Iterator[Tensor]:
        """1×channels×rows×width of any values, channels last, until the end of the block."""
        size = channels * rows * width * kind.itemsize
        memory = self._taken(size)
        pixels = memory[:size].view(kind).view(1, rows, width, channels)
        try:
            yield pixels.permute(0, 3, 1, 2)
        finally:
            self._free.append(memory)

    def release(self) -> None:
        """Give the memory back to the system."""
        self._free.clear()

    def _taken(self, size: int) -> Tensor:
        """The smallest that suffices; where none does, the largest gives way to a larger one."""
        self._free.sort(key=Tensor.numel)
        for i, memory in enumerate(self._free):
            if memory.numel() >= size:
                return self._free.pop(i)
        if self._free:
            self._free.pop()
        return torch.empty(size, dtype=torch.uint8)
