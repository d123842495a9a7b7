"""The claims about sequences, C1 to C7, tested on the scores of the suite's rows.

Rows are those of benchmarks/ablation.yaml, by name. "The others" are all frames but the middle;
their PSNR is the mean of their PSNRs in dB, each clip in its better direction.

Which of two methods makes the better sequences can be asked where one of them makes sequences.
Whoever shows the mean of both directions has chosen none; methods that do not beat it differ in
how they blur, so a claim that compares them is inconclusive, whatever the numbers (`sequences`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from deblurkit.frames import middle, others, outer, pairs
from paper_claims.claim import Given, Tested
from paper_claims.scores import NotTestedError, Scored, Term, mean_of, over_others
from paper_claims.verdicts import Above, Below, Finding, Rule, Verdict, all_of, any_of

END_MARGIN = 0.5
"""dB: an end frame this near to the blurry image's PSNR is as blurry as the input (C1)."""
MARGIN = 0.1
"""dB: a loss or gain below this is none (C4, C6)."""
STILL, MEANINGFUL = 0.1, 0.3
"""Motion of pairs below which nothing moves (C1), and above which a sequence may be one (C2)."""
HEDGE = "mean-of-both"
FEWER_STEPS = (125, 250)
"""Of the rows that tell how fast the schedules converge (C5)."""
LENIENT = {"psnr-pixel": "each pixel", "psnr-value": "each colour of each pixel"}


def db(given: Given, what: str, terms: Sequence[Term], rule: Rule | None = None) -> Finding:
    """A finding in dB."""
    number = given.scores.weighted(terms)
    return Finding(_flagged(given, what, terms), number, "dB", rule)


def share(given: Given, what: str, terms: Sequence[Term], rule: Rule | None = None) -> Finding:
    """A finding between 0 and 1."""
    number = given.scores.weighted(terms)
    return Finding(_flagged(given, what, terms), number, "", rule, digits=3)


def _flagged(given: Given, what: str, terms: Sequence[Term]) -> str:
    known = given.scores.knows_scatter(terms)
    return what if known else f"{what} (interval over clips alone: no row here has seeds)"


def gain(method: Scored, reference: Scored, frames: Sequence[int]) -> list[Term]:
    """The mean PSNR of frames, method minus reference, as terms."""
    return mean_of(method, frames) + mean_of(reference, frames, -1)


def over_hedge(given: Given, name: str, what: str = "estimate") -> Finding:
    """What a row has over the mean of both directions: above 0 it makes sequences."""
    row = given.scores.row
    helped = "" if what == "estimate" else " with the true middle frame given"
    return db(
        given,
        f"'{name}'{helped} minus the mean of both directions, the others",
        over_others(row(name, what)) + over_others(row(name, HEDGE), -1),
        Above(),
    )


def sequences(
    verdict: Verdict, judged: Sequence[Finding], gates: Sequence[Finding], *more: Finding
) -> Tested:
    """A verdict on which of several rows is better, where one of them makes sequences.

    Args:
        verdict: What the numbers alone say.
        judged: They.
        gates: `over_hedge` of the rows that are compared.
        more: Numbers that inform.
    """
    informs = [Finding(g.what, g.number, g.unit) for g in gates]
    if any(gate.verdict == "supported" for gate in gates):
        return Tested(verdict, (*judged, *informs, *more))
    shown = [Finding(j.what, j.number, j.unit, digits=j.digits) for j in judged]
    note = (
        "None shown to be a sequence: none of these rows surely beats the mean of both directions, "
        "so what they differ in need not be the quality of a sequence. By the numbers alone: "
        f"{verdict}."
    )
    return Tested("inconclusive", (*shown, *informs, *more), (note,))


def leniently(given: Given, what: str, method: Scored, reference: Scored) -> list[Finding]:
    """The same comparison where pixels and colours choose orders of their own: to inform."""
    return [
        db(
            given,
            f"{what}, {who} in its better order",
            [Term(1, method, key), Term(-1, reference, key)],
        )
        for key, who in LENIENT.items()
    ]


