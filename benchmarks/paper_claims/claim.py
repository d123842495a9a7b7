"""What a claim is, what it is tested with, and what a test of it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from deblurkit.engine.inference_cost import measured_on
from deblurkit.errors import DeblurkitError
from deblurkit.registry import Registry
from paper_claims.scores import BenchScores, NotTestedError
from paper_claims.verdicts import Finding, Verdict


@dataclass(frozen=True)
class Timing:
    """What networks are timed on."""

    device: str
    precision: str
    rounds: int = 3

    @property
    def name(self) -> str:
        """For people."""
        return measured_on(self.device, self.precision)


@dataclass(frozen=True)
class Given:
    """What claims are tested with.

    Attributes:
        scores: The rows of the bench folder.
        registry: Where components come from.
        timing: What to time networks on; None for not at all.
    """

    scores: BenchScores
    registry: Registry
    timing: Timing | None


@dataclass(frozen=True)
class Tested:
    """What a test of a claim gives: a verdict, its numbers and what must be known with them."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    Attributes:
        key: `C1`.
        text: What the paper says.
        measured: What is measured, in words.
        rule: When it counts as supported; what `verdicts` says of every number is not repeated.
        test: Measures it; raises NotTestedError where something it needs is missing.
    """

    key: str
    text: str
    measured: str
    rule: str
    test: Callable[[Given], Tested]


@dataclass(frozen=True)
class Outcome:
    """A claim with its verdict; where it was not tested, `notes` say why."""

    claim: Claim
    verdict: Verdict | Literal["not tested"]
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


def outcomes(given: Given, claims: Sequence[Claim]) -> tuple[Outcome, ...]:
    """Test one claim after another; one that cannot be tested says why and stops no other."""
    found = []
    for claim in claims:
        try:
            tested = claim.test(given)
        except (NotTestedError, DeblurkitError) as error:
            found.append(Outcome(claim, "not tested", notes=(" ".join(str(error).split()),)))
        else:
            found.append(Outcome(claim, tested.verdict, tested.findings, tested.notes))
    return tuple(found)
