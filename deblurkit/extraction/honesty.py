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

from deblurkit.camera import VALID_RESPONSE, check_setting
from deblurkit.errors import WeightsError
from deblurkit.formation import Response, form, inverse_response, response
from deblurkit.inference.rows import Channels, Rows, strips
from deblurkit.inference.workspace import Workspace

WARN_BELOW = 30.0
"""dB: below, the average of the frames differs from the photograph in a way that can be seen."""

STILL = 1.5 / 255
"""Where all frames are nearer to each other than this, the photograph shows no motion."""

_ROUNDS = 8
"""Of handing out what clipping left over; after T of them nothing is left."""

_SHOWN = 200  # letters of what weights say
_STRIP = 1 << 19  # pixels, of all frames together: a few megabytes


@dataclass(frozen=True)
class Formation:
    """How the networks were taught that frames become a photograph: g, and its exponent.

    What else a formation may do to light (sub-frames, head-room, noise) is not undone here: that is
    an error that even true frames have.
    """

    response: Response = "identity"
    gamma: float = 2.2

    @classmethod
    def of(cls, said: Any) -> Formation:
        """From what a bundle says of itself; the average of stored values where it does not.

        Raises:
            WeightsError: what it says is no formation.
        """
        found = {} if said is None else said
        if isinstance(found, Mapping):
            kind, gamma = found.get("response", "identity"), found.get("gamma", 2.2)
            try:
                check_setting("response", kind)
                check_setting("gamma", gamma)
            except ValueError:
                pass
            else:
                return cls(tuple(kind) if isinstance(kind, list) else kind, float(gamma))
        raise WeightsError(
            f"the weights say that frames become a photo by {_shortened(said)}",
            valid=f"a response ({VALID_RESPONSE}) and a gamma above 0",
            hint="the bundle may be damaged: see deblurkit weights info",
        )


@dataclass(frozen=True)
class Check:
    """What the comparison found.

    Attributes:
        psnr: Of the frames' average against the photograph, dB, peak 1.
        motion: Root mean square difference, of 1, of the first frame and the one that differs most
            from it.
        change: The same of the photograph and the frame that differs most from it.
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


def check(frames: Sequence[Rows], y: Rows, formation: Formation) -> Check:
    """Compare a sequence's average with the photograph.

    Args:
        frames: T maps 3×H×W, in order of time.
        y: The photograph, 3×H×W in [0, 1].
        formation: How frames become a photograph.

    Raises:
        WeightsError: frames have values that are not finite.
    """
    error = 0.0
    to_first, to_photo = torch.zeros(2, len(frames), dtype=torch.float64)
    for start, stop in _strips(y, len(frames)):
        x = torch.stack([f.rows(start, stop).float() for f in frames], dim=1)
        _check_finite(x)
        x, blurry = x.clamp_(0, 1), y.rows(start, stop)
        formed = form(x, response=formation.response, gamma=formation.gamma, bits=0, axis=1)
        error += float((formed - blurry).square().double().sum())
        to_first += (x - x[:, :1]).square().double().sum(dim=(0, 2, 3, 4))
        to_photo += (x - blurry[:, None]).square().double().sum(dim=(0, 2, 3, 4))
    count = 3 * y.height * y.width
    psnr = -10 * math.log10(error / count) if error > 0 else math.inf
    motion, change = (math.sqrt(float(sums.max()) / count) for sums in (to_first, to_photo))
    return Check(psnr, motion, change)


def check_finite(frame: Rows) -> None:
    """See that a frame that is checked in no other way has values.

    Raises:
        WeightsError: some are not finite.
    """
    for start, stop in _strips(frame, 1):
        _check_finite(frame.rows(start, stop))


def _check_finite(x: Tensor) -> None:
    if not bool(x.isfinite().all()):
        raise WeightsError(
            "the networks gave values that are not finite",
            hint="deblurkit weights verify says what is wrong with them; bf16 may be too "
            "coarse for them: --precision fp32",
        )


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
) -> list[Rows]:
    """Correct frames so that they average to the photograph again, as far as they can.

    What is missing is added to all frames alike, in linear light, where light is added up. Where
    that leaves [0, 1] the rest is shared by the frames that have room, a few times over.

    Returns:
        The frames in the same order, in [0, 1].
    """
    together = workspace.keep(
        _Corrected(frames, y, formation), torch.float32, lasting=True, measured=False
    )
    return [Channels(together, 3 * k, 3) for k in range(len(frames))]


class _Corrected(Rows):
    """The corrected sequence, its frames side by side: 3T×H×W."""

    def __init__(self, frames: Sequence[Rows], y: Rows, formation: Formation) -> None:
        self.sources = (*frames, y)
        self.channels, self.height, self.width = 3 * len(frames), y.height, y.width
        self._formation = formation

    def rows(self, start: int, stop: int) -> Tensor:
        *frames, y = self.sources
        said = (self._formation.response, self._formation.gamma)
        light = inverse_response(_clamped(frames, start, stop), *said)
        wanted = inverse_response(y.rows(start, stop), *said)
        for _ in range(_ROUNDS):
            missing = (wanted - light.mean(dim=1))[:, None]
            room = torch.where(missing > 0, 1 - light, light)
            has = (room > 0).float()
            share = missing * len(frames) / has.sum(dim=1, keepdim=True).clamp(min=1)
            light = (light + share * has).clamp(0, 1)
        out = response(light, *said).flatten(1, 2)
        return out.contiguous(memory_format=torch.channels_last)


def _clamped(frames: Sequence[Rows], start: int, stop: int) -> Tensor:
    """1×T×3×rows×W in [0, 1]."""
    return torch.stack([f.rows(start, stop).float() for f in frames], dim=1).clamp_(0, 1)


def _strips(y: Rows, count: int) -> Iterator[tuple[int, int]]:
    return strips(y.height, max(1, _STRIP // (y.width * (count + 1))))


def _shortened(said: Any) -> str:
    text = repr(said)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
