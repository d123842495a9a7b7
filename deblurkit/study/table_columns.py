"""The columns of the table: those of the protocol, the difference, and what a run costs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deblurkit.errors import RunError
from deblurkit.evaluation.measures import Column, ScoreSheet
from deblurkit.study.table import TableColumn

COSTS = (
    TableColumn(
        "parameters",
        "params",
        "of all networks together; a network that several frames share counts once",
        higher_is_better=False,
        digits=0,
        source="cost",
    ),
    TableColumn(
        "training-seconds",
        "training",
        "of all phases, as if none had been trained before for another row; mean over seeds",
        unit="s",
        higher_is_better=False,
        digits=0,
        source="cost",
    ),
    TableColumn(
        "inference-seconds",
        "inference",
        "all frames of one 568×320 image; median over passes, and over seeds",
        unit="s",
        higher_is_better=False,
        digits=3,
        source="cost",
    ),
    TableColumn(
        "inference-memory",
        "memory",
        "peak during inference of one 568×320 image, above what was held before; "
        "the most of all seeds",
        unit="B",
        higher_is_better=False,
        digits=0,
        source="cost",
    ),
)


def merged_columns(sheets: Iterable[ScoreSheet]) -> tuple[Column, ...]:
    """All columns of sheets of one protocol, in the order of the first that has them.

    Sheets of other lengths or with more metrics may have further columns, but a column is the
    same wherever it is.

    Raises:
        RunError: two sheets mean different things by one key.
    """
    known: dict[str, Column] = {}
    for sheet in sheets:
        for column in sheet.columns:
            there = known.setdefault(column.key, column)
            if _meaning(there) != _meaning(column):
                raise RunError(
                    f"column '{column.key}' of {sheet.protocol} means different things in the "
                    f"runs: {_meaning(there)} and {_meaning(column)}",
                    hint="score them again with the same version: deblurkit evaluate RUN",
                )
    return tuple(known.values())


def _meaning(column: Column) -> tuple[object, ...]:
    return (column.unit, column.higher_is_better, column.per_frame, column.scale)


def expanded(column: Column, T: int) -> tuple[TableColumn, ...]:
    """A protocol's column as columns of the table: one, or one for each of T frames."""
    one = TableColumn(
        column.key,
        column.title,
        column.definition,
        column.unit,
        column.higher_is_better,
        column.digits,
    )
    if not column.per_frame:
        return (one,)
    return tuple(
        TableColumn(
            frame_key(column.key, i),
            f"{column.title} x[{i}]",
            column.definition,
            column.unit,
            column.higher_is_better,
            column.digits,
            frame=i,
        )
        for i in range(1, T + 1)
    )


def frame_key(key: str, frame: int) -> str:
    """The key of one frame's column: `psnr-frame:3`."""
    return f"{key}:{frame}"


def headline_of(columns: Sequence[Column]) -> Column | None:
    """The column that differences are taken of: `psnr`, or the first that ranks sequences."""
    ranking = [c for c in columns if not c.per_frame and c.higher_is_better is not None]
    return next((c for c in ranking if c.key == "psnr"), ranking[0] if ranking else None)


def difference_column(headline: Column) -> TableColumn:
    """The column of differences to the reference row."""
    return TableColumn(
        "difference",
        f"Δ {headline.title}",
        f"{headline.title} minus that of the reference row on the same clips, with the paired "
        "95 % interval",
        headline.unit,
        headline.higher_is_better,
        headline.digits,
        source="difference",
    )
