r"""The table as LaTeX: a `tabular` with booktabs rules, to be put into a paper by \input."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from deblurkit.report.table_view import Intervals, choose_columns, shown_columns
from deblurkit.study.table import Table

_LETTERS = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"$<$", ">": r"$>$", "|": r"$|$", '"': "''", "`": "'", "[": "{[}", "]": "{]}",
    "−": "$-$", "×": r"$\times$", "Δ": r"$\Delta$", "–": "--", "—": "---", "→": r"$\to$",
    "≤": r"$\le$", "≥": r"$\ge$", "²": "$^2$", "‖": r"$\|$", "\u03c3": r"$\sigma$", "φ": r"$\phi$",
    "·": r"$\cdot$", "ß": r"\ss{}", "\u2019": "'", "“": "``", "”": "''", "…": r"\ldots{}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r",
    "\u0327": "c", "\u030c": "v",
}  # fmt: skip


def latex_text(
    table: Table, columns: Sequence[str] = (), intervals: Intervals = "difference"
) -> str:
    r"""A `tabular`, needing `\usepackage{booktabs}` and nothing else; notes stand as comments.

    Args:
        table: What to draw.
        columns: Keys, as `choose_columns` takes them.
        intervals: Which numbers come with their interval.

    Raises:
        DeblurkitError: a column is unknown.
    """
    shown = shown_columns(table, choose_columns(table, columns), intervals)
    width = 1 + len(shown)
    lines = [
        *_comments([f"{table.title}, protocol {table.protocol}", r"needs \usepackage{booktabs}"]),
        rf"\begin{{tabular}}{{l{'r' * len(shown)}}}",
        r"\toprule",
        _line(["", *(_escaped(s.column.title) for s in shown)]),
        _line(["", *(_escaped(f"({s.unit})" if s.unit else "") for s in shown)]),
        r"\midrule",
    ]
    group = ""
    for k, row in enumerate(table.rows):
        if row.group != group:
            group = row.group
            if k:
                lines.append(r"\addlinespace")
            if group:
                lines.append(rf"\multicolumn{{{width}}}{{l}}{{\textit{{{_escaped(group)}}}}} \\")
        texts = (
            rf"\textbf{{{_number(s.texts[row.key])}}}"
            if row.key in s.best
            else _number(s.texts[row.key])
            for s in shown
        )
        lines.append(_line([_escaped(row.title), *texts]))
    lines += [r"\bottomrule", r"\end{tabular}", *_comments(table.notes)]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


def _number(text: str) -> str:
    """A number or an interval, with proper minus signs."""
    return re.sub(r"(?<![\w$])-(?=[\d])", "$-$", _escaped(text))


def _comments(lines: Sequence[str]) -> list[str]:
    return [f"% {' '.join(line.split())}" for line in lines]


def _escaped(text: str) -> str:
    """Text in which nothing is a command, in letters that LaTeX has without packages."""
    out = []
    for letter in unicodedata.normalize("NFC", " ".join(text.split())):
        if letter in _LETTERS:
            out.append(_LETTERS[letter])
        elif letter.isascii():
            out.append(letter)
        else:
            plain = unicodedata.normalize("NFKD", letter)
            base = plain[0] if plain[0].isascii() else "?"
            accent = _ACCENTS.get(plain[1]) if len(plain) == 2 else None
            out.append(rf"\{accent}{{{base}}}" if accent else base)
    return "".join(out)
