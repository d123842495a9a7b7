"""What this plugin offers. Imported by every listing: no torch here."""

from __future__ import annotations

from pydantic import Field

from deblurkit.hookspecs import hookimpl
from deblurkit.specs import FamilySpec, OrderingSpec, Params

DEBLURKIT_API = 1

PAPER = "Pham et al., HyperCUT, CVPR 2023"


class HyperCutParams(Params):
    width: int = Field(32, ge=8, description="channels of the first layer, a multiple of 8")
    latent: int = Field(128, ge=1, description="dimensions of the space that the plane cuts")
    margin: float = Field(
        0.5, gt=0, le=1, description="distance to the plane that is asked for, as a cosine"
    )


@hookimpl
def deblurkit_orderings() -> list[OrderingSpec]:
    """The ordering of this plugin."""
    return [
        OrderingSpec(
            name="hypercut",
            summary="a learnt plane in a latent space parts clips from the clips backwards",
            build="deblurkit_hypercut.ordering:HyperCut",
            params=HyperCutParams,
            reference=PAPER,
            learns=True,
        )
    ]


@hookimpl
def deblurkit_families() -> list[FamilySpec]:
    """The family of this plugin."""
    return [
        FamilySpec(
            name="from-middle",
            summary="every frame on its own, from the blurry image and the middle frame",
            build="deblurkit_hypercut.family:FromMiddle",
            reference=PAPER,
        )
    ]
