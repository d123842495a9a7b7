"""The rows of the table before their numbers: which there are, and in what order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from deblurkit.errors import DeblurkitError, RunError, nearest
from deblurkit.evaluation.residuals import silent_frames
from deblurkit.evaluation.rows import GIVEN, NO_METHOD
from deblurkit.study.bootstrap import Sheets
from deblurkit.study.entries import Entry, SheetRecord
from deblurkit.study.run_records import Cost, RunRecord
from deblurkit.study.table import RowKind

NO_METHOD_GROUP, METHOD_GROUP = "for comparison", "methods"
"""The heading of the rows without method, and of methods that have none of their own."""


@dataclass(frozen=True)
class Line:
    """A row before its numbers.

    Attributes:
        key: As of `TableRow`, and so are `title`, `kind`, `group`, `reference`, `test_set`
            and `note`.
        sheets: Seed -> sheet; empty for a row without numbers.
        seedless: The sheet, one, belongs to no seed.
        costs: Of its runs.
    """

    key: str
    title: str
    kind: RowKind
    group: str
    reference: str
    test_set: str
    sheets: Sheets
    seedless: bool = False
    costs: tuple[Cost, ...] = ()
    note: str = ""

    @property
    def frames(self) -> int:
        """T; 0 for a row without numbers."""
        return next((sheet.frames for sheet in self.sheets.values()), 0)


def table_lines(entries: Sequence[Entry]) -> tuple[Line, ...]:
    """All rows in order: what needs no method, then group by group.

    What needs no method stands before the methods scored on its clips: where these are all of
    one group in that group, else in one of its own before everything.

    Raises:
        RunError: a row's seeds were scored on different clips.
        DeblurkitError: a reference is no row.
    """
    methods = _like_with_like([line for entry in entries for line in _of_entry(entry)])
    groups = list(dict.fromkeys(line.group for line in methods))
    methods.sort(key=lambda line: groups.index(line.group))
    compared = _no_method(entries, methods)
    known = {line.key for line in (*compared, *methods)}
    for line in methods:
        # Without any score yet there is no row for the blurry image, but it is one to name.
        if line.reference and line.reference not in {*known, *NO_METHOD}:
            raise DeblurkitError(
                f"its reference '{line.reference}' is no row of the table",
                where=f"row '{line.key}'",
                valid=nearest(line.reference, known),
            )
    order = [line for line in compared if line.group == NO_METHOD_GROUP]
    left = [line for line in compared if line.group != NO_METHOD_GROUP]
    for line in methods:
        order += [c for c in left if c.test_set == line.test_set]
        left = [c for c in left if c.test_set != line.test_set]
        order.append(line)
    return tuple(order)


def _of_entry(entry: Entry) -> Iterator[Line]:
    """The method's own row, and those that `also` asks for."""
    sets = {run.test_set for run in entry.runs.values()}
    clips = {tuple(run.sheets["estimate"].clips) for run in entry.runs.values()}
    if len(sets) > 1 or len(clips) > 1:
        raise RunError(
            f"'{entry.key}': its seeds {_listed(entry.runs)} were scored on different clips, so "
            "they are no one row",
            hint="give them as rows of their own, or score them on the same clips: "
            "deblurkit evaluate RUN",
        )
    own = Line(
        entry.key,
        entry.shown,
        "method",
        entry.group or METHOD_GROUP,
        entry.reference,
        next(iter(sets), ""),
        {seed: run.sheets["estimate"] for seed, run in entry.runs.items()},
        entry.seedless,
        tuple(run.cost for run in entry.runs.values() if run.cost is not None),
        _note(entry),
    )
    yield own
    for what in entry.also:
        sheets = {s: run.sheets[what] for s, run in entry.runs.items() if what in run.sheets}
        yield replace(
            own,
            key=f"{entry.key}+{what}",
            title=f"{entry.shown}, {GIVEN[what]}",
            kind="given",
            sheets=sheets,
            costs=(),
            note=own.note if sheets or not entry.runs else f"not scored: {GIVEN[what]}",
        )


