"""A frame graph evaluated on the whole image at once: for a GPU with the memory for it."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from deblurkit.graph import FrameGraph
from deblurkit.inference.rows import Rows, Whole

_compiled: weakref.WeakSet[nn.Module] = weakref.WeakSet()
"""Networks that are compiled: each once."""


def predict_whole(
    graph: FrameGraph,
    y: Rows,
    *,
    device: str,
    kind: torch.dtype,
    given: Mapping[int, Rows] | None = None,
    frames: Iterable[int] | None = None,
    compiled: bool = False,
) -> dict[int, Rows]:
    """Predict frames in one pass; see `deblurkit.inference.predict.predict`.

    Args:
        graph: The networks; they are moved to the device and stay there.
        y: The blurry image, 3×H×W in [0, 1].
        device: cpu or cuda.
        kind: What convolutions compute in; half precision by torch's autocast.
        given: Images of y's size that replace predictions.
        frames: The frames wanted, 1-based; all T by default.
        compiled: Compile the networks, if they are not yet, for the size at hand; torch compiles
            them again for another size, and gives up after a few.

    Returns:
        The wanted frames by index, in order of time, in main memory, float32, not clamped.

    Raises:
        torch.OutOfMemoryError: the GPU has too little memory; nothing is left there.
    """
    graph.to(device)
    for network in graph.networks.values() if compiled else ():
        if network not in _compiled:
            network.compile()
            _compiled.add(network)

    def there(image: Rows) -> torch.Tensor:
        whole = image.rows(0, image.height).to(device)
        return whole.contiguous(memory_format=torch.channels_last)

    half = kind != torch.float32
    with (
        torch.inference_mode(),
        torch.backends.cudnn.flags(enabled=True, allow_tf32=half),  # fp32 means fp32
        torch.autocast(device, dtype=kind if half else None, enabled=half),
    ):
        found = graph(there(y), {i: there(image) for i, image in (given or {}).items()}, frames)
        return {i: Whole(found[i].float().cpu()) for i in sorted(found)}


def forget_compiled(graph: FrameGraph) -> None:
    """Let networks compute as they are written again, for another device."""
    for network in graph.networks.values():
        if network in _compiled:
            network._compiled_call_impl = None  # noqa: SLF001 - torch has no way back
            _compiled.discard(network)
