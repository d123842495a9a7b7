"""Words of messages that depend on numbers."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 clip`, `2 clips`, `0 clips`. The plural has an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
