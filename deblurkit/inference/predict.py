"""A frame graph evaluated on one photograph of any size: exactly and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch

from deblurkit.errors import FrameError
from deblurkit.frames import BLURRY, ImageRef, check_index, indices
from deblurkit.graph import FrameGraph, Node, needed
from deblurkit.inference.in_strips import InStrips
from deblurkit.inference.rows import Rows
from deblurkit.inference.tiles import in_tiles
from deblurkit.inference.workspace import Rehearsal, Workspace

IMAGES_SHARE = 4
"""Images go to files where all together would take more than one in so many bytes of the room."""


def is_exact(
    graph: FrameGraph, frames: Iterable[int] | None = None, given: Iterable[int] = ()
) -> bool:
    """Whether all networks that are needed can be evaluated in strips."""
    wanted = indices(graph.T) if frames is None else frames
    names = {node.network for node in needed(graph.nodes, wanted, given)}
    return all(isinstance(graph.networks[name], InStrips) for name in names)


def predict(
    graph: FrameGraph,
    y: Rows,
    *,
    workspace: Workspace,
    given: Mapping[int, Rows] | None = None,
    frames: Iterable[int] | None = None,
) -> dict[int, Rows]:
    """Predict frames; the same numbers as `graph(y)`, whatever memory there is.

    Networks that cannot be evaluated in strips are evaluated in overlapping tiles, whose
    directions of time are aligned (`deblurkit.inference.tiles`): there the numbers are others.

    Args:
        graph: The networks.
        y: The blurry image, 3×H×W in [0, 1].
        workspace: The memory that maps may have.
        given: Images of y's size that replace predictions.
        frames: The frames wanted, 1-based; all T by default.

    Returns:
        The wanted frames by index, in order of time, 3×H×W, float32, not clamped.

    Raises:
        FrameError: a wanted frame has neither network nor image, or a given image's size differs.
        DataError: a temporary file cannot be written.
    """
    given = dict(given or {})
    for i, image in given.items():
        check_index(i, graph.T)
        if (image.height, image.width) != (y.height, y.width):
            raise FrameError(
                f"given frame {i} has {image.width}×{image.height} pixels, the blurry image "
                f"{y.width}×{y.height}",
                valid="one size for all images",
            )
    wanted = indices(graph.T) if frames is None else tuple(check_index(i, graph.T) for i in frames)
    with torch.inference_mode():
        if not is_exact(graph, wanted, given):
            return in_tiles(graph, y, workspace=workspace, given=given, frames=wanted)
        images: dict[ImageRef, Rows] = {BLURRY: y} | {i: given[i] for i in given}
        nodes = needed(graph.nodes, wanted, given)
        in_file = _images_bytes(y, len(nodes)) > workspace.room // IMAGES_SHARE
        try:
            for node in nodes:
                images[node.frame] = _estimate(graph, node, images, workspace, in_file=in_file)
        finally:
            workspace.release()
        return {i: images[i] for i in sorted(wanted)}


def _estimate(
    graph: FrameGraph,
    node: Node,
    images: Mapping[ImageRef, Rows],
    workspace: Workspace,
    *,
    in_file: bool,
) -> Rows:
    """One frame, kept. The network's maps are gone when this returns."""
    network = graph.networks[node.network]
    assert isinstance(network, InStrips)
    seen = tuple(images[ref] for ref in node.inputs)
    estimate = network.in_strips(seen, images[node.base], workspace)
    return workspace.keep(estimate, torch.float32, in_file=in_file, lasting=True, measured=False)


def rehearse(
    graph: FrameGraph,
    y: Rows,
    room: int,
    *,
    kind: torch.dtype = torch.float32,
    given: Mapping[int, Rows] | None = None,
    frames: Iterable[int] | None = None,
) -> Rehearsal | None:
    """What `predict` would take with so much room, without computing; None where in tiles."""
    workspace = Rehearsal(room, kind=kind)
    if not is_exact(graph, frames, given or ()):
        return None
    predict(graph, y, workspace=workspace, given=given, frames=frames)
    return workspace


def _images_bytes(y: Rows, count: int) -> int:
    return 3 * y.height * y.width * torch.float32.itemsize * count
