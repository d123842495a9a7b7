"""What says that two clips are the same: names that match, and a mark of the true frames."""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.printable import readable


def clip_name(number: int, count: int) -> str:
    """`clip-01`: with so many digits that all names sort as their numbers do, at least two.

    Args:
        number: 1 for the first.
        count: Number of clips in all.
    """
    return f"clip-{number:0{max(2, len(str(count)))}d}"


def matched_name(name: str) -> str:
    """The name that a file or folder is matched by, in print and in score sheets alike.

    Unicode's composed form: one system writes `é` as a letter, another as `e` and an accent.
    What is no text in a file name is U+FFFD.
    """
    return unicodedata.normalize("NFC", readable(name))


def frames_mark(frames: npt.NDArray[np.floating[Any]]) -> str:
    """A short hash of true frames, the same for a run's clips and for these read from PNG files.

    Args:
        frames: T×H×W×3 floats in [0, 1]; rounded to 8 bits, as files have them.
    """
    pixels = np.rint(np.asarray(frames, np.float32) * np.float32(255)).astype(np.uint8)
    digest = hashlib.sha256(repr(pixels.shape).encode())
    digest.update(pixels.tobytes())
    return digest.hexdigest()[:16]
