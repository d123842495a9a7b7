"""The check of frames that are blurry although they stand for sharp ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from deblurkit.doctor.case import Case, few_or_one
from deblurkit.doctor.cuts import cuts
from deblurkit.doctor.finding import Finding, frames_said
from deblurkit.doctor.sharpness import SOFT, Blurry, blurry_frames

_LEAST = 3  # frames that say how blurred a recording is by itself


def sharpness_findings(case: Case) -> list[Finding]:
    """Single blurry frames; and one finding where a whole recording is clearly blurred."""
    details = [look.detail if look else None for look in case.seen.looks]
    blurry = blurry_frames(details, cuts(case.seen.trace))
    found = [_finding(case, run) for run in _together(blurry)]
    found = few_or_one(found, lambda frames: f"{frames_said(frames)} are blurry")
    soft = [look.softness for look in case.seen.looks if look and look.softness]
    if len(soft) >= _LEAST and float(np.median(soft)) > SOFT:
        found.append(
            Finding(
                "sharpness", "warning", case.recording.name,
                "the whole recording is blurred, so its frames are no truth to learn from",
                "down-sample it (--set data.train.downsample=0.45), or leave it out",
                (), (), {"softness": round(float(np.median(soft)), 2)},
            )
        )  # fmt: skip
    return found


def _together(blurry: tuple[Blurry, ...]) -> list[list[Blurry]]:
    runs = [list(blurry[:1])] if blurry else []
    for before, one in pairwise(blurry):
        if one.frame == before.frame + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _finding(case: Case, run: list[Blurry]) -> Finding:
    frames = tuple(one.frame + 1 for one in run)
    worst = min(run, key=lambda one: one.left)
    numbers: dict[str, float | str] = {
        "left": round(worst.left, 2),
        "across": round(worst.across, 2),
    }
    along = ""
    if worst.directed:
        numbers["angle"] = round(worst.angle, 1)
        along = f", along {worst.angle:.0f}°"
    are = "is" if len(frames) == 1 else "are"
    return Finding(
        "sharpness", "warning", case.recording.name,
        f"{frames_said(frames)} {are} blurry: {worst.left:.0%} of the fine detail of the frames "
        f"around{along}",
        "leave the frames out: split the recording there",
        frames, case.files(one.frame for one in run), numbers,
    )  # fmt: skip
