"""Files that appear whole or not at all, content hashes, and where cached things live."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import platformdirs

if TYPE_CHECKING:
    from torch import Tensor


def cache_root() -> Path:
    """Where clips and trained phases are kept: $DEBLURKIT_CACHE, or the user's cache folder."""
    override = os.environ.get("DEBLURKIT_CACHE")
    return (
        Path(override).expanduser() if override else Path(platformdirs.user_cache_dir("deblurkit"))
    )


def content_hash(value: Any, length: int = 24) -> str:
    """A short hash of anything JSON can say, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def file_hash(path: Path) -> str:
    """The SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Write to the yielded temporary path; it is synced and renamed to `path` at the end.

    The temporary name keeps the suffix, so writers that choose a format by it work. If the
    block fails, the temporary file is removed and `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of a long name only a part: with what is added it must not be too long.
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:32]}-", suffix=path.suffix)
    os.close(fd)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Fill the yielded temporary folder; it is renamed to `path` at the end.

    Args:
        path: The folder; it must not exist yet.
        replace: It may exist, and what is in it is then gone once the new one is whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:32]}-"))
    try:
        yield temporary
        temporary.chmod(0o777 & ~_umask())
        for file in temporary.rglob("*"):
            if file.is_file():
                _sync(file)
        if replace and path.exists():
            _swap(temporary, path)
        else:
            temporary.replace(path)
        _sync(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap(new: Path, path: Path) -> None:
    """Put a folder in the place of another; if that fails the old one is there as before."""
    old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name[:32]}-"))
    try:
        path.replace(old)
    except OSError:
        old.rmdir()
        raise
    try:
        new.replace(path)
    except OSError:
        old.replace(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> str:
    """Write tensors as safetensors, whole or not at all, and return the file's SHA-256.

    Raises:
        OSError: the folder cannot be written or is full.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    kept = {k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}
    with atomic_file(path) as temporary:
        try:
            save_file(kept, temporary, metadata)
        except SafetensorError as error:  # how it says that the disk is full
            raise OSError(str(error)) from error
    return file_hash(path)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented, whole or not at all; it reads back as the same value."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    with atomic_file(path) as temporary:
        # Bytes of a file name that are not UTF-8 become \udcff, which JSON can say.
        temporary.write_text(text, "utf-8", errors="backslashreplace")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
