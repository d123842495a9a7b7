"""The shape of a recipe. What it means is in docs/recipes.md.

Components (a loss term, a family, ...) keep their own parameters as extra keys; those are
validated by the component's parameter model when the recipe is resolved.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from deblurkit.camera import Camera, check_setting
from deblurkit.recipe.provenance import Provenance

Positive = Annotated[int, Field(gt=0)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A part of a recipe: unknown keys refused, values frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Component(BaseModel):
    """A plugin component by name, its parameters beside the name."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str = Field(description="name of the component, or owner:name")

    @property
    def params(self) -> dict[str, Any]:
        """The component's own parameters."""
        return dict(self.model_extra or {})


class Term(BaseModel):
    """A loss term with its weight; its own parameters beside the weight."""

    model_config = ConfigDict(extra="allow", frozen=True)
    weight: float = Field(1.0, ge=0, allow_inf_nan=False, description="factor in the stage's loss")

    @property
    def params(self) -> dict[str, Any]:
        """The term's own parameters."""
        return dict(self.model_extra or {})


class Losses(Section):
    """Loss terms by name. `null` takes a term of the parent recipe away."""

    middle: dict[str, Term | None] = Field(description="terms of the middle frame")
    others: dict[str, Term | None] = Field(description="terms of all other frames")


class Architecture(Section):
    """One architecture; its parameters for each role, or beside the name for all roles."""

    name: str
    middle: dict[str, Any] = Field(default_factory=dict, description="the middle frame's network")
    core: dict[str, Any] = Field(default_factory=dict, description="the middle's two neighbours")
    outer: dict[str, Any] = Field(default_factory=dict, description="the frames beyond the core")


class Formation(Section):
    """How frames become the blurry image: eq. (1), and what else a camera does; see `Camera`."""

    LATER: ClassVar[tuple[str, ...]] = (
        "subframes", "duty", "headroom", "shot_noise", "read_noise", "white_balance", "mosaic",
        "jpeg",
    )  # fmt: skip
    """Keys that a recipe says only where they change something: older ones keep their hashes."""

    response: Literal["identity", "gamma", "srgb"] | tuple[float, ...] = Field(
        "identity",
        description="camera response g: the frames are averaged in g's linear light; a list of "
        "2 to 4096 numbers: g at equally spaced light, rising from 0 to 1",
    )
    gamma: float = Field(2.2, description="exponent where the response is gamma")
    noise: float | tuple[float, float] = Field(
        0.0, description="standard deviation of noise on stored values, of 1; or [least, greatest]"
    )
    bits: Literal[0, 8, 16] = Field(8, description="quantisation of y in bits; 0 for none")
    subframes: int = Field(
        1, description="K, odd: T times K frames are averaged; true frames are every K-th"
    )
    duty: float = Field(
        1.0, description="share of each frame's time with the shutter open, above 0 to 1"
    )
    headroom: float | tuple[float, float] = Field(
        1.0,
        description="light that stored white stands for, 1 where y is full; or [least, greatest]",
    )
    shot_noise: float | tuple[float, float] = Field(
        0.0,
        description="variance of the photons' noise at full light: 1 by electrons; or [least, "
        "greatest]",
    )
    read_noise: float | tuple[float, float] = Field(
        0.0, description="standard deviation of noise in linear light, of 1; or [least, greatest]"
    )
    white_balance: float = Field(
        0.0, description="red and blue of y and of its frames change by up to so many stops"
    )
    mosaic: bool = Field(False, description="one colour a pixel (Bayer), the others interpolated")
    jpeg: int | tuple[int, int] = Field(
        0, description="quality of JPEG compression of y, 1 to 100; 0: none; or [least, greatest]"
    )

    @field_validator(
        "response", "gamma", "noise", "subframes", "duty", "headroom", "shot_noise", "read_noise",
        "white_balance", "jpeg", mode="before",
    )  # fmt: skip
    @classmethod
    def _possible(cls, value: Any, info: ValidationInfo) -> Any:
        check_setting(str(info.field_name), value)
        return tuple(value) if isinstance(value, list) else value  # strict from here on

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        self.camera()
        return self

    @model_serializer(mode="wrap")
    def _without_neutral(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Settings that came later are said only where they change something."""
        said: dict[str, Any] = dump(self)
        fields = type(self).model_fields
        neutral = [key for key in self.LATER if getattr(self, key) == fields[key].default]
        return {key: value for key, value in said.items() if key not in neutral}

    def camera(self) -> Camera:
        """The camera that this describes."""
        return Camera(**{key: getattr(self, key) for key in type(self).model_fields})


class Augmentation(Section):
    """Changes to training samples; test clips are left alone (section 7)."""

    permute_channels: bool = Field(True, description="random order of the colour channels")
    rotate: bool = Field(True, description="rotation by a random multiple of 90 degrees")
    flip: bool = Field(True, description="mirror at random")
    reverse: bool = Field(True, description="run the clip backwards at random")
    noise: float = Field(0.01, ge=0, le=1, description="white Gaussian noise on y, of 1")


class Data(Section):
    """Which clips, and how they become samples."""

    train: Component
    test: Component | None = Field(
        None, description="another dataset for the test clips; null: held-out sources of train"
    )
    held_out: float = Field(
        0.2, gt=0, lt=1, description="share of the sources kept for the test clips"
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**32,
        description="of the clips; apart from the run's, so that seeds share clips",
    )
    clips: Positive = Field(2000, description="training clips in the cache")
    clip_size: Positive = Field(96, description="side of the cached clips, pixels")
    crop: int = Field(64, ge=8, description="side of the training samples, pixels")
    formation: Formation = Formation()
    augment: Augmentation = Augmentation()
    workers: int = Field(0, ge=0, le=256, description="loader processes; 0: in the main process")


class Training(Section):
    """How the networks of one group learn."""

    steps: int = Field(1000, gt=0, le=10**9, description="optimiser steps a phase")
    batch: Positive = Field(16, description="samples a step, over all processes")
    accumulate: Positive = Field(1, description="parts a batch is split into to save memory")
    optimizer: Literal["adam", "adamw"] = "adamw"
    lr: float = Field(5e-4, gt=0, description="peak learning rate")
    weight_decay: float = Field(0.0, ge=0)
    betas: tuple[Decay, Decay] = (0.9, 0.99)
    lr_schedule: Literal["cosine", "one-cycle", "constant"] = "cosine"
    warmup: int = Field(0, ge=0, description="steps of linear warm-up (cosine, constant)")
    clip_norm: float = Field(0.0, ge=0, description="largest gradient norm; 0: not clipped")
    ema: float = Field(0.0, ge=0, lt=1, description="decay of the weights' moving average; 0: none")


class Trainings(Section):
    """How networks learn: the middle frame's, all others', and the ordering's."""

    GROUPS: ClassVar[tuple[str, ...]] = ("middle", "others", "ordering")
    """Those of them that a phase may take."""

    middle: Training = Training()
    others: Training = Training()
    ordering: Training = Training()
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="auto: bf16 where the processor computes it fast, else fp32"
    )
    checkpoint_every: Positive = Field(200, description="steps between checkpoints")
    log_every: Positive = Field(20, description="steps between records in metrics.jsonl")


