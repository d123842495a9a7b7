"""Overlapping tiles for networks that cannot be evaluated in strips; not the same numbers.

Each tile is an image of its own to the networks, with statistics of its own, so it may differ
in contrast from its neighbours, and may run backwards: a photograph does not say which way time
ran. Where two tiles overlap, their frames are compared as they are and with one reversed; a tree
of the surest comparisons turns all tiles the same way, and the overlaps are blended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree
from torch import Tensor

from deblurkit.frames import partner
from deblurkit.graph import FrameGraph
from deblurkit.inference.allocation import peak_allocation
from deblurkit.inference.rows import Channels, Rows, Whole
from deblurkit.inference.workspace import Kept, Workspace

OVERLAP = 0.25
"""Of a tile's side, shared with each neighbour."""

LEAST_SIDE, MOST_SIDE = 128, 1024
"""Of a tile, pixels; larger ones are no better and leave less to blend."""

UNKNOWN = 16_000
"""Bytes a pixel where they cannot be measured: a thousand features and as many temporaries."""

MULTIPLE = 16
"""Sides of tiles are multiples of it, as many networks want."""


@dataclass(frozen=True)
class Span:
    """Pixels `start` to `stop` of one axis."""

    start: int
    stop: int

    def common(self, other: Span) -> Span | None:
        """Where both are."""
        start, stop = max(self.start, other.start), min(self.stop, other.stop)
        return Span(start, stop) if start < stop else None


@dataclass(frozen=True)
class Tile:
    """A part of the image with its frames side by side, (frames·3)×h×w."""

    down: Span
    across: Span
    frames: Kept


def in_tiles(
    graph: FrameGraph,
    y: Rows,
    *,
    workspace: Workspace,
    given: Mapping[int, Rows],
    frames: Iterable[int],
    side: int | None = None,
) -> dict[int, Rows]:
    """Predict frames tile by tile; see `deblurkit.inference.predict.predict`.

    Args:
        graph: The networks.
        y: The blurry image, 3×H×W.
        workspace: The memory that there is.
        given: Images that replace predictions.
        frames: The frames wanted. With a frame its partner is predicted, too.
        side: Of a tile, pixels; by default as large as memory allows.

    Returns:
        The frames wanted, in order of time.
    """
    wanted = sorted(set(frames))
    # To compare a tile with a reversed one, both frames of a pair are needed.
    both = sorted({*wanted, *(partner(i, graph.T) for i in wanted)})
    side = side or _side(graph, y, workspace.room, both, given)
    downs, acrosses = spans(y.height, side), spans(y.width, side)
    workspace.tiles = len(downs) * len(acrosses)
    whole = workspace.tiles == 1
    tiles = [
        _predicted(graph, y, down, across, workspace, given, wanted if whole else both)
        for down in downs
        for across in acrosses
    ]
    if whole:
        return {i: Channels(tiles[0].frames, 3 * k, 3) for k, i in enumerate(wanted)}
    turned = directions(tiles, both, graph.T)
    found: dict[int, Rows] = {}
    for i in wanted:
        places = [both.index(partner(i, graph.T) if turn else i) for turn in turned]
        blend = _Blended(tiles, places, y.height, y.width)
        found[i] = workspace.keep(blend, torch.float32, lasting=True, measured=False)
    return found


