"""`jin2018-middle`: the middle frame alone, as single-image deblurring is scored."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deblurkit.evaluation.measures import Column, Measure
from deblurkit.evaluation.protocol import Image, Sequence
from deblurkit.evaluation.protocols.capped_psnr import CAP, capped_psnr
from deblurkit.evaluation.protocols.clip_arrays import checked
from deblurkit.frames import middle


class MiddleFrame:
    """PSNR of the middle frame, the mean over clips: section 8 of Jin et al., CVPR 2018.

    The paper's tables say "average PSNR": a mean of the images' decibels, not the PSNR of all
    squared errors pooled. Nothing is said about colours; all three are taken, without
    conversion. A frame without error counts as 100 dB.

    What fools it: everything about motion. The middle frame repeated scores as the truth.
    """

    name = "jin2018-middle"
    version = 1
    summary = "PSNR of the middle frame alone, mean over clips"
    reference = "Jin, Meishvili, Favaro, CVPR 2018, section 8"
    takes_samples = False

    def columns(self, T: int) -> tuple[Column, ...]:
        """One column, whatever T."""
        return (
            Column(
                "psnr-middle",
                "middle PSNR",
                f"mean over clips of -10 log10 mean (P(m) - G(m))², m = (T+1)/2; at most {CAP:g}",
                unit="dB",
            ),
        )

    def unavailable(self) -> Mapping[str, str]:
        """Nothing is ever unavailable."""
        return {}

    def score(
        self, estimate: Sequence, target: Sequence, blurry: Image | None = None
    ) -> Mapping[str, Measure]:
        """Score a clip; see `ScoringProtocol.score`."""
        ours, truth = checked(estimate, target)
        m = middle(len(truth)) - 1
        error = float(np.square(ours[m] - truth[m]).mean())
        return {"psnr-middle": Measure(capped_psnr(error))}
