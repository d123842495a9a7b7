"""What convolutions compute in."""

from __future__ import annotations

from typing import Literal

import torch

from deblurkit.bundle import Bundle
from deblurkit.errors import DeblurkitError
from deblurkit.inference.device import cpu_computes_bf16

Precision = Literal["auto", "fp32", "bf16"]
PRECISIONS = ("auto", "fp32", "bf16")


def kind_of(precision: str, bundle: Bundle, device: str = "cpu") -> torch.dtype:
    """What to compute in.

    `auto` is bf16 where the processor or GPU has it and the bundle says that its frames are the
    same to the eye (`bf16-psnr` among its scores, 45 dB and more); else fp32.

    Raises:
        DeblurkitError: there is no such precision.
    """
    if precision not in PRECISIONS:
        raise DeblurkitError(f"there is no precision '{precision}'", valid=", ".join(PRECISIONS))
    if precision == "auto":
        scores = bundle.about.get("scores")
        found = scores.get("bf16-psnr") if isinstance(scores, dict) else None
        safe = isinstance(found, int | float) and found >= SAFE
        there = torch.cuda.is_bf16_supported() if device == "cuda" else cpu_computes_bf16()
        return torch.bfloat16 if safe and there else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


SAFE = 45.0
"""dB between frames in bf16 and in fp32: below one step of 8 bits on average."""
