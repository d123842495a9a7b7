"""The table as CSV: one line a row, every number in full precision with its interval beside it."""

from __future__ import annotations

import csv
import io

from deblurkit.study.table import Cell, Table

ABOUT = ("row", "title", "kind", "group", "reference", "test_set", "seeds", "clips", "note")


def csv_text(table: Table) -> str:
    """A head and one line for every row.

    After what the row is come the columns by key; those that can have intervals are three:
    `psnr`, `psnr:low`, `psnr:high`. A number that is not there is empty, the PSNR of no error
    at all is `inf`. Seeds are joined by spaces.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    columns = [
        (c.key, end) for c in table.columns for end in (("",) if c.source == "cost" else _ENDS)
    ]
    writer.writerow([*ABOUT, *(f"{key}{end}" for key, end in columns)])
    for row in table.rows:
        writer.writerow(
            [
                row.key,
                row.title,
                row.kind,
                row.group,
                row.reference,
                row.test_set,
                " ".join(map(str, row.seeds)),
                row.clips,
                row.note,
                *(_number(row.cells.get(key), end) for key, end in columns),
            ]
        )
    return out.getvalue()


_ENDS = ("", ":low", ":high")


def _number(cell: Cell | None, end: str) -> str:
    if cell is None:
        return ""
    value = {"": cell.value, ":low": cell.low, ":high": cell.high}[end]
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(value)
