"""Checks of time: order, dropped and repeated frames, cuts, the frame rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from deblurkit.doctor.case import Case, few_or_one
from deblurkit.doctor.cuts import cuts
from deblurkit.doctor.finding import Finding, frames_said
from deblurkit.doctor.order import Misplaced, misplaced
from deblurkit.doctor.rhythm import Jump, Pattern, jumps, pattern, repeats
from deblurkit.doctor.timing import APART
from deblurkit.doctor.trace import MOVING, Trace, likeness_of
from deblurkit.plurals import counted

_REPEATED = "remove the repeated frames, or use footage from before it was converted"
_SEVERAL = 8  # recordings with the same wrong rate up to which each is told
_LEFT_OUT = "make two recordings of it: a clip across the gap has a jump"


def time_findings(case: Case, hashes: Mapping[Path, str]) -> list[Finding]:
    """All that a recording's motion and time stamps tell.

    What explains a step is taken from those that look at it later: a swapped frame jumps, too.

    Args:
        case: The recording.
        hashes: Content of files, where some have the same size.
    """
    trace = case.seen.trace
    cut = cuts(trace)
    trace = _without(trace, cut)
    again = repeats(trace)
    wrong = tuple(m for m in misplaced(trace) if not set(again).intersection(m.frames))
    trace = _without(trace, {t + k for one in wrong for t in one.frames for k in (-1, 0, 1, 2)})
    again = tuple(t for t in again if trace.known[t])
    same = {k for k in again if _same(case, k, hashes)} | set(_same_at_ends(case, trace, hashes))
    left_out = jumps(trace, again)
    slower = pattern(again, trace, repeated=True)
    faster = pattern([jump.frame for jump in left_out], trace, repeated=False)
    found = [*_order(case, wrong), *_cuts(case, cut), *_time_stamps(case)]
    if slower:
        found.append(_converted(case, slower, repeated=True))
    else:
        found += _repeated(case, [k for k in again if k not in same])
        found += _copies(case, sorted(same))
    found += [_converted(case, faster, repeated=False)] if faster else _dropped(case, left_out)
    return found


def one_for_all(found: Sequence[Finding]) -> list[Finding]:
    """Findings, those of whole recordings that have another rate than is said told as one.

    Data sets of short videos have thousands of them, all with the same time stamps.
    """
    groups: dict[tuple[object, ...], list[Finding]] = defaultdict(list)
    for one in found:
        alike = one.check == "rate" and "expected" in one.numbers
        groups[tuple(one.numbers.values()) if alike else (id(one),)].append(one)
    told = list[Finding]()
    for group in groups.values():
        if len(group) <= _SEVERAL:
            told += group
        else:
            files = tuple(file for one in group for file in one.files)
            told.append(replace(group[0], recording=f"{len(group)} recordings", files=files))
    return told


def _without(trace: Trace, steps: tuple[int, ...] | set[int]) -> Trace:
    known = trace.known.copy()
    known[[t for t in steps if 0 <= t < len(known)]] = False
    return replace(trace, known=known)


def _same(case: Case, frame: int, hashes: Mapping[Path, str]) -> bool:
    """Whether a frame's file is a copy of the one before."""
    if case.recording.is_video:
        return False
    content = hashes.get(case.recording.files[frame])
    return content is not None and content == hashes.get(case.recording.files[frame - 1])


def _same_at_ends(case: Case, trace: Trace, hashes: Mapping[Path, str]) -> list[int]:
    """The second frame or the last where it is a copy of its neighbour and all others move on."""
    last = case.recording.frames - 1
    found = []
    for frame, beside in ((1, (2, 3)), (last, (last - 1, last - 2))):
        inside = last >= 4 and trace.known[[frame, *beside]].all()
        if inside and _same(case, frame, hashes):
            a, b = (trace.motion[t] for t in beside)
            if min(np.linalg.norm(a), np.linalg.norm(b)) > MOVING and likeness_of(a, b) > 0.7:
                found.append(frame)
    return found


def _order(case: Case, wrong: tuple[Misplaced, ...]) -> list[Finding]:
    found = []
    for one in wrong:
        frames = tuple(k + 1 for k in one.frames)
        if one.order:
            right = ", ".join(str(k + 1) for k in one.order)
            text = f"{frames_said(frames)} are not in the order of time: that is {right}"
        else:
            text = (
                f"{frames_said(frames)} does not belong between its neighbours, which go on "
                "without it"
            )
        numbers: dict[str, float | str] = {"smoother": round(one.smoother, 1)}
        found.append(
            Finding(
                "order", "error", case.recording.name, text,
                "rename the files so that their names are in the order of time, or remove the "
                "frames",
                frames, case.files(one.frames), numbers if one.smoother else {},
            )
        )  # fmt: skip
    return few_or_one(found, lambda frames: f"{frames_said(frames)} are not in the order of time")


