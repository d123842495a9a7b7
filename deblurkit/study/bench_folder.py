"""The bench folder: what is where, what has been done, and how to read it.

suite.yaml             the suite as it was asked for, with the scale and seeds in force
bench.json             what has been done: see `BenchState`
runs/<row>-s<seed>/    a run directory for every row and seed
errors/<row>-s<seed>.txt   the whole text of a failure
table.md .csv .json .tex   the table of the rows that are done
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from deblurkit.engine.rundir import METRICS, RECIPE, scores_file
from deblurkit.errors import RunError
from deblurkit.recipe import Recipe, dump_recipe
from deblurkit.storage import write_json
from deblurkit.study.suite import Suite, SuiteRow
from deblurkit.study.suite_file import read_suite

SUITE = "suite.yaml"
STATE = "bench.json"
RUNS = "runs"
ERRORS = "errors"

Status = Literal["done", "failed", "missing"]


@dataclass(frozen=True)
class RunState:
    """What has been done of one row with one seed.

    Attributes:
        row: Name of the row.
        seed: Its seed.
        status: `missing`: not begun, or stopped on the way.
        error: Why it failed, one line.
        seconds: It took so far, training, scoring and pictures together, failed and stopped
            attempts included.
        training_seconds: Of all its phases, as if none had been there before.
        saved_seconds: Of those phases that were there when the row first began, because an
            earlier row or another run had trained them.
        found: The hashes of these phases; None before the row first began.
        recipe: Hash of its resolved recipe; what is noted of another recipe does not count.
    """

    row: str
    seed: int
    status: Status = "missing"
    error: str = ""
    seconds: float = 0.0
    training_seconds: float = 0.0
    saved_seconds: float = 0.0
    found: tuple[str, ...] | None = None
    recipe: str = ""

    @property
    def folder(self) -> str:
        """Its run directory, relative to the bench folder."""
        return f"{RUNS}/{self.row}-s{self.seed}"


@dataclass(frozen=True)
class BenchState:
    """What has been done of a suite.

    Attributes:
        deblurkit: Version.
        command: The command line that was last given.
        settings: What holds for all rows; a folder belongs to one such setting.
        environment: Versions, processor, device, precision: see `engine.environment`.
        started: When the first call began, UTC.
        ended: When the last call ended, UTC; None while it goes on, or where it was killed.
        seconds: All calls took together.
        runs: By row and seed, in the suite's order.
    """

    deblurkit: str
    command: str
    settings: Mapping[str, Any]
    environment: Mapping[str, Any]
    started: str
    ended: str | None = None
    seconds: float = 0.0
    runs: Mapping[tuple[str, int], RunState] = field(default_factory=dict)

    @property
    def training_seconds(self) -> float:
        """What the finished rows would train, each alone."""
        return sum(run.training_seconds for run in self.runs.values())

    @property
    def saved_seconds(self) -> float:
        """Of that, what reused phases saved."""
        return sum(run.saved_seconds for run in self.runs.values())


@dataclass(frozen=True)
class BenchRow:
    """A row of the suite with what has been done of it.

    Attributes:
        key: The row's name.
        row: As the suite says it.
        runs: Seed -> run directory, for the seeds that are done.
        failures: Seed -> one line, for the seeds that failed.
    """

    key: str
    row: SuiteRow
    runs: Mapping[int, Path]
    failures: Mapping[int, str]


@dataclass(frozen=True)
class Bench:
    """A bench folder.

    Attributes:
        folder: Where it is.
        suite: As asked for; `suite.seeds_of(row)` are the seeds wanted.
        rows: All rows in the suite's order, also those that are not done.
        state: What has been done, when and on what.
    """

    folder: Path
    suite: Suite
    rows: tuple[BenchRow, ...]
    state: BenchState


def read_bench(folder: Path) -> Bench:
    """Read a bench folder, finished or not.

    Raises:
        RunError: the folder is no bench folder, or what it holds is damaged.
        RecipeError: its suite.yaml is damaged.
    """
    state = read_state(folder)
    if state is None or not (folder / SUITE).is_file():
        raise RunError(
            f"there is no {STATE if state is None else SUITE}",
            where=str(folder),
            valid="a bench folder, as `deblurkit bench` makes it",
        )
    suite = read_suite(folder / SUITE)
    rows = tuple(_row(folder, suite, row, state) for row in suite.rows)
    return Bench(folder, suite, rows, state)


def _row(folder: Path, suite: Suite, row: SuiteRow, state: BenchState) -> BenchRow:
    runs, failures = {}, {}
    for seed in suite.seeds_of(row):
        run = state.runs.get((row.name, seed), RunState(row.name, seed))
        if run.status == "failed":
            failures[seed] = run.error
        elif run.status == "done" and has_scores(folder / run.folder, suite.protocol):
            runs[seed] = folder / run.folder
    return BenchRow(row.name, row, runs, failures)


def is_bench(folder: Path) -> bool:
    """Whether a folder is a bench folder."""
    return (folder / STATE).is_file()


def read_state(folder: Path) -> BenchState | None:
    """The state of a bench folder; None where there is none.

    Raises:
        RunError: it is damaged.
    """
    path = folder / STATE
    try:
        said = json.loads(path.read_text("utf-8"))
        runs = [_run_state(**run) for run in said.pop("runs")]
        return BenchState(**said, runs={(run.row, run.seed): run for run in runs})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"{STATE} is damaged: {error}",
            where=str(folder),
            hint=f"remove {STATE} and run `deblurkit bench` again: finished rows are recognised",
        ) from error


def _run_state(*, status: str, found: list[str] | None, **said: Any) -> RunState:
    if status not in get_args(Status):
        raise ValueError(f"status {status!r}")
    return RunState(
        status=status,  # type: ignore[arg-type]
        found=None if found is None else tuple(found),
        **said,
    )


def write_state(folder: Path, state: BenchState) -> None:
    """Write the state, whole or not at all.

    Raises:
        OSError: the folder cannot be written.
    """
    said = {**asdict(state), "runs": [asdict(run) for run in state.runs.values()]}
    write_json(folder / STATE, said)


def has_scores(run: Path, protocol: str) -> bool:
    """Whether a run directory is finished and was scored under a protocol."""
    return (run / METRICS).is_file() and (run / scores_file(protocol)).is_file()


def holds(run: Path, recipe: Recipe) -> bool:
    """Whether a run directory is one of this recipe, whatever the recipe was made from."""
    try:
        kept = (run / RECIPE).read_text("utf-8")
    except (OSError, ValueError):
        return False
    return _values(kept) == _values(dump_recipe(recipe))


def _values(text: str) -> str:
    """A dumped recipe without its comments, which say what it was made from."""
    return re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
