"""A sequence on disk: a folder of images, a video or an animated GIF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from deblurkit.errors import DataError
from deblurkit.evaluation.clip_names import matched_name
from deblurkit.media import video_reading
from deblurkit.media.files import entries
from deblurkit.media.image import image_size, is_image, read_image

Frames = npt.NDArray[np.float32]

MOVIES = video_reading.SUFFIXES | {".gif"}
"""Files with these suffixes, in any case, are sequences by themselves."""

FORMS = "a folder of images, one a frame; a video; or an animated GIF"


@dataclass(frozen=True)
class SequenceFiles:
    """A sequence that can be read.

    Attributes:
        path: The folder of its images, or the video or GIF.
    """

    path: Path

    @property
    def name(self) -> str:
        """What it is matched by: the folder's name, or the file's without its suffix.

        In the form of `matched_name`.
        """
        path = self.path if self.path.name not in ("", "..") else self.path.resolve()
        return matched_name(path.name if path.is_dir() else path.stem)

    @property
    def is_movie(self) -> bool:
        """Whether it is a video or GIF; both may change sizes, colours and numbers of frames."""
        return self.path.suffix.lower() in MOVIES and not self.path.is_dir()

    def shape(self) -> tuple[int, int, int]:
        """T, height and width: a folder's number of images and the size of the first.

        Raises:
            DataError: there are no frames, or the first cannot be read.
        """
        if self.is_movie:
            info = video_reading.probe(self.path)
            return info.frames, info.height, info.width
        images = self._images()
        return len(images), *image_size(images[0])

    def read(self) -> Frames:
        """All frames, T×H×W×3 float32 in [0, 1], in natural order of their names or as shown.

        Values are those in the files with 8 bits, divided by 255; no colour profile is applied.
        Gray frames have three equal colours.

        Raises:
            DataError: as `shape`; frames have different sizes, or one is damaged or transparent.
        """
        count, height, width = self.shape()
        frames = np.empty((count, height, width, 3), np.float32)
        pictures = (
            video_reading.read_frames(self.path, 0, count)
            if self.is_movie
            else (read_image(image, opaque=True) for image in self._images())
        )
        for k, picture in enumerate(pictures):
            if picture.shape[:2] != (height, width):
                raise DataError(
                    f"frame {k + 1} has {pixels(picture.shape[:2])} pixels, "
                    f"frame 1 {pixels((height, width))}",
                    where=str(self.path),
                    hint="all frames of a clip must have one size; take other images out",
                )
            np.divide(picture, 255, out=frames[k], dtype=np.float32)
        return frames

    def first_image(self) -> Path | None:
        """The file of frame 1; None for movies.

        Raises:
            DataError: there are no frames.
        """
        return None if self.is_movie else self._images()[0]

    def _images(self) -> tuple[Path, ...]:
        inside = Contents(self.path)
        if not inside.images:
            raise DataError("there are no frames", where=str(self.path), valid=FORMS)
        if inside.sequences:
            raise _mixed(inside)
        return inside.images


@dataclass(frozen=True)
class ClipFiles:
    """One clip on disk.

    Attributes:
        name: The true clip's.
        estimates: One prediction, or several samples of it.
        target: The true frames.
        blurry: The blurry image, None where it is to be formed from the true frames.
    """

    name: str
    estimates: tuple[SequenceFiles, ...]
    target: SequenceFiles
    blurry: Path | None = None

    def read(self) -> tuple[Frames, Frames, Frames | None]:
        """S×T×H×W×3 estimates, T×H×W×3 true frames and H×W×3 blurry image, floats in [0, 1].

        Raises:
            DataError: an image or video is damaged, or an image is transparent.
        """
        estimates = np.stack([sample.read() for sample in self.estimates])
        blurry: Frames | None = None
        if self.blurry is not None:
            blurry = np.divide(read_image(self.blurry, opaque=True), 255, dtype=np.float32)
        return estimates, self.target.read(), blurry


class Contents:
    """What a folder holds: images, or sequences (folders and movies); no other files count.

    Args:
        folder: The folder.

    Raises:
        DataError: it is missing, a file or out of reach.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        found = entries(folder, "images or clips")
        self.sequences = tuple(p for p in found if p.is_dir() or p.suffix.lower() in MOVIES)
        self.images = tuple(p for p in found if is_image(p) and p not in self.sequences)

    def kind(self) -> Literal["one", "many"]:
        """Whether the folder is one sequence or holds many.

        Raises:
            DataError: it holds neither, or both, so that nobody can tell.
        """
        if self.images and self.sequences:
            raise _mixed(self)
        if not self.images and not self.sequences:
            raise DataError(
                "there are no frames and no clips in this folder",
                where=str(self.folder),
                valid=f"a clip, or a folder of clips; a clip is {FORMS}",
            )
        return "one" if self.images else "many"


def sequences_in(path: Path) -> SequenceFiles | Mapping[str, SequenceFiles]:
    """A sequence where the path is one, else the sequences of a folder by name, in natural order.

    Names are `matched_name`s.

    Raises:
        DataError: the path is neither; two sequences have the same name.
    """
    if path.suffix.lower() in MOVIES and not path.is_dir():
        return SequenceFiles(path)
    if path.is_file():
        raise DataError("this file is no sequence", where=str(path), valid=FORMS)
    inside = Contents(path)
    if inside.kind() == "one":
        return SequenceFiles(path)
    found: dict[str, SequenceFiles] = {}
    for sequence in map(SequenceFiles, inside.sequences):
        if sequence.name in found:
            twice = told_apart(found[sequence.name].path.name, sequence.path.name)
            raise DataError(
                f"{' and '.join(twice)} are both clip '{sequence.name}'",
                where=str(path),
                hint="move one of them elsewhere",
            )
        found[sequence.name] = sequence
    return found


def _mixed(inside: Contents) -> DataError:
    return DataError(
        f"holds images ({inside.images[0].name}, ...) as well as folders or movies "
        f"({inside.sequences[0].name}, ...), so it is not clear what the frames are",
        where=str(inside.folder),
        valid="either the frames of one clip or clips, " + FORMS,
        hint="move what is neither frame nor clip elsewhere",
    )


def told_apart(*names: str) -> tuple[str, ...]:
    """File names as they are, or spelled out where readers would take them for the same."""
    alike = len({matched_name(name) for name in names}) < len(names)
    return tuple(map(ascii, names)) if alike else names


def pixels(size: tuple[int, int]) -> str:
    """Height and width as people say it: `1280×720`, width first."""
    return f"{size[1]}×{size[0]}"
