"""What a data set of footage holds: recordings, and pairs of blurry and sharp images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "test", ""]
"""Which side a data set's authors put something on; empty where they did not say."""


@dataclass(frozen=True)
class Recording:
    """Consecutive frames filmed in one go.

    Attributes:
        name: Unique within the data set, such as `test/GOPR0384_11_00` or `box.mp4`.
        path: The video file, or the folder of images.
        files: The images in the order of time, or the video file alone.
        frames: How many frames there are.
        height: Pixels, before down-sampling.
        width: Pixels, before down-sampling.
        rate: Frames a second, as the data set or the file says; None: nobody says.
        split: The authors' side.
        window: 0: one run of frames. Otherwise frames come in separate runs of so many, and a
            clip never reaches from one into the next.
    """

    name: str
    path: Path
    files: tuple[Path, ...]
    frames: int
    height: int
    width: int
    rate: float | None = None
    split: Split = ""
    window: int = 0

    @property
    def is_video(self) -> bool:
        """Whether the frames are in one video file."""
        return self.files == (self.path,)

    def file_of(self, frame: int) -> Path:
        """The file that holds a frame, counted from 0."""
        return self.path if self.is_video else self.files[frame]


@dataclass(frozen=True)
class Pair:
    """A blurry image that the data set's authors made or took, and what is known of its truth.

    Attributes:
        name: Unique within the data set.
        blurry: File of the blurry image.
        sharp: File of the true middle frame.
        scene: What it was taken of; pairs of one scene are never on both sides of a split.
        split: The authors' side.
        recording: Name of the recording whose frames it averages; empty: not known.
        first: First of these frames, counted from 0; None: not known.
        frames: How many frames it averages, as the authors say; 0: not known.
        exact: It is the mean of just these frames, through a camera response. False: of others
            too, which the data set does not hold, or it was taken by a camera of its own.
    """

    name: str
    blurry: Path
    sharp: Path
    scene: str
    split: Split = ""
    recording: str = ""
    first: int | None = None
    frames: int = 0
    exact: bool = True
