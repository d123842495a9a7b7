"""Numpy arrays and torch tensors alike: which of the two a value is."""

from __future__ import annotations

import sys
from typing import Any, TypeVar

import numpy as np

ArrayT = TypeVar("ArrayT")
"""A numpy array or a torch tensor of floats."""


def namespace(x: object) -> Any:
    """The module with x's functions; torch is only looked for where it is already imported.

    Raises:
        TypeError: x is neither array nor tensor, or does not hold floats.
    """
    torch: Any = sys.modules.get("torch")
    if torch is not None and isinstance(x, torch.Tensor):
        if x.dtype.is_floating_point:
            return torch
    elif isinstance(x, (np.ndarray, np.floating)):
        if np.issubdtype(x.dtype, np.floating):
            return np
    else:
        raise TypeError(f"expected a numpy array or a torch tensor, got {type(x).__name__}")
    raise TypeError(f"expected floats in [0, 1], got {x.dtype}; divide 8-bit values by 255 first")
