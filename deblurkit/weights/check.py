"""Whether a bundle works: every value finite, and a sequence of finite frames for an image."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from deblurkit.bundle import Bundle
from deblurkit.graph import stack

SIDE = 64
"""Of the image that a bundle is tried on, pixels."""


def problems(bundle: Bundle) -> Iterator[str]:
    """What is wrong with a bundle that could be read, one sentence each."""
    broken = [
        f"{name}: {key}"
        for name, network in bundle.graph.networks.items()
        for key, value in network.state_dict().items()
        if value.is_floating_point() and not bool(torch.isfinite(value).all())
    ]
    if broken:
        more = f" and {len(broken) - 4} more" if len(broken) > 4 else ""
        yield f"values that are not finite: {', '.join(broken[:4])}{more}"
        return
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 3, SIDE, SIDE, generator=generator)
    with torch.no_grad():
        try:
            frames = stack(bundle.graph.eval()(image))
        except Exception as error:  # noqa: BLE001 - a plugin's network may raise anything
            yield f"its networks fail on an image: {type(error).__name__}: {error}"
            return
    if not bool(torch.isfinite(frames).all()):
        yield "its networks give values that are not finite"
