"""The view of a photograph that a moving camera has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from deblurkit_standard.rendering.camera_motion import Camera
from deblurkit_standard.rendering.photographs import Pixels
from deblurkit_standard.rendering.shapes import Floats, Point
from deblurkit_standard.rendering.spline_surface import SplineSurface


@dataclass(frozen=True, eq=False)
class PhotoView:
    """A square view over a photograph, moved by a camera.

    Attributes:
        pixels: The photograph, H×W×3 uint8.
        camera: How the view moves.
        place: Where in the photograph the view's centre is without motion (x, y), pixels.
        size: Side of the view, pixels.
        seen: Least and largest place of the photograph that the view ever sees, (x, y) each;
            both inside the photograph.
    """

    pixels: Pixels
    camera: Camera
    place: Point
    size: int
    seen: tuple[Floats, Floats]

    @property
    def axis(self) -> Floats:
        """Places of the view's columns, and of its rows, from its centre, pixels."""
        return np.arange(self.size, dtype=np.float64) - (self.size - 1) / 2

    def at(self, times: Floats) -> npt.NDArray[np.float32]:
        """What it shows at N instants: N×size×size×3 in [0, 1]."""
        origin = np.asarray(self.place) - self._surface.corner
        if self.camera.only_shifts:
            half = (self.size - 1) / 2
            return self._surface.windows(self.camera.centres(times) + origin - half, self.size)
        return self._surface.at(*self.camera.grids(times, self.axis, origin))

    @cached_property
    def _surface(self) -> SplineSurface:
        return SplineSurface.over(self.pixels, *self.seen)
