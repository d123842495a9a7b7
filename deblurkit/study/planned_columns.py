"""The columns that a suite's table will have, known before anything has run."""

from __future__ import annotations

from collections.abc import Iterator

from deblurkit.evaluation.measures import Column
from deblurkit.evaluation.named_scores import NamedScore
from deblurkit.evaluation.protocols.lookup import get_protocol
from deblurkit.recipe import Recipe
from deblurkit.registry import Registry
from deblurkit.specs import MetricSpec
from deblurkit.study.prepared import Prepared
from deblurkit.study.table import Table
from deblurkit.study.table_columns import COSTS, difference_column, expanded, headline_of


def planned_table(prepared: Prepared) -> Table:
    """The table of a suite without its rows: whatever a row may have a number for is a column.

    Raises:
        PluginError: a metric is unknown.
    """
    suite, recipes = prepared.suite, [job.recipe for job in prepared.jobs]
    columns: dict[str, Column] = {}
    for recipe in recipes:
        metrics = tuple(_metrics(recipe, prepared.registry))
        protocol = get_protocol(suite.protocol, metrics=metrics)
        columns = {c.key: c for c in protocol.columns(recipe.frames)} | columns
    T = max(recipe.frames for recipe in recipes)
    shown = [table_column for column in columns.values() for table_column in expanded(column, T)]
    if headline := headline_of(tuple(columns.values())):
        shown.append(difference_column(headline))
    return Table(suite.summary or suite.name, suite.protocol, (*shown, *COSTS), ())


def _metrics(recipe: Recipe, registry: Registry) -> Iterator[NamedScore]:
    """The recipe's own scores by name; what computes them is not loaded."""
    for name in recipe.evaluation.metrics:
        spec = registry.resolve("metric", name).spec
        assert isinstance(spec, MetricSpec)
        yield NamedScore(spec.name, _never, spec.unit, spec.higher_is_better)


def _never(*images: object) -> float:  # noqa: ARG001
    raise AssertionError("a score that is only named is never asked")
