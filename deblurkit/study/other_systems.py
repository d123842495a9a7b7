"""Score sheets of other systems, as `deblurkit score --json` writes them, as rows of a table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from deblurkit.errors import DataError
from deblurkit.evaluation.measures import ScoreSheet
from deblurkit.storage import content_hash
from deblurkit.study.entries import SheetRecord
from deblurkit.study.run_records import RunRecord


def read_sheet(path: Path) -> ScoreSheet:
    """Read a score sheet.

    Raises:
        DataError: it cannot be read, is something else, or has no clips.
    """
    try:
        sheet = ScoreSheet.from_json(json.loads(path.read_text("utf-8")))
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


def as_record(sheet: ScoreSheet, runs: Iterable[RunRecord | SheetRecord]) -> SheetRecord:
    """A sheet as a row's scores, on the same test set as a run if it is of the same clips.

    A sheet does not say which clips it is of but by their names, and weights of a column that
    follow from the true frames alone, as the energy of true motion does. Where all names and
    such weights of the sheet are those of a run, it is of the run's clips; without weights
    that differ from clip to clip nothing proves that, and names alone count only among sheets.
    """
    mark = _mark(sheet)
    for run in runs:
        other = run.sheets["estimate"]
        alone = isinstance(run, SheetRecord)
        if _mark(other) == mark and (alone or _weights(sheet)):
            return SheetRecord({"estimate": sheet}, run.test_set)
    return SheetRecord({"estimate": sheet}, f"clips-{mark}")


def _mark(sheet: ScoreSheet) -> str:
    return content_hash([sheet.protocol, sheet.frames, sheet.clips, _weights(sheet)])


def _weights(sheet: ScoreSheet) -> dict[str, list[str]]:
    """Weights that differ between clips, in digits that rounding in arithmetic does not reach."""
    found = {}
    for column in sheet.here:
        weights = sheet.sums(column.key)[1]
        if np.ptp(weights, axis=0).any():
            found[column.key] = [f"{weight:.8e}" for weight in weights.ravel()]
    return found
