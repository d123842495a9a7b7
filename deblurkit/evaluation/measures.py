"""What a protocol measures on each clip, and how clips add up to a table's numbers.

A column's number over any set of clips is `scale(Σ total / Σ weight)`: with weight 1 the mean
over clips; with squared errors as totals, pixels as weights and the scale `psnr` the PSNR of
all pixels together; with energies as totals and weights a ratio of energies. Because totals
and weights add, a sheet can be resampled (bootstrap) without looking at an image again, and
scoring a thousand clips holds a few numbers of each, not one image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """One column of a protocol.

    Attributes:
        key: Unique in its protocol; lower case letters, digits, hyphens.
        title: For table heads.
        definition: One sentence, with the formula.
        unit: Printed behind the title; empty where there is none.
        higher_is_better: None where neither is, for a number that only informs.
        per_frame: One number for every frame instead of one for the sequence.
        scale: `linear`: the ratio itself; `psnr`: the ratio is a mean squared error of values
            with peak 1, the number is -10 log10 of it, in dB.
        digits: Behind the decimal point.
        of_order: It asks whether pairs run the same way, so it has nothing to say where they were
            put into order by hand.
    """

    key: str
    title: str
    definition: str
    unit: str = ""
    higher_is_better: bool | None = True
    per_frame: bool = False
    scale: Literal["linear", "psnr"] = "linear"
    digits: int = 2
    of_order: bool = False


@dataclass(frozen=True)
class Measure:
    """What one clip adds to a column.

    Attributes:
        total: A number, or for a column per frame T numbers, frame 1 first.
        weight: As many numbers, >= 0; 0 where the clip has nothing to say (nothing moves).
    """

    total: float | Floats
    weight: float | Floats = 1.0


@dataclass
class ScoreSheet:
    """The measures of one sequence method on a set of clips, under one protocol.

    Attributes:
        protocol: Name and version, as `deblurkit/1`.
        frames: T.
        columns: In the order of the table.
        unavailable: Column key -> why there is no number, for columns that cannot be
            computed here; no other number stands in.
        clips: Names of the clips scored.
        true_frames: For each clip `clip_names.frames_mark` of its true frames, or an empty text
            where it is not known: names alone do not say that two sheets are of the same clips.
        settings: What was chosen in scoring besides the protocol; empty where it is not known.
    """

    protocol: str
    frames: int
    columns: tuple[Column, ...]
    unavailable: Mapping[str, str] = field(default_factory=dict)
    clips: list[str] = field(default_factory=list)
    _totals: dict[str, list[list[float]]] = field(default_factory=dict)
    _weights: dict[str, list[list[float]]] = field(default_factory=dict)
    true_frames: list[str] = field(default_factory=list)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for column in self.here:
            self._totals.setdefault(column.key, [])
            self._weights.setdefault(column.key, [])

    @property
    def here(self) -> tuple[Column, ...]:
        """The columns that have numbers."""
        return tuple(c for c in self.columns if c.key not in self.unavailable)

    def column(self, key: str) -> Column:
        """A column by key; raises KeyError."""
        return next(c for c in self.columns if c.key == key) if self._has(key) else _missing(key)

    def add(self, clip: str, measures: Mapping[str, Measure], true_frames: str = "") -> None:
        """Take in a clip.

        Args:
            clip: Its name.
            measures: Of every column that has numbers.
            true_frames: See the attribute.

        Raises:
            ValueError: a column has no measure, or one of another length or not finite.
        """
        taken: list[tuple[str, list[float], list[float]]] = []
        for column in self.here:
            if column.key not in measures:
                raise ValueError(f"{self.protocol}: no measure for column '{column.key}'")
            measure, n = measures[column.key], self._length(column)
            weight = np.broadcast_to(np.asarray(measure.weight, np.float64), (n,))
            total = np.asarray(measure.total, np.float64).reshape(-1)
            if total.shape != (n,):
                raise ValueError(f"{self.protocol}, '{column.key}': {total.size} numbers, not {n}")
            if not (np.isfinite(total).all() and np.isfinite(weight).all() and (weight >= 0).all()):
                raise ValueError(f"{self.protocol}, '{column.key}': {total} of weight {weight}")
            taken.append((column.key, total.tolist(), weight.tolist()))
        for key, totals, weights in taken:
            self._totals[key].append(totals)
            self._weights[key].append(weights)
        self.clips.append(clip)
        self.true_frames.append(true_frames)

    def sums(self, key: str) -> tuple[Floats, Floats]:
        """Totals and weights of a column, N clips × n numbers each (n = T or 1).

        Raises:
            KeyError: there is no such column, or it is unavailable.
        """
        n = self._length(self.column(key))
        shape = (len(self.clips), n)
        return (
            np.array(self._totals[key], np.float64).reshape(shape),
            np.array(self._weights[key], np.float64).reshape(shape),
        )

    def values(self, key: str, draws: npt.ArrayLike | None = None) -> Floats:
        """The column's numbers over all clips, or over drawn ones.

        Args:
            key: The column.
            draws: How often each clip counts: N numbers, or D×N for D drawings at once.

        Returns:
            n numbers (D×n for D drawings): nan where no clip has any weight, inf where a
            `psnr` column has no error at all.
        """
        totals, weights = self.sums(key)
        counts = np.ones(len(self.clips)) if draws is None else np.asarray(draws, np.float64)
        return scaled(counts @ totals, counts @ weights, self.column(key).scale)

    def to_json(self) -> dict[str, Any]:
        """As JSON can say it; `from_json` reads it."""
        return {
            "protocol": self.protocol,
            "frames": self.frames,
            "columns": [asdict(c) for c in self.columns],
            "unavailable": dict(self.unavailable),
            "clips": list(self.clips),
            "true_frames": list(self.true_frames),
            "settings": dict(self.settings),
            "totals": self._totals,
            "weights": self._weights,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        sheet = cls(
            said["protocol"],
            int(said["frames"]),
            tuple(Column(**c) for c in said["columns"]),
            dict(said["unavailable"]),
            list(said["clips"]),
            {k: [list(map(float, row)) for row in v] for k, v in said["totals"].items()},
            {k: [list(map(float, row)) for row in v] for k, v in said["weights"].items()},
            list(map(str, said.get("true_frames") or [""] * len(said["clips"]))),
            dict(said.get("settings", {})),
        )
        if len(sheet.true_frames) != len(sheet.clips):
            raise ValueError(f"{len(sheet.true_frames)} marks of true frames, not of every clip")
        for column in sheet.here:
            sheet.sums(column.key)  # shapes fit, or a ValueError
        return sheet

    def _length(self, column: Column) -> int:
        return self.frames if column.per_frame else 1

    def _has(self, key: str) -> bool:
        return any(c.key == key for c in self.here)


def scaled(total: Floats, weight: Floats, scale: Literal["linear", "psnr"]) -> Floats:
    """`total / weight` on a column's scale; nan where the weight is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(weight > 0, total / weight, np.nan)
        out: Floats = ratio if scale == "linear" else -10 * np.log10(ratio)
    return out


def merged(sheets: Sequence[ScoreSheet]) -> ScoreSheet:
    """All clips of several sheets of one protocol, for instance of several seeds.

    Raises:
        ValueError: the sheets have different protocols, columns or lengths.
    """
    first = sheets[0]
    out = ScoreSheet(first.protocol, first.frames, first.columns, dict(first.unavailable))
    out.settings = dict(first.settings)
    for sheet in sheets:
        if (sheet.protocol, sheet.frames, sheet.columns, dict(sheet.unavailable)) != (
            first.protocol, first.frames, first.columns, dict(first.unavailable),
        ):  # fmt: skip
            raise ValueError(f"sheets of {first.protocol} and {sheet.protocol} do not fit together")
        sums = {c.key: sheet.sums(c.key) for c in first.here}
        for k, clip in enumerate(sheet.clips):
            measures = {key: Measure(total[k], weight[k]) for key, (total, weight) in sums.items()}
            out.add(clip, measures, sheet.true_frames[k])
    return out


def _missing(key: str) -> Column:
    raise KeyError(key)
