"""Titles in two parts: a row helped at test time stands under the name of the row it is from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from deblurkit.study.table import Table, TableColumn

_FRAME = re.compile(r"[\s,:]*x?[\[(]?\d+[\])]?$")


@dataclass(frozen=True)
class RowTitle:
    """`main` is the method's, `helped` what was given to it: empty for most rows."""

    main: str
    helped: str = ""


def row_titles(table: Table) -> Mapping[str, RowTitle]:
    """The title of every row in two parts."""
    titles = {row.key: row.title for row in table.rows}
    out = {}
    for row in table.rows:
        parent = titles.get(row.key.split("+", 1)[0], "")
        if row.kind == "given" and row.title.startswith(f"{parent}, "):
            out[row.key] = RowTitle(parent, row.title.removeprefix(f"{parent}, "))
        else:
            out[row.key] = RowTitle(row.title)
    return out


def score_title(column: TableColumn) -> str:
    """A column's title without its frame: `PSNR x[3]` is of the score `PSNR`."""
    return _FRAME.sub("", column.title) if column.frame is not None else column.title
