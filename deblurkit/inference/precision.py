"""What convolutions compute in."""

from __future__ import annotations

from typing import Literal

import torch

from deblurkit.bundle import Bundle
from deblurkit.errors import DeblurkitError

Precision = Literal["auto", "fp32", "bf16"]
PRECISIONS = ("auto", "fp32", "bf16")


def has_bf16() -> bool:
    """Whether this processor multiplies bf16 in hardware; without, it is slower than fp32."""
    check = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # no public name yet
    return bool(check is not None and check())


def kind_of(precision: str, bundle: Bundle) -> torch.dtype:
    """What to compute in.

    `auto` is bf16 where the processor has it and the bundle says that its frames are the same
    to the eye (`bf16-psnr` among its scores, 45 dB and more); else fp32.

    Raises:
        DeblurkitError: there is no such precision.
    """
    if precision not in PRECISIONS:
        raise DeblurkitError(f"there is no precision '{precision}'", valid=", ".join(PRECISIONS))
    if precision == "auto":
        scores = bundle.about.get("scores")
        found = scores.get("bf16-psnr") if isinstance(scores, dict) else None
        safe = isinstance(found, int | float) and found >= SAFE
        return torch.bfloat16 if safe and has_bf16() else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


SAFE = 45.0
"""dB between frames in bf16 and in fp32: below one step of 8 bits on average."""
