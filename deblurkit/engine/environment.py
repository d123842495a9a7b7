"""What a result was computed with: versions, processor, threads."""

from __future__ import annotations

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import deblurkit
from deblurkit.registry import Registry

_PACKAGES = (
    "accelerate", "av", "einops", "numpy", "pillow", "safetensors", "scikit-image",
    "timm", "torch", "torchvision",
)  # fmt: skip


def describe_environment(registry: Registry, *, device: str, precision: str) -> dict[str, Any]:
    """Versions of deblurkit, its plugins and what they stand on; device, precision, threads."""
    return {
        "deblurkit": deblurkit.__version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": device,
        "gpu": torch.cuda.get_device_name() if device == "cuda" else None,
        "precision": precision,
        "packages": {name: _version(name) for name in _PACKAGES},
        "plugins": {p.name: p.version for p in registry.plugins() if p.status == "ok"},
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """The processor's name, as well as the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    if names:
        return names[0]
    return platform.processor() or platform.machine()
