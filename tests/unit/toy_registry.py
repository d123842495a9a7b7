"""Made-up components with every kind of parameter that recipes meet."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from deblurkit.hookspecs import hookimpl
from deblurkit.registry import Registry
from deblurkit.specs import (
    ArchitectureSpec,
    DatasetSpec,
    FamilySpec,
    LossSpec,
    MetricSpec,
    Params,
    ScheduleSpec,
)

BUILD = "made_up_code:Thing"


class FamilyParams(Params):
    share: Literal["none", "pair"] = "pair"
    near: float = Field(1.0, gt=0)


class BlobParams(Params):
    size: int = Field(3, ge=1)
    table: dict[str, float] = Field(default_factory=dict)
    either: int | str = 1


class NetParams(Params):
    width: int = Field(16, ge=1)
    depth: tuple[tuple[int, int], ...] = ((1, 1),)
    option: str | None = None


class OtherNetParams(Params):
    layers: int = 2


class ShapesParams(Params):
    count: int = Field(5, ge=0)
    range: tuple[float, float] = (0.0, 1.0)

    @model_validator(mode="after")
    def _ordered(self) -> ShapesParams:
        if self.range[0] > self.range[1]:
            raise ValueError("the range runs backwards")
        return self


class FolderParams(Params):
    path: Path = Field(description="a folder of things")
    mask: Path | None = None
    more: tuple[Path, ...] = ()
    named: dict[str, Path] = Field(default_factory=dict)
    fallback: Path = Path("fallback")


class FragileParams(Params):
    value: int = 0

    @field_validator("value")
    @classmethod
    def _breaks(cls, value: int) -> int:
        if value > 5:
            raise TypeError("this check is broken")
        return value


class NeedyParams(Params):
    must: int


def make_plugin() -> types.ModuleType:
    """A plugin module with the toy components."""
    module = types.ModuleType("made_up_toys")
    specs = {
        "losses": [
            LossSpec(name="near", summary="s", build=BUILD),
            LossSpec(name="far", summary="s", build=BUILD),
            LossSpec(name="blob", summary="s", build=BUILD, params=BlobParams),
            LossSpec(name="fragile", summary="s", build=BUILD, params=FragileParams),
        ],
        "families": [
            FamilySpec(name="blob", summary="s", build=BUILD, params=FamilyParams),
            FamilySpec(name="plain", summary="s", build=BUILD),
        ],
        "architectures": [
            ArchitectureSpec(
                name="net",
                summary="s",
                build=BUILD,
                params=NetParams,
                roles={"core": {"width": 8, "depth": ((2, 2), (3, 3))}},
            ),
            ArchitectureSpec(name="other-net", summary="s", build=BUILD, params=OtherNetParams),
        ],
        "schedules": [ScheduleSpec(name="steady", summary="s", build=BUILD)],
        "datasets": [
            DatasetSpec(name="shapes", summary="s", build=BUILD, params=ShapesParams),
            DatasetSpec(name="folder", summary="s", build=BUILD, params=FolderParams),
        ],
        "metrics": [
            MetricSpec(name="psnr", summary="s", build=BUILD),
            MetricSpec(name="ssim", summary="s", build=BUILD),
            MetricSpec(name="needy", summary="s", build=BUILD, params=NeedyParams),
        ],
    }
    module.DEBLURKIT_API = 1  # type: ignore[attr-defined]
    for kind, listed in specs.items():

        def give(listed=listed):
            return listed

        # pluggy leaves arguments that have a default value alone.
        give.__name__ = f"deblurkit_{kind}"
        setattr(module, give.__name__, hookimpl(give))
    return module


def toy_registry() -> Registry:
    """The toy components, owned by `toys`."""
    registry = Registry.from_modules({"toys": make_plugin()})
    assert [p.reason for p in registry.plugins()] == [None]
    return registry
