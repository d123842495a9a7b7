"""A photograph between its pixels: cubic B-splines through them, many places at a time.

A value is the sum of 4×4 coefficients around its place, each times a product of two weights
(Unser, "Splines: a perfect fit for signal and image processing", IEEE Signal Processing
Magazine 1999). From pixel to pixel it is a polynomial, so along x the coefficients are turned
into those of the polynomial once; its weights are the powers of the place. What is left is a
weighted sum of rows of a table, which is what `torch.nn.functional.embedding_bag` computes: of
four rows with all that a line of pixels has to say about a place, then of the four powers. It was
the fastest of the ways to gather that were tried: twelve numbers are fetched at a time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import spline_filter1d
from torch import Tensor
from torch.nn.functional import embedding_bag

from deblurkit_standard.rendering.photographs import Pixels
from deblurkit_standard.rendering.shapes import Floats

_SUPPORT = 8  # pixels around a part of a photo, beyond which cubic splines do not look
_CHUNK = 1 << 14  # places computed at a time: their numbers stay in the processor's cache
_AHEAD, _BEHIND = 1, 2  # coefficients that the first and the last place need beyond them
_POWERS = torch.tensor(
    [[1.0, 4.0, 1.0, 0.0], [-3.0, 0.0, 3.0, 0.0], [3.0, -6.0, 3.0, 0.0], [-1.0, 3.0, -3.0, 1.0]]
).div_(6)
"""Powers of a place's distance from the pixel before it, by coefficients around it."""


@dataclass(frozen=True, eq=False)
class SplineSurface:
    """The surface of cubic B-splines through a part of a photograph.

    Attributes:
        corner: Place (x, y) in the photograph of the part's first pixel.
        coefficients: (h+3)×(w+3)×3 float32; those of the part's h×w pixels begin at (1, 1).
    """

    corner: tuple[int, int]
    coefficients: Tensor

    @classmethod
    def over(cls, pixels: Pixels, low: Floats, high: Floats) -> SplineSurface:
        """The part of a photograph that covers all places from `low` to `high`, (x, y) each.

        At its borders the photograph is mirrored, about the last pixels' centres.

        Args:
            pixels: H×W×3 uint8.
            low: Least place, 0 or more; the first pixel's centre is 0.
            high: Largest place, at most (W-1, H-1).
        """
        left, top = (max(0, math.floor(place) - _SUPPORT) for place in low)
        right, bottom = (math.floor(place) + 2 + _SUPPORT for place in high)
        part = pixels[top:bottom, left:right].astype(np.float32) / np.float32(255)
        for axis in (0, 1):
            part = spline_filter1d(part, order=3, axis=axis, output=np.float32, mode="mirror")
        padded = np.pad(part, (*2 * ((_AHEAD, _BEHIND),), (0, 0)), mode="reflect")
        return cls((left, top), torch.from_numpy(padded))

    def at(
        self, columns: npt.NDArray[np.float32], rows: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Values at places between the pixels.

        Args:
            columns: x of any shape, measured from `corner`.
            rows: y, of the same shape.

        Returns:
            shape×3 in [0, 1].
        """
        x, y = (torch.from_numpy(np.ascontiguousarray(p).reshape(-1)) for p in (columns, rows))
        seen = torch.empty(len(x), 3)
        many = min(len(x), _CHUNK)
        powers, lines = torch.ones(many, 4), np.empty((many, 4), np.int32)
        each = torch.arange(4 * many, dtype=torch.int32)
        ends = torch.arange(0, 4 * many + 1, 4, dtype=torch.int32)
        for start in range(0, len(x), _CHUNK):
            part = slice(start, start + _CHUNK)
            left, top = x[part].int(), y[part].int()
            count = len(left)
            f = x[part] - left
            square = f * f
            powers[:count, 1], powers[:count, 2] = f, square
            powers[:count, 3] = square.mul_(f)
            first = (top * self._width).add_(left).numpy()
            for k in range(4):
                np.add(first, k * self._width, out=lines[:count, k])
            down, last = _weights(y[part] - top), ends[: count + 1]
            fours = _sums_of_four(self._table, torch.from_numpy(lines[:count]), down, last)
            seen[part] = _sums_of_four(fours.view(-1, 3), each[: 4 * count], powers[:count], last)
        return np.asarray(seen.clamp_(0, 1).numpy().reshape(*columns.shape, 3))

    def windows(self, corners: Floats, size: int) -> npt.NDArray[np.float32]:
        """Views of size×size pixels that are shifted and nothing else.

        Then all pixels have the same weights, and rows and columns can be added up apart.

        Args:
            corners: N×2 places (x, y) of their first pixels, measured from `corner`.
            size: Pixels.

        Returns:
            N×size×size×3 in [0, 1].
        """
        seen = torch.empty(len(corners), size, size, 3)
        firsts = np.floor(corners)
        weights = _weights(torch.from_numpy(corners - firsts).float().view(-1)).view(-1, 2, 4)
        for n, (left, top) in enumerate(firsts.astype(int).tolist()):
            across, down = weights[n].tolist()
            lines = [self.coefficients[top + k : top + k + size] for k in range(4)]
            total = _weighted(lines, down, torch.empty_like(lines[0]))
            _weighted([total[:, left + k : left + k + size] for k in range(4)], across, seen[n])
        return np.asarray(seen.clamp_(0, 1).numpy())

    @property
    def _width(self) -> int:
        return self.coefficients.shape[1] - _AHEAD - _BEHIND

    @cached_property
    def _table(self) -> Tensor:
        """A row of 4×3 for each place of a pixel's first neighbour: polynomials, by power."""
        four = self.coefficients.unfold(1, 4, 1).transpose(2, 3).reshape(-1, 12)
        return four @ torch.kron(_POWERS.T.contiguous(), torch.eye(3))


def _weights(f: Tensor) -> Tensor:
    """P×4 weights of the coefficients before, at, after and beyond a place.

    Args:
        f: P distances from the pixel before it, from 0 to 1.
    """
    weights = torch.empty(len(f), 4)
    square, rest = f * f, 1 - f
    cube = square * f
    last = cube / 6
    middle = cube.mul_(0.5).sub_(square).add_(2 / 3)
    first = (rest * rest).mul_(rest).mul_(1 / 6)
    weights[:, 0], weights[:, 1], weights[:, 3] = first, middle, last
    weights[:, 2] = first.add_(middle).add_(last).neg_().add_(1)
    return weights


def _sums_of_four(table: Tensor, rows: Tensor, weights: Tensor, ends: Tensor) -> Tensor:
    """P sums of four rows of a table, each with its weight; four end where the next begin."""
    return embedding_bag(
        rows.reshape(-1),
        table,
        ends,
        mode="sum",
        per_sample_weights=weights.reshape(-1),
        include_last_offset=True,
    )


def _weighted(parts: list[Tensor], weights: list[float], total: Tensor) -> Tensor:
    torch.mul(parts[0], weights[0], out=total)
    for part, weight in zip(parts[1:], weights[1:], strict=True):
        total.add_(part, alpha=weight)
    return total
