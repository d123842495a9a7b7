"""Where and how precisely to compute: one Accelerator for a run."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DataLoaderConfiguration, InitProcessGroupKwargs

from deblurkit.errors import UnavailableError
from deblurkit.inference.device import cpu_computes_bf16

Precision = Literal["fp32", "bf16", "fp16"]


def choose_precision(asked: str, device: str) -> Precision:
    """Turn `auto` into a precision: bf16 where the processor computes it fast, else fp32.

    Raises:
        UnavailableError: fp16 is asked for on the CPU, which would silently compute in fp32.
    """
    if asked == "fp16" and device == "cpu":
        raise UnavailableError(
            "fp16 is not computed on the CPU", valid="bf16, fp32, auto", hint="use bf16"
        )
    if asked != "auto":
        return asked  # type: ignore[return-value]
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if cpu_computes_bf16() else "fp32"


def make_accelerator(device: str, precision: Precision) -> Accelerator:
    """An Accelerator whose batches are global: each process takes its part of every batch."""
    if not PartialState._shared_state.get("num_processes", 1) > 1:  # noqa: SLF001
        # Accelerate keeps one state a process and offers no public way to leave it; a second
        # run in the same process may want another precision.
        AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001
    return Accelerator(
        cpu=device == "cpu",
        mixed_precision="no" if precision == "fp32" else precision,
        dataloader_config=DataLoaderConfiguration(split_batches=True),
        # Others wait in a collective while one process renders clips or scores them.
        kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(days=7))],
    )
