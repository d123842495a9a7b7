"""Our own claims, W1 to W3: what the windowed pairwise loss does that the pairwise loss does not.

All rows have squared errors, no adversarial term and the true middle frame given, so nothing but
the losses differs. With several objects a clip has several right answers, which one direction for
the whole clip calls wrong; there PSNR is taken by patches, each in its better direction.
"""

from __future__ import annotations

from paper_claims.claim import Given, Tested
from paper_claims.scores import NotTestedError, Scored, Term
from paper_claims.sequence_claims import HEDGE, db, over_hedge, share
from paper_claims.verdicts import Above, Finding, all_of

WINDOWS = (1, 4, 8, 16, 32, 0)
"""0: the whole image."""
GROUPS = {"": "one object", "-two-objects": "two objects", "-three-objects": "three objects"}
PLAIN, VALUES = "plain-pairwise", "each-value"
PATCHES = "psnr-patch"


def windowed(window: int, group: str = "") -> str:
    """The row of a window size."""
    return f"windowed-{window or 'whole'}{group}"


def _size(window: int) -> str:
    return f"windows of {window} px" if window else "the whole image"


def _helped(given: Given, name: str) -> Scored:
    return given.scores.row(name, "true-middle")


def makes_a_sequence(given: Given) -> Tested:
    """W1."""
    name = windowed(16)
    judged = [over_hedge(given, name, "true-middle")]
    for other in (PLAIN, VALUES):
        terms = [Term(1, _helped(given, name), "psnr"), Term(-1, _helped(given, other), "psnr")]
        judged.append(db(given, f"'{name}' minus '{other}', all frames", terms, Above()))
    informs = [
        db(
            given,
            f"'{windowed(1)}' minus '{PLAIN}', all frames",
            [
                Term(1, _helped(given, windowed(1)), "psnr"),
                Term(-1, _helped(given, PLAIN), "psnr"),
            ],
        ),
        db(
            given,
            f"'{name}' minus '{windowed(1)}', all frames",
            [Term(1, _helped(given, name), "psnr"), Term(-1, _helped(given, windowed(1)), "psnr")],
        ),
        *(_plain(over_hedge(given, other, "true-middle")) for other in (PLAIN, VALUES)),
        _plain(over_hedge(given, name)),
    ]
    for row in (name, PLAIN, VALUES):
        informs += [
            share(given, f"{key.replace('-', ' ')}, '{row}'", [Term(1, _helped(given, row), key)])
            for key in ("direction-coherence", "pair-motion", "motion-recall")
        ]
    return Tested(all_of(f.verdict for f in judged), (*judged, *informs, *_in_l1(given)))


def _plain(finding: Finding) -> Finding:
    """Without its rule: to inform."""
    return Finding(finding.what, finding.number, finding.unit, digits=finding.digits)


def _in_l1(given: Given) -> list[Finding]:
    """The paper's norm, on the clips of the paper's rows."""
    ours, theirs = "windowed-16-l1", "no-adversarial"
    try:
        terms = [Term(1, _helped(given, ours), "psnr"), Term(-1, _helped(given, theirs), "psnr")]
        found = [_plain(over_hedge(given, ours, "true-middle"))]
    except NotTestedError:
        return []
    return [db(given, f"in L1: '{ours}' minus '{theirs}', all frames", terms), *found]


def holds_for_all_sizes(given: Given) -> Tested:
    """W2."""
    judged, informs = [], []
    plain, hedge = _helped(given, PLAIN), given.scores.row(PLAIN, HEDGE)
    for window in WINDOWS:
        ours = _helped(given, windowed(window))
        judged.append(
            db(
                given,
                f"{_size(window)} minus the mean of both directions, all frames",
                [Term(1, ours, "psnr"), Term(-1, hedge, "psnr")],
                Above(),
            )
        )
        informs.append(
            db(
                given,
                f"{_size(window)} minus pairwise, all frames",
                [Term(1, ours, "psnr"), Term(-1, plain, "psnr")],
            )
        )
    return Tested(all_of(f.verdict for f in judged), (*judged, *informs))


def several_objects(given: Given) -> Tested:
    """W3."""
    judged, informs = [], []
    for group, title in GROUPS.items():
        if not group:
            continue
        plain, hedge = _helped(given, PLAIN + group), given.scores.row(PLAIN + group, HEDGE)
        small = _helped(given, windowed(16, group))
        whole = _helped(given, windowed(0, group))
        judged += [
            db(
                given,
                f"{title}: windows of 16 px minus {what}, by patches",
                [Term(1, small, PATCHES), Term(-1, other, PATCHES)],
                Above(),
            )
            for what, other in (
                ("the mean of both directions", hedge),
                ("pairwise", plain),
                ("the whole image", whole),
            )
        ]
        informs += [
            share(
                given, f"{title}: {key.replace('-', ' ')}, windows of 16 px", [Term(1, small, key)]
            )
            for key in ("local-agreement", "direction-coherence", "pair-motion")
        ]
        for window in WINDOWS:
            try:
                ours = _helped(given, windowed(window, group))
            except NotTestedError:
                continue
            for key, how in ((PATCHES, "by patches"), ("psnr", "one direction")):
                informs.append(
                    db(
                        given,
                        f"{title}: {_size(window)} minus the mean of both directions, {how}",
                        [Term(1, ours, key), Term(-1, hedge, key)],
                    )
                )
    return Tested(all_of(f.verdict for f in judged), (*judged, *informs))
