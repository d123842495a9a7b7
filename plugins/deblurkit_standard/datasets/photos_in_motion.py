"""Photographs in motion: natural images with exact true frames, and nothing to download."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError
from deblurkit.storage import content_hash
from deblurkit_standard.rendering.camera_motion import Camera, camera_room
from deblurkit_standard.rendering.compositing import lay_over
from deblurkit_standard.rendering.cutouts import Cutout, draw_cutout
from deblurkit_standard.rendering.frame_exposure import instants
from deblurkit_standard.rendering.photographs import (
    Pixels,
    check_room,
    load_photo,
    photo_names,
    sample,
)
from deblurkit_standard.rendering.shapes import Floats

_FINE = 8  # points at which the motion within a frame is measured


class PhotosInMotion:
    """A view that moves smoothly over a photograph, with objects moving before it.

    The camera drifts along a slight bow, turns, zooms and shakes; up to a few objects, cut from
    other places of the same photograph, with soft edges, go ways of their own in the view
    and hide what is behind them. All motion is a formula in time, so the frames are exact but
    for the cubic splines between the photograph's pixels. A frame averages a few instants,
    close enough together that it is sharp to `frame_blur` pixels; see `shutter.instants`. The
    average is of display values, as they are in the file: within so little motion the camera's
    response makes no visible difference. The view never leaves the photograph.

    Args:
        photos: Folder of photographs; None for the ones inside scikit-image. Files in it that
            do not end like an image are ignored; an image that cannot be read is an error.
        add_bundled: The ones inside scikit-image as well.
        objects: Least and largest number of objects.
        translation: Least and largest path of the camera, first to last frame, pixels.
        rotation: Largest turn of the camera, degrees.
        zoom: Largest change of size, a share.
        shake: Largest size of the shake, pixels.
        object_motion: Least and largest path of an object in the view, pixels.
        object_size: Least and largest radius of an object, pixels.
        object_rotation: Largest turn of an object, degrees.
        downsample: Photographs are scaled by this first.
        frame_blur: Largest motion within one true frame, pixels.
        subframes: Instants averaged for one frame, at most; two a pixel suffice.
    """

    def __init__(
        self,
        *,
        photos: Path | str | None = None,
        add_bundled: bool = False,
        objects: tuple[int, int] = (0, 3),
        translation: tuple[float, float] = (0.0, 16.0),
        rotation: float = 1.5,
        zoom: float = 0.02,
        shake: float = 1.5,
        object_motion: tuple[float, float] = (4.0, 20.0),
        object_size: tuple[float, float] = (8.0, 32.0),
        object_rotation: float = 10.0,
        downsample: float = 0.45,
        frame_blur: float = 1.0,
        subframes: int = 4,
    ) -> None:
        self.photos = None if photos is None else Path(photos).expanduser()
        self.add_bundled = add_bundled and self.photos is not None
        self.objects, self.object_motion = objects, object_motion
        self.object_size, self.object_rotation = object_size, object_rotation
        self.translation, self.rotation, self.zoom, self.shake = translation, rotation, zoom, shake
        self.downsample, self.frame_blur, self.subframes = downsample, frame_blur, subframes

    def sources(self) -> tuple[str, ...]:
        """One a photograph: its file's name, or scikit-image's name for it.

        Raises:
            DataError: the folder is missing or without an image, or an image cannot be read.
        """
        return (*photo_names(self.photos), *(photo_names(None) if self.add_bundled else ()))

    def fingerprint(self) -> str:
        """Changes when a photograph of the user's does: by names, sizes and times."""
        if self.photos is None:
            return "bundled"
        status = [(name, (self.photos / name).stat()) for name in photo_names(self.photos)]
        known = [(name, s.st_size, s.st_mtime_ns) for name, s in status]
        return content_hash([known, "bundled"] if self.add_bundled else known)

    def clips(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Clip]:
        """Render clips from one photograph; see `deblurkit.data.clip.ClipDataset`.

        Raises:
            DataError: the photograph is missing, damaged or too small for the size and the
                largest motion, or the objects' motion is.
        """
        if self.objects[1] and self.object_motion[1] >= size:
            raise DataError(
                f"a path of {self.object_motion[1]:g} pixels leaves a clip of {size}×{size} pixels",
                where="photos-in-motion, object_motion",
                valid=f"less than {size}",
                hint="make object_motion smaller or clip_size larger",
            )
        pixels = self._photo(source, frames, size)
        for _ in range(count):
            camera = Camera.draw(
                translation=self.translation,
                rotation=self.rotation,
                zoom=self.zoom,
                shake=self.shake,
                rng=rng,
            )
            yield self._clip(source, pixels, camera, frames, size, rng)

    def _photo(self, source: str, frames: int, size: int) -> Pixels:
        if self.photos is None and source not in self.sources():
            raise DataError(
                f"photos-in-motion has no source '{source}'", valid=", ".join(self.sources())
            )
        # Names of files have an ending and those of bundled photographs have none.
        folder = None if self.add_bundled and source in photo_names(None) else self.photos
        pixels = load_photo(folder, source, self.downsample)
        need = camera_room(
            size,
            0.5 + 0.5 / max(1, frames - 1),
            translation=self.translation[1],
            rotation=self.rotation,
            zoom=self.zoom,
            shake=self.shake,
        )
        if self.objects[1]:
            need = max(need, 2 * math.ceil(self.object_size[1]) + 2)
        name = source if folder is None else str(folder / source)
        check_room(pixels, need, name, self.downsample)
        return pixels

    def _clip(
        self,
        source: str,
        pixels: Pixels,
        camera: Camera,
        frames: int,
        size: int,
        rng: np.random.Generator,
    ) -> Clip:
        axis = np.arange(size) - (size - 1) / 2
        points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
        ends = points[[0, size - 1, -size, -1]]
        t_end = 0.5 + 0.5 / max(1, frames - 1)
        span = np.linspace(-t_end, t_end, _FINE * frames + 1)
        reached = camera.places(span, ends)
        low, high = reached.min(axis=(0, 1)) - 0.5, reached.max(axis=(0, 1)) + 0.5
        height, width = pixels.shape[:2]
        x, y = rng.uniform(-low, np.array([width - 1, height - 1]) - high)

        def view(times: Floats) -> Floats:
            places = camera.places(times, points) + np.array([x, y])
            seen = sample(pixels, places[..., 1], places[..., 0])
            return np.moveaxis(seen.reshape(3, len(times), size, size), 0, 1)

        cutouts = self._cutouts(pixels, view(np.zeros(1))[0], rng)
        times = instants(_motion(reached, cutouts, span), frames, self.frame_blur, self.subframes)
        canvas = view(times.reshape(-1))
        for cutout in cutouts:
            lay_over(canvas, *cutout.patch(pixels, times.reshape(-1)))
        mean = canvas.reshape(*times.shape, 3, size, size).mean(axis=1)
        dx, dy = camera.track.path
        return Clip(
            frames=np.moveaxis(np.rint(255 * mean).astype(np.uint8), 1, -1).copy(),
            source=source,
            place=f"at {x:.0f} {y:.0f}; camera {dx:+.1f} {dy:+.1f} pixels; {len(cutouts)} objects",
        )

    def _cutouts(
        self, pixels: Pixels, behind: Floats, rng: np.random.Generator
    ) -> tuple[Cutout, ...]:
        number = int(rng.integers(self.objects[0], self.objects[1] + 1))
        return tuple(
            draw_cutout(
                pixels,
                behind,
                radius=rng.uniform(*self.object_size),
                motion=self.object_motion,
                rotation=self.object_rotation,
                rng=rng,
            )
            for _ in range(number)
        )


def _motion(reached: Floats, cutouts: Sequence[Cutout], span: Floats) -> float:
    """Longest way of the view's corners or an object within one frame's share of time, pixels."""
    steps = np.linalg.norm(np.diff(reached, axis=0), axis=-1)
    ways = [steps.reshape(-1, _FINE, reached.shape[1]).sum(axis=1).max()]
    for cutout in cutouts:
        way = np.linalg.norm(np.diff(cutout.places(span), axis=0), axis=-1)
        turn = abs(cutout.spin) * cutout.radius * (span[1] - span[0]) * _FINE
        ways.append(way.reshape(-1, _FINE).sum(axis=1).max() + turn)
    return float(max(ways))
