"""What is scored beside an estimate: the one list, for scores, suites, tables and pages.

`estimate` is the method. The `GIVEN` come from the same weights, helped at test time: with the
true middle frame given (Fig. 5, C7), and with each pair put by hand into the order that fits
better (section 7, "one has to manually reorder"). The `NO_METHOD` need no weights: a method is
worth something where it beats the blurry and the frozen image. It has found a sequence where it
also beats the mean of both directions, which is what squared errors make of an open direction and
the most that can be had without choosing one. It can at best reach the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Given = Literal["true-middle", "reordered"]

ESTIMATE = "estimate"
GIVEN: Mapping[Given, str] = {
    "true-middle": "true middle given",
    "reordered": "pairs reordered by hand",
}
NO_METHOD: Mapping[str, str] = {
    "blurry": "blurry image repeated",
    "frozen-middle": "true middle repeated",
    "mean-of-both": "mean of both directions",
    "truth": "truth",
}
ROWS: Mapping[str, str] = {ESTIMATE: ESTIMATE} | dict(GIVEN.items()) | dict(NO_METHOD)
"""All of them, with what to call them."""
OF_WEIGHTS = (ESTIMATE, *GIVEN)
"""Those that a network makes; the others follow from blurry image and truth."""
