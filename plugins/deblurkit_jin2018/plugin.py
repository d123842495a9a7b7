"""What the paper's plugin offers. Imported by every listing: no torch here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from deblurkit.hookspecs import hookimpl
from deblurkit.specs import (
    ArchitectureSpec,
    FamilySpec,
    ImporterSpec,
    LossSpec,
    Params,
    ScheduleSpec,
)

DEBLURKIT_API = 1
PAPER = "Jin, Meishvili, Favaro, CVPR 2018"

Norm = Literal["l1", "squared", "charbonnier"]
Dilations = tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]


class GlobalModelParams(Params):
    norm: Norm = Field("l1", description="error of the sums; the paper uses l1")


class PairwiseParams(Params):
    norm: Norm = Field("l1", description="error of sum and difference; the paper uses l1")


class PairwiseFamilyParams(Params):
    feed_middle: bool = Field(True, description="every network also sees the middle frame")


class SequentialParams(Params):
    share: Literal["none", "pair", "outer"] = Field(
        "pair",
        description="which outer frames share one network: none, the two of a pair, or all",
    )


class ResamplingParams(Params):
    factor: int = Field(4, ge=1, le=16, description="resampling factor r: r*r sub-images a colour")
    width: int = Field(144, ge=1, description="channels of the residual blocks")
    blocks: tuple[tuple[Dilations, ...], ...] = Field(
        (((1, 1),) * 3, ((1, 2), (2, 4), (4, 8)), ((8, 4), (4, 2), (2, 1)), ((1, 1),) * 3),
        min_length=1,
        description="dilations (d1, d2) of each residual block, in groups; a head after each group",
    )
    stems: tuple[Annotated[int, Field(gt=0)], ...] | None = Field(
        None,
        description="channels of each input's stem, adding up to width; "
        "null: half for the first input, the rest shared equally",
    )
    fusion_width: int = Field(64, ge=1, description="channels of the colour fusion block")
    fusion_block: Literal["residual", "two-branch"] = Field(
        "residual", description="residual block with skip, or two branches without"
    )
    zero_init: bool = Field(
        True, description="start the last layers at zero: the network begins as the identity"
    )


_CORE_DILATIONS = ((1, 2), (4, 8), (8, 4), (2, 1))


@hookimpl
def deblurkit_losses() -> Sequence[LossSpec]:
    return [
        LossSpec(
            name="global-model",
            summary="error of the sum of all frames but the middle",
            build="deblurkit_jin2018.losses.global_model:GlobalModel",
            params=GlobalModelParams,
            invariance="permutation",
            reference=f"{PAPER}, eq. (4)",
        ),
        LossSpec(
            name="pairwise",
            summary="error of sum and absolute difference of each symmetric pair",
            build="deblurkit_jin2018.losses.pairwise:Pairwise",
            params=PairwiseParams,
            invariance="pair-swap",
            reference=f"{PAPER}, eq. (5), with the absolute value on both differences",
        ),
    ]


@hookimpl
def deblurkit_families() -> Sequence[FamilySpec]:
    return [
        FamilySpec(
            name="independent",
            summary="every frame on its own, from the blurry image alone",
            build="deblurkit_jin2018.families.independent:Independent",
            reference=f"{PAPER}, section 7, L_indep",
        ),
        FamilySpec(
            name="global-model",
            summary="all frames but the middle trained jointly, from the blurry image alone",
            build="deblurkit_jin2018.families.global_model:GlobalModel",
            reference=f"{PAPER}, section 5.1",
        ),
        FamilySpec(
            name="pairwise",
            summary="each symmetric pair on its own, the second frame seeing the first",
            build="deblurkit_jin2018.families.pairwise:Pairwise",
            params=PairwiseFamilyParams,
            reference=f"{PAPER}, section 5.2",
        ),
        FamilySpec(
            name="sequential",
            summary="from the middle outwards, each frame seeing the two before it",
            build="deblurkit_jin2018.families.sequential:Sequential",
            params=SequentialParams,
            reference=f"{PAPER}, section 5.3, Table 1 with symmetric pairs",
        ),
    ]


@hookimpl
def deblurkit_architectures() -> Sequence[ArchitectureSpec]:
    return [
        ArchitectureSpec(
            name="resampling-cnn",
            summary="residual blocks on resampled gray-scale colours, fused at full size",
            build="deblurkit_jin2018.architectures.resampling_cnn:ResamplingCNN",
            params=ResamplingParams,
            reference=f"{PAPER}, section 6 and supplement, Table 1",
            roles={
                "middle": {},
                "core": {
                    "factor": 5,
                    "width": 128,
                    "blocks": (((1, 1),) * 4, _CORE_DILATIONS, ((1, 1),) * 4),
                    "fusion_width": 32,
                    "fusion_block": "two-branch",
                },
                "outer": {
                    "factor": 5,
                    "width": 128,
                    "blocks": (((1, 1),) * 2, _CORE_DILATIONS, ((1, 1),) * 2),
                    "fusion_width": 32,
                    "fusion_block": "two-branch",
                },
            },
        )
    ]


@hookimpl
def deblurkit_schedules() -> Sequence[ScheduleSpec]:
    return [
        ScheduleSpec(
            name="staged",
            summary="stage after stage, each on the frozen estimates of the earlier",
            build="deblurkit_jin2018.schedules.staged:Staged",
            reference=f"{PAPER}, Table 1",
        ),
        ScheduleSpec(
            name="teacher-forced",
            summary="staged, with the true middle frame given: middle and others train apart",
            build="deblurkit_jin2018.schedules.teacher_forced:TeacherForced",
            reference=f"{PAPER}, section 7, Teacher Forcing",
        ),
        ScheduleSpec(
            name="joint",
            summary="all stages at once",
            build="deblurkit_jin2018.schedules.joint:Joint",
        ),
    ]


@hookimpl
def deblurkit_importers() -> Sequence[ImporterSpec]:
    return [
        ImporterSpec(
            name="jin2018",
            summary="the authors' released networks, T = 7",
            build="deblurkit_jin2018.importer:ReleasedCheckpoints",
            files="center_v3.pth, F35_N8.pth, F26_N9_from_F35_N8.pth and "
            "F17_N9_from_F26_N9_from_F35_N8.pth",
            reference=PAPER,
        ),
    ]
