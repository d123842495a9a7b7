"""Where maps are kept while a network is evaluated in strips: in memory, or in a file.

The workspace has a number of bytes for maps. What fits is kept in memory; then cheap maps are
made anew each time that they are read, and others go to a temporary file. A rehearsal says
beforehand how many operations that takes, so that progress can be shown.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor, nn

from deblurkit.errors import DataError
from deblurkit.inference.rows import Convolved, Moments, Rows, strips
from deblurkit.inference.scratch import Scratch

_STRIP_BYTES = 6 << 20
"""Of a strip: enough rows for a convolution to be efficient, few enough for the caches."""

_ROWS = 32
"""Of a strip, or a multiple: convolutions make blocks of rows together (`inference.convolution`),
and what they read above and below is little beside so many."""

_WIDE = 32 << 20
"""Bytes of a strip above which it has fewer rows: half of them, a quarter, 4 at least."""


class Kept(Rows):
    """A map that can be read many times."""

    _moments: Moments | None = None

    @property
    def moments(self) -> Moments:
        """Of the whole map.

        Raises:
            ValueError: it is kept without.
        """
        if self._moments is None:
            raise ValueError("this map is kept without its moments: measured=True takes them")
        return self._moments

    def operations(self) -> int:
        return 0


class Workspace:
    """Room for maps, and how they are walked over.

    Args:
        room: Bytes for the maps that are kept in memory.
        kind: What convolutions compute in and maps are kept in: float32, or bfloat16.
        folder: Where maps go that have no room; the system's temporary folder by default.
        done: Called with the number of operations just done: multiplications and additions of
            convolutions.

    Attributes:
        tiles: Into how many tiles an image was divided here; 0: none was, it went in strips.
    """

    def __init__(
        self,
        room: int,
        *,
        kind: torch.dtype = torch.float32,
        folder: Path | None = None,
        done: Callable[[int], None] | None = None,
    ) -> None:
        self.room, self.kind, self.folder, self.done = room, kind, folder, done
        self.tiles = 0
        self._scratch = Scratch()
        _teach_allocator()
        self._used = self._most = 0  # bytes of maps in memory, now and at most so far
        self._spare: list[Tensor] = []  # memory of maps that are gone

    def convolved(self, source: Rows, convolution: nn.Conv2d) -> Rows:
        """A convolution of a map, computed in the workspace's kind and counted.

        Args:
            source: The map.
            convolution: Of stride 1, one group, with zeros for padding and the size kept.

        Raises:
            ValueError: the convolution is another.
        """
        _check_kept_size(convolution)
        return Convolved(
            source,
            convolution.weight,
            convolution.bias,
            int(convolution.dilation[0]),
            self.kind,
            self.done,
            self._scratch,
        )

    def keep(
        self,
        source: Rows,
        kind: torch.dtype | None = None,
        *,
        in_file: bool = False,
        lasting: bool = False,
        measured: bool = True,
    ) -> Kept:
        """Evaluate a map once, strip by strip, and keep it for as long as it is referred to.

        Args:
            source: The map.
            kind: What it is kept in, the workspace's kind by default.
            in_file: Keep it in a temporary file even where memory has room.
            lasting: Tensors that its `rows` gives may be held on to. Otherwise its memory goes
                to the next map of its size.
            measured: Take the moments as well, now and when it is replaced.

        Raises:
            DataError: it has to go to a file and the disk is full.
        """
        place = self._place(source, kind or self.kind, in_file=in_file, lasting=lasting)
        place.measured = measured
        return self._fill(place, source)

    def release(self) -> None:
        """Give memory back to the system that waits for maps and strips to come."""
        self._spare.clear()
        self._scratch.release()

    def replace(self, kept: Kept, source: Rows) -> Kept:
        """Evaluate a map into the place of another of its size, from which it may be made.

        Raises:
            TypeError: the other is not kept.
            ValueError: it reads rows of the other that are overwritten by then, or has another
                size.
        """
        if not isinstance(kept, _InMemory | _InFile):
            raise TypeError("only a map that is kept can be replaced")
        if source.reach(kept):
            raise ValueError("the new map reads rows of the old one around those that it makes")
        if (source.channels, source.height, source.width) != (
            kept.channels,
            kept.height,
            kept.width,
        ):
            raise ValueError("the new map has another size")
        return self._fill(kept, source)

    def keep_or_repeat(self, source: Rows) -> Kept:
        """A map with its moments: kept if memory has room, else made anew when it is read.

        For maps that cost little beside others: no file is used.
        """
        if _bytes(source, self.kind) <= self.room:
            return self.keep(source)
        return _Repeated(source, self._walk(source))

    def replace_or_repeat(self, kept: Kept, source: Rows) -> Kept:
        """As `replace` where that can be, else as `keep_or_repeat`."""
        if isinstance(kept, _InMemory | _InFile) and not source.reach(kept):
            return self.replace(kept, source)
        return self.keep_or_repeat(source)

    def _place(
        self, source: Rows, kind: torch.dtype, *, in_file: bool, lasting: bool
    ) -> _InMemory | _InFile:
        size = _bytes(source, kind)
        if in_file or size > self.room:
            return self._in_file(source, kind)
        self.room -= size
        memory = self._memory(size)
        place = _InMemory(source, kind, memory)
        weakref.finalize(place, self._give_back, size, None if lasting else memory)
        return place

    def _memory(self, size: int) -> Tensor:
        """So many bytes: of an earlier map if one of that size is gone, else fresh ones.

        Fresh memory costs the system time, so what maps leave is kept for others, but never so
        much that together with the maps it is more than what maps have needed at a time.
        """
        self._used += size
        self._most = max(self._most, self._used)
        for i, memory in enumerate(self._spare):
            if memory.numel() == size:
                return self._spare.pop(i)
        while self._spare and self._used + sum(map(Tensor.numel, self._spare)) > self._most:
            self._spare.pop(0)
        return torch.empty(size, dtype=torch.uint8)

    def _give_back(self, size: int, memory: Tensor | None) -> None:
        self.room += size
        self._used -= size
        if memory is not None:
            self._spare.append(memory)

    def _in_file(self, source: Rows, kind: torch.dtype) -> _InFile:
        return _InFile(source, kind, self.folder)

    def _fill(self, place: _InMemory | _InFile, source: Rows) -> Kept:
        place.note(self._walk(source, place))
        return place

    def _walk(self, source: Rows, place: _InMemory | _InFile | None = None) -> Moments | None:
        """Make a map strip by strip, write each to its place, and take the moments if wanted."""
        measured = place is None or place.measured
        sums = _Sums(source.channels)
        for start, stop in strips(source.height, self._rows(source)):
            if place is None:
                strip = source.rows(start, stop)
            else:
                strip = place.strip(start, stop)
                source.into(strip, start, stop)
                place.wrote(start, strip)
            if measured:
                sums.add(strip)
        return sums.moments() if measured else None

    def _rows(self, source: Rows) -> int:
        row = _widest_row(source)
        count = max(1, round(source.height * row / _STRIP_BYTES))
        least = _ROWS
        while least > 4 and least * row > _WIDE:
            least //= 2
        return -(-source.height // (count * least)) * least


class Rehearsal(Workspace):
    """A workspace that computes nothing and counts what the same room would take.

    Attributes:
        operations: Multiplications and additions of convolutions, repeated ones as often.
        in_memory: The most bytes of maps that are kept in memory at a time.
        in_files: Bytes of maps that go to temporary files, all together.
    """

    def __init__(self, room: int, *, kind: torch.dtype = torch.float32) -> None:
        super().__init__(room, kind=kind)
        self.operations = self.in_memory = self.in_files = 0
        self._all = room

    def _memory(self, size: int) -> Tensor:
        self.in_memory = max(self.in_memory, self._all - self.room)
        return torch.empty(size, dtype=torch.uint8, device="meta")

    def _in_file(self, source: Rows, kind: torch.dtype) -> _InFile:
        self.in_files += _bytes(source, kind)
        return _InFile(source, kind, None, empty=True)

    def _walk(self, source: Rows, place: _InMemory | _InFile | None = None) -> Moments | None:
        self.operations += source.operations()
        zero = torch.zeros(source.channels, dtype=torch.float64)
        return Moments(zero, zero)


class _Place(Kept):
    """Where a map is written."""

    measured = True

    def note(self, moments: Moments | None) -> None:
        """Moments of what is there now."""
        self._moments = moments


class _InMemory(_Place):
    def __init__(self, like: Rows, kind: torch.dtype, memory: Tensor) -> None:
        self.channels, self.height, self.width = like.channels, like.height, like.width
        pixels = memory.view(kind).view(1, self.height, self.width, self.channels)
        self._tensor = pixels.permute(0, 3, 1, 2)

    def rows(self, start: int, stop: int) -> Tensor:
        return self._tensor[:, :, start:stop]

    def strip(self, start: int, stop: int) -> Tensor:
        """Where those rows are to be written."""
        return self._tensor[:, :, start:stop]

    def wrote(self, start: int, strip: Tensor) -> None:
        """A strip is written."""


class _InFile(_Place):
    def __init__(
        self, like: Rows, kind: torch.dtype, folder: Path | None, *, empty: bool = False
    ) -> None:
        self.channels, self.height, self.width = like.channels, like.height, like.width
        self._kind, self._folder = kind, folder
        self._row = self.width * self.channels * kind.itemsize
        if empty:
            return
        try:
            # Open for as long as the map lives; the system removes it with the last reference.
            self._file: BinaryIO = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise _no_disk(folder, error) from error
        weakref.finalize(self, self._file.close)

    def rows(self, start: int, stop: int) -> Tensor:
        held = bytearray((stop - start) * self._row)
        view, at = memoryview(held), start * self._row
        while view:
            got = os.preadv(self._file.fileno(), [view], at)
            view, at = view[got:], at + got
        pixels = torch.frombuffer(held, dtype=self._kind)
        return pixels.view(1, stop - start, self.width, self.channels).permute(0, 3, 1, 2)

    def strip(self, start: int, stop: int) -> Tensor:
        """Where those rows are to be written; in a replacement they are read from the file."""
        pixels = torch.empty((1, stop - start, self.width, self.channels), dtype=self._kind)
        return pixels.permute(0, 3, 1, 2)

    def wrote(self, start: int, strip: Tensor) -> None:
        """A strip is written: put it into the file."""
        pixels = strip.permute(0, 2, 3, 1)
        view = pixels.view(-1).view(torch.uint8).numpy().data
        at = start * self._row
        try:
            while view:
                put = os.pwrite(self._file.fileno(), view, at)
                view, at = view[put:], at + put
        except OSError as error:
            raise _no_disk(self._folder, error) from error


class _Repeated(Kept):
    def __init__(self, source: Rows, moments: Moments | None) -> None:
        self.sources, self._moments = (source,), moments
        self.channels, self.height, self.width = source.channels, source.height, source.width

    def rows(self, start: int, stop: int) -> Tensor:
        return self.sources[0].rows(start, stop)

    def operations(self) -> int:
        return self.sources[0].operations()


class _Sums:
    """Moments of a map from those of its strips (Chan, Golub, LeVeque 1979)."""

    def __init__(self, channels: int) -> None:
        self._count = 0
        self._mean = torch.zeros(channels, dtype=torch.float64)
        self._squares = torch.zeros(channels, dtype=torch.float64)

    def add(self, strip: Tensor) -> None:
        count = strip.shape[2] * strip.shape[3]
        mean, variance = torch.batch_norm_update_stats(strip, None, None, 0.0)
        step = mean.double() - self._mean
        total = self._count + count
        self._mean += step * (count / total)
        self._squares += variance.double() * count + step**2 * (self._count * count / total)
        self._count = total

    def moments(self) -> Moments:
        return Moments(self._mean, self._squares / self._count)


def _teach_allocator() -> None:
    """Let glibc keep the memory of strips for the next ones, instead of giving it back each time.

    It keeps blocks as large as the largest that was ever freed, 32 MiB at most. Fresh memory for
    each strip took a tenth of the time (measured).
    """
    torch.empty(31 << 20, dtype=torch.uint8)


def _check_kept_size(convolution: nn.Conv2d) -> None:
    said = convolution
    kernel, dilation = said.kernel_size, said.dilation
    padding = tuple(d * (k // 2) for d, k in zip(dilation, kernel, strict=True))
    if (
        kernel[0] != kernel[1]
        or kernel[0] % 2 == 0
        or dilation[0] != dilation[1]
        or tuple(said.stride) != (1, 1)
        or said.groups != 1
        or said.padding_mode != "zeros"
        or said.padding not in (padding, "same")
    ):
        raise ValueError(f"no convolution for strips: {said}; stride 1, odd, size and zeros kept")


def _bytes(map_: Rows, kind: torch.dtype) -> int:
    return map_.channels * map_.height * map_.width * kind.itemsize


def _widest_row(map_: Rows) -> int:
    """Bytes, in float32, of a row of the widest map that is made or read along with this one."""
    own = map_.channels * map_.width * torch.float32.itemsize
    return max(own, *map(_widest_row, map_.sources)) if map_.sources else own


def _no_disk(folder: Path | None, error: OSError) -> DataError:
    return DataError(
        f"a temporary file cannot be written: {error.strerror}",
        where=str(folder or tempfile.gettempdir()),
        hint="free some space there, or give more memory: --memory 8GiB",
    )
