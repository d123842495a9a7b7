"""Frames between two frames, for footage that is too slow.

Optical flow (TV-L1, by scikit-image) is found from the first frame to the second and back, on
small gray images. For every pixel of a frame in between, each flow proposes a straight path
from the first frame to the second; the better one is taken, and both frames are sampled at its
ends. A frame counts less where its own flow contradicts the path: there something covers what
is seen in the other frame. Intermediate flow by looking up, not by approximation as in
Super SloMo (Jiang et al., CVPR 2018, eq. 4), whose blending with visibility this follows (eq. 5).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from scipy import ndimage
from skimage.registration import optical_flow_tvl1
from torch import Tensor
from torch.nn import functional

Pixels = npt.NDArray[np.uint8]

LEAST_FOUND = 0.4
"""Share of the pixels that must be found again; real footage has 0.6 and more, cuts below 0.01."""

HALF = 0.5
"""Share of the pixels that change of which fewer found again are worth a warning."""

_LONGEST, _LEAST_SIDE = 256, 16  # sides of the images whose flow is found, pixels
_ATTACHMENT = 30.0  # twice scikit-image's: fast things are found rather than smoothed away
_NEAR, _NEAR_SHARE = 0.5, 0.05  # two motions are one up to so many pixels, and a share of both
_ALIKE = 12.0  # grey levels between two views of one thing
_CAPPED = 3.0  # disagreement beyond which a path is no worse
_COVERED = 2.5  # disagreement at which a frame counts half
_LEAST_WEIGHT = 0.1  # where both frames contradict, both count
_SEARCHES = 3
_log = logging.getLogger(__name__)
_FEW = 0.01  # changes in less of the image are not worth a warning


class InBetween:
    """Two consecutive frames, and how things move from one to the other.

    Args:
        first: H×W×3 uint8.
        second: In the same shape.

    Attributes:
        found: Share of the pixels whose motion there and back agrees and leads to the same
            colour. Below `LEAST_FOUND` there is nothing to go by, as at a cut.
        found_moving: The same among the pixels that change; 1 where hardly any do.

    Raises:
        ValueError: the shapes differ or are not H×W×3.
    """

    def __init__(self, first: Pixels, second: Pixels) -> None:
        if first.shape != second.shape or first.ndim != 3 or first.shape[2] != 3:
            raise ValueError(f"two frames H×W×3 are needed, got {first.shape} and {second.shape}")
        self._ends = first, second
        self.found = self.found_moving = 1.0
        self._same = np.array_equal(first, second)
        if not self._same:
            self._measure()

    @property
    def unlike(self) -> bool:
        """Whether the frames have too little in common to find out how things move."""
        return self.found < LEAST_FOUND

    def _measure(self) -> None:
        height, width = self._ends[0].shape[:2]
        scale = min(1.0, _LONGEST / max(height, width))
        size = max(_LEAST_SIDE, round(width * scale)), max(_LEAST_SIDE, round(height * scale))
        small = [Image.fromarray(end).resize(size, Image.Resampling.BOX) for end in self._ends]
        gray = [np.asarray(image.convert("L"), np.float32) / np.float32(255) for image in small]
        self._small = tuple(_tensor(np.asarray(image)) for image in small)
        there, back = _flow(gray[0], gray[1]), _flow(gray[1], gray[0])
        self._forward = there, -back  # as seen from each frame: how things move in time
        changed = _near_mean(_distance(*self._small)).numpy() > _ALIKE
        again = np.stack([self._found_again(k) for k in (0, 1)])
        self.found = float(again.mean())
        if changed.mean() > _FEW:
            self.found_moving = float(again[:, changed].mean())

    def _found_again(self, k: int) -> npt.NDArray[np.bool_]:
        """1×1×h×w: where flow from a frame to the other and back agrees, and colours do."""
        sign = 1 - 2 * k
        motion = self._forward[k]
        at = _grid(motion) + sign * motion
        away = _length(motion - _sample(self._forward[1 - k], at))
        change = _near_mean(_distance(self._small[k], _sample(self._small[1 - k], at)))
        agreed = (away < _tolerance(motion)) & (change < _ALIKE)
        return np.asarray(agreed.numpy(), np.bool_)

    def at(self, time: float) -> Pixels:
        """The frame at a time from 0, the first, to 1, the second; H×W×3 uint8.

        Of frames that are `unlike`, the nearer one; the first in the middle.
        """
        if time in (0, 1) or self.unlike or self._same:
            return self._ends[int(time > 0.5)].copy()
        motion, share = self._paths(time)
        height, width = self._ends[0].shape[:2]
        scale = torch.tensor([width / motion.shape[3], height / motion.shape[2]])
        motion = _resized(motion * scale[None, :, None, None], height, width)
        share = _resized(share, height, width)
        grid = _grid(motion)
        first, second = (_tensor(end) for end in self._ends)
        out = share * _sample(first, grid - time * motion, "bicubic")
        out += (1 - share) * _sample(second, grid + (1 - time) * motion, "bicubic")
        return np.asarray(out[0].round().clamp(0, 255).byte().permute(1, 2, 0).numpy())

    def _paths(self, time: float) -> tuple[Tensor, Tensor]:
        """Motion from frame to frame, 1×2×h×w, and how much the first frame counts, 1×1×h×w."""
        one, two = self._proposed(0, time), self._proposed(1, time)
        a, b = self._disagreement(one, time), self._disagreement(two, time)
        # Where both are as good their mean, so that reversed frames give the same.
        chosen = torch.where(a < b, one, torch.where(b < a, two, (one + two) / 2))
        motion = torch.from_numpy(ndimage.median_filter(chosen.numpy(), (1, 1, 3, 3)))
        weights = []
        for k in (0, 1):
            covered = (self._contradiction(k, motion, time) / _COVERED) ** 4
            weights.append((1 / (1 + covered) + _LEAST_WEIGHT) * ((1 - time), time)[k])
        seen = [_inside(self._end(k, motion, time)) for k in (0, 1)]
        for k in (0, 1):  # outside one frame, the other alone
            weights[k] = torch.where(seen[1 - k] & ~seen[k], 0.0, weights[k])
        first, second = (_near_mean(weight) for weight in weights)
        return motion, first / (first + second)

    def _proposed(self, k: int, time: float) -> Tensor:
        """For each pixel in between, a motion that brings something of frame k there."""
        motion = self._forward[k]
        for _ in range(_SEARCHES):
            motion = _sample(self._forward[k], self._end(k, motion, time))
        return motion

    def _disagreement(self, motion: Tensor, time: float) -> Tensor:
        """How badly a path fits: to the flow at its ends, and of the colours there."""
        apart = _distance(*(_sample(self._small[k], self._end(k, motion, time)) for k in (0, 1)))
        flows = [self._contradiction(k, motion, time).clamp(max=_CAPPED) for k in (0, 1)]
        colours = (_near_mean(apart) / (_ALIKE - 2)).clamp(max=_CAPPED)
        return flows[0] + flows[1] + colours

    def _contradiction(self, k: int, motion: Tensor, time: float) -> Tensor:
        """How far the flow at a path's end in frame k is from the path's motion, tolerances."""
        there = _sample(self._forward[k], self._end(k, motion, time))
        return _length(there - motion) / _tolerance(motion)

    def _end(self, k: int, motion: Tensor, time: float) -> Tensor:
        """Where paths through the pixels at a time begin (k = 0) or end (k = 1)."""
        return _grid(motion) + (-time, 1 - time)[k] * motion


def between(first: Pixels, second: Pixels, times: int) -> Pixels:
    """The times - 1 frames that divide the way from one frame to the next into `times` parts.

    Args:
        first: H×W×3 uint8.
        second: In the same shape.
        times: Parts, >= 1.

    Returns:
        (times - 1)×H×W×3 uint8. Of frames that are unlike (see `InBetween`) copies of the nearer.

    Raises:
        ValueError: the shapes differ or are not H×W×3, or times < 1.
    """
    if times < 1:
        raise ValueError(f"times={times}")
    pair = InBetween(first, second)
    made = [pair.at(k / times) for k in range(1, times)]
    return np.stack(made) if made else np.empty((0, *first.shape), np.uint8)


def filled(
    frames: Iterable[Pixels],
    times: int,
    skip: int,
    count: int,
    *,
    where: str,
    number: Callable[[int], int],
) -> Iterator[Pixels]:
    """Frames with times - 1 others put between any two; `count` of these after the first `skip`.

    Frames that cannot be put between two as they should be are warned of, once for each `where`
    and process.

    Args:
        frames: H×W×3 each, one or more, enough of them.
        times: Parts of the way from one to the next, >= 1.
        skip: How many are left out at the beginning, below `times`.
        count: How many are wanted, >= 1.
        where: What they are of, for warnings.
        number: What warnings call the k-th of `frames`, counted from 0.
    """
    wanted = range(skip, skip + count)
    given = iter(frames)
    first = next(given)
    if 0 in wanted:
        yield first
    for k, (one, two) in enumerate(pairwise(chain([first], given))):
        inner = [j for j in range(1, times) if k * times + j in wanted]
        if inner:
            pair = InBetween(one, two)
            _warn(pair, where, number(k), number(k + 1))
            for j in inner:
                yield pair.at(j / times)
        if (k + 1) * times in wanted:
            yield two


_warned: set[tuple[str, bool]] = set()


def _warn(pair: InBetween, where: str, first: int, second: int) -> None:
    if pair.found_moving >= HALF and not pair.unlike:
        return
    if (where, pair.unlike) in _warned:
        return
    _warned.add((where, pair.unlike))
    if pair.unlike:
        _log.warning(
            "%s: frames %d and %d have too little in common for frames between them, as at a cut; "
            "the nearer of the two stands for these. `deblurkit data doctor` finds cuts",
            where, first, second,
        )  # fmt: skip
    else:
        _log.warning(
            "%s: of what moves between frames %d and %d only %.0f%% was found again; in the "
            "frames between them the rest is torn or seen twice. Use faster footage, or a smaller "
            "stride (data.train.stride)",
            where, first, second, 100 * pair.found_moving,
        )  # fmt: skip


def _flow(reference: npt.NDArray[np.float32], moving: npt.NDArray[np.float32]) -> Tensor:
    """1×2×h×w, (x, y): reference(p) is found in `moving` at p + flow(p)."""
    compute: Any = optical_flow_tvl1  # has no types
    field = compute(reference, moving, attachment=_ATTACHMENT, dtype=np.float32)
    return torch.from_numpy(np.nan_to_num(field[::-1])[None].copy())


def _tensor(image: Pixels) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))[None]


def _grid(like: Tensor) -> Tensor:
    """1×2×h×w: x and y of every pixel."""
    rows, columns = torch.arange(like.shape[2]).float(), torch.arange(like.shape[3]).float()
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y])[None]


def _sample(image: Tensor, at: Tensor, mode: str = "bilinear") -> Tensor:
    """An image, 1×C×h×w, at places 1×2×h×w in pixels; beyond the border its last pixels."""
    height, width = image.shape[2:]
    grid = torch.stack([(2 * at[:, 0] + 1) / width - 1, (2 * at[:, 1] + 1) / height - 1], -1)
    return functional.grid_sample(
        image, grid, mode=mode, padding_mode="border", align_corners=False
    )


def _inside(at: Tensor) -> Tensor:
    x, y = at[:, :1], at[:, 1:]
    height, width = at.shape[2:]
    return (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)


def _length(motion: Tensor) -> Tensor:
    return (motion[:, :1] ** 2 + motion[:, 1:] ** 2).sqrt()


def _tolerance(motion: Tensor) -> Tensor:
    return _NEAR + _NEAR_SHARE * _length(motion)


def _distance(one: Tensor, two: Tensor) -> Tensor:
    return (one - two).abs().mean(1, keepdim=True)


def _near_mean(values: Tensor) -> Tensor:
    """The mean over 3×3 pixels."""
    return functional.avg_pool2d(functional.pad(values, (1, 1, 1, 1), mode="replicate"), 3, 1)


def _resized(values: Tensor, height: int, width: int) -> Tensor:
    return functional.interpolate(values, (height, width), mode="bilinear", align_corners=False)
