"""Feature maps that are made row by row, when asked for: exact inference in bounded memory.

A network whose layers look only at neighbouring rows, or at a map's mean and variance, needs no
map as a whole. Here such layers are objects that give rows `start` to `stop` of their map and ask
their sources for the rows that these need, a *halo* more where a filter is larger than a pixel.
`deblurkit.inference.workspace` walks over them in strips: it takes the moments of a map and keeps
maps that would be costly to make again. The numbers are those of the whole image at once, but for
the order of sums: no tile has statistics of its own.

All maps are 1×C×H×W tensors, one image or one of its colours, and lie in memory as H×W×C
(channels last), so that a strip is one block and convolutions read it as it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from deblurkit.inference.convolution import filter_of
from deblurkit.inference.scratch import Scratch

EPS = 1e-5
"""Added to variances, as `torch.nn.InstanceNorm2d` does."""


class Rows(ABC):
    """A map 1×C×H×W of which rows can be had.

    Attributes:
        channels: C.
        height: H, rows.
        width: W.
        sources: The maps that it is made from.
        halo: So many rows of its sources, above and below those asked for, does it read.
    """

    channels: int
    height: int
    width: int
    sources: tuple[Rows, ...] = ()
    halo: int = 0

    @abstractmethod
    def rows(self, start: int, stop: int) -> Tensor:
        """Rows `start` to `stop`, 0 <= start < stop <= height.

        Returns:
            1×C×(stop - start)×W, channels last. It may be a view of what is kept: not to be
            written to, and of no use any more when the map is replaced or gone.
        """

    def into(self, out: Tensor, start: int, stop: int) -> None:
        """Write rows `start` to `stop` into a tensor, as its dtype.

        Args:
            out: 1×C×(stop - start)×W, channels last. It may be the place of the same rows of a
                map that these are made from.
            start: As in `rows`.
            stop: As in `rows`.
        """
        out.copy_(self.rows(start, stop))

    def operations(self) -> int:
        """Multiplications and additions of convolutions that the whole map takes."""
        return sum(source.operations() for source in self.sources)

    def reach(self, other: Rows) -> int | None:
        """How many rows beyond those asked for it reads of another map; None: it reads none."""
        if self is other:
            return 0
        found = [r for source in self.sources if (r := source.reach(other)) is not None]
        return max(found) + self.halo if found else None


@dataclass(frozen=True)
class Moments:
    """Mean and biased variance of each channel over a whole map, float64, C each."""

    mean: Tensor
    variance: Tensor


class Whole(Rows):
    """A map that is there as one tensor, 1×C×H×W of any memory layout."""

    def __init__(self, tensor: Tensor) -> None:
        if tensor.dim() != 4 or len(tensor) != 1:
            raise ValueError(f"a map is 1×C×H×W, not {tuple(tensor.shape)}")
        self.tensor = tensor
        _, self.channels, self.height, self.width = tensor.shape

    def rows(self, start: int, stop: int) -> Tensor:
        return self.tensor[:, :, start:stop].contiguous(memory_format=torch.channels_last)


class Convolved(Rows):
    """A convolution of stride 1 that keeps the size, with zeros beyond the border.

    Args:
        source: The map.
        weight: K×C×k×k, k odd.
        bias: K, or None.
        dilation: Of the filter, rows and columns.
        kind: What it computes in; bf16 takes half the time where the processor has it.
        done: Called with the number of operations of each strip, after it.
        scratch: Memory for what it reads.
    """

    def __init__(
        self,
        source: Rows,
        weight: Tensor,
        bias: Tensor | None = None,
        dilation: int = 1,
        kind: torch.dtype | None = None,
        done: Callable[[int], None] | None = None,
        scratch: Scratch | None = None,
    ) -> None:
        kernel = weight.shape[-1]
        if weight.shape[1] != source.channels or weight.shape[2] != kernel or kernel % 2 == 0:
            raise ValueError(
                f"a filter K×{source.channels}×k×k with odd k is wanted, not {tuple(weight.shape)}"
            )
        self.sources, self.channels = (source,), weight.shape[0]
        self.height, self.width = source.height, source.width
        weight = weight.detach().to(kind or weight.dtype, memory_format=torch.channels_last)
        bias = None if bias is None else bias.detach().to(weight.dtype)
        self._filter = filter_of(weight, bias, dilation)
        self.halo, self.done = self._filter.halo, done
        self._scratch = scratch or Scratch()
        self._each = 2 * weight.numel() * self.width  # of a row

    def rows(self, start: int, stop: int) -> Tensor:
        return self._made(start, stop, None)

    def into(self, out: Tensor, start: int, stop: int) -> None:
        made = self._made(start, stop, out)
        if made.data_ptr() != out.data_ptr():
            out.copy_(made)

    def _made(self, start: int, stop: int, out: Tensor | None) -> Tensor:
        rows = stop - start
        first, last = max(start - self.halo, 0), min(stop + self.halo, self.height)
        above, height = first - (start - self.halo), self._filter.rows_read(rows)
        below = above + last - first
        # The source writes between the zeros beyond the border: no copy is made for their sake.
        source, kind = self.sources[0], self._filter.weight.dtype
        with self._scratch.borrow(source.channels, height, self.width, kind) as x:
            x[:, :, :above].zero_()
            x[:, :, below:].zero_()
            source.into(x[:, :, above:below], first, last)
            made = self._filter.made(x, rows, self._scratch, out)
        if self.done is not None:
            self.done(self._each * rows)
        return made

    def operations(self) -> int:
        return super().operations() + self._each * self.height


class Activated(Rows):
    """ReLU of the affine instance norm of a map, by the moments of the whole map."""

    def __init__(self, source: Rows, moments: Moments, weight: Tensor, bias: Tensor) -> None:
        self.sources, self.channels = (source,), source.channels
        self.height, self.width = source.height, source.width
        scale = weight.detach().double() / (moments.variance + EPS).sqrt()
        self._scale, self._shift = scale, bias.detach().double() - moments.mean * scale

    def rows(self, start: int, stop: int) -> Tensor:
        return self._active(self.sources[0].rows(start, stop), None)

    def into(self, out: Tensor, start: int, stop: int) -> None:
        x = self.sources[0].rows(start, stop)
        if x.dtype == out.dtype:
            self._active(x, out)
        else:
            out.copy_(self._active(x, None))

    def _active(self, x: Tensor, out: Tensor | None) -> Tensor:
        # In half precision scale and shift are rounded to it, as the map and the weights are.
        scale, shift = self._scale.to(x.dtype), self._shift.to(x.dtype)
        if out is None:
            out = torch.empty_like(x, memory_format=torch.channels_last)
        torch.addcmul(shift, x.permute(0, 2, 3, 1), scale, out=out.permute(0, 2, 3, 1)).relu_()
        return out


class Sum(Rows):
    """The sum of maps of one size."""

    def __init__(self, *sources: Rows) -> None:
        sizes = {(s.channels, s.height, s.width) for s in sources}
        if len(sizes) != 1:
            raise ValueError(f"maps of different sizes cannot be added: {sorted(sizes)}")
        self.sources = sources
        self.channels, self.height, self.width = sizes.pop()

    def rows(self, start: int, stop: int) -> Tensor:
        kept, *others = [source.rows(start, stop) for source in self.sources]
        return self._add(kept, others, None) if others else kept

    def into(self, out: Tensor, start: int, stop: int) -> None:
        # What is kept is a view of its place, which `out` may be: the sum of the first two goes
        # there, so no later one may be it.
        kept, *others = [source.rows(start, stop) for source in self.sources]
        if others and out.dtype == kept.dtype and not _lie_in(out, others[1:]):
            self._add(kept, others, out)
        else:  # rounded once, at the end
            out.copy_(self._add(kept, others, None) if others else kept)

    @staticmethod
    def _add(kept: Tensor, others: Sequence[Tensor], out: Tensor | None) -> Tensor:
        total = torch.add(kept, others[0], out=out)
        for other in others[1:]:
            total += other
        return total


class Beside(Rows):
    """Maps of one size beside each other, as channels of one."""

    def __init__(self, *sources: Rows) -> None:
        sizes = {(s.height, s.width) for s in sources}
        if len(sizes) != 1:
            raise ValueError(f"maps of different sizes cannot stand together: {sorted(sizes)}")
        self.sources, self.channels = sources, sum(s.channels for s in sources)
        self.height, self.width = sizes.pop()

    def rows(self, start: int, stop: int) -> Tensor:
        if len(self.sources) == 1:
            return self.sources[0].rows(start, stop)
        return torch.cat([source.rows(start, stop) for source in self.sources], dim=1)


class SubImages(Rows):
    """Resampling of one colour by r: its r*r sub-images (pixel unshuffle).

    Where a side is no multiple of r, its last row or column is repeated.

    Args:
        image: C×H×W.
        colour: The channel that is taken.
        factor: r.
    """

    def __init__(self, image: Rows, colour: int, factor: int) -> None:
        self.sources, self.colour, self.factor = (image,), colour, factor
        self.channels = factor * factor
        self.height, self.width = -(-image.height // factor), -(-image.width // factor)

    def rows(self, start: int, stop: int) -> Tensor:
        image, r = self.sources[0], self.factor
        x = image.rows(start * r, min(stop * r, image.height))[:, self.colour : self.colour + 1]
        below, right = (stop - start) * r - x.shape[2], self.width * r - x.shape[3]
        # Not F.pad, which takes longer than all else here.
        if right:
            x = torch.cat([x, x[..., -1:].expand(-1, -1, -1, right)], dim=3)
        if below:
            x = torch.cat([x, x[:, :, -1:].expand(-1, -1, below, -1)], dim=2)
        return rearrange(x, "b 1 (h r) (w q) -> b h w (r q)", r=r, q=r).permute(0, 3, 1, 2)

    def reach(self, other: Rows) -> int | None:
        return _far(super().reach(other), self.height)


class FromSubImages(Rows):
    """Sub-images of each colour back to an image (pixel shuffle): the inverse of `SubImages`.

    Args:
        colours: For each colour its r*r sub-images.
        factor: r.
        height: Rows of the image, at most r times those of the sub-images; more are cut off.
        width: Columns of it, likewise.
    """

    def __init__(self, colours: Sequence[Rows], factor: int, height: int, width: int) -> None:
        self.sources, self.channels, self.factor = tuple(colours), len(colours), factor
        self.height, self.width = height, width

    def rows(self, start: int, stop: int) -> Tensor:
        r = self.factor
        first, last = start // r, -(-stop // r)
        parts = [
            rearrange(s.rows(first, last), "b (r q) h w -> b (h r) (w q) 1", r=r, q=r)
            for s in self.sources
        ]
        image = torch.cat(parts, dim=-1)[:, start - first * r : stop - first * r, : self.width]
        return image.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)

    def reach(self, other: Rows) -> int | None:
        return _far(super().reach(other), self.height)


class Channels(Rows):
    """Some channels of a map, next to each other."""

    def __init__(self, source: Rows, first: int, count: int) -> None:
        self.sources, self.channels, self._first = (source,), count, first
        self.height, self.width = source.height, source.width

    def rows(self, start: int, stop: int) -> Tensor:
        last = self._first + self.channels
        part = self.sources[0].rows(start, stop)[:, self._first : last]
        return part.contiguous(memory_format=torch.channels_last)


class Cut(Rows):
    """The upper left part of a map."""

    def __init__(self, source: Rows, height: int, width: int) -> None:
        self.sources, self.channels = (source,), source.channels
        self.height, self.width = height, width

    def rows(self, start: int, stop: int) -> Tensor:
        part = self.sources[0].rows(start, stop)[..., : self.width]
        return part.contiguous(memory_format=torch.channels_last)


def strips(height: int, rows: int) -> Iterator[tuple[int, int]]:
    """Cut a height into strips of so many rows: (start, stop) each."""
    for start in range(0, height, rows):
        yield start, min(start + rows, height)


def _far(reach: int | None, height: int) -> int | None:
    """Through a resampling: rows there are others than rows here, so none is near."""
    return None if reach is None else reach + height


def _lie_in(place: Tensor, parts: Sequence[Tensor]) -> bool:
    """Whether one of the parts may be written by writing to the place."""
    at = place.untyped_storage().data_ptr()
    return any(part.untyped_storage().data_ptr() == at for part in parts)
