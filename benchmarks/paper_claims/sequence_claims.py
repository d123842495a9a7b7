"""The claims about sequences, C1 to C7, tested on the scores of the suite's rows.

Rows are those of benchmarks/ablation.yaml, by name. "The others" are all frames but the middle;
their PSNR is the mean of their PSNRs in dB.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from deblurkit.frames import indices, middle, others, outer, pairs
from paper_claims.claim import Given, Tested
from paper_claims.scores import NotTestedError, Scored, Term, mean_of, over_others, weighted
from paper_claims.verdicts import Above, Below, Finding, Rule, Within, all_of, any_of

END_MARGIN = 0.3
"""dB: an end frame this near to the blurry image's PSNR is as blurry as the input (C1)."""
MARGIN = 0.1
"""dB: a loss or gain below this is none (C4, C6)."""
MOTION_SHARE = 0.5
"""A meaningful sequence has at least this share of the motion that the sequential one has (C2)."""

SAME_STEPS = (
    "Both have trained for the same number of steps, so the score says which is further after "
    "these. How many steps each needs for the same quality cannot be read from training losses: "
    "the two see other images in training, and the easier ones give the lower loss."
)


def _db(what: str, terms: Sequence[Term], rule: Rule | None = None) -> Finding:
    return Finding(what, weighted(terms), "dB", rule)


def _gain(method: Scored, reference: Scored, frames: Sequence[int]) -> list[Term]:
    """The mean PSNR of frames, method minus reference."""
    return mean_of(method, frames) + mean_of(reference, frames, -1)


def _share(what: str, terms: Sequence[Term], rule: Rule | None = None) -> Finding:
    return Finding(what, weighted(terms), "", rule, digits=3)


def independent(given: Given) -> Tested:
    """C1."""
    ours, blurry = (given.scores.row("independent", w) for w in ("estimate", "blurry"))
    T = ours.frames
    rings = [(middle(T),), *pairs(T)]
    each = [
        _db(f"gain over the blurry image, frame {i}", _gain(ours, blurry, (i,))) for i in indices(T)
    ]
    ends = _db(
        "gain over the blurry image, mean of the two end frames",
        _gain(ours, blurry, rings[-1]),
        Within(END_MARGIN),
    )
    falls = [
        _db(
            f"gain at frames {_listed(near)} minus gain at {_listed(far)}",
            [*_gain(ours, blurry, near), *_gain(blurry, ours, far)],
            Above(),
        )
        for near, far in pairwise(rings)
    ]
    judged = (ends, *falls)
    return Tested(all_of(f.verdict for f in judged), (*each, *judged))


def global_model(given: Given) -> Tested:
    """C2."""
    long, motion = _meaningful(given, "global-model", "sequential", rule=Below)
    short, short_motion = _meaningful(given, "global-model-frames-3", "frames-3", rule=Above)
    verdict = all_of(
        [any_of(f.verdict for f in (long, motion)), short.verdict, short_motion.verdict]
    )
    also = [
        _db(
            f"gain of '{name}' over the true middle frame repeated, the others",
            over_others(given.scores.row(name))
            + over_others(given.scores.row(name, "frozen-middle"), -1),
        )
        for name in ("global-model", "global-model-frames-3")
    ]
    recalls = [
        _share(f"motion recall, '{name}'", [Term(1, given.scores.row(name), "motion-recall")])
        for name in ("global-model", "sequential", "global-model-frames-3", "frames-3")
    ]
    return Tested(verdict, (long, motion, short, short_motion, *recalls, *also))


def _meaningful(
    given: Given, name: str, reference: str, rule: type[Above | Below]
) -> tuple[Finding, Finding]:
    ours, blurry = given.scores.row(name), given.scores.row(name, "blurry")
    best = given.scores.row(reference)
    gain = _db(
        f"gain of '{name}' (T = {ours.frames}) over the blurry image, the others",
        over_others(ours) + over_others(blurry, -1),
        rule(),
    )
    key = "motion-recall"
    motion = _share(
        f"motion recall of '{name}' minus {MOTION_SHARE:g} × that of '{reference}'",
        [Term(1, ours, key), Term(-MOTION_SHARE, best, key)],
        rule(),
    )
    return gain, motion


def middle_helps_pairs(given: Given) -> Tested:
    """C3."""
    with_middle, without = "pairwise-middle", "pairwise"
    row = given.scores.row
    judged = _db(
        "with the middle frame minus without, the others, both reordered by hand",
        over_others(row(with_middle, "reordered")) + over_others(row(without, "reordered"), -1),
        Above(),
    )
    as_is = _db(
        "the same, neither reordered", over_others(row(with_middle)) + over_others(row(without), -1)
    )
    T = row(with_middle).frames
    each = [
        _db(
            f"the same, reordered, frames {i} and {j}",
            _gain(row(with_middle, "reordered"), row(without, "reordered"), (i, j)),
        )
        for i, j in pairs(T)
    ]
    return Tested(all_of([judged.verdict]), (judged, as_is, *each))


