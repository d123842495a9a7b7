"""The conformance suites of everything that a plugin offers."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deblurkit.errors import DeblurkitError
from deblurkit.registry import Registered, Registry
from deblurkit.specs import Kind
from deblurkit.testing.architectures import check_architecture
from deblurkit.testing.datasets import check_dataset
from deblurkit.testing.families import check_family
from deblurkit.testing.losses import check_loss, stronger_invariance
from deblurkit.testing.metrics import check_metric
from deblurkit.testing.orderings import check_ordering
from deblurkit.testing.schedules import check_schedule

SUITES: Mapping[Kind, Callable[..., None]] = {
    "loss": check_loss,
    "family": check_family,
    "architecture": check_architecture,
    "ordering": check_ordering,
    "dataset": check_dataset,
    "metric": check_metric,
}
"""The suite of each kind; a schedule's also takes families, an importer has none."""


@dataclass(frozen=True)
class Finding:
    """How one component did.

    Attributes:
        component: The component.
        problem: What is wrong with it and how to mend it; None where nothing is.
        remark: What is not wrong, but its author may want to know; None where there is nothing.
        seconds: How long its suite took.
    """

    component: Registered
    problem: str | None
    remark: str | None
    seconds: float


def check_component(component: Registered, registry: Registry, **params: Any) -> None:
    """Run the suite of a component's kind.

    Args:
        component: The component.
        registry: Where the families come from that a schedule is tried on.
        **params: The component's parameters by name; the rest take their defaults.

    Raises:
        AssertionError: what is wrong and how to mend it.
        PluginError: the code of an importer cannot be loaded; no suite is for that.
    """
    if component.spec.kind == "schedule":
        check_schedule(component, families=registry.specs("family"), **params)
    elif component.spec.kind == "importer":
        component.load()
    else:
        SUITES[component.spec.kind](component, **params)


def findings(
    components: Iterable[Registered],
    registry: Registry,
    params: Mapping[tuple[Kind, str], Mapping[str, Any]],
) -> Iterator[Finding]:
    """Run the suites of several components, one after another.

    Args:
        components: The components.
        registry: Where they are.
        params: Kind and name -> parameters by name, for those that cannot do with their defaults.

    Yields:
        What each gave, as soon as it is known; no failure is raised.
    """
    for component in components:
        began, problem, remark = time.perf_counter(), None, None
        own = params.get((component.spec.kind, component.spec.name), {})
        try:
            check_component(component, registry, **own)
            remark = _remark(component, own)
        except Exception as error:  # noqa: BLE001 - whatever its code raises is a finding
            problem = str(error) if _is_stated(error) else _located(error)
        yield Finding(component, problem, remark, time.perf_counter() - began)


def _remark(component: Registered, params: Mapping[str, Any]) -> str | None:
    if component.spec.kind != "loss":
        return None
    found = stronger_invariance(component, **params)
    return found and (
        f"on random images it also has the invariance '{found}'; declare that if it always holds, "
        "so that families and readers can count on it"
    )


def _is_stated(error: Exception) -> bool:
    """Whether a suite found it: those say what is wrong and how to mend it."""
    return isinstance(error, AssertionError | DeblurkitError) and bool(str(error))


def _located(error: Exception) -> str:
    """What the component's own code raised, and where."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error}\n  at {last.filename}:{last.lineno}: {last.line}"
