"""Cuts inside a recording, and single frames that do not belong where they are."""

from __future__ import annotations

from deblurkit.doctor.trace import FOUND, LOST, Trace

_LESS = 0.25
"""How much worse than each other its neighbours agree with a stray frame."""


def cuts(trace: Trace) -> tuple[int, ...]:
    """Frames, counted from 0, with which something else begins.

    The frames before and after agree among themselves and not with each other, whatever moves. In
    a pan so fast that nothing can be matched the neighbours do not agree, either: no cut.
    """
    found = []
    for run in trace.runs():
        for t in run[1:]:
            beside = [float(trace.match[s]) for s in (t - 1, t + 1) if s in run[1:]]
            back = max(trace.over.get(t, 0.0), trace.over.get(t + 1, 0.0)) >= LOST
            if trace.match[t] < LOST and min(beside) >= FOUND and not back:
                found.append(t)
    return tuple(found)


def strays(trace: Trace) -> tuple[int, ...]:
    """Frames, counted from 0, that show something else than their neighbours, which agree."""
    return tuple(
        t - 1
        for t, over in sorted(trace.over.items())
        if over >= FOUND
        and min(trace.match[t - 1], trace.match[t]) < LOST
        and max(trace.match[t - 1], trace.match[t]) < over - _LESS
    )
