"""The cells of one row: its numbers with intervals, its difference, its costs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, median

from deblurkit.evaluation.measures import Column, ScoreSheet
from deblurkit.study.bootstrap import Estimate, Sheets, difference, estimate
from deblurkit.study.table import THE_REFERENCE, Cell
from deblurkit.study.table_columns import frame_key
from deblurkit.study.table_rows import Line

UNAVAILABLE = "not available"
OTHER_CLIPS = "other clips"


def numbers(line: Line, columns: Sequence[Column]) -> dict[str, Cell]:
    """The row's own numbers under the protocol."""
    cells: dict[str, Cell] = {}
    for column in columns:
        sheets = line.sheets.values()
        if not sheets or any(column.key not in {c.key for c in s.columns} for s in sheets):
            continue
        keys = [column.key]
        if column.per_frame:
            keys = [frame_key(column.key, i) for i in range(1, line.frames + 1)]
        if why := unavailable(sheets, column.key):
            cells |= {key: Cell(None, note=f"{UNAVAILABLE}: {why}") for key in keys}
        else:
            found = estimate(line.sheets, column.key)
            cells |= {key: _cell(number) for key, number in zip(keys, found, strict=True)}
    return cells


def unavailable(sheets: Iterable[ScoreSheet], key: str) -> str:
    """Why a column has no numbers in one of the sheets; empty if all have them."""
    return next((s.unavailable[key] for s in sheets if key in s.unavailable), "")


def _cell(number: Estimate, note: str = "") -> Cell:
    if math.isnan(number.value):
        return Cell(None, note="no clip has anything to say here")
    return Cell(number.value, number.low, number.high, note)


def difference_cell(line: Line, reference: Line | None, headline: Column) -> Cell:
    """The row's number minus its reference's, where both are of the same clips."""
    why_not = _not_paired(line, reference, headline)
    if reference is None or why_not:
        return Cell(None, note=why_not)
    ours, theirs, note = line.sheets, reference.sheets, ""
    if line.seedless:
        ours = dict.fromkeys(theirs, next(iter(ours.values())))
    elif reference.seedless:
        theirs = dict.fromkeys(ours, next(iter(theirs.values())))
    (number,) = difference(ours, theirs, headline.key)
    if math.isinf(number.value) or math.isnan(number.value):
        return Cell(None, note="no error at all, in the row or its reference")
    if set(number.seeds) < {*ours, *theirs}:
        note = "the seeds that both have, " + ", ".join(map(str, number.seeds))
        if not set(ours) & set(theirs):
            note = "all seeds, as none is in common"
    return _cell(number, note)


def _not_paired(line: Line, reference: Line | None, headline: Column) -> str:
    """Why there is no difference; empty if there is one."""
    if line.key == line.reference:
        return THE_REFERENCE
    if reference is None or not reference.sheets:
        return "the reference has no numbers"
    if line.test_set != reference.test_set or _clips(line.sheets) != _clips(reference.sheets):
        return OTHER_CLIPS
    both = (*line.sheets.values(), *reference.sheets.values())
    if any(headline.key not in {c.key for c in sheet.here} for sheet in both):
        return UNAVAILABLE
    return ""


def _clips(sheets: Sheets) -> list[str]:
    return next(iter(sheets.values())).clips


def costs(line: Line) -> dict[str, Cell]:
    """What a method costs; rows from the same weights do not repeat it."""
    if not line.costs:
        return {}
    seconds = [c.inference_seconds for c in line.costs if c.inference_seconds is not None]
    memory = [c.inference_memory for c in line.costs if c.inference_memory is not None]
    unknown = Cell(None, note="not measured")
    return {
        "parameters": Cell(max(c.parameters for c in line.costs)),
        "training-seconds": Cell(fmean(c.training_seconds for c in line.costs)),
        "inference-seconds": Cell(median(seconds)) if seconds else unknown,
        "inference-memory": Cell(max(memory)) if memory else unknown,
    }
