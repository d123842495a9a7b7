"""The rows of a suite as resolved recipes: all of them, or every mistake in any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from deblurkit.errors import DeblurkitError, RecipeError, nearest
from deblurkit.evaluation.protocol import full_name
from deblurkit.evaluation.protocols.lookup import get_protocol
from deblurkit.recipe import Recipe, load_recipe
from deblurkit.recipe.located import Origin, plain
from deblurkit.recipe.problems import Problems
from deblurkit.recipe.sources import NO_SCALE, SUFFIXES, find_recipe, shown
from deblurkit.recipe.yaml_reader import parse_yaml
from deblurkit.registry import Registry, get_registry
from deblurkit.study.suite import Suite, SuiteRow
from deblurkit.study.suite_file import SuiteFile, own_keys

_FEW = 3
"""So many rows that share a problem are named."""


@dataclass(frozen=True)
class Job:
    """A row with one of its seeds.

    Attributes:
        row: As the suite says it.
        seed: Which.
        recipe: Resolved.
    """

    row: SuiteRow
    seed: int
    recipe: Recipe

    @property
    def title(self) -> str:
        """For people: `sequential, seed 0`."""
        return f"{self.row.name}, seed {self.seed}"


@dataclass(frozen=True)
class Asked:
    """What a command line asks of a suite.

    Attributes:
        scale: In place of the suite's.
        seeds: In place of those of the suite and of every row; empty to leave them.
        overrides: `key=value` each, over everything that suite and rows say.
    """

    scale: str | None = None
    seeds: tuple[int, ...] = ()
    overrides: tuple[str, ...] = ()


def settings_of(suite: Suite, asked: Asked) -> dict[str, Any]:
    """What holds for all rows; with other such settings, rows belong into another table.

    Raises:
        DeblurkitError: there is no such protocol.
    """
    return {
        "suite": suite.name,
        "scale": asked.scale or suite.scale,
        "seeds": list(asked.seeds or suite.seeds),
        "protocol": full_name(get_protocol(suite.protocol)),
        "set": dict(suite.set),
        "overrides": list(asked.overrides),
    }


def resolve_rows(
    file: SuiteFile, asked: Asked, registry: Registry | None = None
) -> tuple[Suite, tuple[Job, ...]]:
    """Resolve every row for each of its seeds.

    Args:
        file: The suite.
        asked: What the command line wants otherwise.
        registry: Where components come from; the installed plugins by default.

    Returns:
        The suite with what was asked in force, and its jobs in order: row by row, seed by seed.

    Raises:
        RecipeError: any row's recipe is missing or wrong; `problems` has a line for each
            mistake of any row, with the rows that it concerns.
    """
    suite = _in_force(file.suite, asked)
    registry = registry or get_registry()
    jobs: list[Job] = []
    problems: dict[str, list[str]] = {}
    for row in suite.rows:
        for seed in suite.seeds_of(row):
            try:
                jobs.append(Job(row, seed, _resolve(file, suite, row, seed, asked, registry)))
            except DeblurkitError as error:
                for line in _lines(error):
                    concerned = problems.setdefault(line, [])
                    if row.name not in concerned:
                        concerned.append(row.name)
    if problems:
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        said = [f"{line} ({_named(rows)})" for line, rows in problems.items()]
        raise RecipeError(f"{count} in the rows of {shown(file.path)}", problems=said)
    return suite, tuple(jobs)


def choose_rows(suite: Suite, patterns: Sequence[str]) -> tuple[str, ...]:
    """The names of the rows that patterns choose, in the suite's order; all for no pattern.

    Args:
        suite: The suite.
        patterns: Names or patterns (`windowed-*`), several in one text parted by commas.

    Raises:
        RecipeError: a pattern chooses no row.
    """
    names = [row.name for row in suite.rows]
    asked = [part.strip() for text in patterns for part in text.split(",") if part.strip()]
    for pattern in asked:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise RecipeError(
                f"--rows {pattern} chooses no row",
                where=suite.name,
                valid=nearest(pattern, names),
            )
    return tuple(name for name in names if not asked or any(fnmatchcase(name, p) for p in asked))


def _in_force(suite: Suite, asked: Asked) -> Suite:
    get_protocol(suite.protocol)  # an unknown one is refused here
    typed = dict(map(_typed, asked.overrides))
    rows = tuple(
        row.model_copy(
            update={
                "set": {**row.set, **typed},
                "seeds": None if asked.seeds else row.seeds,
            }
        )
        for row in suite.rows
    )
    return suite.model_copy(
        update={
            "scale": asked.scale or suite.scale,
            "seeds": asked.seeds or suite.seeds,
            "protocol": suite.protocol.partition("/")[0],
            "rows": rows,
        }
    )


def _typed(text: str) -> tuple[str, Any]:
    """An override's key and value; what is wrong with it is said when rows are resolved."""
    key, _, value = text.partition("=")
    try:
        read = plain(parse_yaml(value, Origin(text, Path.cwd()), Problems()))
    except RecipeError:
        read = value
    for at, own in own_keys(key.strip(), read):
        raise RecipeError(f"{at} cannot be set here; say {own}", where=f"--set {text}")
    return key.strip(), read


def _resolve(
    file: SuiteFile, suite: Suite, row: SuiteRow, seed: int, asked: Asked, registry: Registry
) -> Recipe:
    path = find_recipe(row.recipe, beside=file.path.parent)
    scale = suite.scale
    if asked.scale is None and ("/" in scale or scale.endswith(SUFFIXES)):
        scale = str(file.path.parent / scale)
    recipe = load_recipe(
        path,
        scale=scale,
        overrides=(*asked.overrides, f"evaluation.protocol={suite.protocol}"),
        seed=seed,
        registry=registry,
        settings=file.settings_of(row.name),
    )
    made = recipe.provenance
    if made.scale == "resolved" and scale != NO_SCALE:
        raise RecipeError(
            f"it is resolved and does not follow the suite's scale, '{scale}'",
            where=shown(path),
            valid=f"a recipe that is not resolved, or the scale '{NO_SCALE}'",
        )
    said = (f"row {row.name} of {shown(file.path)}", *made.changes)
    return recipe.with_provenance(replace(made, changes=said))


def _lines(error: DeblurkitError) -> tuple[str, ...]:
    """A row's problems, each in one line."""
    if isinstance(error, RecipeError) and error.problems:
        return error.problems
    return ("; ".join(" ".join(line.split()) for line in str(error).splitlines()),)


def _named(rows: Sequence[str]) -> str:
    left = len(rows) - _FEW
    names = ", ".join(rows[:_FEW]) + (f" and {left} more" if left > 0 else "")
    return f"row {names}" if len(rows) == 1 else f"rows {names}"
