"""Training records: JSON lines in the run directory, and TensorBoard where it is installed."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deblurkit.engine.rundir import writing
from deblurkit.storage import atomic_file

RECORDS = "metrics.jsonl"
"""The file of training records, in a run directory and in a trained phase."""


def read_records(path: Path) -> tuple[Mapping[str, Any], ...]:
    """The training records of a file, in order, as they were written.

    A line that is no record, as one cut short, is left out; a file that is missing or cannot be
    read has none. Each record has a `phase`, a `step` and `terms`, name -> number.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return ()
    return tuple(record for record in map(_record, lines) if record is not None)


def _record(line: str) -> Mapping[str, Any] | None:
    try:
        said: dict[str, Any] = json.loads(line)
        fits = isinstance(said["phase"], str) and isinstance(said["step"], int)
        for value in said["terms"].values():
            math.isnan(value)  # TypeError, OverflowError: it is no number that a curve can show
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None
    return said if fits else None


class RunLog:
    """`metrics.jsonl` of a run, one record a line, and the same in `tensorboard/`.

    Args:
        folder: The run directory.

    Raises:
        RunError: it cannot be written or is full, here and in all methods.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self._folder = folder / RECORDS, folder
        self._board: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def reset(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Start over with exactly these records: those of phases that are there already."""
        records = list(records)
        with writing(self._folder):
            self._close()
            with atomic_file(self.path) as temporary:
                temporary.write_text("".join(json.dumps(r) + "\n" for r in records), "utf-8")
            shutil.rmtree(self._folder / "tensorboard", ignore_errors=True)
            self._board = _tensorboard(self._folder / "tensorboard")
            for record in records:
                self._show(record)

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record."""
        with writing(self._folder):
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            self._show(record)

    def _show(self, record: Mapping[str, Any]) -> None:
        if self._board is not None:
            for name, value in {**record["terms"], "lr": record["lr"]}.items():
                self._board.add_scalar(f"{record['phase']}/{name}", value, record["step"])

    def _close(self) -> None:
        if self._board is not None:
            self._board.close()
            self._board = None


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # the extra `tensorboard` is not installed
        return None
    return SummaryWriter(str(folder))
