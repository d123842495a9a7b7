"""The conformance suite of frame scores."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.randomness import generator
from deblurkit.specs import MetricSpec
from deblurkit.testing.subject import Component, Subject

Image = npt.NDArray[np.floating[Any]]
SIZE = (37, 48, 3)


def check_metric(component: Component, /, **params: Any) -> None:
    """Check that a frame score keeps its contract (`MetricSpec`).

    On random frames, 37×48×3: a Python float, the same for the same frames, nearly the same
    for float32 and float64; a perfect estimate scores best; more noise scores worse, in the
    direction that `higher_is_better` says; the frames are left alone.

    Args:
        component: A `MetricSpec`, or a registered component with one.
        **params: The score's parameters by name; the rest take their defaults.

    Raises:
        AssertionError: what is wrong and how to mend it.
    """
    subject = Subject(component, MetricSpec, params)
    score: Callable[[Image, Image], float] = subject.build()
    rng = generator("check_metric")
    ramp = np.linspace(0.2, 0.8, SIZE[1])[None, :, None]
    true = np.clip(np.broadcast_to(ramp, SIZE) + 0.1 * rng.standard_normal(SIZE), 0, 1)
    noise = rng.standard_normal(SIZE)
    estimates = [np.clip(true + level * noise, 0, 1) for level in (0.0, 0.02, 0.1, 0.3)]
    values = []
    for estimate in estimates:
        before = estimate.copy(), true.copy()
        value = score(estimate, true)
        subject.require(
            type(value) is float and not math.isnan(value),
            f"it gives {value!r}, a {type(value).__name__}",
            "return a Python float that is a number (infinity is allowed)",
        )
        subject.require(
            np.array_equal(before[0], estimate) and np.array_equal(before[1], true),
            "it changes the frames it is given",
            "work on copies",
        )
        subject.require(
            score(estimate, true) == value,
            "a second call with the same frames gives another score",
            "a score is a pure function of its two frames",
        )
        values.append(value)
    sign = 1 if subject.spec.higher_is_better else -1
    ordered = [sign * value for value in values]
    subject.require(
        all(better > worse for better, worse in itertools.pairwise(ordered)),
        f"with growing noise it gives {values}, with higher_is_better="
        f"{subject.spec.higher_is_better}",
        "a perfect estimate must score best and more noise worse; see higher_is_better",
    )
    single = score(estimates[1].astype(np.float32), true.astype(np.float32))
    subject.require(
        math.isclose(single, values[1], rel_tol=1e-3, abs_tol=1e-3),
        f"on float32 frames it gives {single}, on float64 ones {values[1]}",
        "compute in float64",
    )
    subject.pickled(score, "clips are scored by several processes")
