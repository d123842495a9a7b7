"""How much memory there is, and how much of it a process has: bytes, and as people say them."""

from __future__ import annotations

import re
from pathlib import Path

import psutil

_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SIZE = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[kmgt]?)(?P<binary>i?)b?", re.IGNORECASE)
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_USED = (
    Path("/sys/fs/cgroup/memory.current"),
    Path("/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)

MOST = 1 << 60
"""Bytes, as a size that is said."""

SHARE = 0.7
"""Of the memory that is free, so much is taken unless something else is said."""


def parse_size(text: str) -> int:
    """`4GiB`, `4.5 GB`, `800M` or a number of bytes, as bytes.

    Raises:
        ValueError: it is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or (match["binary"] and not match["unit"]):
        raise ValueError(
            f"'{text}' is no size of memory; valid: 4GiB, 4.5 GB, 800MB, or a number of bytes"
        )
    unit = match["unit"].lower()
    size = float(match["number"]) * (_BINARY if match["binary"] else _UNITS)[unit]
    if not size < MOST:
        raise ValueError(f"'{text}' is more memory than there can be")
    return int(size)


def size_text(size: float) -> str:
    """Bytes for people: `3.2 GiB`."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit in ("bytes", "KiB") else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError


def resident() -> int:
    """Resident memory of this process, bytes."""
    return int(psutil.Process().memory_info().rss)


def available() -> int:
    """Memory that this process may still take, bytes: of the machine, and of its container."""
    free = int(psutil.virtual_memory().available)
    for limit, used in zip(_LIMITS, _USED, strict=True):
        try:
            left = int(limit.read_text()) - int(used.read_text())
        except (OSError, ValueError):  # no container, or "max"
            continue
        free = min(free, max(left, 0))
    return free


def default_limit() -> int:
    """What this process may have in all, unless the user says: its own and a share of the rest."""
    return resident() + int(SHARE * available())
