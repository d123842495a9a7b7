"""Arrays in files, with their space on the disk set aside before anything is written."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import numpy as np


def reserve_array(
    file: Path, shape: tuple[int, ...]
) -> np.memmap[tuple[int, ...], np.dtype[np.uint8]]:
    """Make an .npy file of uint8 and map it for writing.

    Writing to a mapped file on a full disk would kill the process, so a full disk must be
    noticed here.

    Args:
        file: Where; what is there is overwritten.
        shape: Of the array.

    Raises:
        OSError: there is not enough space.
    """
    array = np.lib.format.open_memmap(file, mode="w+", dtype=np.uint8, shape=shape)
    size = file.stat().st_size
    reserve = getattr(os, "posix_fallocate", None)
    with file.open("r+b") as opened:
        try:
            if reserve is not None:
                reserve(opened.fileno(), 0, size)
                return array
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
    if shutil.disk_usage(file.parent).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
    return array
