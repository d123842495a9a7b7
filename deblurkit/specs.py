"""What a plugin returns: one spec a component.

A spec names a component, describes its parameters and says where its code is; the code is
imported only when a recipe uses it, so listing plugins never imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

Kind = Literal[
    "loss", "family", "architecture", "schedule", "ordering", "dataset", "metric", "importer"
]
KINDS: tuple[Kind, ...] = (
    "loss",
    "family",
    "architecture",
    "schedule",
    "ordering",
    "dataset",
    "metric",
    "importer",
)


class Params(BaseModel):
    """Base of a component's parameter model: unknown keys refused, values frozen.

    Give every field a type, a default where there is a sensible one, and a description with
    its unit; `deblurkit plugins show` prints them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class NoParams(Params):
    """For a component without parameters."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """What all specs have in common.

    Attributes:
        name: Lower case letters, digits and hyphens; what recipes say.
        summary: One line.
        build: "package.module:Object": a class, or a function that makes the component, that
            is called with the parameters as plain keyword arguments.
        params: The parameter model, a subclass of `Params`.
        reference: The paper, section or equation it comes from.
    """

    kind: ClassVar[Kind]
    name: str
    summary: str
    build: str
    params: type[Params] = NoParams
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class LossSpec(Spec):
    """A loss term: `build(**params)` gives `term(estimate, target) -> scalar`.

    Attributes:
        invariance: Which changes of the estimate leave its value alone; see `deblurkit.losses`.
        trains_itself: It has parameters of its own (a critic): `losses.SelfTrainedTerm`.
    """

    kind: ClassVar[Kind] = "loss"
    invariance: Literal["none", "reversal", "pair-swap", "permutation"] = "none"
    trains_itself: bool = False


@dataclass(frozen=True, kw_only=True)
class FamilySpec(Spec):
    """A loss family: `build(**params)` gives a `stages.Family`: `graph(T)` and `stages(T)`."""

    kind: ClassVar[Kind] = "family"


@dataclass(frozen=True, kw_only=True)
class ArchitectureSpec(Spec):
    """An architecture: `build(inputs=n, **params)` gives an `nn.Module` for n images.

    The module is called as `network(images, base)`: n tensors B×3×H×W of any H, W, and the
    one of them that its residual is added to; it returns B×3×H×W.

    Attributes:
        roles: Parameters that differ from the defaults for the middle, core and outer networks.
        first_weights: Parameters that only say which weights a new network starts from (a
            file, "pretrained"), each with the value that needs nothing: trained networks are
            built with it again, so that they do not depend on a file that may be gone.
    """

    kind: ClassVar[Kind] = "architecture"
    roles: Mapping[Literal["middle", "core", "outer"], Mapping[str, Any]] = field(
        default_factory=dict
    )
    first_weights: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ScheduleSpec(Spec):
    """A schedule: `build(**params)` gives a `stages.Schedule`: stages to phases."""

    kind: ClassVar[Kind] = "schedule"


@dataclass(frozen=True, kw_only=True)
class OrderingSpec(Spec):
    """An ordering: `build(**params)` gives an `ordering.Ordering`: clips to a direction each.

    Attributes:
        learns: It has parameters to train first: `ordering.LearnedOrdering`.
    """

    kind: ClassVar[Kind] = "ordering"
    learns: bool = False


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A published way to cut footage into clips: what `deblurkit data prepare --preset` does.

    Attributes:
        summary: One line.
        params: Parameters of the dataset.
        frames: Frames a clip, T.
        step: Distance of the first frames of two clips, in used frames.
        clips: Clips, at most; 0: all there are. Of more, an even choice over all is taken.
        formation: What differs from the defaults of a recipe's `data.formation`.
        reference: The paper and section it comes from.
    """

    summary: str
    params: Mapping[str, Any] = field(default_factory=dict)
    frames: int = 7
    step: int = 7
    clips: int = 0
    formation: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""


@dataclass(frozen=True, kw_only=True)
class DatasetSpec(Spec):
    """A dataset: `build(**params)` gives a `data.clip.ClipDataset`.

    Attributes:
        layout: "package.module:Layout" of the data set's folders, where it has one of its own:
            `layout()` gives a `footage.layout.Layout`. `deblurkit data doctor` recognises it.
        presets: Published ways to cut it, by name.
    """

    kind: ClassVar[Kind] = "dataset"
    layout: str = ""
    presets: Mapping[str, Preset] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MetricSpec(Spec):
    """A frame score: `build(**params)` gives `score(estimate, target) -> float`.

    Both are H×W×3 float arrays in [0, 1]: one estimated frame and the true one.

    Attributes:
        unit: Printed behind numbers, for instance "dB"; empty where there is none.
        higher_is_better: Whether more is better.
    """

    kind: ClassVar[Kind] = "metric"
    unit: str = ""
    higher_is_better: bool = True


@dataclass(frozen=True, kw_only=True)
class ImporterSpec(Spec):
    """An importer: `build()` gives `importer(files, registry) -> bundle.Bundle`.

    It reads the weights that another program has published: paths of files, in any order, and
    the registry that architectures come from. It never unpickles. It has no parameters.

    Attributes:
        files: What must be given, for people: "the authors' four files, center_v3.pth, ...".
    """

    kind: ClassVar[Kind] = "importer"
    files: str = ""


SPECS: Mapping[Kind, type[Spec]] = {
    "loss": LossSpec,
    "family": FamilySpec,
    "architecture": ArchitectureSpec,
    "schedule": ScheduleSpec,
    "ordering": OrderingSpec,
    "dataset": DatasetSpec,
    "metric": MetricSpec,
    "importer": ImporterSpec,
}
