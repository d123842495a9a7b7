"""Checkpoints of a phase: whole or not at all, checked when read, the last two kept.

A checkpoint is `step-000200.safetensors` with all tensors, and `step-000200.json` with the
step, the scalars and the SHA-256 of the tensors' file. The json is written last: without it
the checkpoint does not exist.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from deblurkit.errors import RunError
from deblurkit.storage import file_hash, write_json, write_tensors

KEEP = 2


@dataclass(frozen=True)
class Checkpoint:
    """Everything needed to go on from a step.

    Attributes:
        step: Steps done.
        tensors: Weights, moving averages, optimiser states, by slash-separated names.
        scalars: The rest, as JSON can say it.
    """

    step: int
    tensors: Mapping[str, Tensor]
    scalars: Mapping[str, Any] = field(default_factory=dict)


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint and drop all but the last two.

    Raises:
        RunError: the folder cannot be written or is full; earlier checkpoints are kept.
    """
    stem = f"step-{checkpoint.step:07d}"
    try:
        digest = write_tensors(folder / f"{stem}.safetensors", checkpoint.tensors)
        write_json(
            folder / f"{stem}.json",
            {"step": checkpoint.step, "sha256": digest, "scalars": dict(checkpoint.scalars)},
        )
    except OSError as error:
        raise RunError(
            f"the checkpoint of step {checkpoint.step} could not be written: {error}",
            where=str(folder),
            hint="make room or set DEBLURKIT_CACHE to another folder; earlier ones are kept",
        ) from error
    for old in _steps(folder)[:-KEEP]:
        for suffix in (".json", ".safetensors"):
            (folder / f"step-{old:07d}{suffix}").unlink(missing_ok=True)


def load_checkpoint(folder: Path) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is whole, and what was wrong with newer ones.

    Returns:
        None where there is none yet.

    Raises:
        RunError: there are checkpoints, and all are damaged.
    """
    problems: list[str] = []
    for step in reversed(_steps(folder)):
        try:
            return _read(folder, step), problems
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            problems.append(f"checkpoint of step {step} is damaged ({error})")
    if problems:
        raise RunError(
            "; ".join(problems),
            where=str(folder),
            hint="delete the folder; the phase then starts again from its first step",
        )
    return None, []


def _read(folder: Path, step: int) -> Checkpoint:
    said = json.loads((folder / f"step-{step:07d}.json").read_text("utf-8"))
    path = folder / f"step-{step:07d}.safetensors"
    if file_hash(path) != said["sha256"]:
        raise ValueError(f"{path.name} is cut short or changed: its checksum differs")
    return Checkpoint(int(said["step"]), load_file(path), said["scalars"])


def _steps(folder: Path) -> list[int]:
    return sorted(int(p.stem.removeprefix("step-")) for p in folder.glob("step-*.json"))


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimiser's state as named tensors: `3/exp_avg` for its fourth parameter."""
    state = optimizer.state_dict()["state"]
    return {
        f"{index}/{name}": value if isinstance(value, Tensor) else torch.tensor(value)
        for index, values in state.items()
        for name, value in values.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put named tensors back as an optimiser's state; its settings stay as they are."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split("/")
        state.setdefault(int(index), {})[name] = value.clone()
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
