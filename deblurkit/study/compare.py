"""The table of existing runs, bench folders and other systems' scores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deblurkit.engine.rundir import METRICS, resolved_recipe, scores_file
from deblurkit.errors import DeblurkitError, RunError, nearest
from deblurkit.evaluation.rows import NO_METHOD, Given
from deblurkit.plurals import counted
from deblurkit.printable import readable, unprintable
from deblurkit.registry import Registry
from deblurkit.study.bench_folder import is_bench, read_bench
from deblurkit.study.entries import Entry, bench_entries
from deblurkit.study.other_systems import as_record, read_sheet
from deblurkit.study.run_records import RunRecord, how_to_go_on, read_run
from deblurkit.study.table import Table
from deblurkit.study.table_build import build_table

Rescore = Callable[[Path, str], object]
"""Called with a run directory and a protocol's name that it was not scored under."""


def compare(
    folders: Sequence[Path],
    *,
    protocol: str,
    names: Sequence[str] = (),
    others: Mapping[str, Path] | None = None,
    reference: str = "",
    also: Sequence[Given] = (),
    rescore: Rescore | None = None,
    registry: Registry | None = None,
) -> Table:
    """Build the table of run directories and bench folders.

    Args:
        folders: Run directories, a row each, and bench folders, all their rows.
        protocol: The name of the protocol.
        names: Of the run directories, in their order; by default those of their recipes, and
            where these are the same the folders'.
        others: Name -> score sheet of another system.
        reference: The row that all are compared with: a row's name, a run directory, or
            `blurry`, `frozen-middle`; by default the first row, in a bench the suite's.
        also: Further rows of every method, in a bench beside what the suite asks for.
        rescore: What scores a run that was not scored under this protocol; without it such a
            run is an error.
        registry: Where components come from; the installed plugins by default.

    Raises:
        RunError: a folder is neither, a run is not finished, or scores do not fit together.
        DataError: a score sheet cannot be read.
        DeblurkitError: names or the reference do not fit the rows.
    """
    _check_folders(folders, names)
    for name in (*names, *(others or ())):
        _check_name(name)
    runs: dict[Path, RunRecord] = {}
    benches: dict[Path, tuple[Entry, ...]] = {}
    for folder in folders:
        if is_bench(folder):
            bench = read_bench(folder)
            for path in {path for row in bench.rows for path in row.runs.values()}:
                _score(path, protocol, rescore)
            benches[folder] = bench_entries(bench, registry, protocol=protocol)
        else:
            _score(folder, protocol, rescore)
            runs[folder] = read_run(folder, protocol, registry)
    titles = dict(zip(runs, names or _names(runs), strict=True))
    entries: list[Entry] = []
    for folder in folders:
        if folder in runs:
            record = runs[folder]
            entries.append(Entry(titles[folder], runs={record.recipe.seed: record}))
        else:
            entries += benches[folder]
    for name, path in (others or {}).items():
        theirs = as_record(read_sheet(path), entries)
        entries.append(Entry(name, runs={0: theirs}, seedless=True))
    if twice := [key for key, n in Counter(e.key for e in entries).items() if n > 1]:
        raise DeblurkitError(
            f"two rows are called '{twice[0]}'",
            hint="name them: --names for run directories, NAME=FILE for other systems",
        )
    chosen = _reference(reference, entries, titles) if reference else ""
    named = next((e.reference for e in entries if e.reference), entries[0].key)
    first = named if len(entries) > 1 else ""
    entries = [
        replace(
            entry,
            reference=chosen or entry.reference or first,
            also=() if entry.seedless else tuple(dict.fromkeys((*entry.also, *also))),
        )
        for entry in entries
    ]
    title = f"comparison of {len(entries)} methods" if len(entries) > 1 else entries[0].shown
    if len(folders) == 1 and benches:
        suite = read_bench(folders[0]).suite
        title = suite.summary or suite.name
    return build_table(entries, title=title, protocol=protocol)


def _check_folders(folders: Sequence[Path], names: Sequence[str]) -> None:
    if twice := [str(f) for f, n in Counter(f.resolve() for f in folders).items() if n > 1]:
        raise RunError("a folder is given twice", where=twice[0])
    plain = [folder for folder in folders if not is_bench(folder)]
    for folder in plain:
        resolved_recipe(folder)
    if names and len(names) != len(plain):
        raise DeblurkitError(
            f"{counted(len(names), 'name')} for {len(plain)} run director"
            f"{'y' if len(plain) == 1 else 'ies'}",
            valid="a name for every run directory, in their order; rows of a bench have theirs",
        )


def _check_name(name: str) -> None:
    if hidden := unprintable(name):
        raise DeblurkitError(
            f"the name '{readable(name)}' has {hidden}",
            valid="names of one line of text, as they stand in the table",
        )


def _score(folder: Path, protocol: str, rescore: Rescore | None) -> None:
    """See that a finished run has scores under the protocol."""
    if rescore is None or (folder / scores_file(protocol)).is_file():
        return
    if not (folder / METRICS).is_file():
        raise RunError(
            "the run is not finished",
            where=str(folder),
            hint=f"go on with it: {how_to_go_on(folder)}",
        )
    rescore(folder, protocol)


def _names(runs: Mapping[Path, RunRecord]) -> list[str]:
    """The recipes' names; where they are not unique the folders', else the paths."""
    choices: tuple[Callable[[Path], str], ...] = (
        lambda path: runs[path].recipe.name,
        lambda path: readable(path.resolve().name),
    )
    for name in choices:
        found = [name(path) for path in runs]
        if len(set(found)) == len(found):
            return found
    return [readable(str(path)) for path in runs]


def _reference(asked: str, entries: Sequence[Entry], titles: Mapping[Path, str]) -> str:
    """The key of the row that a reference means."""
    keys = {entry.key for entry in entries}
    if asked.partition("+")[0] in keys or asked in NO_METHOD:
        return asked
    for entry in entries:
        if entry.title == asked:
            return entry.key
    for folder, title in titles.items():
        if Path(asked).resolve() == folder.resolve():
            return title
    raise DeblurkitError(
        f"the reference '{asked}' is no row and no run given",
        valid=nearest(asked, {*keys, *NO_METHOD}),
    )
