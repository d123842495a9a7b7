"""What a reader must know about a table, one sentence each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from deblurkit.camera import response_text
from deblurkit.evaluation.measures import Column, ScoreSheet
from deblurkit.plurals import counted
from deblurkit.study.table import TableColumn, TableRow
from deblurkit.study.table_cells import OTHER_CLIPS, UNAVAILABLE, unavailable
from deblurkit.study.table_rows import Line

REBLUR = "reblur-psnr"
"""The column that depends on the camera response chosen in scoring."""


def table_notes(
    rows: Sequence[TableRow],
    lines: Sequence[Line],
    columns: Sequence[Column],
    headline: Column | None,
    shown: Sequence[TableColumn],
) -> tuple[str, ...]:
    """All notes: what the numbers are of, what cannot be had and why, which rows failed."""
    return (
        *_about(rows, shown, headline),
        *_reblurring(lines),
        *_machines(lines),
        *_missing(lines, columns),
        *_complaints(rows),
    )


def _about(
    rows: Sequence[TableRow], shown: Sequence[TableColumn], headline: Column | None
) -> Iterator[str]:
    """What the numbers are of, and what differences are to."""
    scored = [row for row in rows if row.clips]
    if not scored:
        return
    yield "Numbers are over " + _which(scored, lambda row: counted(row.clips, "clip"))
    if any(len(row.seeds) > 1 for row in rows):
        seeds = [row for row in scored if row.seeds]
        yield "Trained with " + _which(
            seeds, lambda row: f"seed{'s'[: len(row.seeds) > 1]} {', '.join(map(str, row.seeds))}"
        )
    if any(cell.low is not None for row in rows for cell in row.cells.values()):
        both = "clips and seeds" if any(len(row.seeds) > 1 for row in rows) else "clips"
        yield f"Brackets hold 95 % intervals, by the bootstrap over {both}."
    yield from _without_error(rows, shown)
    if headline and any(c.note == OTHER_CLIPS for r in rows for c in r.cells.values()):
        yield "Rows scored on other clips than their reference have no difference to it."
    titles = {row.key: row.title for row in rows}
    compared = [
        row
        for row in rows
        if (cell := row.cells.get("difference")) is not None and cell.value is not None
    ]
    if headline and compared:
        said = _which(compared, lambda row: f"'{titles[row.reference]}'")
        yield f"Δ {headline.title} is the difference to {said}"
    for row in compared:
        if note := row.cells["difference"].note:
            yield f"{row.title}: its difference is over {note}"


def _without_error(rows: Sequence[TableRow], shown: Sequence[TableColumn]) -> Iterator[str]:
    """What stands where a PSNR is infinite."""
    given = {
        row.is_given(column)
        for row in rows
        for column in shown
        if (cell := row.cells.get(column.key)) is not None and cell.value == math.inf
    }
    if False in given:
        yield "'exact' stands where there is no error at all."
    if True in given:
        yield "In columns of single frames, 'true' marks a frame that was given."


def _reblurring(lines: Sequence[Line]) -> Iterator[str]:
    """Whether rows on the same clips were re-blurred in different ways."""
    by_set: dict[str, dict[str, list[str]]] = {}
    for line in lines:
        for sheet in line.sheets.values():
            if any(column.key == REBLUR for column in sheet.here):
                said = by_set.setdefault(line.test_set, {}).setdefault(_formation(sheet), [])
                if line.title not in said:
                    said.append(line.title)
    for ways in by_set.values():
        if len(ways) > 1:
            usual, *others = sorted(ways, key=lambda way: -len(ways[way]))
            differing = "; ".join(f"{way}: {_quoted(ways[way])}" for way in others)
            yield (
                "Re-blur PSNR cannot be compared between all rows: most were re-blurred with "
                f"{usual} ({differing})."
            )


def _formation(sheet: ScoreSheet) -> str:
    if "response" not in sheet.settings:
        return "a response that is not known"
    said = response_text(sheet.settings["response"], sheet.settings.get("gamma"))
    return f"response {said}"


def _which(rows: Sequence[TableRow], say: Callable[[TableRow], str]) -> str:
    """What is said of all rows; where it differs, the most common and what the others have."""
    said = Counter(map(say, rows)).most_common()
    if len(said) == 1:
        return f"{said[0][0]}."
    others = "; ".join(
        f"{what}: {_those([r for r in rows if say(r) == what], rows)}" for what, _ in said[1:]
    )
    return f"{said[0][0]} ({others})."


def _those(chosen: Sequence[TableRow], rows: Sequence[TableRow]) -> str:
    """Rows by their titles; a group of which all are among them by its heading."""
    sizes = Counter(row.group for row in rows)
    whole = Counter(row.group for row in chosen)
    names: dict[str, None] = {}
    for row in chosen:
        complete = row.group and sizes[row.group] > 1 and whole[row.group] == sizes[row.group]
        names[f"all of '{row.group}'" if complete else f"'{row.title}'"] = None
    return ", ".join(names)


def _quoted(titles: Iterable[str]) -> str:
    return ", ".join(f"'{title}'" for title in titles)


def _machines(lines: Sequence[Line]) -> Iterator[str]:
    """What inference was measured on."""
    found: dict[str, list[str]] = {}
    for line in lines:
        for machine in dict.fromkeys(c.measured_on for c in line.costs if c.measured_on):
            found.setdefault(machine, []).append(line.title)
    if len(found) == 1:
        yield f"Inference was measured on {next(iter(found))}."
    elif found:
        said = "; ".join(f"{machine}: {_quoted(rows)}" for machine, rows in found.items())
        yield f"Inference was measured on different machines and cannot be compared: {said}."


def _missing(lines: Sequence[Line], columns: Sequence[Column]) -> Iterator[str]:
    """Which columns have no numbers, and why; once each, not in every cell."""
    for column in columns:
        asked = [line for line in lines if column.key in _keys(line)]
        without: dict[str, list[str]] = {}
        for line in asked:
            if why := unavailable(line.sheets.values(), column.key):
                without.setdefault(why, []).append(line.title)
        for why, titles in without.items():
            rows = "" if len(titles) == len(asked) else f" ({_quoted(titles)})"
            yield f"{column.title}: {UNAVAILABLE}{rows}: {why}"


def _keys(line: Line) -> set[str]:
    return {column.key for sheet in line.sheets.values() for column in sheet.columns}


def _complaints(rows: Sequence[TableRow]) -> Iterator[str]:
    """What is wrong with rows; a method's complaint is not repeated by rows of its weights."""
    said = set()
    for row in rows:
        about = (row.key.split("+")[0], row.note)
        if row.note and about not in said:
            said.add(about)
            yield f"{row.title}: {row.note}"
