"""What a page is about: a bench or some runs, read once, whatever they came from."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deblurkit.engine.rundir import RECIPE
from deblurkit.errors import RunError
from deblurkit.evaluation.rows import GIVEN
from deblurkit.printable import readable
from deblurkit.recipe import Recipe
from deblurkit.registry import Registry
from deblurkit.report.frame_strips import StripClip, read_strips
from deblurkit.report.page.run_files import Record, environment_of, training_of
from deblurkit.study.bench_folder import Bench, is_bench, read_bench
from deblurkit.study.entries import Entry, bench_entries
from deblurkit.study.run_records import RunRecord, read_run
from deblurkit.study.table import Table
from deblurkit.study.table_build import build_table


@dataclass(frozen=True)
class Method:
    """A row's run: what the page shows of it besides numbers.

    Attributes:
        key: Of the row in the table.
        title: For people.
        group: Its heading.
        reference: Key of the row that it is compared with; empty for none.
        recipe: Resolved; None where nothing has been run.
        note: Where pictures, curves and recipe come from: `seed 0`.
        clips: Sample clips of the first run that has any.
        training: Training records of the first run.
        environment: Of the first run; empty where it is not known.
    """

    key: str
    title: str
    group: str = ""
    reference: str = ""
    recipe: Recipe | None = None
    note: str = ""
    clips: tuple[StripClip, ...] = ()
    training: tuple[Record, ...] = ()
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """What a page is about.

    Attributes:
        kind: `run`, `runs` or `bench`.
        title: Name of the suite, the run, or of the comparison.
        summary: A sentence or two; may be empty.
        facts: What stands below them: name -> value.
        table: All numbers.
        methods: One for every method of the table, in its order.
    """

    kind: str
    title: str
    summary: str
    facts: Mapping[str, str]
    table: Table
    methods: tuple[Method, ...]


def read_subject(
    folders: Sequence[Path], protocol: str | None = None, registry: Registry | None = None
) -> Subject:
    """Read a bench folder, or one or several run directories.

    Args:
        folders: One bench folder, or run directories.
        protocol: Under which runs were scored; by default that of the bench's suite, for runs
            `deblurkit`.
        registry: Where recipes' components are looked up.

    Raises:
        RunError: a folder is neither, is damaged or was not scored; a bench stands beside
            something else; a run is named twice; runs were scored under other versions.
        RecipeError: a resolved recipe cannot be read.
    """
    benches = [folder for folder in folders if is_bench(folder)]
    if benches and len(folders) > 1:
        raise RunError(
            "a bench folder stands for all its runs and cannot be shown beside others",
            where=str(benches[0]),
            valid="one bench folder, or any number of run directories",
        )
    if benches:
        return _of_bench(read_bench(benches[0]), protocol, registry)
    for folder in folders:
        if not (folder / RECIPE).is_file():
            raise RunError(
                "this is neither a run directory nor a bench folder",
                where=str(folder),
                valid="a folder that `deblurkit run` or `deblurkit bench` made",
            )
    named = Counter(folder.resolve() for folder in folders)
    if twice := [str(folder) for folder, times in named.items() if times > 1]:
        raise RunError("a run is named twice", where=twice[0])
    return _of_runs(folders, protocol or "deblurkit", registry)


def _of_bench(bench: Bench, protocol: str | None, registry: Registry | None) -> Subject:
    suite = bench.suite
    name = protocol or suite.protocol
    entries = bench_entries(bench, registry, protocol=name)
    table = build_table(entries, title=suite.name, protocol=name)
    done = sum(1 for row in bench.rows if row.runs)
    if done and not any(entry.runs for entry in entries):
        raise RunError(
            f"none of its runs was scored under '{name}'",
            where=str(bench.folder),
            valid=f"the suite's own protocol, {suite.protocol}",
            hint=f"score them first: deblurkit compare {shlex.quote(str(bench.folder))} "
            f"--protocol {name}",
        )
    facts = {
        "Rows": f"{len(suite.rows)}" if done == len(suite.rows) else f"{done} of {len(suite.rows)}",
        "Scale": suite.scale,
        "Seeds": ", ".join(map(str, sorted({s for r in suite.rows for s in suite.seeds_of(r)}))),
        **_common_facts(table, entries),
    }
    if spent := bench.state.training_seconds - bench.state.saved_seconds:
        facts["Trained for"] = duration(spent)
    if saved := bench.state.saved_seconds:
        facts["Saved by sharing"] = duration(saved)
    return Subject("bench", suite.name, suite.summary, facts, table, _methods(entries, table))


def _of_runs(folders: Sequence[Path], protocol: str, registry: Registry | None) -> Subject:
    records = [read_run(folder, protocol, registry) for folder in folders]
    titles = _titles(records)
    first = titles[0]
    entries = tuple(
        Entry(
            key=title,
            runs={record.recipe.seed: record},
            reference="" if len(records) == 1 else first,
            also=tuple(what for what in GIVEN if what in record.sheets),
        )
        for title, record in zip(titles, records, strict=True)
    )
    name = first if len(records) == 1 else f"{len(records)} runs compared"
    table = build_table(entries, title=name, protocol=protocol)
    if len(records) == 1:
        recipe = records[0].recipe
        facts = {
            "Family": recipe.family.name,
            "Architecture": recipe.architecture.name,
            "Schedule": recipe.schedule.name,
            "Seed": str(recipe.seed),
            **_common_facts(table, entries),
            "Trained for": duration(records[0].cost.training_seconds),
        }
        return Subject("run", name, recipe.summary, facts, table, _methods(entries, table))
    said = f"Differences are taken to the first, {first}."
    facts = {"Rows": str(len(records)), **_common_facts(table, entries)}
    return Subject("runs", name, said, facts, table, _methods(entries, table))


def _common_facts(table: Table, entries: Iterable[Entry]) -> dict[str, str]:
    lengths = {
        sheet.frames for e in entries for r in e.runs.values() for sheet in r.sheets.values()
    }
    clips = {row.clips for row in table.rows if row.clips}
    facts = {
        "Frames": ", ".join(map(str, sorted(lengths))),
        "Test clips": "–".join(map(str, sorted({min(clips), max(clips)}))) if clips else "",
    }
    return {name: value for name, value in facts.items() if value}


def _titles(records: Sequence[RunRecord]) -> list[str]:
    """The recipes' names; folder names where two are the same, numbers where these are."""
    names = [record.recipe.name for record in records]
    if len(set(names)) < len(names):
        names = [readable(record.folder.resolve().name) for record in records]
    if len(set(names)) < len(names):
        names = [f"{name} ({k})" for k, name in enumerate(names, 1)]
    return names


def _methods(entries: Sequence[Entry], table: Table) -> tuple[Method, ...]:
    order = {row.key: place for place, row in enumerate(table.rows)}
    return tuple(_method(entry) for entry in sorted(entries, key=lambda e: order[e.key]))


def _method(entry: Entry) -> Method:
    records = {seed: run for seed, run in entry.runs.items() if isinstance(run, RunRecord)}
    if not records:
        return Method(entry.key, entry.shown, entry.group, entry.reference)
    seed, record = next(iter(records.items()))
    strips = (read_strips(run.folder) for run in records.values())
    return Method(
        entry.key,
        entry.shown,
        entry.group,
        entry.reference,
        recipe=record.recipe,
        note=f"seed {seed}",
        clips=next((clips for clips in strips if clips), ()),
        training=training_of(record.folder),
        environment=environment_of(record.folder),
    )


def duration(seconds: float) -> str:
    """A length of time for people: `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 1:
        return "under 1 s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
