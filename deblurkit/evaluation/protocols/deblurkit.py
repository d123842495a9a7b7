"""`deblurkit`: our protocol, the default: one direction for all columns, and motion counts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from deblurkit.camera import response_text
from deblurkit.evaluation.direction import SquaredErrors, frame_errors, squared_errors, turned
from deblurkit.evaluation.frame_scores import WINDOW as SSIM_WINDOW
from deblurkit.evaluation.frame_scores import ssim
from deblurkit.evaluation.lpips_distance import LEAST_SIDE, Lpips, why_unavailable
from deblurkit.evaluation.measures import Column, Measure
from deblurkit.evaluation.motion import (
    MOVING,
    WINDOW,
    direction_agreement,
    direction_coherence,
    local_agreement,
    motion_of_pairs,
    motion_recall,
)
from deblurkit.evaluation.named_scores import NamedScore
from deblurkit.evaluation.protocol import Image, Sequence
from deblurkit.evaluation.protocols.capped_psnr import CAP, cap_score
from deblurkit.evaluation.protocols.clip_arrays import Floats, check_room, checked, in_range
from deblurkit.evaluation.reblur import reblur_error
from deblurkit.formation import Response, form

BUILT_IN = frozenset({"psnr", "ssim", "lpips"})
"""Metrics that have columns of their own; asking for them adds nothing."""

_ROUNDING = 1e-24


class Deblurkit:
    """A sequence as a whole: how near the truth, whether it moves, and whether it moves as one.

    The direction of a clip is the one with the smaller squared error over all frames, for all
    columns alike. PSNRs are of squared errors pooled over clips, so no clip counts for more
    because it is easy. What each trick costs is in docs/protocols.md.

    Args:
        metrics: Further frame scores; each adds a column `<name>-frame`.
        response: The camera response of the re-blurring.
        gamma: Its exponent where the response is gamma.
    """

    name = "deblurkit"
    version = 1
    summary = "One direction for the whole clip; PSNR, SSIM, LPIPS; direction, motion, re-blurring"
    reference = "docs/protocols.md"
    takes_samples = False

    def __init__(
        self,
        metrics: tuple[NamedScore, ...] = (),
        response: Response = "identity",
        gamma: float = 2.2,
    ) -> None:
        self.metrics = tuple(m for m in metrics if m.name not in BUILT_IN)
        self.response, self.gamma = response, gamma

    def columns(self, T: int) -> tuple[Column, ...]:
        """All columns; those per frame have T numbers."""
        best = "each clip in the direction with the smaller squared error over all frames"
        curve = response_text(self.response, self.gamma)
        return (
            _psnr("psnr", "PSNR", f"of all frames and clips pooled, {best}"),
            _psnr("psnr-frame", "PSNR", f"of each frame, pooled over clips, {best}", frames=True),
            Column("ssim", "SSIM", f"mean over frames and clips, {best}", digits=4),
            Column(
                "ssim-frame",
                "SSIM",
                f"of each frame, mean over clips, {best}",
                per_frame=True,
                digits=4,
            ),
            Column(
                "lpips",
                "LPIPS",
                "AlexNet, mean over frames and over clips of at least "
                f"{LEAST_SIDE['alex']}×{LEAST_SIDE['alex']} pixels, {best}",
                higher_is_better=False,
                digits=4,
            ),
            Column(
                "direction-agreement",
                "direction agreement",
                "share of the pairs, weighted by |x[i] - x[j]|², that run the same way as the core "
                "pair",
                digits=3,
                of_order=True,
            ),
            Column(
                "local-agreement",
                "local agreement",
                f"direction agreement of each window of {WINDOW}×{WINDOW} pixels by itself, so "
                "that each object may run its own way and must keep it",
                digits=3,
                of_order=True,
            ),
            Column(
                "direction-coherence",
                "direction coherence",
                f"share of the moving values (|x[i] - x[j]| above {255 * MOVING:g}/255), weighted "
                "by (x[i] - x[j])², that run the way of the majority of their window of "
                f"{WINDOW}×{WINDOW} pixels",
                digits=3,
            ),
            Column(
                "motion-recall",
                "motion recall",
                "share of the true change from frame to frame that is present: sum of "
                "min(<Δ̂, Δ>, |Δ|²) over sum of |Δ|²",
                digits=3,
            ),
            Column(
                "pair-motion",
                "motion of pairs",
                "share of the pairs' true difference that is present, each pair in its better "
                "order: sum of min(<x̂[i] - x̂[j], x[i] - x[j]>, |x[i] - x[j]|²) over sum of "
                "|x[i] - x[j]|²",
                digits=3,
            ),
            _psnr(
                "reblur-psnr",
                "re-blur PSNR",
                f"of the estimate formed again (response {curve}) against the blurry image; where "
                "that is not given, it is formed from the true frames and rounded to 8 bits",
            ),
            _psnr("psnr-forward", "PSNR forward", "pooled, as the estimate runs", informs=True),
            _psnr(
                "psnr-patch",
                "PSNR by patch",
                f"pooled, each patch of {WINDOW}×{WINDOW} pixels in the better direction over all "
                "frames, so that objects far from each other may run their own ways",
                informs=True,
            ),
            _psnr(
                "psnr-pixel",
                "PSNR by pixel",
                "pooled, each pixel of each pair in the better order: flatters",
                informs=True,
            ),
            _psnr(
                "psnr-value",
                "PSNR by value",
                "pooled, each colour of each pixel of each pair in the better order: flatters most",
                informs=True,
            ),
            *(_frame_column(metric, best) for metric in self.metrics),
        )

    def unavailable(self) -> Mapping[str, str]:
        """LPIPS where its weights cannot be had, and metrics that say so themselves."""
        return dict(self._absent)

    def score(
        self, estimate: Sequence, target: Sequence, blurry: Image | None = None
    ) -> Mapping[str, Measure]:
        """Score a clip; see `ScoringProtocol.score`. PluginError: a metric fails."""
        ours, truth = checked(estimate, target)
        check_room(truth, SSIM_WINDOW, "SSIM")
        errors = squared_errors(ours, truth)
        ordered = ours[::-1] if turned(errors) else ours
        similarities = np.array([ssim(p, g) for p, g in zip(ordered, truth, strict=True)])
        scores = {
            **self._psnrs(errors, truth.shape[-1]),
            "ssim": Measure(float(similarities.mean())),
            "ssim-frame": Measure(similarities),
            "direction-agreement": direction_agreement(ordered, truth),
            "local-agreement": local_agreement(ordered, truth),
            "direction-coherence": direction_coherence(ordered, truth),
            "motion-recall": motion_recall(ordered, truth),
            "pair-motion": motion_of_pairs(ordered, truth),
            "psnr-value": Measure(_least_by_value(ours, truth), float(truth.size)),
            "reblur-psnr": self._reblur(ordered, truth, blurry),
        }
        if "lpips" not in self._absent:
            scores["lpips"] = self._distance(ordered, truth)
        for metric in self.metrics:
            if _key(metric) not in self._absent:
                scores[_key(metric)] = _finite(metric, metric.frames(ordered, truth))
        return scores

    @staticmethod
    def _psnrs(errors: SquaredErrors, colours: int) -> dict[str, Measure]:
        """All PSNRs of frames: totals are squared errors, weights numbers of values."""
        values = float(errors.forward[0].size * colours)
        best, ahead, pixel = (frame_errors(errors, m) for m in ("best", "forward", "pixel"))
        patch = frame_errors(errors, "patch", WINDOW)
        T = len(best)
        return {
            "psnr": Measure(float(best.sum()) * values, T * values),
            "psnr-frame": Measure(best * values, np.full(T, values)),
            "psnr-forward": Measure(float(ahead.sum()) * values, T * values),
            "psnr-patch": Measure(float(patch.sum()) * values, T * values),
            "psnr-pixel": Measure(float(pixel.sum()) * values, T * values),
        }

    def _reblur(self, ordered: Floats, truth: Floats, blurry: Image | None) -> Measure:
        if blurry is None:
            y = form(truth, response=self.response, gamma=self.gamma)  # 8 bits, as from a file
        else:
            y = in_range(blurry, "the blurry image")
        error = reblur_error(ordered, y, self.response, self.gamma)
        # A mean of T equal numbers can miss them by a rounding of float64; that is no error.
        return Measure(0.0, error.weight) if error.total < _ROUNDING * error.weight else error

    def _distance(self, ordered: Floats, truth: Floats) -> Measure:
        if min(truth.shape[1:3]) < LEAST_SIDE["alex"]:
            return Measure(0.0, 0.0)  # small clips keep all the other scores
        return Measure(float(self._lpips.distances(ordered, truth).mean()))

    @cached_property
    def _absent(self) -> Mapping[str, str]:
        reason = why_unavailable("alex")
        return ({} if reason is None else {"lpips": reason}) | {
            _key(m): m.unavailable for m in self.metrics if m.unavailable is not None
        }

    @cached_property
    def _lpips(self) -> Lpips:
        return Lpips("alex")


def _least_by_value(estimate: Floats, truth: Floats) -> float:
    """The squared error summed, each value of each pair in its better order."""
    ahead, back = (np.square(order - truth) for order in (estimate, estimate[::-1]))
    pairs = np.minimum(ahead + ahead[::-1], back + back[::-1])
    return float(pairs.sum()) / 2


def _psnr(
    key: str, title: str, definition: str, *, frames: bool = False, informs: bool = False
) -> Column:
    return Column(
        key,
        title,
        f"-10 log10 of the mean squared error {definition}",
        unit="dB",
        higher_is_better=None if informs else True,
        per_frame=frames,
        scale="psnr",
    )


def _key(metric: NamedScore) -> str:
    return f"{metric.name}-frame"


def _frame_column(metric: NamedScore, best: str) -> Column:
    capped = f", each at most {CAP:g}" if metric.unit == "dB" else ""
    return Column(
        _key(metric),
        metric.name,
        f"metric '{metric.name}' of each frame{capped}, mean over clips, {best}",
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        per_frame=True,
        digits=2 if metric.unit == "dB" else 4,
    )


def _finite(metric: NamedScore, scores: Sequence) -> Measure:
    """Infinite decibels count as the cap; where a score is infinite otherwise, it has no weight."""
    if metric.unit == "dB":
        scores = np.array([cap_score(float(s)) for s in scores])
    finite = np.isfinite(scores)
    return Measure(np.where(finite, scores, 0.0), finite.astype(np.float64))
