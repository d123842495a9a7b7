"""Sample clips as PNG strips, lossless: what a report page scrubs through, without any weights.

`samples/strips/clip-01.blurry.png`   the blurry image, H×W
`samples/strips/clip-01.true.png`     the T true frames side by side, H×(T·W)
`samples/strips/clip-01.<row>.png`    the T frames of a row, `estimate`, `true-middle`, ...
`samples/strips/clips.json`           {"frames": T, "clips": [{"name", "source"}, ...]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.media.image import write_png
from deblurkit.report.contact_sheet import to_uint8
from deblurkit.storage import write_json

STRIPS = "samples/strips"
BLURRY, TRUE = "blurry", "true"
Images = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class StripClip:
    """A sample clip on disk.

    Attributes:
        name: `clip-01`.
        source: Where the clip came from, for people.
        frames: T.
        files: Row -> its strip; `blurry` and `true` among them.
    """

    name: str
    source: str
    frames: int
    files: Mapping[str, Path]


def write_strip(folder: Path, clip: str, row: str, images: Images) -> Path:
    """Write one strip into `folder`: T×H×W×3 or, for one image, 1×H×W×3, in [0, 1].

    Raises:
        DataError: it cannot be written.
    """
    path = folder / f"{clip}.{row}.png"
    write_png(path, np.concatenate(list(to_uint8(images)), axis=1))
    return path


def write_index(folder: Path, T: int, clips: list[dict[str, str]]) -> None:
    """Write `clips.json`: name and source of every clip, once all strips are there."""
    write_json(folder / "clips.json", {"frames": T, "clips": clips})


def read_strips(run: Path) -> tuple[StripClip, ...]:
    """The sample clips of a run directory; empty where it has none or they cannot be read."""
    folder = run / STRIPS
    try:
        said = json.loads((folder / "clips.json").read_text("utf-8"))
        return tuple(
            StripClip(
                c["name"],
                c["source"],
                int(said["frames"]),
                {p.name.split(".")[1]: p for p in sorted(folder.glob(f"{c['name']}.*.png"))},
            )
            for c in said["clips"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ()
