"""Score sheets of other systems, as `deblurkit score --json` writes them, as rows of a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from deblurkit.errors import DataError
from deblurkit.evaluation.clip_names import matched_name
from deblurkit.evaluation.measures import ScoreSheet
from deblurkit.printable import readable, unprintable
from deblurkit.storage import content_hash
from deblurkit.study.entries import Entry, SheetRecord

NOT_KNOWN = "its true frames are not known to be the same as those"
AGAIN = "score again what was scored before true frames were noted"


def read_sheet(path: Path) -> ScoreSheet:
    """Read a score sheet.

    Raises:
        DataError: it cannot be read, is something else, or has no clips.
    """
    try:
        sheet = ScoreSheet.from_json(json.loads(path.read_text("utf-8")))
        for text in _texts(sheet):
            if hidden := unprintable(text):
                raise ValueError(f"'{readable(text)}' has {hidden}")
        sheet.clips[:] = map(matched_name, sheet.clips)
    except OSError as error:
        raise DataError(
            f"the file cannot be read: {error.strerror or error}", where=str(path)
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"this is no score sheet: {' '.join(str(error).split())}",
            where=str(path),
            valid="what `deblurkit score PREDICTIONS TRUTH --json FILE` writes",
        ) from error
    if not sheet.clips:
        raise DataError("the score sheet has no clips", where=str(path))
    return sheet


def _texts(sheet: ScoreSheet) -> Iterator[str]:
    """What a table shows of a sheet besides numbers."""
    yield sheet.protocol
    for column in sheet.columns:
        yield from (column.key, column.title, column.unit, column.definition)
    yield from sheet.unavailable.values()


def as_record(sheet: ScoreSheet, entries: Iterable[Entry]) -> SheetRecord:
    """A sheet as a row's scores, on the same test set as an entry if it is of the same clips.

    Names and true frames say which clips those are. Sheets and runs that were scored before true
    frames were noted have only weights of columns that follow from these, as the energy of true
    motion does. Where names and such weights agree, the clips count as the same, and the row's
    note says that this is not known; without weights that differ from clip to clip, names alone
    count among sheets, not between a sheet and a run.
    """
    probable: SheetRecord | None = None
    namesake = ""
    for entry in entries:
        for run in entry.runs.values():
            other = run.sheets["estimate"]
            if _clips(other) != _clips(sheet):
                continue
            if all(sheet.true_frames) and all(other.true_frames):
                if sheet.true_frames == other.true_frames:
                    return SheetRecord({"estimate": sheet}, run.test_set)
                namesake = namesake or entry.shown
            elif _weights(other) != _weights(sheet):
                namesake = namesake or entry.shown
            elif isinstance(run, SheetRecord) or _weights(sheet):
                note = f"{NOT_KNOWN} of '{entry.shown}': {AGAIN}"
                probable = probable or SheetRecord({"estimate": sheet}, run.test_set, note=note)
            else:
                note = f"{NOT_KNOWN} of '{entry.shown}', so there is no difference: {AGAIN}"
                probable = probable or SheetRecord({"estimate": sheet}, _own_set(sheet), note=note)
    if probable is not None:
        return probable
    note = f"its clips are called as those of '{namesake}', but their true frames are others"
    return SheetRecord({"estimate": sheet}, _own_set(sheet), note=note if namesake else "")


def _clips(sheet: ScoreSheet) -> tuple[object, ...]:
    return sheet.protocol, sheet.frames, tuple(sheet.clips)


def _own_set(sheet: ScoreSheet) -> str:
    mark = content_hash([*_clips(sheet), sheet.true_frames, _weights(sheet)])
    return f"clips-{mark}"


def _weights(sheet: ScoreSheet) -> dict[str, list[str]]:
    """Weights that differ between clips, in digits that rounding in arithmetic does not reach."""
    found = {}
    for column in sheet.here:
        weights = sheet.sums(column.key)[1]
        if np.ptp(weights, axis=0).any():
            found[column.key] = [f"{weight:.8e}" for weight in weights.ravel()]
    return found
