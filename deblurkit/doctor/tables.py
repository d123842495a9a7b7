"""A report as people read it."""

from __future__ import annotations

from collections import Counter

from rich.table import Table
from rich.text import Text

from deblurkit.doctor.finding import CHECKS, Finding, Report, spans
from deblurkit.plurals import counted
from deblurkit.printable import readable

_STYLES = {"error": "red", "warning": "yellow"}


def findings_table(report: Report) -> Table:
    """What is wrong, where, how bad, what to do: a row a finding."""
    table = Table(show_lines=True)
    table.add_column("check", no_wrap=True)
    table.add_column("where", overflow="fold")
    table.add_column("what is wrong", overflow="fold", ratio=3)
    table.add_column("what to do", overflow="fold", ratio=2)
    for finding in report.findings:
        check = Text(finding.check, style="bold")
        check.append(f"\n{finding.severity}", style=_STYLES[finding.severity])
        said = (finding.text, finding.remedy)
        table.add_row(check, Text(_where(finding)), *(Text(readable(text)) for text in said))
    return table


def summary(report: Report) -> str:
    """What was examined, and how much was found, in a few lines."""
    held = counted(report.recordings, "recording")
    if report.pairs:
        held += f" and {counted(report.pairs, 'pair')} of blurry and sharp images"
    looked = f"{counted(report.frames, 'frame')}"
    if report.examined < report.frames:
        looked += f", of which {report.examined} were looked at"
    lines = [f"{readable(report.path)}: {report.dataset}, {held}, {looked}"]
    if not report.findings:
        made = "all checks" if len(report.checks) == len(CHECKS) else ", ".join(report.checks)
        return "\n".join([*lines, f"nothing wrong was found ({made})"])
    times = Counter(finding.check for finding in report.findings)
    bad = Counter(finding.severity for finding in report.findings)
    told = " and ".join(counted(number, name) for name, number in sorted(bad.items()))
    which = ", ".join(f"{check} {times[check]}" for check in CHECKS if times[check])
    return "\n".join([*lines, f"{told}: {which}"])


def _where(finding: Finding) -> str:
    frames = f"\n{spans(finding.frames, 4)}" if finding.frames else ""
    return readable(finding.recording) + frames
