"""Other people's images and videos, which are not part of the project."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def real_data(part: str) -> Path:
    """A file or folder below $DEBLURKIT_DATA; skips the test where it is not there."""
    root = os.environ.get("DEBLURKIT_DATA")
    if not root:
        pytest.skip("DEBLURKIT_DATA names no folder of real images and videos")
    path = Path(root) / part
    if not path.exists():
        pytest.skip(f"there is no {part} in DEBLURKIT_DATA")
    return path
