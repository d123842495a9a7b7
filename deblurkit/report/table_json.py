"""The table as JSON, whole: what is written reads back as the same table."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from deblurkit.study.table import Cell, Table, TableColumn, TableRow

FORMAT = 1


def json_text(table: Table) -> str:
    """The table as JSON text. Infinite numbers, which JSON has not, are the text "inf"."""
    said = {
        "format": FORMAT,
        "title": table.title,
        "protocol": table.protocol,
        "columns": [asdict(column) for column in table.columns],
        "rows": [
            {
                **asdict(row),
                "cells": {
                    key: {name: _said(value) for name, value in asdict(cell).items()}
                    for key, cell in row.cells.items()
                },
            }
            for row in table.rows
        ],
        "notes": list(table.notes),
    }
    return json.dumps(said, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def table_from_json(text: str) -> Table:
    """Read what `json_text` wrote.

    Raises:
        ValueError: it is something else.
    """
    try:
        said: dict[str, Any] = json.loads(text)
        if said["format"] != FORMAT:
            raise ValueError(f"format {said['format']}, not {FORMAT}")
        return Table(
            said["title"],
            said["protocol"],
            tuple(TableColumn(**column) for column in said["columns"]),
            tuple(_row(row) for row in said["rows"]),
            tuple(said["notes"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no table: {type(error).__name__}: {error}") from error


def _row(said: Mapping[str, Any]) -> TableRow:
    cells = {
        key: Cell(_read(cell["value"]), _read(cell["low"]), _read(cell["high"]), cell["note"])
        for key, cell in said["cells"].items()
    }
    return TableRow(**{**said, "cells": cells, "seeds": tuple(said["seeds"])})


def _said(value: object) -> object:
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _read(value: float | str | None) -> float | None:
    return float(value) if isinstance(value, str) else value
