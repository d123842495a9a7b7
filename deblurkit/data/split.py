"""Which sources are for training and which for testing: never the same one for both."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from deblurkit.errors import DataError

_MORE_MATERIAL = (
    "add more material, cut it into more sources where the dataset can "
    "(shorter passages, more scenes), or name other material for testing in data.test"
)


@dataclass(frozen=True)
class Split:
    """The sources of the training and of the test clips, in a fixed shuffled order."""

    train: tuple[str, ...]
    test: tuple[str, ...]


def split_sources(
    sources: Sequence[str], *, held_out: float, test: Sequence[str] | None = None
) -> Split:
    """Divide sources by a hash of their names: independent of their order and of any seed.

    Args:
        sources: Names of the training dataset's sources.
        held_out: Share of the sources kept for testing, between 0 and 1; rounded to whole
            sources so that both sides have at least one.
        test: Names of another test dataset's sources. All of them are used, and all of
            `sources`, but for names that both have: these are taken for the same material
            and divided by `held_out`.

    Returns:
        Both sides, without a common name.

    Raises:
        DataError: there are too few sources for both sides, or a name is there twice.
        ValueError: `held_out` is not between 0 and 1.
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out is {held_out!r}; valid: between 0 and 1")
    ours = _shuffled(sources, "data.train")
    theirs = ours if test is None else _shuffled(test, "data.test")
    shared = [name for name in ours if name in set(theirs)]
    least = 1 if len(shared) == len(theirs) else 0
    most = len(shared) - 1 if len(shared) == len(ours) else len(shared)
    if least > most:
        raise DataError(
            f"the one source, '{shared[0]}', cannot be both for training and for testing",
            where="data.train" if test is None else "data.train and data.test",
            valid="at least 2 sources",
            hint=_MORE_MATERIAL,
        )
    held = set(shared[: min(max(round(held_out * len(shared)), least), most)])
    kept = set(shared) - held
    return Split(
        train=tuple(name for name in ours if name not in held),
        test=tuple(name for name in theirs if name not in kept),
    )


def _shuffled(names: Sequence[str], where: str) -> list[str]:
    """The names by their hashes, so that neighbours in a listing do not stay together."""
    if not names:
        raise DataError("the dataset has no sources", where=where, hint=_MORE_MATERIAL)
    for name, times in Counter(names).items():
        if times > 1:
            raise DataError(
                f"two sources have the name '{name}'",
                where=where,
                valid="names that are all different",
                hint="rename one of the files; if they already differ, the dataset has a mistake",
            )
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
