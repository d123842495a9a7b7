"""What a run directory says besides its scores: training records and environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

Record = Mapping[str, Any]


def training_of(run: Path) -> tuple[Record, ...]:
    """The training records of a run, in order; lines that cannot be read are left out."""
    try:
        lines = (run / "metrics.jsonl").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return ()
    return tuple(record for record in map(_record, lines) if record is not None)


def environment_of(run: Path) -> Mapping[str, Any]:
    """The environment of a run; empty where it is missing or cannot be read."""
    try:
        said = json.loads((run / "environment.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _record(line: str) -> Record | None:
    """A line of metrics.jsonl; None for one cut short, as a stopped run leaves it."""
    try:
        said = json.loads(line)
        return {
            "phase": str(said["phase"]),
            "step": int(said["step"]),
            "terms": {str(name): float(value) for name, value in said["terms"].items()},
        }
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        return None
