"""What a run directory says besides its scores: training records and environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deblurkit.engine.log import RECORDS, read_records

Record = Mapping[str, Any]


def training_of(run: Path) -> tuple[Record, ...]:
    """The training records of a run; see `engine.log.read_records`."""
    return read_records(run / RECORDS)


def environment_of(run: Path) -> Mapping[str, Any]:
    """The environment of a run; empty where it is missing or cannot be read."""
    try:
        said = json.loads((run / "environment.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}
