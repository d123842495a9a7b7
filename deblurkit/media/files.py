"""Image and video files as people hand them over: checked, in natural order, written whole."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deblurkit.errors import DataError, DeblurkitError, FailedError
from deblurkit.storage import atomic_file


def check_file(path: Path, kind: str) -> None:
    """Check that a path is a file with something in it, before a decoder gets it.

    Args:
        path: The path as the user gave it.
        kind: What is expected there, for the message: "an image", "a video".

    Raises:
        DataError: it is missing, a folder, not a regular file, empty or out of reach.
    """
    mode, size = _stat(path, kind)
    if stat.S_ISDIR(mode):
        raise DataError("this is a folder", where=str(path), valid=f"the path of {kind} file")
    if not stat.S_ISREG(mode):
        raise DataError(
            "this is a device or a pipe", where=str(path), valid=f"the path of {kind} file"
        )
    if size == 0:
        raise DataError(
            "the file is empty (0 bytes)",
            where=str(path),
            valid=f"{kind} file",
            hint="copy or download it again",
        )


def check_folder(path: Path, kind: str) -> None:
    """Check that a path is a folder; `kind` says what it should hold: "images".

    Raises:
        DataError: it is missing, a file or out of reach.
    """
    mode, _ = _stat(path, f"a folder of {kind}")
    if not stat.S_ISDIR(mode):
        raise DataError("this is a file", where=str(path), valid=f"a folder of {kind}")


def entries(folder: Path, kind: str) -> tuple[Path, ...]:
    """What is in a folder, in natural order, without hidden entries (`.DS_Store`, `._a.png`).

    Raises:
        DataError: the folder is missing, a file or out of reach.
    """
    check_folder(folder, kind)
    try:
        found = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"the folder cannot be read: {_reason(error)}", where=str(folder)) from None
    return natural_order(found)


def natural_order(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Paths in the order of their names as people count: frame2 before frame10."""
    return tuple(sorted(paths, key=_natural_key))


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` when the block ends well.

    Raises:
        DataError: the folder cannot be written; `path` is then as it was.
        FailedError: the disk is full; likewise.
    """
    try:
        # A link stays one: what it points at is written.
        with atomic_file(Path(os.path.realpath(path)) if path.is_symlink() else path) as temporary:
            yield temporary
    except OSError as error:
        raise unwritten("the file", path, error) from error


def unwritten(what: str, path: Path, error: OSError) -> DeblurkitError:
    """What to say where a file or folder cannot be written; a full disk is nobody's mistake."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
        return FailedError(
            f"{what} cannot be written: {_reason(error)}",
            where=str(path),
            hint="make room, or name another place",
        )
    return DataError(
        f"{what} cannot be written: {_reason(error)}",
        where=str(path),
        hint="name a folder that can be written",
    )


def _natural_key(path: Path) -> tuple[object, ...]:
    # Without the suffix first, so that a.png comes before a1.png.
    return (*(_parts(name) for name in (path.stem, path.name)), path.name)


def _parts(name: str) -> tuple[str | int, ...]:
    # Splitting at groups of digits gives text and number in turn, so any two compare.
    parts = re.split(r"([0-9]+)", name.casefold())
    return tuple(int(part) if k % 2 else part for k, part in enumerate(parts))


def _stat(path: Path, kind: str) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        raise DataError(
            "there is no such file or folder",
            where=str(path),
            valid=f"the path of {kind}",
            hint="check the spelling; relative paths count from the current folder",
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(
            f"the path cannot be used: {_reason(error)}", where=str(path), valid=kind
        ) from None
    return found.st_mode, found.st_size


def _reason(error: Exception) -> str:
    return str((error.strerror if isinstance(error, OSError) else None) or error)
