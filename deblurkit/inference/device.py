"""Where to compute, and whether a processor computes half precision; light to import."""

from __future__ import annotations

from pathlib import Path

import torch

from deblurkit.errors import UnavailableError

DEVICES = ("auto", "cpu", "cuda")


def cpu_computes_bf16() -> bool:
    """Whether the processor has instructions for bfloat16 (Linux; elsewhere False)."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return False
    flags = set(text.split())
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def choose_device(asked: str) -> str:
    """Turn `auto` into a device.

    Raises:
        UnavailableError: a GPU is asked for and there is none.
    """
    if asked not in DEVICES:
        raise UnavailableError(f"unknown device '{asked}'", valid=", ".join(DEVICES))
    if asked == "cuda" and not torch.cuda.is_available():
        raise UnavailableError(
            "no CUDA device can be used here", hint="--device cpu, or look at nvidia-smi"
        )
    return ("cuda" if torch.cuda.is_available() else "cpu") if asked == "auto" else asked
