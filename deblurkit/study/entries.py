"""What a table is built from: entries, each a method with its scored runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from deblurkit.errors import DeblurkitError
from deblurkit.evaluation.measures import ScoreSheet
from deblurkit.evaluation.rows import Given
from deblurkit.registry import Registry
from deblurkit.study.bench_folder import Bench, BenchRow
from deblurkit.study.run_records import RunRecord, read_run


@dataclass(frozen=True)
class SheetRecord:
    """Scores that come without a run directory, of any other system.

    Attributes:
        sheets: `estimate`, and nothing else.
        test_set: Identifies the clips, as in `RunRecord`.
        cost: Not known.
        note: What is to be known of them, one line; may be empty.
    """

    sheets: Mapping[str, ScoreSheet]
    test_set: str
    cost: None = None
    note: str = ""


@dataclass(frozen=True)
class Entry:
    """A method that stands in the table.

    Attributes:
        key: Unique among the entries.
        title: For people; empty for the key.
        runs: Seed -> its scores. A system without seeds has one, under any number.
        group: Its heading.
        reference: Key of the row that it is compared with: an entry's, an entry's with
            `+true-middle` or `+reordered`, `blurry`, `frozen-middle`; empty for none.
        also: Further rows from the same weights.
        failures: Seed -> one line, for runs that failed.
        missing: Seeds that were asked for and are not done.
        seedless: The numbers belong to no seed; they are compared with all seeds of others.
    """

    key: str
    title: str = ""
    runs: Mapping[int, RunRecord | SheetRecord] = field(default_factory=dict)
    group: str = ""
    reference: str = ""
    also: tuple[Given, ...] = ()
    failures: Mapping[int, str] = field(default_factory=dict)
    missing: tuple[int, ...] = ()
    seedless: bool = False

    @property
    def shown(self) -> str:
        """Its title."""
        return self.title or self.key


def bench_entries(
    bench: Bench, registry: Registry | None = None, *, protocol: str = ""
) -> tuple[Entry, ...]:
    """The rows of a bench folder, done or not.

    A run that cannot be read is a failure of its row, as one that could not be trained is.

    Args:
        bench: The folder.
        registry: Where components come from; the installed plugins by default.
        protocol: Whose scores; by default the suite's.
    """
    name = protocol or bench.suite.protocol
    return tuple(_entry(bench, row, name, registry) for row in bench.rows)


def _entry(bench: Bench, row: BenchRow, protocol: str, registry: Registry | None) -> Entry:
    runs: dict[int, RunRecord | SheetRecord] = {}
    failures = dict(row.failures)
    for seed, folder in row.runs.items():
        try:
            runs[seed] = read_run(folder, protocol, registry)
        except DeblurkitError as error:
            failures[seed] = " ".join(str(error).split())
    return Entry(
        row.key,
        row.row.shown,
        runs,
        group=row.row.group,
        reference=bench.suite.reference_of(row.row),
        also=row.row.also,
        failures=failures,
        missing=tuple(
            s for s in bench.suite.seeds_of(row.row) if s not in runs and s not in failures
        ),
    )
