"""Convolutions of strips: direct ones, and of 3×3 with half the multiplications.

The four rows that a 3×3 filter makes out of six share work: six filters of one row each, of
sums of those rows, give what twelve give otherwise (Winograd's minimal filtering F(4, 3): Lavin
and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, section 4). Only rows
are treated so, columns are filtered as usual: whole rows lie in memory one after the other, so
that their sums cost little, and rounding errors are a few times those of the direct way
(measured: 2e-5 instead of 7e-6 at most, of results near 1). With dilation d, blocks of d rows
are rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurkit.inference.scratch import Scratch

TOGETHER = 4
"""Rows that are made together."""

LEAST_CHANNELS = 32
"""Read and made; with fewer, the sums cost as much as the multiplications that they spare."""

WORTH = 0.8
"""Of the multiplications of the direct way, the most with which the other is chosen."""


class Filter(ABC):
    """A convolution of stride 1 of strips, whose columns keep their number.

    Args:
        weight: K×C×k×k, k odd.
        bias: K, or None.
        dilation: Of the filter, rows and columns.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, dilation: int) -> None:
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self.bias, self.dilation = bias, dilation
        self.halo = dilation * (weight.shape[-1] // 2)

    def rows_read(self, rows: int) -> int:
        """Of a strip that gives so many rows: at least the halo more; what is beyond is unused."""
        return rows + 2 * self.halo

    @abstractmethod
    def made(self, x: Tensor, rows: int, scratch: Scratch, out: Tensor | None = None) -> Tensor:
        """Filter a strip.

        Args:
            x: 1×C×rows_read(rows)×W, channels last, finite.
            rows: Rows wanted.
            scratch: Memory for what is there meanwhile.
            out: Where it is written to, if that spares a copy; see what is returned.

        Returns:
            1×K×rows×W, channels last.
        """


class Direct(Filter):
    """The convolution of the library."""

    def made(self, x: Tensor, rows: int, scratch: Scratch, out: Tensor | None = None) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, 1, (0, self.halo), self.dilation)


class Minimal(Filter):
    """A 3×3 convolution by minimal filtering of its rows, float32."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dilation: int) -> None:
        super().__init__(weight, bias, dilation)
        out, into, _, columns = weight.shape
        first, second, third = self.weight.permute(0, 2, 3, 1).unbind(dim=1)
        memory = weight.new_empty((TOGETHER + 2, out, columns, into))
        torch.mul(first, 1 / 4, out=memory[0])
        ends = first + third
        torch.add(ends, second, out=memory[1]).mul_(-1 / 6)
        torch.sub(ends, second, out=memory[2]).mul_(-1 / 6)
        ends = torch.add(third, first, alpha=1 / 4, out=ends).mul_(1 / 6)
        torch.add(ends, second, alpha=1 / 12, out=memory[3])
        torch.sub(ends, second, alpha=1 / 12, out=memory[4])
        memory[5].copy_(third)
        self._filters = memory[:, :, None].permute(0, 1, 4, 2, 3).unbind()

    def rows_read(self, rows: int) -> int:
        return self._groups(rows) * TOGETHER * self.dilation + 2 * self.halo

    def made(self, x: Tensor, rows: int, scratch: Scratch, out: Tensor | None = None) -> Tensor:
        groups, d = self._groups(rows), self.dilation
        channels, width = x.shape[1], x.shape[3]
        lines = x.permute(0, 2, 3, 1).view(-1, d, width, channels)
        x0, x1, x2, x3, x4, x5 = (lines[k::TOGETHER][:groups] for k in range(TOGETHER + 2))
        shape = (groups, TOGETHER, d, width, self.weight.shape[0])
        if out is not None and out.dtype == x.dtype and rows == groups * TOGETHER * d:
            made = out.permute(0, 2, 3, 1).view(shape)
        else:
            made = x.new_empty(shape)
        y0, y1, y2, y3 = made.unbind(dim=1)

        def product(k: int) -> Tensor:
            """The filter k of the rows in `u`."""
            strip = u.view(1, groups * d, width, channels).permute(0, 3, 1, 2)
            found = F.conv2d(strip, self._filters[k], None, 1, (0, d), (1, d))
            return found.permute(0, 2, 3, 1).view(groups, d, width, -1)

        borrowed = [scratch.borrow(channels, groups * d, width, x.dtype) for _ in range(3)]
        with borrowed[0] as first, borrowed[1] as second, borrowed[2] as third:
            a, b, u = (t.permute(0, 2, 3, 1).view_as(x0) for t in (first, second, third))
            torch.add(x4, x2, alpha=-4, out=a)
            torch.add(x3, x1, alpha=-4, out=b)
            torch.add(a, b, out=u)
            p = product(1)
            torch.sub(a, b, out=u)
            q = product(2)
            torch.add(p, q, out=y0)
            torch.sub(p, q, out=y1)
            torch.sub(x4, x2, out=a)
            torch.sub(x3, x1, out=b)
            torch.add(a, b, alpha=2, out=u)
            p = product(3)
            torch.sub(a, b, alpha=2, out=u)
            q = product(4)
            total, step = torch.add(p, q), p.sub_(q)
            torch.add(y0, total, alpha=4, out=y2)
            torch.add(y1, step, alpha=8, out=y3)
            y0 += total
            y1.add_(step, alpha=2)
            torch.add(x4, x2, alpha=-5, out=u).add_(x0, alpha=4)
            y0 += product(0)
            torch.add(x5, x3, alpha=-5, out=u).add_(x1, alpha=4)
            y3 += product(5)
        pixels = made.view(1, -1, width, self.weight.shape[0])[:, :rows]
        if self.bias is not None:
            pixels += self.bias
        return pixels.permute(0, 3, 1, 2)

    def _groups(self, rows: int) -> int:
        return -(-rows // (TOGETHER * self.dilation))


class Chosen(Filter):
    """Of the two ways, for each strip the one with less to multiply."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dilation: int) -> None:
        super().__init__(weight, bias, dilation)
        ways = (kind(self.weight, bias, dilation) for kind in (Direct, Minimal))
        self._direct, self._minimal = ways

    def rows_read(self, rows: int) -> int:
        return self.way(rows).rows_read(rows)

    def made(self, x: Tensor, rows: int, scratch: Scratch, out: Tensor | None = None) -> Tensor:
        return self.way(rows).made(x, rows, scratch, out)

    def way(self, rows: int) -> Filter:
        """The one for strips that give so many rows."""
        made = self._minimal.rows_read(rows) - 2 * self.halo
        return self._minimal if made / 2 <= WORTH * rows else self._direct


def filter_of(weight: Tensor, bias: Tensor | None, dilation: int) -> Filter:
    """The fastest way for a filter.

    Minimal filtering in float32 only: in half precision the error of a convolution is ten times
    as large (measured), for a tenth of its time.
    """
    out, into, *sides = weight.shape
    small = sides == [3, 3] and weight.dtype == torch.float32
    worth = small and min(out, into) >= LEAST_CHANNELS and weight.device.type == "cpu"
    return (Chosen if worth else Direct)(weight, bias, dilation)
