"""What this plugin offers. Imported by every listing: no torch here."""

from __future__ import annotations

from pydantic import Field

from deblurkit.hookspecs import hookimpl
from deblurkit.specs import LossSpec, Params

DEBLURKIT_API = 1  # the version of deblurkit's contract that this was written for


class CoarsePairsParams(Params):
    block: int = Field(4, ge=1, description="side of a block, pixels; 1 compares pixel by pixel")


@hookimpl
def deblurkit_losses() -> list[LossSpec]:
    """The losses of this plugin."""
    return [
        LossSpec(
            name="coarse-pairs",
            summary="sum and absolute difference of each pair, of blocks of pixels",
            build="deblurkit_example_loss.loss:CoarsePairs",
            params=CoarsePairsParams,
            reference="Jin et al. 2018, eq. (5), on blocks",
            invariance="pair-swap",
        )
    ]
