"""Trained phases under a hash of everything that decides them, so that later runs reuse them."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from deblurkit.engine.log import RECORDS, read_records
from deblurkit.errors import RunError
from deblurkit.storage import atomic_folder, cache_root, file_hash, write_tensors


@dataclass(frozen=True)
class PhaseResult:
    """What a finished phase left.

    Attributes:
        key: Its hash.
        weights: Network name -> its state.
        records: Its lines of metrics.jsonl.
        seconds: How long it trained.
    """

    key: str
    weights: Mapping[str, Mapping[str, Tensor]]
    records: tuple[Mapping[str, Any], ...]
    seconds: float


class PhaseStore:
    """The folder of finished and unfinished phases.

    A finished phase is `<key>/`; one in training is `<key>.training/`, with its checkpoints.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or cache_root() / "phases"

    def get(self, key: str, networks: Iterable[str]) -> PhaseResult | None:
        """A finished phase that trained these networks, or None.

        A damaged one is put aside and counts as None; damaged records cost only themselves.

        Raises:
            RunError: it is there and cannot be read.
        """
        folder = self.root / key
        if not folder.is_dir():
            return None
        try:
            said = json.loads((folder / "phase.json").read_text("utf-8"))
            weights = {}
            for network in networks:
                path = folder / f"{network}.safetensors"
                if file_hash(path) != said["networks"][network]:
                    raise ValueError("checksum")
                weights[network] = load_file(path)
            seconds = float(said["seconds"])
        except (FileNotFoundError, ValueError, KeyError, TypeError, SafetensorError):
            folder.replace(self.root / f"{key}.damaged-{time.time_ns()}")
            return None
        except OSError as error:
            raise RunError(
                f"a trained phase cannot be read: {error.strerror or error}", where=str(folder)
            ) from error
        return PhaseResult(key, weights, read_records(folder / RECORDS), seconds)

    def seconds(self, key: str) -> float | None:
        """How long a finished phase trained, None where it is not here or damaged."""
        said = _about(self.root / key)
        return None if said is None else float(said["seconds"])

    def step_seconds(self) -> dict[str, float]:
        """Seconds a step by work (see `step_cost`), the median over all phases here."""
        found: dict[str, list[float]] = {}
        for folder in self.root.iterdir() if self.root.is_dir() else ():
            said = _about(folder) or {}
            if said.get("work") and int(said["steps"]) > 0:
                per_step = float(said["seconds"]) / int(said["steps"])
                found.setdefault(str(said["work"]), []).append(per_step)
        return {work: median(times) for work, times in found.items()}

    def put(self, result: PhaseResult, phase: str, *, steps: int = 0, work: str = "") -> None:
        """Keep a finished phase and drop what its training left.

        Args:
            result: What training left.
            phase: Its name, for people.
            steps: It took.
            work: What decides how long a step takes, see `step_cost`.

        Raises:
            RunError: the folder cannot be written or is full.
        """
        try:
            for left in (self.root / result.key, *self.root.glob(f".{result.key}-*")):
                shutil.rmtree(left, ignore_errors=True)
            with atomic_folder(self.root / result.key) as folder:
                digests = {
                    network: write_tensors(folder / f"{network}.safetensors", state)
                    for network, state in result.weights.items()
                }
                lines = "".join(json.dumps(r) + "\n" for r in result.records)
                (folder / RECORDS).write_text(lines, "utf-8")
                said = {
                    "phase": phase,
                    "networks": digests,
                    "seconds": result.seconds,
                    "steps": steps,
                    "work": work,
                }
                (folder / "phase.json").write_text(json.dumps(said, indent=2), "utf-8")
        except OSError as error:
            raise RunError(
                f"the trained phase '{phase}' could not be stored: {error}",
                where=str(self.root),
                hint="make room or set DEBLURKIT_CACHE to another folder, then run again: "
                "the last checkpoint is kept",
            ) from error
        shutil.rmtree(self.training_folder(result.key), ignore_errors=True)

    def forget(self, key: str) -> None:
        """Remove a phase, finished or not."""
        shutil.rmtree(self.root / key, ignore_errors=True)
        shutil.rmtree(self.training_folder(key), ignore_errors=True)

    def training_folder(self, key: str) -> Path:
        """Where the checkpoints of an unfinished phase are."""
        return self.root / f"{key}.training"

    @contextmanager
    def lock(self, key: str, wait: Callable[[], None] = lambda: None) -> Iterator[bool]:
        """Hold a phase alone; yields True if another process was waited for.

        Args:
            key: The phase's.
            wait: Called about every second while waiting; may raise to give up.

        Raises:
            RunError: the folder cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / f"{key}.lock")
            waited = False
            while True:
                try:
                    lock.acquire(timeout=1 if waited else 0)
                    break
                except Timeout:
                    waited = True
                    wait()
        except OSError as error:
            raise RunError(
                f"trained phases cannot be kept here: {error}",
                where=str(self.root),
                hint="set DEBLURKIT_CACHE to a folder you can write",
            ) from error
        try:
            yield waited
        finally:
            lock.release()


def _about(folder: Path) -> dict[str, Any] | None:
    """What a finished phase says of itself, without its weights."""
    try:
        said: dict[str, Any] = json.loads((folder / "phase.json").read_text("utf-8"))
        float(said["seconds"]), int(said.get("steps", 0))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return said
