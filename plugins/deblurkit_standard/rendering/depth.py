"""Depth-like layers of a photograph: what is nearer moves further when the camera does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from deblurkit_standard.rendering.shapes import Floats

_LAYERS = 3  # steps from the farthest to the nearest
_STEEPNESS = 0.8  # of the steps between layers: 0 for an even slope, 1 for level layers
_SHARES = (0.5, 0.3, 0.2)  # of nearness: a slope, and waves over it
_LENGTHS = ((2.0, 3.0), (1.0, 1.5), (0.7, 1.0))  # their wavelengths, sides of the view
_STRETCH = 0.25  # largest change of the shift from one pixel to the next, pixels; below 1: no folds


@dataclass(frozen=True)
class Depth:
    """How near each place of a photograph is, as a smooth function of the place.

    Nearness is 1/2 + 1/2 Σ share sin(k·q + phase) at the place q, drawn together towards a
    few levels, the layers; so it goes from 0, the farthest, to 1, the nearest.

    Attributes:
        parallax: How much further the nearest moves than the farthest, a share of the path
            of the camera.
        waves: For each wave k (x, y) in radians a pixel, phase, share; the shares add up to 1.
    """

    parallax: float = 0.0
    waves: tuple[tuple[float, float, float, float], ...] = ()

    def lead(self, places: Floats) -> Floats:
        """How much further than the camera's path places move, a share of it.

        Args:
            places: …×2 (x, y) in the photograph, from where the view's centre is without
                motion, pixels.

        Returns:
            Of shape …, from -parallax/2 to parallax/2.
        """
        total = np.zeros(places.shape[:-1])
        for kx, ky, phase, share in self.waves:
            total += share * np.sin(kx * places[..., 0] + ky * places[..., 1] + phase)
        return np.asarray(self._layered(total))

    def lead_on_grids(
        self, centres: Floats, matrices: Floats, axis: Floats
    ) -> npt.NDArray[np.float32]:
        """`lead` on square grids, quickly: a plane wave on a grid is a product of two.

        Args:
            centres: N×2 places of the grids' centres.
            matrices: N×2×2; the point (u, v) of a grid is at centre + matrix (u, v).
            axis: S values of u, and of v.

        Returns:
            N×S×S, rows v and columns u.
        """
        k = np.array([wave[:2] for wave in self.waves])
        phase, share = np.array([wave[2:] for wave in self.waves]).T
        of_grid = np.einsum("ji,nik->njk", k, matrices)
        across = of_grid[:, :, :1] * axis + (centres @ k.T + phase)[:, :, None]
        down = of_grid[:, :, 1:] * axis
        left = share[:, None] * np.concatenate([[np.cos(down)], [np.sin(down)]])
        right = np.concatenate([np.sin(across), np.cos(across)], axis=1)
        rows = np.concatenate(list(left), axis=1).astype(np.float32)
        total = np.swapaxes(rows, 1, 2) @ right.astype(np.float32)
        return np.asarray(self._layered(total), dtype=np.float32)

    def _layered(self, total: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        nearness = 0.5 + 0.5 * total
        turns = 2 * math.pi * _LAYERS
        nearness -= (_STEEPNESS / turns) * np.sin(turns * nearness)
        return self.parallax * (nearness - 0.5)

    @classmethod
    def draw(cls, parallax: float, size: int, reach: float, rng: np.random.Generator) -> Depth:
        """Layers in any direction, of shapes as large as the view.

        Where the camera goes so far that near places would run over far ones, the layers are
        as much larger: the photograph is nowhere stretched or squeezed by more than a quarter,
        and never folded.

        Args:
            parallax: Largest `parallax`; any up to it is as likely.
            size: Side of the view, pixels.
            reach: Largest distance of the camera from the middle of its path, pixels.
            rng: Decides the rest.
        """
        strength = float(rng.uniform(0, parallax))
        lengths = size * np.array([rng.uniform(*ends) for ends in _LENGTHS])
        angles = rng.uniform(0, 2 * math.pi, len(_SHARES))
        phases = rng.uniform(0, 2 * math.pi, len(_SHARES))
        k = 2 * math.pi / lengths
        steepest = (1 + _STEEPNESS) * 0.5 * float(np.sum(_SHARES * k))
        k /= max(1.0, strength * reach * steepest / _STRETCH)
        waves = zip(k * np.cos(angles), k * np.sin(angles), phases, _SHARES, strict=True)
        return cls(strength, tuple((float(x), float(y), float(p), s) for x, y, p, s in waves))


FLAT = Depth()
