"""A suite made ready to run: read, resolved, its bench folder chosen and checked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deblurkit.engine.rundir import check_path, writing
from deblurkit.errors import DeblurkitError, RunError
from deblurkit.inference.device import choose_device
from deblurkit.registry import Registry, get_registry
from deblurkit.storage import content_hash
from deblurkit.study.bench_folder import STATE, SUITE, RunState, has_scores, holds, read_state
from deblurkit.study.jobs import Asked, Job, choose_rows, resolve_rows, settings_of
from deblurkit.study.run_records import read_run
from deblurkit.study.suite import Suite
from deblurkit.study.suite_file import SuiteFile, open_suite


@dataclass(frozen=True)
class Prepared:
    """A suite, ready to be run.

    Attributes:
        file: The suite's file.
        suite: With what the command line asked for in force.
        jobs: All rows with all their seeds, resolved.
        chosen: Names of the rows that are run this time.
        settings: What holds for all rows.
        folder: The bench folder.
        device: cpu or cuda.
        registry: Where components come from.
    """

    file: SuiteFile
    suite: Suite
    jobs: tuple[Job, ...]
    chosen: tuple[str, ...]
    settings: dict[str, Any]
    folder: Path
    device: str
    registry: Registry

    @property
    def to_run(self) -> tuple[Job, ...]:
        """The jobs of the rows that are chosen, also those that are done."""
        return tuple(job for job in self.jobs if job.row.name in self.chosen)

    def is_done(self, job: Job) -> bool:
        """Whether a job's run directory is there, finished, scored and of the same recipe."""
        folder = self.folder / RunState(job.row.name, job.seed).folder
        if not (has_scores(folder, self.suite.protocol) and holds(folder, job.recipe)):
            return False
        try:
            read_run(folder, self.suite.protocol, self.registry)
        except DeblurkitError:  # damaged: scored again, from the phases that are kept
            return False
        return True


def prepare_bench(
    source: str | Path,
    asked: Asked | None = None,
    *,
    rows: Sequence[str] = (),
    out: Path | None = None,
    device: str = "auto",
    registry: Registry | None = None,
) -> Prepared:
    """Read a suite and resolve all its rows; nothing is written.

    Args:
        source: A suite file, or the name of a suite that comes with deblurkit.
        asked: What is wanted otherwise than the suite says.
        rows: Names or patterns of the rows to run this time; all by default.
        out: The bench folder; by default `bench/<name>-<hash of what holds for all rows>`.
        device: auto, cpu or cuda.
        registry: Where components come from; the installed plugins by default.

    Raises:
        RecipeError: anything in the suite or in any of its rows is wrong.
        RunError: the bench folder holds something else.
        UnavailableError: the device is not there.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise RunError(
            "a suite is run by one process",
            hint="start it without accelerate launch or torchrun; `deblurkit run` can use several",
        )
    asked, registry = asked or Asked(), registry or get_registry()
    file = open_suite(source)
    suite, jobs = resolve_rows(file, asked, registry)
    chosen = choose_rows(suite, rows)
    settings = settings_of(suite, asked)
    folder = out or Path("bench") / f"{suite.name}-{content_hash(settings, 6)}"
    _check_folder(folder, settings)
    return Prepared(file, suite, jobs, chosen, settings, folder, choose_device(device), registry)


def _check_folder(folder: Path, settings: dict[str, Any]) -> None:
    """Check that a bench folder holds this suite under these settings, or nothing.

    Raises:
        RunError: it does not, or cannot be read, or no run can be written there.
    """
    check_path(folder)
    with writing(folder):
        kept = read_state(folder)
        if kept is not None:
            differing = [
                key for key in dict.fromkeys((*kept.settings, *settings))
                if kept.settings.get(key) != settings.get(key)
            ]  # fmt: skip
            if differing:
                said = ", ".join(
                    f"{key} {kept.settings.get(key)} and not {settings.get(key)}"
                    for key in differing
                )
                raise RunError(
                    f"the folder holds a bench with {said}",
                    where=str(folder),
                    hint="choose another --out; phases that are trained already are reused",
                )
        elif folder.exists() and not (folder / SUITE).is_file() and any(folder.iterdir()):
            raise RunError(
                "the folder holds other things than a bench",
                where=str(folder),
                valid=f"a new or empty folder, or one with a {STATE}",
                hint="choose another --out",
            )
