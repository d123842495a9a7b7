"""PSNR for protocols that average decibels, where one perfect frame must not make all infinite."""

from __future__ import annotations

import math

from deblurkit.evaluation.frame_scores import psnr_of_mse

CAP = 100.0
"""The most that one PSNR counts in a mean of PSNRs, dB. Far above what images of 8 bits can
differ by: one value off by one step among 10^5 others gives 98 dB."""


def capped_psnr(error: float) -> float:
    """-10 log10(error), at most `CAP`: the PSNR in dB of a mean squared error, peak 1.

    A frame without any error, which has no finite PSNR, counts as `CAP`. The publications say
    nothing of this case, as no method reaches it; the truth scored against itself does.
    """
    return CAP if error <= 0 else min(CAP, psnr_of_mse(error))


def cap_score(value: float) -> float:
    """A PSNR that is already in dB, at most `CAP`; not-a-number stays what it is."""
    return value if math.isnan(value) else min(CAP, value)
