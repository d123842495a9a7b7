"""A tabulated camera response as a text file: one number a line, or numbers between commas."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deblurkit.camera import TABLE, VALID_RESPONSE, check_response
from deblurkit.errors import DeblurkitError
from deblurkit.storage import atomic_file

_MOST_BYTES = 1 << 20


def read_response(path: Path) -> tuple[float, ...]:
    """Read a table: g at equally spaced linear light from 0 to 1; lines may begin with #.

    Raises:
        DeblurkitError: the file cannot be read, or is no table; the message names the entry.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text"
        raise DeblurkitError(
            f"the camera response cannot be read: {said or error}",
            where=str(path),
            valid=f"a file with {TABLE[0]} to {TABLE[1]} numbers, one a line",
        ) from error
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    # A comma may end a line, as where a list was cut into lines.
    words = [w.strip() for line in lines for w in line.strip().removesuffix(",").split(",")]
    table: list[float] = []
    for word in filter(None, words) if len(text) <= _MOST_BYTES else ():
        try:
            table.append(float(word))
        except ValueError:
            raise _no_table(path, f"entry {len(table) + 1} is {word[:40]!r}, no number") from None
    try:
        check_response(table)
    except ValueError as error:
        raise _no_table(path, str(error).partition(";")[0]) from None
    return tuple(table)


def write_response(path: Path, table: Sequence[float]) -> None:
    """Write a table, one number a line, as `read_response` reads it back exactly."""
    with atomic_file(path) as temporary:
        temporary.write_text("".join(f"{float(v)!r}\n" for v in table), "utf-8")


def _no_table(path: Path, what: str) -> DeblurkitError:
    return DeblurkitError(
        f"this is no camera response: {what}", where=str(path), valid=VALID_RESPONSE
    )
