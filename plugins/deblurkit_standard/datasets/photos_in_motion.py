"""Photographs in motion: natural images with exact true frames, and nothing to download."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError
from deblurkit.storage import content_hash
from deblurkit_standard.rendering.camera_motion import CameraMotion
from deblurkit_standard.rendering.compositing import lay_over
from deblurkit_standard.rendering.cutouts import Cutout, CutoutMotion, draw_cutout
from deblurkit_standard.rendering.frame_exposure import instants
from deblurkit_standard.rendering.hand_shake import ShakeKind
from deblurkit_standard.rendering.one_thread import one_thread
from deblurkit_standard.rendering.photo_view import PhotoView
from deblurkit_standard.rendering.photographs import Pixels, check_room, load_photo, photo_names
from deblurkit_standard.rendering.shapes import Floats


@dataclass(frozen=True, eq=False)
class Scene:
    """What a clip shows.

    Attributes:
        view: The photograph, as the moving camera sees it.
        cutouts: Objects before it, from the back to the front.
        times: T×K instants; frame k is the mean of the k-th row. See `frame_exposure.instants`.
    """

    view: PhotoView
    cutouts: tuple[Cutout, ...]
    times: Floats

    @one_thread()
    def frames(self) -> npt.NDArray[np.float32]:
        """T×size×size×3 in [0, 1]."""
        times, size = self.times.reshape(-1), self.view.size
        canvas = self.view.at(times)
        for cutout in self.cutouts:
            lay_over(np.moveaxis(canvas, -1, 1), *cutout.patch(self.view.pixels, times))
        of_frames = torch.from_numpy(canvas).view(*self.times.shape, size, size, 3)
        return np.asarray(of_frames.mean(dim=1).numpy())


class PhotosInMotion:
    """A view that moves smoothly over a photograph, with objects moving before it.

    The camera drifts along a slight bow, turns, zooms and shakes; up to a few objects, cut from
    other places of the same photograph, with soft edges, go ways of their own in the view
    and hide what is behind them. Where asked for, the photograph has depth-like layers, objects
    grow and bend, and the hand trembles as hands do. All motion is a formula in time, so the
    frames are exact but for the cubic splines between the photograph's pixels. A frame averages
    a few instants, close enough together that it is sharp to `frame_blur` pixels; see
    `frame_exposure.instants`. The average is of display values, as they are in the file: within
    so little motion the camera's response makes no visible difference. The view never leaves
    the photograph.

    With the same generator, clips with and without `speeding`, `parallax`, `object_zoom`,
    `object_bend` or tremor are the same but for that.

    Args:
        photos: Folder of photographs; None for the ones inside scikit-image. Files in it that
            do not end like an image are ignored; an image that cannot be read is an error.
        add_bundled: The ones inside scikit-image as well.
        objects: Least and largest number of objects.
        translation: Least and largest path of the camera, first to last frame, pixels.
        rotation: Largest turn of the camera, degrees.
        zoom: Largest change of size, a share.
        shake: Largest size of the shake, pixels.
        shake_kind: `waves`: two slow swings; `tremor`: drift and tremor of a hand, see
            `hand_shake.draw_tremor`.
        exposure: Shortest and longest time that the shutter is open, seconds; it decides how
            often a hand trembles in a clip.
        parallax: Largest difference of motion between the nearest and the farthest parts of
            the photograph, a share of the camera's translation.
        acceleration: Largest departure from uniform motion, a share: paths are bows that go to
            the side by a quarter of this share of their length; turn and zoom of the camera
            are faster at one end by this share, and slower at the other.
        speeding: Largest change of speed along the paths of camera and objects, a share: at
            0.5, from half to one and a half times the mean.
        object_motion: Least and largest path of an object in the view, pixels.
        object_size: Least and largest radius of an object, pixels.
        object_rotation: Largest turn of an object, degrees.
        object_zoom: Largest change of size of an object, a share.
        object_bend: Largest size of a wave that bends an object, pixels.
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
        shake_kind: ShakeKind = "waves",
        exposure: tuple[float, float] = (0.03, 0.25),
        parallax: float = 0.0,
        acceleration: float = 0.5,
        speeding: float = 0.0,
        object_motion: tuple[float, float] = (4.0, 20.0),
        object_size: tuple[float, float] = (8.0, 32.0),
        object_rotation: float = 10.0,
        object_zoom: float = 0.0,
        object_bend: float = 0.0,
        downsample: float = 0.45,
        frame_blur: float = 1.0,
        subframes: int = 4,
    ) -> None:
        self.photos = None if photos is None else Path(photos).expanduser()
        self.add_bundled = add_bundled and self.photos is not None
        self.objects, self.object_size = objects, object_size
        self.camera_motion = CameraMotion(
            translation=translation,
            rotation=rotation,
            zoom=zoom,
            shake=shake,
            acceleration=acceleration,
            speeding=speeding,
            parallax=parallax,
            shake_kind=shake_kind,
            exposure=exposure,
        )
        self.object_motion = CutoutMotion(
            path=object_motion,
            rotation=object_rotation,
            zoom=object_zoom,
            bend=object_bend,
            acceleration=acceleration,
            speeding=speeding,
        )
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
        for scene in self.scenes(source, count=count, frames=frames, size=size, rng=rng):
            dx, dy = scene.view.camera.track.path
            x, y = scene.view.place
            yield Clip(
                frames=np.rint(255 * scene.frames()).astype(np.uint8),
                source=source,
                place=f"at {x:.0f} {y:.0f}; camera {dx:+.1f} {dy:+.1f} pixels; "
                f"{len(scene.cutouts)} objects",
            )

    def scenes(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Scene]:
        """What the clips of `clips` show.

        Raises:
            DataError: as `clips`.
        """
        longest = self.object_motion.path[1]
        if self.objects[1] and longest >= size:
            raise DataError(
                f"a path of {longest:g} pixels leaves a clip of {size}×{size} pixels",
                where="photos-in-motion, object_motion",
                valid=f"less than {size}",
                hint="make object_motion smaller or clip_size larger",
            )
        t_end = 0.5 + 0.5 / max(1, frames - 1)
        pixels = self._photo(source, size, t_end)
        # Random numbers of their own for what can be switched on, far from the others.
        other = np.random.Generator(rng.bit_generator.jumped())  # type: ignore[attr-defined]
        for _ in range(count):
            yield self._scene(pixels, frames, size, t_end, rng, other)

    def _photo(self, source: str, size: int, t_end: float) -> Pixels:
        if self.photos is None and source not in self.sources():
            raise DataError(
                f"photos-in-motion has no source '{source}'", valid=", ".join(self.sources())
            )
        # Names of files have an ending and those of bundled photographs have none.
        folder = None if self.add_bundled and source in photo_names(None) else self.photos
        pixels = load_photo(folder, source, self.downsample)
        need = self.camera_motion.room(size, t_end)
        if self.objects[1]:
            need = max(need, 2 * math.ceil(self.object_size[1]) + 2)
        name = source if folder is None else str(folder / source)
        check_room(pixels, need, name, self.downsample)
        return pixels

    @one_thread()
    def _scene(
        self,
        pixels: Pixels,
        frames: int,
        size: int,
        t_end: float,
        rng: np.random.Generator,
        other: np.random.Generator,
    ) -> Scene:
        camera = self.camera_motion.draw(size, t_end, rng, other)
        span = camera.watched(t_end, frames)
        low, high, reached = camera.reach(span, size)
        height, width = pixels.shape[:2]
        x, y = rng.uniform(-low, np.array([width - 1, height - 1]) - high)
        place = np.array([x, y])
        view = PhotoView(pixels, camera, (x, y), size, (low + place, high + place))
        cutouts = self._cutouts(pixels, view.at(np.zeros(1))[0], rng, other)
        motion = _motion(reached, cutouts, span, frames)
        times = instants(motion, frames, self.frame_blur, self.subframes)
        return Scene(view, cutouts, times)

    def _cutouts(
        self,
        pixels: Pixels,
        behind: npt.NDArray[np.float32],
        rng: np.random.Generator,
        other: np.random.Generator,
    ) -> tuple[Cutout, ...]:
        number = int(rng.integers(self.objects[0], self.objects[1] + 1))
        return tuple(
            draw_cutout(
                pixels,
                behind,
                self.object_motion,
                radius=rng.uniform(*self.object_size),
                rng=rng,
                other=other,
            )
            for _ in range(number)
        )


def _motion(reached: Floats, cutouts: Sequence[Cutout], span: Floats, frames: int) -> float:
    """Longest way of a point of the view or an object within one frame's share of time, pixels."""
    steps = np.linalg.norm(np.diff(reached, axis=0), axis=-1)
    ways = [steps.reshape(frames, -1, reached.shape[1]).sum(axis=1).max()]
    ways += [cutout.ways(span).reshape(frames, -1).sum(axis=1).max() for cutout in cutouts]
    return float(max(ways))
