"""What each protocol says of sequences that should and should not score well, as Markdown.

    python benchmarks/protocols.py [--clips 8]

The true frames are rendered moving shapes. Each row is made from them: the truth reversed is as
right as the truth; the other rows are tricks, and a protocol that a trick scores well under can
be fooled. `deblurkit` scores the rows as they are; the other protocols average decibels, where
a few frames without any error would hide all others, so there all rows get white noise of 2 %.
For `deblurkit` the truth with that noise is a row, a yardstick for what a very good method gets.
Columns that need weights from elsewhere are left out, so that everybody gets the same tables.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.measures import ScoreSheet
from deblurkit.evaluation.protocol import ScoringProtocol, full_name, new_sheet
from deblurkit.evaluation.protocols.lookup import DEFAULT, PROTOCOLS, get_protocol
from deblurkit.formation import form
from deblurkit.frames import middle, pairs
from deblurkit_standard.datasets.moving_shapes import MovingShapes

Frames = npt.NDArray[np.float64]
CLIPS, FRAMES, SIZE, NOISE = 8, 7, 80, 0.02
WEIGHTS = frozenset({"lpips", "patch-lpips", "epe"})


@dataclass(frozen=True)
class Clip:
    """The true frames, and a sequence as right as they are: one object of two runs backwards."""

    true: Frames
    other_order: Frames


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
    return _swapped(true, lambda: rng.random(true.shape[1:3]) < 0.5)


def random_colours(true: Frames, rng: np.random.Generator) -> Frames:
    """Each colour of each pixel of each pair in an order drawn on its own."""
    return _swapped(true, lambda: rng.random(true.shape[1:]) < 0.5)


def _swapped(true: Frames, draw: Callable[[], npt.NDArray[np.bool_]]) -> Frames:
    out = true.copy()
    for i, j in pairs(len(true)):
        swap = draw()
        out[i - 1][swap], out[j - 1][swap] = true[j - 1][swap], true[i - 1][swap]
    return out


TRUTH, NOISY, OTHER = "truth", "truth with noise of 2 %", "one of the two objects reversed"
MADE: Mapping[str, Callable[[Frames, np.random.Generator], Frames]] = {
    "truth reversed": reversed_truth,
    "true middle frame repeated": frozen,
    "blurry image repeated": blurry_repeated,
    "mean of the truth and its reverse": mean_of_both,
    "pairs in mixed directions": mixed_pairs,
    "the same in the right half alone": mixed_half,
    "each pixel of each pair at random": random_pixels,
    "each colour of each pixel at random": random_colours,
}
"""Row -> how it is made from the true frames alone."""


def true_clips(count: int) -> list[Clip]:
    """Rendered clips T×H×W×3 in [0, 1]: two objects whose paths stay apart, always the same."""
    shapes = MovingShapes(objects=2, size=(8.0, 16.0), rotation=20.0, overlap=False)
    rng = np.random.default_rng(0)
    clips = []
    for k in range(count):
        scene = shapes.draw(f"scene-{k:03d}", SIZE, rng)
        first, *rest = scene.shapes
        other = replace(scene, shapes=(first.reversed(), *rest))
        films = (np.rint(255 * shapes.film(s, FRAMES, SIZE)) / 255 for s in (scene, other))
        clips.append(Clip(*films))
    return clips


def score_rows(protocol: ScoringProtocol, clips: list[Clip], noise: float) -> dict[str, ScoreSheet]:
    """A sheet for each row; the yardstick only where the rows have no noise themselves."""
    rows: dict[str, Callable[[Clip, np.random.Generator], Frames]] = {
        TRUTH: lambda clip, rng: clip.true
    }
    if not noise:
        rows[NOISY] = lambda clip, rng: _noisy(clip.true, NOISE, rng)
    rows |= {row: partial(_of_truth, make) for row, make in MADE.items()}
    rows[OTHER] = lambda clip, rng: clip.other_order
    sheets = {row: new_sheet(protocol, FRAMES) for row in rows}
    for row, make in rows.items():
        rng = np.random.default_rng(1)
        for k, clip in enumerate(clips):
            made = _noisy(make(clip, rng), noise, np.random.default_rng(k))
            sheets[row].add(str(k), protocol.score(made, clip.true))
    return sheets


def _of_truth(
    make: Callable[[Frames, np.random.Generator], Frames], clip: Clip, rng: np.random.Generator
) -> Frames:
    return make(clip.true, rng)


def _noisy(frames: Frames, noise: float, rng: np.random.Generator) -> Frames:
    return np.clip(frames + noise * rng.standard_normal(frames.shape), 0, 1)


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


def tables(clips: list[Clip]) -> list[str]:
    """The tables of all protocols."""
    lines = []
    for name in PROTOCOLS:
        protocol = get_protocol(name)
        sheets = score_rows(protocol, clips, 0.0 if name == DEFAULT else NOISE)
        lines += ["", f"`{full_name(protocol)}`:", "", *markdown(sheets)]
    return lines


def _said(value: float, digits: int) -> str:
    return "exact" if math.isinf(value) else f"{value:.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=CLIPS)
    for line in tables(true_clips(parser.parse_args().clips)):
        print(line)


if __name__ == "__main__":
    main()