class Evaluation(Section):
    """How the result is scored and shown."""

    clips: Positive = Field(64, description="held-out clips scored")
    protocol: str = Field(
        "deblurkit", description="how sequences are scored: `deblurkit score --list`"
    )
    metrics: tuple[str, ...] = Field(
        (), description="further frame scores by name, for the protocol deblurkit"
    )
    samples: int = Field(6, ge=0, description="held-out clips shown as pictures and videos")
    batch: Positive = Field(8, description="clips a forward pass")


class Recipe(Section):
    """A recipe: one experiment, whole.

    As a file says it, or resolved: every default and every component's parameters filled in.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="names the run")
    summary: str = ""
    seed: int = Field(0, ge=0, lt=2**32)
    frames: int = Field(7, description="T, the number of frames: odd, at least 3")
    family: Component
    loss: Losses
    architecture: Architecture
    schedule: Component
    ordering: Component | None = Field(
        None, description="decides which way each training clip runs; null: nothing does"
    )
    data: Data
    training: Trainings = Trainings()
    evaluation: Evaluation = Evaluation()
    _provenance: Provenance = PrivateAttr(default_factory=Provenance)

    @model_serializer(mode="wrap")
    def _without_ordering(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without an ordering nothing is said of one: such recipes keep their hashes."""
        said: dict[str, Any] = dump(self)
        if self.ordering is None:
            said.pop("ordering", None)
            said.get("training", {}).pop("ordering", None)
        return said

    @property
    def provenance(self) -> Provenance:
        """What the recipe was made from; takes no part in comparisons."""
        return self._provenance

    def with_provenance(self, provenance: Provenance) -> Recipe:
        """The same recipe, with what it was made from."""
        recipe = self.model_copy()
        recipe._provenance = provenance  # noqa: SLF001 - its own class
        return recipe
