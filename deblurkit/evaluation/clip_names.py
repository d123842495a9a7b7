"""What clips are called in score sheets, in exported clips and in samples, so that they match."""

from __future__ import annotations


def clip_name(number: int, count: int) -> str:
    """`clip-01`: with so many digits that all names sort as their numbers do, at least two.

    Args:
        number: 1 for the first.
        count: Number of clips in all.
    """
    return f"clip-{number:0{max(2, len(str(count)))}d}"
