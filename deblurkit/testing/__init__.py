"""Conformance suites that third parties run on their own plugins.

Each takes a spec as a plugin's hook returns it, or a component of the registry, with
parameters by name, and raises AssertionError that says in plain words what is wrong and how
to mend it:

    from deblurkit.testing import check_loss
    from my_package.plugin import deblurkit_losses

    @pytest.mark.parametrize("spec", deblurkit_losses(), ids=lambda spec: spec.name)
    def test_loss(spec):
        check_loss(spec)

Nothing here needs pytest, a network or a GPU. Give large components small parameters.
"""

from __future__ import annotations

from deblurkit.testing.architectures import check_architecture
from deblurkit.testing.datasets import check_dataset
from deblurkit.testing.families import check_family
from deblurkit.testing.losses import check_loss
from deblurkit.testing.metrics import check_metric
from deblurkit.testing.orderings import check_ordering
from deblurkit.testing.plugins import check_component
from deblurkit.testing.schedules import check_schedule

__all__ = [
    "check_architecture",
    "check_component",
    "check_dataset",
    "check_family",
    "check_loss",
    "check_metric",
    "check_ordering",
    "check_schedule",
]