def sequential(given: Given) -> Tested:
    """C4."""
    row = given.scores.row
    ours, reordered = row("sequential"), row("sequential", "reordered")
    theirs, theirs_ordered = row("pairwise-middle"), row("pairwise-middle", "reordered")
    T = ours.frames
    if len(pairs(T)) < 2:
        raise NotTestedError(f"with T = {T} there are no frames beyond the core")
    core, ends = pairs(T)[0], pairs(T)[-1]
    better = _db(
        "sequential as it is minus pairwise + middle reordered by hand, the others",
        over_others(ours) + over_others(theirs_ordered, -1),
        Above(),
    )
    most = _db(
        f"that gain at frames {_listed(ends)} minus that at {_listed(core)}",
        [*_gain(ours, theirs_ordered, ends), *_gain(theirs_ordered, ours, core)],
        Above(),
    )
    needless = _db(
        "what reordering by hand still gains for sequential, the others",
        over_others(reordered) + over_others(ours, -1),
        Below(MARGIN),
    )
    pairwise_needs = _db(
        "what reordering by hand gains for pairwise + middle, the others",
        over_others(theirs_ordered) + over_others(theirs, -1),
    )
    agreement = [
        _share(f"direction agreement, {name}", [Term(1, scored, "direction-agreement")])
        for name, scored in (
            ("sequential as it is", ours),
            ("pairwise + middle as it is", theirs),
            ("pairwise + middle reordered by hand", theirs_ordered),
        )
    ]
    as_is = _db(
        "sequential minus pairwise + middle, neither reordered",
        over_others(ours) + over_others(theirs, -1),
    )
    judged = (better, most, needless)
    return Tested(all_of(f.verdict for f in judged), (*judged, pairwise_needs, as_is, *agreement))


def teacher_forcing(given: Given) -> Tested:
    """C5."""
    row = given.scores.row
    better = _db(
        "teacher-forced minus staged, the others, both with their own middle frame",
        over_others(row("sequential")) + over_others(row("staged"), -1),
        Above(),
    )
    helped = _db(
        "the same, both with the true middle frame given",
        over_others(row("sequential", "true-middle"))
        + over_others(row("staged", "true-middle"), -1),
    )
    notes = [SAME_STEPS]
    for name in ("sequential", "staged"):
        reached = [share for run in given.scores.records(name) for share in _steps_to_fall(run)]
        if reached:
            notes.append(
                f"'{name}': 90 % of the fall of its own training loss was there after "
                f"{100 * fmean(reached):.0f} % of the steps (mean over phases and seeds)."
            )
    return Tested(all_of([better.verdict]), (better, helped), tuple(notes))


def _steps_to_fall(records: Sequence[Mapping[str, Any]]) -> list[float]:
    """After what share of its steps 90 % of the fall is there, for each phase but the middle's."""
    phases: dict[str, list[tuple[int, float]]] = {}
    for record in records:
        loss = next((v for k, v in record["terms"].items() if k.startswith("pairwise")), None)
        if loss is not None:
            phases.setdefault(record["phase"], []).append((record["step"], loss))
    shares = []
    for points in phases.values():
        first, last = points[0][1], min(loss for _, loss in points)
        goal = first - 0.9 * (first - last)
        reached = next(step for step, loss in points if loss <= goal)
        shares.append(reached / points[-1][0])
    return shares


def sharing(given: Given) -> Tested:
    """C6."""
    ours = given.scores.row("share-outer")
    frames = outer(ours.frames)
    if not frames:
        raise NotTestedError(f"with T = {ours.frames} there are no outer frames")
    judged = [
        _db(
            f"one outer network minus {title}, frames {_listed(frames)}",
            _gain(ours, given.scores.row(name), frames),
            Above(-MARGIN),
        )
        for name, title in (
            ("share-none", "one for each frame"),
            ("sequential", "one for each pair"),
        )
    ]
    return Tested(all_of(f.verdict for f in judged), tuple(judged))


def true_middle(given: Given) -> Tested:
    """C7."""
    ours, helped = (given.scores.row("sequential", w) for w in ("estimate", "true-middle"))
    judged = [
        _db(f"true middle given minus estimated, frame {i}", _gain(helped, ours, (i,)), Above())
        for i in others(ours.frames)
    ]
    mean = _db("the same, mean of the others", over_others(helped) + over_others(ours, -1))
    return Tested(all_of(f.verdict for f in judged), (*judged, mean))


def _listed(frames: Sequence[int]) -> str:
    return " and ".join(map(str, frames)) if len(frames) < 3 else ", ".join(map(str, frames))
