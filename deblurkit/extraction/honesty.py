"""Does the sequence explain the photograph? Its frames are averaged again and compared with it.

A sequence that explains it may still be wrong: a sequence and its reverse blur alike, and the
photograph itself T times over explains itself. But one that does not explain it is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from deblurkit.formation import Response, form, inverse_response, response
from deblurkit.inference.rows import Rows, strips
from deblurkit.inference.workspace import Kept, Workspace

WARN_BELOW = 30.0
"""dB: below, the average of the frames differs from the photograph in a way that can be seen."""

STILL = 1.5 / 255
"""Where all frames are nearer to each other than this, the photograph shows no motion."""

_STRIP = 1 << 19  # pixels, of all frames together: a few megabytes


@dataclass(frozen=True)
class Formation:
    """How the networks were taught that frames become a photograph: g, and its exponent."""

    response: Response = "identity"
    gamma: float = 2.2

    @classmethod
    def of(cls, said: Mapping[str, Any] | None) -> Formation:
        """From what a bundle says of itself; the average of stored values where it does not."""
        found = said or {}
        return cls(found.get("response", "identity"), float(found.get("gamma", 2.2)))


@dataclass(frozen=True)
class Check:
    """What the comparison found.

    Attributes:
        psnr: Of the frames' average against the photograph, dB, peak 1.
        motion: Root mean square difference of the first frame and the last, of 1.
        change: The same of the middle frame and the photograph.
    """

    psnr: float
    motion: float
    change: float

    @property
    def explains(self) -> bool:
        """Whether the frames average to what looks like the photograph."""
        return self.psnr >= WARN_BELOW

    @property
    def moves(self) -> bool:
        """Whether there is motion in the sequence that can be seen."""
        return max(self.motion, self.change) >= STILL


def check(frames: Sequence[Rows], middle: int, y: Rows, formation: Formation) -> Check:
    """Compare a sequence's average with the photograph.

    Args:
        frames: T maps 3×H×W, in order of time.
        middle: The middle frame's place among them, from 0.
        y: The photograph, 3×H×W in [0, 1].
        formation: How frames become a photograph.
    """
    sums = np.zeros(3)
    for start, stop in _strips(y, len(frames)):
        x = _clamped(frames, start, stop)
        blurry = y.rows(start, stop)
        formed = form(x, response=formation.response, gamma=formation.gamma, bits=0, axis=1)
        sums += [
            float((one - other).square().double().sum())
            for one, other in ((formed, blurry), (x[:, 0], x[:, -1]), (x[:, middle], blurry))
        ]
    error, motion, change = sums / (3 * y.height * y.width)
    psnr = -10 * math.log10(error) if error > 0 else math.inf
    return Check(psnr, math.sqrt(motion), math.sqrt(change))


def error_map(frames: Sequence[Rows], y: Rows, formation: Formation) -> npt.NDArray[np.uint8]:
    """Where the frames' average differs from the photograph: H×W gray, ten times the difference.

    Returns:
        uint8, the largest difference of the three colours; 255 stands for a tenth of white.
    """
    out = np.empty((y.height, y.width), np.uint8)
    for start, stop in _strips(y, len(frames)):
        x = _clamped(frames, start, stop)
        formed = form(x, response=formation.response, gamma=formation.gamma, bits=0, axis=1)
        far = (formed - y.rows(start, stop)).abs().amax(dim=1)[0]
        out[start:stop] = (far * 2550).clamp(0, 255).round().to(torch.uint8).numpy()
    return out


def consistent(
    frames: Sequence[Rows], y: Rows, formation: Formation, workspace: Workspace
) -> list[Kept]:
    """Correct frames so that they average to the photograph again, exactly where that can be.

    What is missing is added to all frames alike, in linear light, where light is added up. Where
    that leaves [0, 1] the rest is shared by the frames that have room, a few times over.

    Returns:
        The frames in the same order, in [0, 1].
    """
    return [
        workspace.keep(_Corrected(frames, k, y, formation), torch.float32)
        for k in range(len(frames))
    ]


class _Corrected(Rows):
    """One frame of the corrected sequence."""

    def __init__(self, frames: Sequence[Rows], place: int, y: Rows, formation: Formation) -> None:
        self.sources = (*frames, y)
        self.channels, self.height, self.width = 3, y.height, y.width
        self._place, self._formation = place, formation

    def rows(self, start: int, stop: int) -> Tensor:
        *frames, y = self.sources
        said = (self._formation.response, self._formation.gamma)
        light = inverse_response(_clamped(frames, start, stop), *said)
        wanted = inverse_response(y.rows(start, stop), *said)
        for _ in range(4):
            missing = (wanted - light.mean(dim=1))[:, None]
            room = torch.where(missing > 0, 1 - light, light)
            has = (room > 0).float()
            share = missing * len(frames) / has.sum(dim=1, keepdim=True).clamp(min=1)
            light = (light + share * has).clamp(0, 1)
        out = response(light[:, self._place], *said)
        return out.contiguous(memory_format=torch.channels_last)


def _clamped(frames: Sequence[Rows], start: int, stop: int) -> Tensor:
    """1×T×3×rows×W in [0, 1]."""
    return torch.stack([f.rows(start, stop).float() for f in frames], dim=1).clamp_(0, 1)


def _strips(y: Rows, count: int) -> Iterator[tuple[int, int]]:
    return strips(y.height, max(1, _STRIP // (y.width * (count + 1))))
