"""`animation-from-blur`: each score in its better direction, and of the best sample."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from deblurkit.evaluation.frame_scores import WINDOW, ssim
from deblurkit.evaluation.lpips_distance import Lpips, why_unavailable
from deblurkit.evaluation.measures import Column, Measure
from deblurkit.evaluation.protocol import Image, Sequence
from deblurkit.evaluation.protocols.capped_psnr import CAP, capped_psnr
from deblurkit.evaluation.protocols.clip_arrays import Floats, check_room, checked


class AnimationFromBlur:
    """PSNR, SSIM and LPIPS of Animation from Blur, as its released evaluation computes them.

    Zhong et al., "Animation from Blur: Multi-modal Blur Decomposition with Motion Guidance",
    ECCV 2022.

    For each clip and score: over all frames pooled, the better of forward and reversed, and of
    several samples the best; each score chooses direction and sample on its own. Tables give
    the mean over clips. PSNR is of the squared errors of all frames of a clip together; SSIM
    (Gaussian window of 11×11 pixels, sigma 1.5, as here) and LPIPS (AlexNet) are means over its
    frames. Values are taken as they are, in [0, 1] instead of [0, 255], which changes nothing.
    A clip without error counts as 100 dB.

    What fools it: three scores need not agree on one direction or one sample, so no single
    video has to have all three numbers; more samples score better whatever they show.
    """

    name = "animation-from-blur"
    version = 1
    summary = "PSNR, SSIM, LPIPS, each in its better direction, each of its best sample"
    reference = "Zhong et al. (Animation from Blur), ECCV 2022"
    takes_samples = True

    def columns(self, T: int) -> tuple[Column, ...]:
        """Three columns, whatever T."""
        over = "over samples and both directions, mean over clips"
        return (
            Column(
                "psnr",
                "PSNR",
                f"max of -10 log10 mean (P - G)² over all frames together, {over}; at most {CAP:g}",
                unit="dB",
            ),
            Column("ssim", "SSIM", f"max of the frames' mean SSIM {over}", digits=4),
            Column(
                "lpips",
                "LPIPS",
                f"min of the frames' mean LPIPS (AlexNet) {over}",
                higher_is_better=False,
                digits=4,
            ),
        )

    def unavailable(self) -> Mapping[str, str]:
        """LPIPS, where its backbone's weights cannot be had."""
        return dict(self._absent)

    def score(
        self, estimate: Sequence, target: Sequence, blurry: Image | None = None
    ) -> Mapping[str, Measure]:
        """Score a clip, or several samples of it; see `ScoringProtocol.score`."""
        samples, truth = checked(estimate, target, samples=True)
        check_room(truth, WINDOW, "SSIM")
        orders = [order for sample in samples for order in (sample, sample[::-1])]
        scores = {
            "psnr": max(capped_psnr(float(np.square(p - truth).mean())) for p in orders),
            "ssim": max(_mean_ssim(p, truth) for p in orders),
        }
        if "lpips" not in self._absent:
            scores["lpips"] = min(float(self._lpips.distances(p, truth).mean()) for p in orders)
        return {key: Measure(value) for key, value in scores.items()}

    @cached_property
    def _absent(self) -> Mapping[str, str]:
        reason = why_unavailable("alex")
        return {} if reason is None else {"lpips": reason}

    @cached_property
    def _lpips(self) -> Lpips:
        return Lpips("alex")


def _mean_ssim(estimate: Floats, target: Floats) -> float:
    return float(np.mean([ssim(p, g) for p, g in zip(estimate, target, strict=True)]))
