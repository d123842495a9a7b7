"""The conformance suites of everything that a plugin offers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deblurkit.registry import Registered, Registry
from deblurkit.specs import Kind
from deblurkit.testing.architectures import check_architecture
from deblurkit.testing.datasets import check_dataset
from deblurkit.testing.families import check_family
from deblurkit.testing.losses import check_loss
from deblurkit.testing.metrics import check_metric
from deblurkit.testing.schedules import check_schedule

SUITES: Mapping[Kind, Callable[..., None]] = {
    "loss": check_loss,
    "family": check_family,
    "architecture": check_architecture,
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
        seconds: How long its suite took.
    """

    component: Registered
    problem: str | None
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


def check_plugin(
    name: str, registry: Registry, params: Mapping[str, Mapping[str, Any]]
) -> Iterator[Finding]:
    """Run the suites of all components of a plugin, one after another.

    Args:
        name: The plugin's.
        registry: Where it is.
        params: Component -> parameters by name, for those that cannot do with their defaults.

    Yields:
        What each gave, as soon as it is known.
    """
    for component in registry.specs():
        if component.owner != name:
            continue
        began, problem = time.perf_counter(), None
        try:
            check_component(component, registry, **params.get(component.spec.name, {}))
        except Exception as error:  # noqa: BLE001 - whatever its code raises is a finding
            stated = isinstance(error, AssertionError)
            problem = str(error) if stated else f"{type(error).__name__}: {error}"
        yield Finding(component, problem, time.perf_counter() - began)