def independent(given: Given) -> Tested:
    """C1."""
    ours = given.scores.row("independent", may_be_silent=True)
    blurry, hedge = (given.scores.row("independent", w) for w in ("blurry", HEDGE))
    T = ours.frames
    rings = [(middle(T),), *pairs(T)]
    falls = [
        db(
            given,
            f"PSNR of frames {listed(near)} minus that of {listed(far)}",
            mean_of(ours, near) + mean_of(ours, far, -1),
            Above(),
        )
        for near, far in pairwise(rings)
    ]
    as_blurry = db(
        given,
        f"gain over the blurry image, frames {listed(rings[-1])}",
        gain(ours, blurry, rings[-1]),
        Below(END_MARGIN),
    )
    still = share(given, "motion of pairs", [Term(1, ours, "pair-motion")], Below(STILL))
    informs = [
        *(
            db(
                given,
                f"gain over the blurry image, frames {listed(ring)}",
                gain(ours, blurry, ring),
            )
            for ring in rings[:-1]
        ),
        db(
            given,
            f"frames {listed(rings[-1])} minus the mean of both directions",
            gain(ours, hedge, rings[-1]),
        ),
    ]
    judged = (*falls, as_blurry, still)
    return Tested(all_of(f.verdict for f in judged), (*judged, *informs))


def global_model(given: Given) -> Tested:
    """C2."""
    long = _meaningful(given, "global-model", Below)
    short = _meaningful(given, "global-model-frames-3", Above)
    verdict = all_of([any_of(f.verdict for f in long), *(f.verdict for f in short)])
    also = [
        share(given, f"motion of pairs, '{name}'", [Term(1, given.scores.row(name), "pair-motion")])
        for name in ("sequential", "frames-3")
    ]
    return Tested(verdict, (*long, *short, *also))


def _meaningful(given: Given, name: str, rule: type[Above | Below]) -> tuple[Finding, Finding]:
    ours = given.scores.row(name, may_be_silent=True)
    hedge = given.scores.row(name, HEDGE)
    return (
        db(
            given,
            f"'{name}' (T = {ours.frames}) minus the mean of both directions, the others",
            over_others(ours) + over_others(hedge, -1),
            rule(),
        ),
        share(
            given,
            f"motion of pairs, '{name}'",
            [Term(1, ours, "pair-motion")],
            rule(MEANINGFUL),
        ),
    )


def middle_helps_pairs(given: Given) -> Tested:
    """C3."""
    names = "pairwise-middle", "pairwise"
    with_middle, without = (given.scores.row(name, "reordered") for name in names)
    as_is = [given.scores.row(name) for name in names]
    judged = db(
        given,
        "with the middle frame minus without, the others, both reordered by hand",
        over_others(with_middle) + over_others(without, -1),
        Above(),
    )
    gates = [over_hedge(given, name, "reordered") for name in names]
    each = [
        db(given, f"the same, frames {i} and {j}", gain(with_middle, without, (i, j)))
        for i, j in pairs(with_middle.frames)
    ]
    return sequences(
        all_of([judged.verdict]), [judged], gates,
        db(given, "the same, neither reordered", over_others(as_is[0]) + over_others(as_is[1], -1)),
        *each, *leniently(given, "the same, all frames", *as_is),
    )  # fmt: skip


def sequential(given: Given) -> Tested:
    """C4."""
    row = given.scores.row
    names = "sequential", "pairwise-middle"
    ours, theirs = (row(name) for name in names)
    reordered, theirs_ordered = (row(name, "reordered") for name in names)
    T = ours.frames
    if len(pairs(T)) < 3:
        raise NotTestedError(f"with T = {T} there is at most one pair beyond the core")
    inner, ends = pairs(T)[1], pairs(T)[-1]
    better = db(
        given,
        "sequential minus pairwise + middle, the others, both reordered by hand",
        over_others(reordered) + over_others(theirs_ordered, -1),
        Above(),
    )
    most = db(
        given,
        f"that gain at frames {listed(ends)} minus that at {listed(inner)} (the core is the same)",
        [*gain(reordered, theirs_ordered, ends), *gain(theirs_ordered, reordered, inner)],
        Above(),
    )
    needless = db(
        given,
        "what reordering by hand still gains for sequential, the others",
        over_others(reordered) + over_others(ours, -1),
        Below(MARGIN),
    )
    judged = (better, most, needless)
    agreement = [
        share(given, f"direction agreement, '{name}'", [Term(1, row(name), "direction-agreement")])
        for name in names
    ]
    return sequences(
        all_of(f.verdict for f in judged), judged,
        [over_hedge(given, name, "reordered") for name in names],
        db(given, "what reordering by hand gains for pairwise + middle, the others",
           over_others(theirs_ordered) + over_others(theirs, -1)),
        db(given, "sequential minus pairwise + middle, neither reordered",
           over_others(ours) + over_others(theirs, -1)),
        *_unshared(given, theirs),
        *agreement,
        *leniently(given, "sequential minus pairwise + middle, all frames", ours, theirs),
    )  # fmt: skip


