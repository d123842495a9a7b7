"""The whole plugin contract on one screen.

A plugin is a module with an entry point in the group `deblurkit`:

    [project.entry-points.deblurkit]
    my-plugin = "my_package.plugin"

It says which version of this contract it was written for and implements any of the hooks
below. Each returns specs; nothing is imported until a recipe uses it.

    from deblurkit.hookspecs import hookimpl
    from deblurkit.specs import LossSpec, Params

    DEBLURKIT_API = 1

    class MyParams(Params):
        power: float = 2.0

    @hookimpl
    def deblurkit_losses():
        return [LossSpec(name="my-loss", summary="...", params=MyParams,
                         build="my_package.my_loss:MyLoss", invariance="pair-swap")]
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from deblurkit.specs import (
    ArchitectureSpec,
    DatasetSpec,
    FamilySpec,
    ImporterSpec,
    LossSpec,
    MetricSpec,
    OrderingSpec,
    ScheduleSpec,
)

GROUP = "deblurkit"
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def deblurkit_losses() -> Sequence[LossSpec]:  # type: ignore[empty-body]
    """Loss terms: two sets of frames in, a scalar out."""


@hookspec
def deblurkit_families() -> Sequence[FamilySpec]:  # type: ignore[empty-body]
    """Loss families: what each frame's network sees and what is trained together."""


@hookspec
def deblurkit_architectures() -> Sequence[ArchitectureSpec]:  # type: ignore[empty-body]
    """Architectures: what a network is."""


@hookspec
def deblurkit_schedules() -> Sequence[ScheduleSpec]:  # type: ignore[empty-body]
    """Schedules: in which order networks are trained."""


@hookspec
def deblurkit_orderings() -> Sequence[OrderingSpec]:  # type: ignore[empty-body]
    """Orderings: which way each training clip runs."""


@hookspec
def deblurkit_datasets() -> Sequence[DatasetSpec]:  # type: ignore[empty-body]
    """Datasets: where clips of true frames come from."""


@hookspec
def deblurkit_metrics() -> Sequence[MetricSpec]:  # type: ignore[empty-body]
    """Frame scores: one estimated frame and one true frame in, a number out."""


@hookspec
def deblurkit_importers() -> Sequence[ImporterSpec]:  # type: ignore[empty-body]
    """Importers: weights that other programs have published, as bundles."""
