"""What an extraction gives: the frames, how they were checked, and how to save them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from deblurkit.errors import FrameError
from deblurkit.extraction.honesty import WARN_BELOW, Check, Formation, error_map
from deblurkit.extraction.photograph import PhotoRows
from deblurkit.frames import middle
from deblurkit.inference.rows import Rows, strips
from deblurkit.media.photo import Photo, to_eight_bits

_STRIP = 1 << 20  # pixels


@dataclass(frozen=True)
class Extraction:
    """A photograph's sequence.

    Attributes:
        photo: The photograph.
        rows: The frames, from 1 to T; the middle one alone where only that was asked for.
        T: Length of the sequence.
        exposure: The frames that the networks were trained for, which together are the exposure:
            fewer than T where more were asked for, more where fewer; empty for the middle alone.
        formation: How frames become the photograph.
        check: The exposure's average against the photograph, before any correction; None for the
            middle frame alone.
        corrected: Whether the frames were corrected to average to the photograph.
        reverse: Whether the sequence is handed out backwards.
        exact: Whether the numbers are those of the whole image at once; else it went in tiles.
        precision: `fp32` or `bf16`.
        seconds: How long it took.
    """

    photo: Photo = field(repr=False)
    rows: Mapping[int, Rows] = field(repr=False)
    T: int
    exposure: tuple[Rows, ...] = field(repr=False)
    formation: Formation
    check: Check | None
    corrected: bool
    reverse: bool
    exact: bool
    precision: str
    seconds: float

    @property
    def indices(self) -> tuple[int, ...]:
        """The frames that are here, in the order in which they are shown."""
        return tuple(sorted(self.rows, reverse=self.reverse))

    @property
    def frames(self) -> npt.NDArray[np.float32]:
        """All frames as they are shown: T×H×W×3 float32, sRGB, in [0, 1]."""
        return np.stack([self.frame(i) for i in self.indices])

    @property
    def middle(self) -> npt.NDArray[np.float32]:
        """The middle frame: H×W×3 float32, sRGB, in [0, 1]."""
        return self.frame(middle(self.T))

    @property
    def reblur_psnr(self) -> float | None:
        """PSNR of the exposure's average against the photograph, dB; None for the middle alone."""
        return self.check.psnr if self.check else None

    def frame(self, i: int) -> npt.NDArray[np.float32]:
        """One frame: H×W×3 float32 in [0, 1].

        Raises:
            FrameError: it is not here.
        """
        rows = self._rows(i)
        height, width = self.photo.size
        out = np.empty((height, width, 3), np.float32)
        for start, stop in strips(height, max(1, _STRIP // width)):
            part = rows.rows(start, stop).float().clamp(0, 1)
            out[start:stop] = part[0].permute(1, 2, 0).numpy()
        return out

    def picture(self, i: int, *, bits: int = 8, side: int | None = None) -> npt.NDArray[Any]:
        """One frame to be looked at: H×W×3 uint8 or uint16.

        Args:
            i: The frame.
            bits: 8 or 16.
            side: Scaled down, if need be, so that no side is longer; 8 bits only.

        Raises:
            FrameError: it is not here.
        """
        rows = self._rows(i)
        height, width = self.photo.size
        kind: Any = np.uint16 if bits == 16 else np.uint8
        out = np.empty((height, width, 3), kind)
        for start, stop in strips(height, max(1, _STRIP // width)):
            part = rows.rows(start, stop).float().clamp(0, 1) * float(np.iinfo(kind).max)
            out[start:stop] = torch.round(part)[0].permute(1, 2, 0).numpy()
        return scaled(out, side) if side else out

    def blurry(self, side: int | None = None) -> npt.NDArray[Any]:
        """The photograph to be looked at, beside the frames: H×W×3 uint8."""
        pixels = self.photo.pixels
        seen = to_eight_bits(pixels)
        return scaled(seen, side) if side else seen

    def error_map(self) -> npt.NDArray[np.uint8]:
        """Where the frames' average differs from the photograph: H×W gray, ten times as much.

        Raises:
            FrameError: only the middle frame is here.
        """
        if not self.exposure:
            raise FrameError(
                "the middle frame alone has no average to compare with the photograph",
                hint="extract all frames",
            )
        return error_map(self.exposure, PhotoRows(self.photo), self.formation)

    def warnings(self) -> tuple[str, ...]:
        """What a user should know before trusting the result, a sentence each."""
        said = list[str]()
        if self.check is not None and not self.check.explains:
            said.append(
                f"the frames do not average to the photograph ({self.check.psnr:.1f} dB, below "
                f"{WARN_BELOW:g}): do not trust this result"
            )
        if self.check is not None and not self.check.moves:
            said.append("no motion blur was found: the frames are the photograph itself")
        if not self.exact:
            said.append(
                "these networks cannot be evaluated in strips: it was done in tiles, and contrast "
                "may differ between them"
            )
        return tuple(said)

    def save(self, path: str | Path, **options: Any) -> tuple[Path, ...]:
        """Write the sequence; the name's ending says how (see `deblurkit.extraction.outputs`).

        Args:
            path: `.mp4`, `.gif`, `.webp`, `.html`, `.png` (contact sheet; the middle frame where
                only that is here), or a folder for one PNG a frame.
            **options: Of `deblurkit.extraction.outputs.Style`: `fps`, `loop`, `side`; and
                `force`, to overwrite what is there.

        Returns:
            The files written.

        Raises:
            DataError: it cannot be written, or is there already.
        """
        from deblurkit.extraction.outputs import save

        return save(self, Path(path), **options)

    def _rows(self, i: int) -> Rows:
        if i not in self.rows:
            here = ", ".join(map(str, sorted(self.rows)))
            raise FrameError(f"frame {i} is not here", valid=f"frames here: {here}")
        return self.rows[i]


def scaled(image: npt.NDArray[Any], side: int) -> npt.NDArray[Any]:
    """A uint8 image with no side longer than `side`: as it is, or scaled down (Lanczos)."""
    height, width = image.shape[:2]
    if max(height, width) <= side:
        return image
    factor = side / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
