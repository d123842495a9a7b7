"""How a whole recording moves: what the checks of time are made on. No images are kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from deblurkit.doctor.motion import BLOCKS, Gray, Step, step

MOVING = 0.5
"""Length of a motion vector from which something moves, pixels of the small image: over a single
block half a pixel, over all blocks 0.07. Noise of 5 grey levels in a still scene gives 0.5."""

LOST = 0.5
"""Two images that agree less than this (`Step.match`) do not show the same. Frames of two scenes
reach 0.33, frames of one pan that are ten frames apart 0.57 and more."""

FOUND = 0.8
"""Images that agree so well show the same; consecutive frames have 0.95 and more."""

Vector = npt.NDArray[np.float32]
"""The motion of all blocks, each by its texture: 2·BLOCKS values, pixels of the small image."""


@dataclass
class Trace:
    """The steps of a recording. Step t leads from frame t - 1 to frame t, both counted from 0.

    Attributes:
        motion: frames×2·BLOCKS, `Vector` of each step.
        match: Of each step, see `Step`.
        change: Likewise.
        speed: Likewise.
        known: Whether there is such a step: both frames can be read and none is missing between.
        over: By frame t: the match of frame t - 2 with frame t, where either step between is LOST.
    """

    motion: npt.NDArray[np.float32]
    match: npt.NDArray[np.float32]
    change: npt.NDArray[np.float32]
    speed: npt.NDArray[np.float32]
    known: npt.NDArray[np.bool_]
    over: dict[int, float] = field(default_factory=dict)

    @classmethod
    def empty(cls, frames: int) -> Trace:
        """Without any step."""
        return cls(
            np.zeros((frames, 2 * BLOCKS), np.float32),
            np.ones(frames, np.float32),
            np.zeros(frames, np.float32),
            np.zeros(frames, np.float32),
            np.zeros(frames, bool),
        )

    @property
    def length(self) -> npt.NDArray[np.float32]:
        """Of each step's motion vector."""
        found: npt.NDArray[np.float32] = np.linalg.norm(self.motion, axis=1)
        return found

    def put(self, t: int, found: Step) -> None:
        """Keep step t."""
        self.motion[t] = (found.flow * np.sqrt(found.weight)[:, None]).ravel()
        self.match[t], self.change[t], self.speed[t] = found.match, found.change, found.speed
        self.known[t] = True

    def runs(self) -> Iterator[range]:
        """Frames that known steps connect, three and more at a time."""
        first = 0
        for t in range(1, len(self.known) + 1):
            if t == len(self.known) or not self.known[t]:
                if t - first >= 3:
                    yield range(first, t)
                first = t


class Tracer:
    """Makes the trace of a recording from its small images, handed over in order.

    Args:
        frames: How many frames the recording has.
        pool: Where steps are computed.
        ahead: How many may be under way at once; as many images are held.
    """

    def __init__(self, frames: int, pool: Executor, ahead: int = 8) -> None:
        self.trace = Trace.empty(frames)
        self._pool, self._ahead = pool, ahead
        self._last: list[tuple[int, Gray]] = []
        self._steps: deque[tuple[int, Gray | None, Gray, Future[Step]]] = deque()

    def look(self, frame: int, image: Gray | None, *, joined: bool = True) -> None:
        """Take in the next frame.

        Args:
            frame: Its number, counted from 0.
            image: Its small image; None where it cannot be read.
            joined: Nothing is missing between the frame before and this.
        """
        if image is None:
            self._last = []
            return
        before = self._last[-1] if self._last else None
        if before and joined and before[0] == frame - 1 and before[1].shape == image.shape:
            earlier = self._last[0][1] if len(self._last) == 2 else None
            work = self._pool.submit(step, before[1], image)
            self._steps.append((frame, earlier, image, work))
            if len(self._steps) > self._ahead:
                self._collect()
        else:
            self._last = []
        self._last = [*self._last[-1:], (frame, image)]

    def finish(self) -> Trace:
        """The trace, when all steps are computed."""
        while self._steps:
            self._collect()
        return self.trace

    def _collect(self) -> None:
        frame, earlier, image, work = self._steps.popleft()
        self.trace.put(frame, work.result())
        match = self.trace.match
        if earlier is not None and min(match[frame - 1], match[frame]) < FOUND:
            self.trace.over[frame] = step(earlier, image).match


def likeness_of(a: Vector, b: Vector) -> float:
    """Cosine of two motion vectors; 0 where one has no length."""
    scale = float(np.linalg.norm(a)) * float(np.linalg.norm(b))
    return float(a @ b) / scale if scale > 0 else 0.0
