"""Verdicts on claims, by rules; docs/ablation.md says when they were settled.

A number decides only with its whole 95 % interval: *supported* where all of it is on the side that
the claim names, *not supported* where all of it is on the other side, else *inconclusive*. That
nothing is lost cannot be shown by a difference of 0, only by one that is surely smaller than a
margin: the margin is part of the rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol

from deblurkit.study.bootstrap import Estimate

Verdict = Literal["supported", "not supported", "inconclusive"]


class Rule(Protocol):
    """Turns a number with its interval into a verdict; `text` says how."""

    @property
    def text(self) -> str: ...

    def __call__(self, number: Estimate) -> Verdict: ...


@dataclass(frozen=True)
class Above:
    """The claim says that the number is greater than a bound."""

    bound: float = 0.0

    @property
    def text(self) -> str:
        return f"> {self.bound:g}"

    def __call__(self, number: Estimate) -> Verdict:
        if number.low is None or number.high is None:
            return "inconclusive"
        if number.low > self.bound:
            return "supported"
        return "not supported" if number.high < self.bound else "inconclusive"


@dataclass(frozen=True)
class Below:
    """The claim says that the number is less than a bound."""

    bound: float = 0.0

    @property
    def text(self) -> str:
        return f"< {self.bound:g}"

    def __call__(self, number: Estimate) -> Verdict:
        if number.low is None or number.high is None:
            return "inconclusive"
        if number.high < self.bound:
            return "supported"
        return "not supported" if number.low > self.bound else "inconclusive"


@dataclass(frozen=True)
class Within:
    """The claim says that the number differs from a value by less than a margin."""

    margin: float
    value: float = 0.0

    @property
    def text(self) -> str:
        return f"within {self.value - self.margin:g} to {self.value + self.margin:g}"

    def __call__(self, number: Estimate) -> Verdict:
        least, most = self.value - self.margin, self.value + self.margin
        if number.low is None or number.high is None:
            return "inconclusive"
        if least < number.low and number.high < most:
            return "supported"
        return "not supported" if number.low > most or number.high < least else "inconclusive"


@dataclass(frozen=True)
class Exactly:
    """The claim says that the number, which was computed and not estimated, is this one."""

    value: float = 0.0

    @property
    def text(self) -> str:
        return f"= {self.value:g}"

    def __call__(self, number: Estimate) -> Verdict:
        return "supported" if number.value == self.value else "not supported"


@dataclass(frozen=True)
class Finding:
    """One number of a claim.

    Attributes:
        what: What was measured, in words.
        number: With its interval.
        unit: Printed behind it.
        rule: What the claim says of it; None for a number that only informs.
        digits: Behind the decimal point.
    """

    what: str
    number: Estimate
    unit: str = ""
    rule: Rule | None = None
    digits: int = 2

    @property
    def verdict(self) -> Verdict | None:
        """The rule's; None for a number that only informs."""
        return None if self.rule is None else self.rule(self.number)


def all_of(verdicts: Iterable[Verdict | None]) -> Verdict:
    """Of a claim whose parts must all hold; numbers that only inform (None) do not count."""
    parts = {v for v in verdicts if v is not None}
    if "not supported" in parts:
        return "not supported"
    return "supported" if parts == {"supported"} else "inconclusive"


def any_of(verdicts: Iterable[Verdict | None]) -> Verdict:
    """Of a claim that holds where one of its parts does."""
    parts = {v for v in verdicts if v is not None}
    if "supported" in parts:
        return "supported"
    return "not supported" if parts == {"not supported"} else "inconclusive"


def exactly(value: float) -> Estimate:
    """A number that was computed, not estimated: its interval is itself."""
    return Estimate(value, value, value, ())
