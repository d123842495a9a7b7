"""`hypercut-ppsnr`: PSNR of every frame in the direction with the higher mean PSNR."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deblurkit.evaluation.direction import squared_errors
from deblurkit.evaluation.measures import Column, Measure
from deblurkit.evaluation.protocol import Image, Sequence
from deblurkit.evaluation.protocols.capped_psnr import CAP, capped_psnr
from deblurkit.evaluation.protocols.clip_arrays import Floats, checked


class HyperCut:
    """The pPSNR of HyperCUT, as its released evaluation computes it.

    Pham et al., "HyperCUT: Video Sequence from a Single Blurry Image using Unsupervised
    Ordering", CVPR 2023.

    For each clip the PSNR of every frame, forward and reversed; the direction with the higher
    mean over frames counts, with all of its frames. Tables give the mean over clips for each
    frame, and of the frames' mean. Where both means are equal the estimate stays forward (the
    released code takes it reversed; only single frames of such clips differ). A frame without
    error counts as 100 dB, where the released code would have infinity.

    What fools it: a frozen sequence loses only as much as squared errors tell, and pairs in mixed
    directions lose nothing at the middle frame.
    """

    name = "hypercut-ppsnr"
    version = 1
    summary = "PSNR per frame, in the direction with the higher mean PSNR"
    reference = "Pham et al. (HyperCUT), CVPR 2023"
    takes_samples = False

    def columns(self, T: int) -> tuple[Column, ...]:
        """The mean over frames, and each frame."""
        said = "in the direction with the higher mean over frames of -10 log10 mean (P(t) - G(t))²"
        return (
            Column(
                "ppsnr",
                "pPSNR",
                f"mean over clips and frames of the frames' PSNRs {said}, each at most {CAP:g}",
                unit="dB",
            ),
            Column(
                "ppsnr-frame",
                "pPSNR",
                f"mean over clips of each frame's PSNR {said}, each at most {CAP:g}",
                unit="dB",
                per_frame=True,
            ),
        )

    def unavailable(self) -> Mapping[str, str]:
        """Nothing is ever unavailable."""
        return {}

    def score(
        self, estimate: Sequence, target: Sequence, blurry: Image | None = None
    ) -> Mapping[str, Measure]:
        """Score a clip; see `ScoringProtocol.score`."""
        ahead, back = both_psnrs(*checked(estimate, target))
        chosen = back if back.mean() > ahead.mean() else ahead
        return {
            "ppsnr": Measure(float(chosen.mean())),
            "ppsnr-frame": Measure(chosen, np.ones(len(chosen))),
        }


def both_psnrs(estimate: Floats, target: Floats) -> tuple[Floats, Floats]:
    """The PSNRs of all frames in dB, each at most 100: T numbers forward, T reversed."""
    errors = squared_errors(estimate, target)
    ahead, back = (
        np.array([capped_psnr(float(e)) for e in direction.mean((1, 2))])
        for direction in (errors.forward, errors.backward)
    )
    return ahead, back
