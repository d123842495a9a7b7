"""Sample clips of all rows, matched: rows are shown side by side where they saw the same clip."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblurkit.errors import DataError
from deblurkit.evaluation.measures import scaled
from deblurkit.media.image import read_image
from deblurkit.report.frame_strips import BLURRY, TRUE, StripClip
from deblurkit.report.page.subject import Method

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SampleClip:
    """A clip with what every row made of it.

    Attributes:
        name: For people: `Clip 1`.
        source: Where it came from.
        blurry: 1×H×W×3.
        true: T×H×W×3.
        rank: From 0, its place among its run's clips: high ones are left out first.
        rows: Key of the row -> T×H×W×3, in the direction in which it was kept.
    """

    name: str
    source: str
    blurry: Frames
    true: Frames
    rank: int = 0
    rows: Mapping[str, Frames] = field(default_factory=dict)

    def without(self, rows: Iterable[str]) -> SampleClip:
        """The clip without some rows."""
        left = set(rows)
        return replace(self, rows={k: v for k, v in self.rows.items() if k not in left})


def sample_clips(
    methods: Iterable[Method], shown: Iterable[str], limit: int | None = None
) -> tuple[tuple[SampleClip, ...], tuple[str, ...]]:
    """Read the sample clips of all methods and put those with the same pixels together.

    Clips count as the same when blurry image and true frames are equal bit by bit: names say
    little, as runs with other test sets have a `clip-01` of their own.

    Args:
        methods: Their `clips` are read.
        shown: Keys of the table's rows; `KEY+true-middle` is shown only where it is a row.
        limit: So many clips of every method at most.

    Returns:
        The clips, those of the first method first, and a line for every strip that cannot be
        used.
    """
    found: dict[bytes, SampleClip] = {}
    problems: list[str] = []
    wanted = set(shown)
    for method in methods:
        for rank, clip in enumerate(method.clips[:limit]):
            try:
                blurry, true = _frames(clip, BLURRY, 1), _frames(clip, TRUE, clip.frames)
            except DataError as error:
                problems.append(f"{method.title}, {clip.name}: {_line(error)}")
                continue
            identity = _identity(blurry, true)
            place = found.setdefault(
                identity, SampleClip(f"Clip {len(found) + 1}", clip.source, blurry, true, rank)
            )
            rows = dict(place.rows)
            for strip in clip.files:
                key = method.key if strip == "estimate" else f"{method.key}+{strip}"
                if strip in (BLURRY, TRUE) or key not in wanted:
                    continue
                try:
                    frames = _frames(clip, strip, clip.frames)
                except DataError as error:
                    problems.append(f"{method.title}, {clip.name}: {_line(error)}")
                    continue
                if frames.shape == true.shape:
                    rows[key] = frames
                else:
                    problems.append(f"{method.title}, {clip.name}: {strip} has another size")
            found[identity] = replace(place, rows=rows)
    return tuple(found.values()), tuple(problems)


def frame_psnr(estimate: Frames, true: Frames) -> list[float | None]:
    """PSNR of each frame in dB, peak 255, of the 8-bit pictures shown; None for no error.

    `estimate` is T×H×W×3, or 1×H×W×3 for one image held against every frame.
    """
    errors = np.square(estimate.astype(np.float64) - true).mean(axis=(1, 2, 3)) / 255**2
    return [
        None if error == 0 else float(value)
        for error, value in zip(errors, scaled(errors, np.ones_like(errors), "psnr"), strict=True)
    ]


def _frames(clip: StripClip, row: str, T: int) -> Frames:
    """A strip as T×H×W×3; raises DataError."""
    path = clip.files.get(row)
    if path is None:
        raise DataError("there is no such strip", where=f"{clip.name}.{row}.png")
    image = read_image(path)
    width, rest = divmod(image.shape[1], T)
    if rest:
        raise DataError(f"{image.shape[1]} pixels are not {T} frames side by side", where=str(path))
    return np.stack(np.split(image, T, axis=1)) if width else image[None]


def _identity(blurry: Frames, true: Frames) -> bytes:
    digest = hashlib.sha256(repr((blurry.shape, true.shape)).encode())
    digest.update(blurry.tobytes())
    digest.update(true.tobytes())
    return digest.digest()


def _line(error: DataError) -> str:
    where = Path(error.where).name if error.where else ""
    return f"{where}: {error.what}" if where else error.what