def spans(length: int, side: int) -> list[Span]:
    """Cover a length by spans of one size that overlap by `OVERLAP` of it or more."""
    if side >= length:
        return [Span(0, length)]
    step = side - int(side * OVERLAP)
    count = 1 + -(-(length - side) // step)
    starts = np.linspace(0, length - side, count).round().astype(int)
    return [Span(int(start), int(start) + side) for start in starts]


def directions(tiles: list[Tile], frames: list[int], T: int) -> list[bool]:
    """Which tiles must be reversed for all to run the way that the first one runs.

    Pairs of tiles are compared where they overlap: by how much the squared difference of their
    frames is less one way than the other. The tree of the largest of these decides.
    """
    back = [frames.index(partner(i, T)) for i in frames]
    edges: dict[tuple[int, int], float] = {}
    for a, one in enumerate(tiles):
        for b in range(a + 1, len(tiles)):
            found = _agreement(one, tiles[b], back)
            if found is not None:
                edges[a, b] = found
    tiny = 1e-12  # an edge of weight 0 would be none
    least = max((abs(v) for v in edges.values()), default=0.0) + 1.0
    rows, columns = zip(*edges, strict=True)
    costs = [least - abs(v) + tiny for v in edges.values()]
    tree = minimum_spanning_tree(coo_matrix((costs, (rows, columns)), shape=(len(tiles),) * 2))
    order, before = breadth_first_order(tree, 0, directed=False)
    turned = [False] * len(tiles)
    for k in order[1:]:
        parent = int(before[k])
        edge = edges[(parent, int(k)) if parent < k else (int(k), parent)]
        turned[k] = turned[parent] ^ (edge < 0)
    return turned


def _agreement(one: Tile, other: Tile, back: list[int]) -> float | None:
    """Positive where both run the same way, the surer the larger; None without an overlap."""
    down, across = one.down.common(other.down), one.across.common(other.across)
    if down is None or across is None:
        return None
    a, b = _cropped(one, down, across), _cropped(other, down, across)
    same = (a - b).square().sum()
    reverse = (a - b[back]).square().sum()
    return float(reverse - same)


def _cropped(tile: Tile, down: Span, across: Span) -> Tensor:
    part = tile.frames.rows(down.start - tile.down.start, down.stop - tile.down.start)
    part = part[..., across.start - tile.across.start : across.stop - tile.across.start]
    return part.reshape(-1, 3, *part.shape[2:]).float()


def _predicted(
    graph: FrameGraph,
    y: Rows,
    down: Span,
    across: Span,
    workspace: Workspace,
    given: Mapping[int, Rows],
    frames: list[int],
) -> Tile:
    def part(image: Rows) -> Tensor:
        rows = image.rows(down.start, down.stop)[..., across.start : across.stop]
        return rows.contiguous()

    found = graph(part(y), {i: part(image) for i, image in given.items()}, frames)
    together = torch.cat([found[i] for i in frames], dim=1).float()
    return Tile(down, across, workspace.keep(Whole(together), torch.float32, lasting=True))


class _Blended(Rows):
    """One frame of all tiles, weighted by the distance to each tile's edge."""

    def __init__(self, tiles: list[Tile], places: list[int], height: int, width: int) -> None:
        self._tiles = [
            (t, Channels(t.frames, 3 * place, 3)) for t, place in zip(tiles, places, strict=True)
        ]
        self.sources = tuple(frame for _, frame in self._tiles)
        self.channels, self.height, self.width = 3, height, width

    def rows(self, start: int, stop: int) -> Tensor:
        asked = Span(start, stop)
        total = torch.zeros(1, 3, stop - start, self.width)
        weights = torch.zeros(1, 1, stop - start, self.width)
        for tile, frame in self._tiles:
            here = tile.down.common(asked)
            if here is None:
                continue
            top = tile.down.start
            weight = (
                _ramp(tile.down, self.height)[here.start - top : here.stop - top, None]
                * _ramp(tile.across, self.width)[None, :]
            )
            place = (
                slice(None),
                slice(None),
                slice(here.start - start, here.stop - start),
                slice(tile.across.start, tile.across.stop),
            )
            total[place] += frame.rows(here.start - top, here.stop - top) * weight
            weights[place] += weight
        return (total / weights).contiguous(memory_format=torch.channels_last)


def _ramp(span: Span, length: int) -> Tensor:
    """Weights along one axis: up over the overlap, flat, down again; flat at the image's border."""
    side = span.stop - span.start
    wide = max(1, int(side * OVERLAP))
    up = torch.minimum(torch.arange(1, side + 1) / (wide + 1), torch.ones(()))
    down = up.flip(0)
    one = torch.ones(side)
    return (one if span.start == 0 else up) * (one if span.stop == length else down)


def _side(
    graph: FrameGraph, y: Rows, room: int, frames: list[int], given: Mapping[int, Rows]
) -> int:
    """Of the largest tile that the memory is enough for, by what a small one takes."""
    side = LEAST_SIDE
    small = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    taken = peak_allocation(lambda: graph(small, dict.fromkeys(given, small), frames), "cpu")
    each = (taken or UNKNOWN * side**2) / side**2
    most = int((0.8 * room / each) ** 0.5) // MULTIPLE * MULTIPLE
    if most**2 >= y.height * y.width:
        return max(y.height, y.width)
    return min(max(most, LEAST_SIDE), MOST_SIDE)
