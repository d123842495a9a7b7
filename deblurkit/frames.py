"""Frame indices, and the only place that does arithmetic with them.

Frames are counted from 1 as in the paper: x[1], ..., x[T], with T odd. Some words, used
everywhere with these meanings: the *middle* is frame (T+1)/2; a *pair* is (i, T+1-i); the
*core* is the middle and its two neighbours; the *outer* frames are those beyond the core;
the *others* are all frames but the middle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from deblurkit.errors import FrameError

ImageT = TypeVar("ImageT")
BLURRY = "y"
ImageRef = int | str
"""An image a network may see: a frame index, or "y" for the blurry image."""


def check_length(T: int) -> int:
    """Return T if it is a usable number of frames, an odd number >= 1.

    Raises:
        FrameError: T is even or below 1: only an odd T has a middle frame (section 5).
    """
    if isinstance(T, bool) or not isinstance(T, int) or T < 1 or T % 2 == 0:
        raise FrameError(
            f"{T!r} frames have no middle frame",
            valid="an odd number of frames: 1, 3, 5, 7, 9, ...",
            hint="use the next odd number",
        )
    return T


def check_index(i: int, T: int) -> int:
    """Return i if it is a frame of a sequence of T; raises FrameError otherwise."""
    if isinstance(i, bool) or not isinstance(i, int) or not 1 <= i <= T:
        raise FrameError(f"there is no frame {i!r}", valid=f"1 to {T}, counted from 1")
    return i


def indices(T: int) -> tuple[int, ...]:
    """All frame indices: 1, ..., T."""
    return tuple(range(1, check_length(T) + 1))


def middle(T: int) -> int:
    """The middle frame, (T+1)/2: the one frame whose place in time blur leaves no doubt about."""
    return (check_length(T) + 1) // 2


def around_middle(T: int, count: int) -> tuple[int, ...]:
    """The `count` frames around the middle, in order of time; both numbers are odd."""
    first = middle(T) - middle(count) + 1
    return tuple(range(first, first + check_length(count)))


def partner(i: int, T: int) -> int:
    """The frame symmetric to i about the middle: T+1-i. The middle is its own partner."""
    return T + 1 - check_index(i, check_length(T))


def pairs(T: int) -> tuple[tuple[int, int], ...]:
    """The symmetric pairs (i, T+1-i), i < T+1-i, from the core outwards: (3,5), (2,6), (1,7)."""
    m = middle(T)
    return tuple((m - k, m + k) for k in range(1, m))


def core(T: int) -> tuple[int, ...]:
    """The middle and its two neighbours, in order of time."""
    m = middle(T)
    return (m - 1, m, m + 1) if T >= 3 else (m,)


def outer(T: int) -> tuple[int, ...]:
    """The frames beyond the core, in order of time."""
    return tuple(i for i in indices(T) if i not in core(T))


def others(T: int) -> tuple[int, ...]:
    """All frames but the middle, in order of time."""
    return tuple(i for i in indices(T) if i != middle(T))


class FrameSet(Mapping[int, ImageT], Generic[ImageT]):
    """Some frames of a sequence of T, by index, with the blurry image they belong to.

    What a loss term receives twice, as estimate and as target. Behaves as a read-only
    mapping from frame index to image, in order of time.

    Attributes:
        T: Length of the whole sequence, also where only some frames are here.
        blurry: The blurry image y, B×C×H×W in [0, 1], or None where nobody needs it.
    """

    def __init__(self, T: int, images: Mapping[int, ImageT], blurry: ImageT | None = None) -> None:
        self.T = check_length(T)
        self._images = {check_index(i, T): images[i] for i in sorted(images)}
        self.blurry = blurry

    def __getitem__(self, i: int) -> ImageT:
        try:
            return self._images[i]
        except KeyError:
            here = ", ".join(map(str, self._images)) or "none"
            raise FrameError(f"frame {i} is not here", valid=f"frames here: {here}") from None

    def __contains__(self, i: object) -> bool:
        return i in self._images

    def __iter__(self) -> Iterator[int]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)

    def __repr__(self) -> str:
        return f"FrameSet(T={self.T}, frames={list(self._images)})"

    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The symmetric pairs of which both frames are here, from the core outwards."""
        return tuple((i, j) for i, j in pairs(self.T) if i in self and j in self)

    def others(self) -> tuple[int, ...]:
        """The frames here but the middle, in order of time."""
        return tuple(i for i in self if i != middle(self.T))

    def only(self, frames: Iterator[int] | tuple[int, ...] | list[int]) -> FrameSet[ImageT]:
        """The same sequence with just these frames."""
        return FrameSet(self.T, {i: self[i] for i in frames}, self.blurry)