def _cuts(case: Case, cut: tuple[int, ...]) -> list[Finding]:
    match = case.seen.trace.match
    found = [
        Finding(
            "cuts", "error", case.recording.name,
            f"something else begins with frame {k + 1}: a cut, or many frames are missing",
            f"split the recording before frame {k + 1}",
            (k + 1,), case.files([k]), {"match": round(float(match[k]), 2)},
        )
        for k in cut
    ]  # fmt: skip
    return few_or_one(found, lambda frames: f"there are {len(frames)} cuts: {frames_said(frames)}")


def _repeated(case: Case, again: list[int]) -> list[Finding]:
    found = [
        Finding(
            "repeated", "error", case.recording.name,
            f"frame {k + 1} shows the moment of frame {k} again, while things move before and "
            "after",
            _REPEATED, (k + 1,), case.files([k]),
            {"change": round(float(case.seen.trace.change[k]), 2)},
        )
        for k in again
    ]  # fmt: skip
    return few_or_one(found, lambda frames: f"{frames_said(frames)} repeat the frame before")


def _copies(case: Case, again: list[int]) -> list[Finding]:
    found = [
        Finding(
            "duplicates", "error", case.recording.name,
            f"the file of frame {k + 1} is a copy of frame {k}, while things move",
            "put back the file whose place it took, or remove it", (k + 1,), case.files([k - 1, k]),
        )
        for k in again
    ]  # fmt: skip
    return few_or_one(found, lambda frames: f"{frames_said(frames)} are copies of the frame before")


def _dropped(case: Case, left_out: tuple[Jump, ...]) -> list[Finding]:
    found = [
        Finding(
            "dropped", "error", case.recording.name,
            f"from frame {jump.frame} to {jump.frame + 1} things move {jump.times:.1f} times as "
            f"far as before and after: {counted(max(1, round(jump.times) - 1), 'frame')} left out, "
            "and no number missing",
            _LEFT_OUT, (jump.frame, jump.frame + 1), case.files([jump.frame - 1, jump.frame]),
            {"times": round(jump.times, 2), "missing": max(1, round(jump.times) - 1)},
        )
        for jump in left_out
    ]  # fmt: skip
    return few_or_one(found, lambda frames: f"frames are left out in {len(found)} places")


def _time_stamps(case: Case) -> list[Finding]:
    timing, said, name = case.timing, case.recording.rate, case.recording.name
    if timing is None:
        return []
    found = [
        Finding(
            "dropped", "error", name,
            f"by the time stamps {counted(missing, 'frame')} left out before frame {k + 1}",
            _LEFT_OUT, (k, k + 1), case.files([k]), {"missing": missing},
        )
        for k, missing in timing.missing
    ]  # fmt: skip
    found = few_or_one(found, lambda _: f"by the time stamps {len(found)} gaps in time")
    if timing.varies:
        found.append(
            Finding(
                "rate", "warning", name,
                f"the frame rate varies: {timing.varies:.0%} of all frames come early or late by "
                f"a quarter and more, {timing.rate:.4g} frames a second on average",
                "convert it to a constant rate without making up frames, or film again",
                (), case.files([0]),
                {"varies": round(timing.varies, 3), "rate": round(timing.rate, 3)},
            )
        )  # fmt: skip
    elif said and min(abs(rate / said - 1) for rate in (timing.usual, timing.rate)) > APART:
        found.append(
            Finding(
                "rate", "warning", name,
                f"the file has {timing.usual:.4g} frames a second, the data set {said:.4g}",
                "see whether frames were left out, or only the time stamps are slow motion",
                (), case.files([0]), {"rate": round(timing.usual, 3), "expected": said},
            )
        )  # fmt: skip
    return found


def _converted(case: Case, found: Pattern, *, repeated: bool) -> Finding:
    rate, frames = case.recording.rate, tuple(k + 1 for k in found.frames)
    was = (
        f"{rate * found.share:.4g} frames a second" if rate else f"{found.share:.3g} times the rate"
    )
    now = f" to {rate:.4g}" if rate else ""
    what = "repeats the one before" if repeated else "is left out"
    text = f"one frame in {found.every:.3g} {what}, regularly: converted from {was}{now}"
    numbers: dict[str, float | str] = {
        "every": round(found.every, 3),
        "share": round(found.share, 3),
    }
    if rate:
        numbers |= {"rate": rate, "real_rate": round(rate * found.share, 3)}
    return Finding(
        "rate", "error", case.recording.name, text,
        "use the footage from before it was converted"
        + (", or remove the repeated frames" if repeated else ""),
        frames, (), numbers,
    )  # fmt: skip
