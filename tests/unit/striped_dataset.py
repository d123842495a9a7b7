"""Small datasets that other processes can import: good ones and such as break their contract."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deblurkit.data.clip import Clip
from deblurkit.errors import DataError


@dataclass(frozen=True)
class Striped:
    """Noise whose first value numbers the clip within its source; can be told to go wrong."""

    wrong: str = ""
    at: str = ""
    material: str = "one"

    def sources(self) -> tuple[str, ...]:
        return ("a", "b", "c")

    def fingerprint(self) -> str:
        return self.material

    def clips(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Clip]:
        wrong = self.wrong if source == self.at else ""
        for number in range(count):
            x = rng.integers(0, 256, (frames, size, size, 3), dtype=np.uint8)
            x[0, 0, 0, 0] = number
            if number == 1 and wrong:
                if wrong == "few":
                    return
                if wrong == "data":
                    raise DataError("the file is cut short", where="b.mp4", hint="copy it again")
                if wrong == "crash":
                    raise ZeroDivisionError("oh")
                if wrong == "interrupt":
                    raise KeyboardInterrupt
                if wrong == "shape":
                    x = x[:, 1:]
                if wrong == "dtype":
                    x = x.astype(np.float32)
                if wrong == "thing":
                    yield x  # type: ignore[misc]
            yield Clip(x, source, f"clip {number}")
