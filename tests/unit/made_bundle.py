"""Small networks of the paper's kind, and bundles of them, without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from deblurkit.bundle import Bundle, save_bundle_file
from deblurkit.graph import FrameGraph, NetworkRequest
from deblurkit.registry import get_registry
from deblurkit.specs import ArchitectureSpec

SMALL = {"width": 8, "fusion_width": 6, "blocks": (((1, 1), (2, 4)), ((8, 2),))}


def networks(share: str = "pair", T: int = 5, awake: float = 0.1) -> FrameGraph:
    """The sequential family; its parameters are moved by `awake`, 0 leaves the identity."""
    torch.manual_seed(0)
    registry = get_registry()
    origin = registry.resolve("architecture", "resampling-cnn")
    spec = origin.spec
    assert isinstance(spec, ArchitectureSpec)

    def make(request: NetworkRequest) -> nn.Module:
        network: nn.Module = origin.build(inputs=request.inputs, **_params(spec, request.role))
        return network

    family = registry.resolve("family", "sequential").build(share=share)
    graph = FrameGraph.build(T, family.graph(T), make).eval()
    with torch.no_grad():
        for parameter in graph.parameters():
            parameter.add_(awake * torch.randn(parameter.shape))
    return graph


def made_bundle(
    path: Path, *, share: str = "outer", T: int = 7, awake: float = 0.02, **about: Any
) -> Path:
    """Write such networks as one file."""
    origin = get_registry().resolve("architecture", "resampling-cnn")
    assert isinstance(origin.spec, ArchitectureSpec)
    architectures = {
        role: {
            "name": origin.spec.name,
            "plugin": origin.owner,
            "version": origin.version,
            "params": _params(origin.spec, role),
        }
        for role in ("middle", "core", "outer")
    }
    save_bundle_file(path, Bundle(networks(share, T, awake), architectures, about))
    return path


def _params(spec: ArchitectureSpec, role: Any) -> dict[str, Any]:
    return spec.params(**{**spec.roles[role], **SMALL}).model_dump()
