"""Gaps in the numbers of file names."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_USUAL = 0.6
"""Names are counted where so many of their steps are the same; others are dates, for instance."""

_TIMES = 3
"""And so many, unless all are."""

_MOST = 1000
"""Larger gaps are a new series of numbers, not missing files."""


@dataclass(frozen=True)
class Gap:
    """Names that no file has.

    Attributes:
        after: Index of the file before the gap, counted from 0; -1: before the first.
        missing: How many numbers.
        names: The first and the last name that is missing, without their suffix; * stands for
            all numbers of a series.
    """

    after: int
    missing: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class _Counted:
    """A name with the number in it that counts."""

    index: int
    before: str
    digits: str
    after: str

    @property
    def number(self) -> int:
        return int(self.digits)

    def renamed(self, number: int) -> str:
        return f"{self.before}{number:0{len(self.digits)}d}{self.after}"


def gaps(stems: Sequence[str]) -> tuple[Gap, ...]:
    """Gaps in the numbering of files.

    The last group of digits that differs between names counts. What stands around it divides
    names into series (`00000003_001` is number 1 of series 3); each is counted by itself, and a
    series that begins later or ends sooner than most has a gap there. Series are counted, too.

    Args:
        stems: Names without suffix, in natural order.
    """
    return tuple(sorted(_found(list(enumerate(stems))), key=lambda gap: gap.after))


def series_begin(stems: Sequence[str]) -> frozenset[int]:
    """Indices of names with which a series begins: frames of two are not consecutive.

    Args:
        stems: Names without suffix, in natural order.
    """
    return frozenset(run[0].index for run in _series(list(enumerate(stems))))


def _found(names: list[tuple[int, str]]) -> list[Gap]:
    series = _series(names)
    found = [gap for run in series for gap in _between(run)]
    if len(series) > 1:
        found += _at_the_ends(series)
        found += _found([(run[-1].index, f"{run[0].before}*{run[0].after}") for run in series])
    return found


def _series(names: list[tuple[int, str]]) -> list[list[_Counted]]:
    parts = [(index, re.split(r"([0-9]+)", name)) for index, name in names]
    usual = Counter(len(part) for _, part in parts).most_common(1)[0][0] if parts else 0
    parts = [(index, part) for index, part in parts if len(part) == usual]
    places = [k for k in range(1, usual, 2) if len({part[k] for _, part in parts}) > 1]
    if not places:
        return []
    at = places[-1]
    series: dict[tuple[str, str], list[_Counted]] = defaultdict(list)
    for index, part in parts:
        around = "".join(part[:at]), "".join(part[at + 1 :])
        series[around].append(_Counted(index, around[0], part[at], around[1]))
    return list(series.values())


def _step(run: Sequence[_Counted]) -> int:
    """The usual distance of numbers; 0 where there is none."""
    steps = Counter(b.number - a.number for a, b in pairwise(run))
    step, times = steps.most_common(1)[0] if steps else (0, 0)
    usual = times >= _USUAL * sum(steps.values()) and (times >= _TIMES or len(steps) == 1)
    return step if step > 0 and usual else 0


def _between(run: list[_Counted]) -> list[Gap]:
    step = _step(run)
    found = []
    for a, b in pairwise(run) if step else ():
        missing = (b.number - a.number) // step - 1
        if 0 < missing < _MOST:
            ends = a.renamed(a.number + step), a.renamed(b.number - step)
            found.append(Gap(a.index, missing, tuple(dict.fromkeys(ends))))
    return found


def _at_the_ends(series: list[list[_Counted]]) -> list[Gap]:
    (first, begin), (last, end) = (
        Counter(run[place].number for run in series).most_common(1)[0] for place in (0, -1)
    )
    found = []
    for run in series:
        a, b, step = run[0], run[-1], _step(run) or 1
        if begin >= _USUAL * len(series) and 0 < (missing := (a.number - first) // step) < _MOST:
            names = a.renamed(first), a.renamed(a.number - step)
            found.append(Gap(a.index - 1, missing, tuple(dict.fromkeys(names))))
        if end >= _USUAL * len(series) and 0 < (missing := (last - b.number) // step) < _MOST:
            names = b.renamed(b.number + step), b.renamed(last)
            found.append(Gap(b.index, missing, tuple(dict.fromkeys(names))))
    return found
