"""What each protocol says of sequences that should and should not score well, as Markdown.

    python benchmarks/protocols.py [--clips 8]

The true frames are rendered moving shapes. Each row is made from them: the truth reversed is as
right as the truth; the other rows are tricks, and a protocol that a trick scores well under can
be fooled. `deblurkit` scores the rows as they are; the other protocols average decibels, where
a few frames without any error would hide all others, so there all rows get white noise of 2 %.
Columns that need weights from elsewhere are left out, so that everybody gets the same tables.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.measures import ScoreSheet
from deblurkit.evaluation.protocol import ScoringProtocol, full_name, new_sheet
from deblurkit.evaluation.protocols.names import DEFAULT, PROTOCOLS, get_protocol
from deblurkit.formation import form
from deblurkit.frames import middle, pairs
from deblurkit_standard.datasets.moving_shapes import MovingShapes

Frames = npt.NDArray[np.float64]
CLIPS, FRAMES, SIZE, NOISE = 8, 7, 80, 0.02
WEIGHTS = frozenset({"lpips", "patch-lpips", "epe"})


def reversed_truth(true: Frames, _: np.random.Generator) -> Frames:
    return true[::-1]


def frozen(true: Frames, _: np.random.Generator) -> Frames:
    return np.repeat(true[[middle(len(true)) - 1]], len(true), axis=0)


def blurry_repeated(true: Frames, _: np.random.Generator) -> Frames:
    return np.repeat(form(true)[None], len(true), axis=0)


def mixed_pairs(true: Frames, rng: np.random.Generator) -> Frames:
    """Each pair in a direction drawn on its own, but not all in the same."""
    swaps = np.zeros(len(pairs(len(true))), bool)
    while swaps.all() or not swaps.any():
        swaps = rng.random(len(swaps)) < 0.5
    out = true.copy()
    for (i, j), swap in zip(pairs(len(true)), swaps, strict=True):
        if swap:
            out[[i - 1, j - 1]] = true[[j - 1, i - 1]]
    return out


def mean_of_both(true: Frames, _: np.random.Generator) -> Frames:
    """What squared errors make of an open direction: the mean of both."""
    return (true + true[::-1]) / 2


def mixed_half(true: Frames, rng: np.random.Generator) -> Frames:
    """The right half in mixed directions, the left half as it is: one object of several."""
    out = true.copy()
    half = true.shape[2] // 2
    out[:, :, half:] = mixed_pairs(true, rng)[:, :, half:]
    return out


def random_pixels(true: Frames, rng: np.random.Generator) -> Frames:
    """Each pixel of each pair in an order drawn on its own."""
    out = true.copy()
    for i, j in pairs(len(true)):
        swap = rng.random(true.shape[1:3]) < 0.5
        out[i - 1][swap], out[j - 1][swap] = true[j - 1][swap], true[i - 1][swap]
    return out


ROWS: Mapping[str, Callable[[Frames, np.random.Generator], Frames]] = {
    "truth": lambda true, rng: true,
    "truth reversed": reversed_truth,
    "true middle frame repeated": frozen,
    "blurry image repeated": blurry_repeated,
    "mean of the truth and its reverse": mean_of_both,
    "pairs in mixed directions": mixed_pairs,
    "the same in the right half alone": mixed_half,
    "each pixel of each pair at random": random_pixels,
}
"""Row -> how it is made from the true frames."""


def true_clips(count: int) -> list[Frames]:
    """Rendered clips T×H×W×3 in [0, 1]: two objects, always the same ones."""
    shapes, rng = MovingShapes(objects=2, rotation=20.0), np.random.default_rng(0)
    return [
        clip.frames / 255.0
        for k in range(count)
        for clip in shapes.clips(f"scene-{k:03d}", count=1, frames=FRAMES, size=SIZE, rng=rng)
    ]


def score_rows(
    protocol: ScoringProtocol, clips: list[Frames], noise: float
) -> dict[str, ScoreSheet]:
    """A sheet for each of `ROWS`."""
    sheets = {row: new_sheet(protocol, FRAMES) for row in ROWS}
    for row, make in ROWS.items():
        rng = np.random.default_rng(1)
        for k, true in enumerate(clips):
            made = make(true, rng)
            made = np.clip(
                made + noise * np.random.default_rng(k).standard_normal(made.shape), 0, 1
            )
            sheets[row].add(str(k), protocol.score(made, true))
    return sheets


def markdown(sheets: Mapping[str, ScoreSheet]) -> list[str]:
    """The columns of whole sequences as a Markdown table, a line each."""
    first = next(iter(sheets.values()))
    columns = [c for c in first.here if not c.per_frame and c.key not in WEIGHTS]
    heads = [f"{c.title} {c.unit}".rstrip() for c in columns]
    lines = ["| | " + " | ".join(heads) + " |", "|---|" + "---|" * len(columns)]
    for row, sheet in sheets.items():
        numbers = [_said(float(sheet.values(c.key)[0]), c.digits) for c in columns]
        lines.append(f"| {row} | " + " | ".join(numbers) + " |")
    return lines


def tables(clips: list[Frames]) -> list[str]:
    """The tables of all protocols."""
    lines = []
    for name in PROTOCOLS:
        protocol = get_protocol(name)
        sheets = score_rows(protocol, clips, 0.0 if name == DEFAULT else NOISE)
        lines += ["", f"`{full_name(protocol)}`:", "", *markdown(sheets)]
    return lines


def _said(value: float, digits: int) -> str:
    return "no error" if math.isinf(value) else f"{value:.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=CLIPS)
    for line in tables(true_clips(parser.parse_args().clips)):
        print(line)


if __name__ == "__main__":
    main()
