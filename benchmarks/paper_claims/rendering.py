"""Verdicts on the terminal, as Markdown and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from deblurkit.study.bench_folder import Bench
from paper_claims.claim import Outcome
from paper_claims.verdicts import Finding

STYLES: Mapping[str, str] = {
    "supported": "green",
    "not supported": "red",
    "inconclusive": "yellow",
    "not tested": "dim",
}
INTERVALS = (
    "Brackets hold 95 % intervals: of the paired bootstrap over clips, and of the scatter between "
    "seeds, which is pooled over the rows that have several and holds for those with one, too; "
    "where no row of as many frames has several, they are over clips alone. A number decides only "
    "where its whole interval is on one side: *supported* on the claim's, *not supported* on the "
    "other, else *inconclusive*. Numbers without a rule inform."
)

UNTRAINED = (
    " At this scale nothing is learnt: verdicts on C1 to C8 and W1 to W3 say nothing about the "
    "claims."
)


def print_outcomes(console: Console, bench: Bench, found: Sequence[Outcome]) -> None:
    """The verdicts, then what each rests on."""
    console.print(escape(about(bench)), highlight=False)
    verdicts = Table(
        "", "claim", "verdict", title="the paper's claims (C) and ours (W)", title_justify="left"
    )
    for outcome in found:
        verdicts.add_row(outcome.claim.key, escape(outcome.claim.text), _coloured(outcome.verdict))
    console.print(verdicts)
    for outcome in found:
        console.print(f"\n[bold]{outcome.claim.key}[/] {_coloured(outcome.verdict)}")
        console.print(f"  measured: {escape(outcome.claim.measured)}", highlight=False)
        console.print(f"  supported if: {escape(outcome.claim.rule)}", highlight=False)
        if outcome.findings:
            table = Table("measurement", show_edge=False, pad_edge=True)
            for head in ("number", "rule"):
                table.add_column(head, justify="right")
            table.add_column("so")
            for finding in outcome.findings:
                rule = finding.rule.text if finding.rule else ""
                so = _coloured(finding.verdict) if finding.verdict else ""
                table.add_row(escape(finding.what), escape(number_of(finding)), escape(rule), so)
            console.print(table)
        for note in outcome.notes:
            console.print(f"  {escape(note)}", highlight=False)
    console.print(f"\n{escape(INTERVALS)}", highlight=False)


def as_markdown(bench: Bench, found: Sequence[Outcome]) -> str:
    """A section for a results page: the verdicts, then what each rests on."""
    lines = [
        "# The paper's claims, and ours",
        "",
        about(bench),
        "",
        "| | claim | verdict |",
        "|---|---|---|",
        *(f"| {o.claim.key} | {_cell(o.claim.text)} | {_strong(o)} |" for o in found),
        "",
        INTERVALS,
    ]
    for outcome in found:
        claim = outcome.claim
        lines += ["", f"## {claim.key}: {outcome.verdict}", "", claim.text, ""]
        lines += [f"- Measured: {claim.measured}", f"- Supported if: {claim.rule}"]
        if outcome.findings:
            lines += ["", "| measurement | number | rule | so |", "|---|---:|---:|---|"]
            lines += [
                f"| {_cell(f.what)} | {_cell(number_of(f))} | "
                f"{_cell(f.rule.text) if f.rule else ''} | {f.verdict or ''} |"
                for f in outcome.findings
            ]
        for note in outcome.notes:
            lines += ["", _cell(note)]
    return "\n".join(lines) + "\n"


def as_json(bench: Bench, found: Sequence[Outcome]) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "about": about(bench),
        "suite": bench.suite.name,
        "scale": bench.suite.scale,
        "command": bench.state.command,
        "environment": dict(bench.state.environment),
        "claims": {
            outcome.claim.key: {
                "claim": outcome.claim.text,
                "measured": outcome.claim.measured,
                "rule": outcome.claim.rule,
                "verdict": outcome.verdict,
                "numbers": [_number_json(finding) for finding in outcome.findings],
                "notes": list(outcome.notes),
            }
            for outcome in found
        },
    }


def about(bench: Bench) -> str:
    """What the verdicts are of, one paragraph."""
    environment = bench.state.environment
    seeds = sorted({seed for row in bench.rows for seed in row.runs})
    clips = f"seed{'s'[: len(seeds) != 1]} {', '.join(map(str, seeds)) or 'none yet'}"
    machine = environment.get("gpu") or environment.get("processor") or "an unknown machine"
    return (
        f"Suite '{bench.suite.name}' at scale '{bench.suite.scale}', {clips}; {machine}, "
        f"{environment.get('precision', 'unknown precision')}; deblurkit {bench.state.deblurkit}."
        + (UNTRAINED if bench.suite.scale == "smoke" else "")
    )


def number_of(finding: Finding) -> str:
    """`0.42 [0.31, 0.53] dB`; a number that was computed has no interval."""
    n, digits = finding.number, finding.digits
    said = f"{n.value:.{digits}f}"
    if n.low is not None and n.high is not None and n.low != n.high:
        said += f" [{n.low:.{digits}f}, {n.high:.{digits}f}]"
    return f"{said} {finding.unit}".rstrip()


def _number_json(finding: Finding) -> dict[str, Any]:
    number = finding.number
    return {
        "what": finding.what,
        "value": _finite(number.value),
        "low": _finite(number.low),
        "high": _finite(number.high),
        "unit": finding.unit,
        "seeds": list(number.seeds),
        "rule": finding.rule.text if finding.rule else None,
        "verdict": finding.verdict,
    }


def _finite(value: float | None) -> float | None:
    """JSON has no word for what is infinite or no number."""
    return value if value is not None and math.isfinite(value) else None


def _coloured(verdict: str) -> str:
    return f"[{STYLES[verdict]}]{verdict}[/]"


def _strong(outcome: Outcome) -> str:
    return outcome.verdict if outcome.verdict == "not tested" else f"**{outcome.verdict}**"


def _cell(text: str) -> str:
    """Text that stays one cell of a table and no HTML."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
