"""Moving shapes: the paper's Fig. 2 grown into a test-bed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError
from deblurkit_standard.rendering.backgrounds import Photo, Smooth
from deblurkit_standard.rendering.frame_exposure import instants
from deblurkit_standard.rendering.photographs import check_room, load_photo, photo_names
from deblurkit_standard.rendering.shape_drawing import (
    Kind,
    Place,
    apart,
    behind,
    draw_colour,
    draw_outline,
    draw_place,
    draw_texture,
    polar,
)
from deblurkit_standard.rendering.shapes import (
    Background,
    Floats,
    Shape,
    render,
)

_FIELD = 4096  # side of the part of a smooth background that clips are taken from, pixels
_SETS, _TRIES = 50, 20  # of places apart from each other: sets, and tries an object in a set


@dataclass(frozen=True)
class Scene:
    """What one clip shows: shapes from the back to the front, and what is behind them."""

    shapes: tuple[Shape, ...]
    background: Background


class MovingShapes:
    """Textured discs, boxes and polygons that cross the view, with exact true frames.

    Every object goes along a straight path at constant speed, in a direction and by a length
    drawn at random: frame i shows it at t = (i-1)/(T-1) - 1/2 of the path, the middle frame in
    the path's centre. An object that runs backwards leaves the same blur, so n objects that do
    not hide each other make 2^n sequences of one blurry image (section 4, Fig. 2).

    A frame averages a few instants, close enough together that it is sharp to `frame_blur`
    pixels; see `shutter.instants`. A `frame_blur` above the motion a frame is a shutter that
    never closes: a blurry image without steps, of frames with some blur of their own.

    Args:
        objects: Number n of independently moving objects.
        motion: Least and largest path of an object, first to last frame, pixels.
        size: Least and largest radius of an object, pixels: of the circle around it.
        shapes: Kinds to draw from.
        texture: Contrast of the objects' texture, 0 to 1: its largest peak to valley.
        contrast: Least distance of an object's mean colour from what is behind its path and
            from the other objects, Euclidean in RGB; where no colour drawn has it, the furthest.
        rotation: Largest turn of an object, degrees, first to last frame.
        overlap: Whether objects may pass before each other, the later ones in front. Where
            not, the areas that they sweep are apart, and all 2^n sequences are exact.
        frame_blur: Largest motion within one true frame, pixels.
        background: Smooth random colours, or the photographs inside scikit-image.
        background_motion: Largest path of the background, first to last frame, pixels.
        downsample: Photographs are scaled by this first.
        scenes: Number of smooth backgrounds.
    """

    def __init__(
        self,
        *,
        objects: int = 1,
        motion: tuple[float, float] = (8.0, 16.0),
        size: tuple[float, float] = (10.0, 20.0),
        shapes: Sequence[Kind] = ("disc", "box", "polygon"),
        texture: float = 0.3,
        contrast: float = 0.35,
        rotation: float = 0.0,
        overlap: bool = True,
        frame_blur: float = 1.0,
        background: Literal["smooth", "photo"] = "smooth",
        background_motion: float = 0.0,
        downsample: float = 0.45,
        scenes: int = 64,
    ) -> None:
        self.objects, self.motion, self.radius = objects, motion, size
        self.shapes, self.texture, self.contrast = tuple(shapes), texture, contrast
        self.rotation, self.overlap, self.frame_blur = rotation, overlap, frame_blur
        self.background, self.background_motion = background, background_motion
        self.downsample, self.scenes = downsample, scenes

    def sources(self) -> tuple[str, ...]:
        """`scene-000`, `scene-001`, ...: smooth backgrounds; or the names of photographs."""
        if self.background == "photo":
            return photo_names(None)
        return tuple(f"scene-{k:03d}" for k in range(self.scenes))

    def clips(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Clip]:
        """Render clips over one background; see `deblurkit.data.clip.ClipDataset`.

        Raises:
            DataError: the source is unknown, or the motion, the objects or the photograph do
                not fit the size.
        """
        for _ in range(count):
            scene = self.draw(source, size, rng)
            paths = ", ".join(f"{s.path[0]:+.1f} {s.path[1]:+.1f}" for s in scene.shapes)
            x, y = scene.background.corner
            yield Clip(
                frames=np.rint(255 * self.film(scene, frames, size)).astype(np.uint8),
                source=source,
                place=f"at {x:.0f} {y:.0f}" + (f"; paths {paths} pixels" if paths else ""),
            )

    def draw(self, source: str, size: int, rng: np.random.Generator) -> Scene:
        """Draw what one clip shows.

        Args:
            source: One of `sources()`.
            size: Side of the frames, pixels.
            rng: Decides everything that is left open.

        Raises:
            DataError: as for `clips`.
        """
        if source not in self.sources():
            names = self.sources()
            raise DataError(
                f"moving-shapes has no source '{source}'", valid=f"{names[0]} to {names[-1]}"
            )
        if self.objects and self.motion[1] >= size:
            raise DataError(
                f"a path of {self.motion[1]:g} pixels leaves a clip of {size}×{size} pixels",
                where="moving-shapes, motion",
                valid=f"less than {size}",
                hint="make motion smaller or clip_size larger",
            )
        background = self._background(source, size, rng)
        return Scene(self._shapes(background, size, rng), background)

    def film(self, scene: Scene, frames: int, size: int) -> Floats:
        """Render the true frames of a scene: T×size×size×3 in [0, 1], float64."""
        travel = [math.hypot(*scene.background.path), *(s.travel() for s in scene.shapes)]
        times = instants(max(travel) / max(1, frames - 1), frames, self.frame_blur)
        return render(scene.shapes, scene.background, times, size)

    def _background(self, source: str, size: int, rng: np.random.Generator) -> Smooth | Photo:
        length = rng.uniform(0, self.background_motion)
        path = polar(length, rng.uniform(0, 2 * math.pi))
        if self.background == "smooth":
            x, y = rng.uniform(0, _FIELD, 2)
            return Smooth(source, (float(x), float(y)), path)
        pixels = load_photo(None, source, self.downsample)
        margin = math.ceil(self.background_motion / 2) + 3 if self.background_motion else 0
        check_room(pixels, size + 2 * margin, source, self.downsample)
        height, width = (side - size - 2 * margin for side in pixels.shape[:2])
        corner = margin + int(rng.integers(width + 1)), margin + int(rng.integers(height + 1))
        return Photo(pixels, corner, path, margin)

    def _shapes(
        self, background: Background, size: int, rng: np.random.Generator
    ) -> tuple[Shape, ...]:
        still = background.at(np.zeros(1), size)[0]
        shapes: list[Shape] = []
        for place in self._places(size, rng):
            kind = self.shapes[int(rng.integers(len(self.shapes)))]
            shapes.append(
                Shape(
                    place.centre,
                    place.path,
                    place.radius,
                    draw_colour(
                        [behind(still, place), *(s.colour for s in shapes)], self.contrast, rng
                    ),
                    draw_outline(kind, place.radius, rng),
                    draw_texture(self.texture, place.radius, rng),
                    math.radians(rng.uniform(-self.rotation, self.rotation)),
                )
            )
        return tuple(shapes)

    def _places(self, size: int, rng: np.random.Generator) -> list[Place]:
        """A place for each object; where they must not overlap, whole sets are tried."""
        for _ in range(1 if self.overlap else _SETS):
            places: list[Place] = []
            for _ in range(self.objects if self.overlap else _TRIES * self.objects):
                place = draw_place(self.motion, self.radius, size, rng)
                if self.overlap or all(apart(place, other) for other in places):
                    places.append(place)
                if len(places) == self.objects:
                    return places
        if not self.objects:
            return []
        raise DataError(
            f"found no room for {self.objects} objects apart from each other "
            f"in {size}×{size} pixels",
            where="moving-shapes, objects",
            hint="use fewer or smaller objects, less motion, a larger clip_size, or overlap: true",
        )