def _unshared(given: Given, theirs: Scored) -> list[Finding]:
    """With as many networks, each trained for as many frames, as pairwise + middle has."""
    try:
        ours = given.scores.row("share-none")
    except NotTestedError:
        return []
    what = "sequential without shared networks minus pairwise + middle, neither reordered"
    return [db(given, what, over_others(ours) + over_others(theirs, -1))]


def teacher_forcing(given: Given) -> Tested:
    """C5."""
    row = given.scores.row
    compared = [(f"teacher-forced-{n}", f"staged-{n}", f"after {n} steps") for n in FEWER_STEPS]
    compared.append(("sequential", "staged", "after all steps"))
    judged, gates, lenient, parts = [], [], [], []
    for forced, staged, when in compared:
        what = f"teacher-forced minus staged {when}"
        better = db(
            given,
            f"{what}, the others",
            over_others(row(forced)) + over_others(row(staged), -1),
            Above(),
        )
        own = [over_hedge(given, name) for name in (forced, staged)]
        shown = any(gate.verdict == "supported" for gate in own)
        parts.append(better.verdict if shown else "inconclusive")
        judged.append(better)
        gates += own
        lenient += leniently(given, f"{what}, all frames", row(forced), row(staged))
    helped = db(
        given,
        "the same after all steps, both with the true middle frame given",
        over_others(row("sequential", "true-middle"))
        + over_others(row("staged", "true-middle"), -1),
    )
    return sequences(all_of(parts), judged, gates, helped, *lenient)


def sharing(given: Given) -> Tested:
    """C6."""
    row = given.scores.row
    ours = row("share-outer")
    frames = outer(ours.frames)
    if not frames:
        raise NotTestedError(f"with T = {ours.frames} there are no outer frames")
    separate = {"share-none": "one for each frame", "sequential": "one for each pair"}
    judged = [
        db(
            given,
            f"one outer network minus {title}, frames {listed(frames)}",
            gain(ours, row(name), frames),
            Above(-MARGIN),
        )
        for name, title in separate.items()
    ]
    lenient = [
        finding
        for name, title in separate.items()
        for finding in leniently(
            given, f"one outer network minus {title}, all frames", ours, row(name)
        )
    ]
    gates = [over_hedge(given, name) for name in ("share-outer", *separate)]
    return sequences(all_of(f.verdict for f in judged), judged, gates, *lenient)


def true_middle(given: Given) -> Tested:
    """C7."""
    ours, helped = (given.scores.row("sequential", w) for w in ("estimate", "true-middle"))
    judged = [
        db(
            given,
            f"true middle given minus estimated, frame {i}",
            gain(helped, ours, (i,)),
            Above(),
        )
        for i in others(ours.frames)
    ]
    return sequences(
        all_of(f.verdict for f in judged), judged,
        [over_hedge(given, "sequential", w) for w in ("estimate", "true-middle")],
        db(given, "the same, mean of the others", over_others(helped) + over_others(ours, -1)),
        *leniently(given, "the same, all frames, the middle included", helped, ours),
        *_windowed_alike(given),
    )  # fmt: skip


def _windowed_alike(given: Given) -> list[Finding]:
    """The same of the windowed loss, where the suite has it."""
    name = "sequential-windowed"
    try:
        helped, ours = (given.scores.row(name, w) for w in ("true-middle", "estimate"))
    except NotTestedError:
        return []
    what = f"the same for '{name}', mean of the others"
    return [db(given, what, over_others(helped) + over_others(ours, -1))]


def listed(frames: Sequence[int]) -> str:
    """Frames for people."""
    return " and ".join(map(str, frames)) if len(frames) < 3 else ", ".join(map(str, frames))
