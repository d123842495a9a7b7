"""Parameters of the datasets of footage. Imported by every listing: no torch here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from deblurkit.specs import Params

Downsample = Annotated[
    float, Field(gt=0, le=1, description="frames are scaled by this; paper: 0.45")
]
Filter = Annotated[
    Literal["lanczos", "area"],
    Field(description="how they are scaled: lanczos, or area, the mean over a new pixel"),
]
Passage = Annotated[
    int,
    Field(
        ge=1,
        description="used frames of a passage, the unit of the train/test split; without those "
        "put between",
    ),
]
Side = Annotated[
    Literal["train", "test", ""],
    Field(description="only what the data set's authors put on this side; empty: all"),
]


class FootageParams(Params):
    """Of every dataset of frames that follow one another."""

    path: Path = Field(description="the folder or file")
    stride: int = Field(1, ge=1, description="every n-th frame is used")
    downsample: Downsample = 1.0
    filter: Filter = "lanczos"
    passage: Passage = 60
    interpolate: int = Field(
        1,
        ge=1,
        le=64,
        description="n - 1 frames are put between any two used ones, for footage that is too slow",
    )


class FramesParams(FootageParams):
    """Of `frames`."""

    path: Path = Field(
        description="a folder of consecutive images, or of such folders, in order of name"
    )


class VideoParams(FootageParams):
    """Of `video`."""

    path: Path = Field(description="a video file, or a folder of them")


class DividedParams(FootageParams):
    """Of data sets that their authors divided."""

    split: Side = ""


class GoProParams(DividedParams):
    """Of `gopro`."""

    path: Path = Field(description="GOPRO_Large_all, a side of it, or the folder that holds it")


class RedsParams(DividedParams):
    """Of `reds`."""

    path: Path = Field(description="the folder with train and val, or one with train_orig")


class Adobe240Params(DividedParams):
    """Of `adobe240`."""

    path: Path = Field(description="original_high_fps_videos, or the folder that holds it")


class X4KParams(DividedParams):
    """Of `x4k1000fps`."""

    path: Path = Field(description="the folder with train and test, or one of these")


class RunsParams(Params):
    """Of data sets whose frames come in runs, each with a blurry image."""

    path: Path = Field(description="the folder of the videos")
    downsample: Downsample = 1.0
    filter: Filter = "lanczos"
    passage: Passage = 60
    split: Side = ""
    blurry: Literal["formed", "published"] = Field(
        "formed", description="blurred by data.formation, or the data set's own blurry image"
    )


class HyperCutParams(RunsParams):
    """Of `hypercut`."""

    path: Path = Field(description="the folder with metadata.json, or another such JSON file")


class PairsParams(Params):
    """Of `pairs`."""

    path: Path = Field(description="folder of blurry and sharp images")
    blur: str = Field(
        "", description="folder of the blurry images, such as blur_gamma; empty: the only one"
    )
    sharp: str = Field("", description="folder of the sharp images; empty: found")
    split: Side = ""
    downsample: Downsample = 1.0
    filter: Filter = "lanczos"
