"""Lists of names that divide a data set: a text file for each side, a name a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from deblurkit.errors import DataError
from deblurkit.footage.recording import Split
from deblurkit_standard.layouts.search import SIDES, inside

_SUFFIXES = (".txt", ".yaml", ".yml")


def sides_of(names: Iterable[str], folders: Sequence[Path]) -> dict[str, Split]:
    """The side of each name that a list has.

    A list is a text file, or a list in YAML, whose own name has a word `train`, `val`, `valid`
    or `test` (`adobe240fps_folder_train.txt`). A validation list counts as a test list. Names
    may be there with or without suffix; those that nothing has are passed over, so that part of
    a data set can be used.

    Args:
        names: What may be listed.
        folders: Where the lists may be.

    Raises:
        DataError: a list cannot be read, or a name is on both sides.
    """
    known = {key: name for name in names for key in (Path(name).stem, name)}
    sides: dict[str, Split] = {}
    for folder in folders:
        for file in inside(folder):
            side = _side(file)
            if not side:
                continue
            for said in _names(file):
                name = known.get(said)
                if name is None:
                    continue
                if sides.setdefault(name, side) != side:
                    raise DataError(
                        f"'{said}' is for training in one list and for testing in another",
                        where=str(file),
                        hint="take it out of one of them",
                    )
    return sides


def _side(file: Path) -> Split:
    if file.suffix.lower() not in _SUFFIXES or not file.is_file():
        return ""
    words = re.split(r"[^a-z]+", file.stem.lower())
    return next((SIDES[word] for word in words if word in SIDES), "")


def _names(file: Path) -> list[str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"the list cannot be read: {error}", where=str(file), valid="text, a name a line"
        ) from error
    return [line.strip().removeprefix("- ").strip("'\" ") for line in lines]
