"""Training records: JSON lines in the run directory, and TensorBoard where it is installed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deblurkit.engine.rundir import writing
from deblurkit.storage import atomic_file


class RunLog:
    """`metrics.jsonl` of a run, one record a line, and `tensorboard/`.

    Args:
        folder: The run directory.

    Raises:
        RunError: it cannot be written or is full.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "metrics.jsonl"
        self._folder = folder
        with writing(folder):
            self._board = _tensorboard(folder / "tensorboard")

    def reset(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Put exactly these records in the file: those of phases that are there already."""
        lines = [json.dumps(record) + "\n" for record in records]
        with writing(self._folder), atomic_file(self.path) as temporary:
            temporary.write_text("".join(lines), "utf-8")

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record."""
        with writing(self._folder), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        if self._board is not None:
            for name, value in record["terms"].items():
                self._board.add_scalar(f"{record['phase']}/{name}", value, record["step"])
            self._board.add_scalar(f"{record['phase']}/lr", record["lr"], record["step"])

    def close(self) -> None:
        """Flush what TensorBoard holds back."""
        if self._board is not None:
            self._board.close()


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # the extra `tensorboard` is not installed
        return None
    return SummaryWriter(str(folder))
