"""Every component that a plugin offers can be loaded and takes its parameters by name."""

from __future__ import annotations

import inspect

import pytest

from deblurkit.registry import Registered, Registry

COMPONENTS = Registry.installed().specs()


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda r: f"{r.spec.kind}-{r.qualified}")
def test_build_takes_the_parameters_by_name(component: Registered):
    make = component.load()
    names = set(component.spec.params.model_fields)
    if component.spec.kind == "architecture":
        names.add("inputs")
    inspect.signature(make).bind(**dict.fromkeys(names))


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda r: f"{r.spec.kind}-{r.qualified}")
def test_every_parameter_is_explained(component: Registered):
    fields = component.spec.params.model_fields
    assert not [name for name, field in fields.items() if not field.description]