def _like_with_like(methods: Sequence[Line]) -> list[Line]:
    """A row that is helped is compared with its reference helped alike, where that is a row.

    With the true middle given, both have a frame without error: against an unhelped reference
    the difference would be that frame's. A reference's own helped row is compared with it.
    """
    keys = {line.key for line in methods}
    out = []
    for line in methods:
        own, _, what = line.key.partition("+")
        alike = f"{line.reference}+{what}"
        if line.kind == "given" and line.reference != own and alike in keys:
            line = replace(line, reference=alike)  # noqa: PLW2901 - the same row
        out.append(line)
    return out


def _no_method(entries: Sequence[Entry], methods: Sequence[Line]) -> list[Line]:
    """Blurry image, true middle repeated and truth, once for each test set."""
    found: dict[str, tuple[Entry, RunRecord | SheetRecord]] = {}
    for entry in entries:
        for run in entry.runs.values():
            if "blurry" in run.sheets:  # another system's sheet has only its own scores
                found.setdefault(run.test_set, (entry, run))
    taken, lengths = {line.key for line in methods}, Counter(_length(r) for _, r in found.values())
    out = []
    for test_set, (entry, run) in found.items():
        T = _length(run)
        homes = {line.group for line in methods if line.test_set == test_set}
        group = homes.pop() if len(found) > 1 and len(homes) == 1 else NO_METHOD_GROUP
        about = f", T = {T}" if lengths[T] == 1 else f", clips of {entry.shown}"
        if {line.test_set for line in methods if line.group == group and line.sheets} == {test_set}:
            about = ""  # the group has no other clips
        elif group == NO_METHOD_GROUP and _alone(test_set, found, methods):
            about = ""  # the only clips that several groups share
        for what, title in NO_METHOD.items():
            if what in run.sheets:
                key = what if what not in taken else f"{what}@{entry.key}"
                taken.add(key)
                out.append(
                    Line(
                        key,
                        title if len(found) == 1 else title + about,
                        "reference",
                        group,
                        _usual_reference(test_set, methods),
                        test_set,
                        {0: run.sheets[what]},
                        seedless=True,
                    )
                )
    return out


def _alone(test_set: str, found: Iterable[str], methods: Sequence[Line]) -> bool:
    """Whether no other clips are scored in more than one group."""
    return all(
        len({line.group for line in methods if line.test_set == other}) == 1
        for other in found
        if other != test_set
    )


def _usual_reference(test_set: str, methods: Sequence[Line]) -> str:
    """What most rows on these clips are compared with, if it is a method on these clips."""
    here = {line.key for line in methods if line.test_set == test_set and line.sheets}
    named = [line.reference for line in methods if line.key in here and line.reference in here]
    return Counter(named).most_common(1)[0][0] if named else ""


def _length(run: RunRecord | SheetRecord) -> int:
    return run.sheets["estimate"].frames


def _note(entry: Entry) -> str:
    """What is wrong with a row, one line."""
    said = [f"seed {s} failed: {why}" for s, why in sorted(entry.failures.items())]
    if len(entry.failures) == 1 and not entry.runs and not entry.missing:
        said = [f"failed: {why}" for why in entry.failures.values()]
    if entry.missing:
        word = "seed" if len(entry.missing) == 1 else "seeds"
        said.append(
            f"{word} {_listed(entry.missing)} not run yet" if entry.runs or said else "not run yet"
        )
    said += [run.note for run in entry.runs.values() if isinstance(run, SheetRecord) and run.note]
    if silent := _silent(entry):
        frames = f"frame{'s'[: len(silent) > 1]} {_listed(silent)}"
        said.append(f"{frames}: the network adds nothing to its base image, its training failed")
    return " ".join("; ".join(said).split())


def _silent(entry: Entry) -> tuple[int, ...]:
    """Frames whose networks add nothing in any of the seeds."""
    runs = (run.residuals for run in entry.runs.values() if isinstance(run, RunRecord))
    return tuple(sorted({i for sizes in runs if sizes for i in silent_frames(sizes)}))


def _listed(seeds: Iterable[int]) -> str:
    return ", ".join(str(seed) for seed in sorted(seeds))
