"""Does a sequence move, and does it move one way? Scores that look at differences of frames.

PSNR is kind to a sequence that does not move, or whose pairs run in mixed directions: most
pixels are right. These scores ask for the motion alone. Each function returns what a clip adds
to a `Measure`, so that Σ total / Σ weight is the number over all clips, and a clip in which
little moves counts for little. Frames are named as in docs/notation.md: estimates a, b of a
symmetric pair i < j, the true frames x, z of it, m the middle.

The *directed motion* of a pair is <a-b, x-z> / <x-z, x-z>, sums over pixels and colours: 1 for
the truth, -1 for the truth in reverse, 0 where a = b, and the share of the contrast that is left
where a-b is a paler x-z. Since

    |a-x|² + |b-z|² - |a-z|² - |b-x|² = -2 <a-b, x-z>

its sign is the order of the pair with the smaller squared error, the one that the direction
mode `pair` chooses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from deblurkit.evaluation.direction import patch_starts, squared_errors, turned
from deblurkit.evaluation.measures import Measure
from deblurkit.frames import check_length, pairs

Sequence = npt.NDArray[np.floating[Any]]
Floats = npt.NDArray[np.float64]

WINDOW = 16
"""Side of a window of `direction_coherence`, pixels."""
MOVING = 12 / 255
"""A value (one colour of a pixel) moves where x and z differ by more than this.

Three standard deviations and more of what noise of 1 %, the most that training adds, makes of the
difference of two equal values, 3.6/255: one value in a thousand passes by chance.
"""
LEAST = 0.1
"""A value of an estimate moves where |a-b| is more than this share of |x-z|: what differs by less
in two frames is hardly seen, and says nothing of an order.
"""


def directed_motion(estimate: Sequence, target: Sequence) -> Floats:
    """<a-b, x-z> / <x-z, x-z> of every symmetric pair; 0 where x = z.

    Args:
        estimate: T×H×W×3 floats in [0, 1], in order of time; T odd.
        target: The true frames, in the same shape.

    Returns:
        (T-1)/2 numbers, from the core pair (m-1, m+1) outwards.

    Raises:
        FrameError: T is even.
        ValueError: the shapes differ or are not T×H×W×C.
    """
    along, energy = (field.sum((1, 2)) for field in _pair_fields(estimate, target))
    out: Floats = np.divide(along, energy, out=np.zeros_like(along), where=energy > 0)
    return out


def motion_of_pairs(estimate: Sequence, target: Sequence) -> Measure:
    """How much of the pairs' true motion is there, whichever way each pair runs it.

    total = Σ over pairs max(0, Σ_pixels min(±<a-b, x-z>, |x-z|²)), the sign the pair's better
    order, weight = Σ |x-z|². 1 for the truth in either direction; 0 for every sequence whose pairs
    do not move, also for the mean of the truth and its reverse, which motion recall takes for half
    of the motion; near 0 where pixels choose their order at random, as their motions cancel.

    Args:
        estimate: T×H×W×3 floats in [0, 1], in order of time; T odd.
        target: The true frames, in the same shape.

    Raises:
        FrameError: T is even.
        ValueError: the shapes differ or are not T×H×W×C.
    """
    along, energy = _pair_fields(estimate, target)
    signs = np.where(along.sum((1, 2), keepdims=True) < 0, -1.0, 1.0)
    present = np.minimum(signs * along, energy).sum((1, 2))
    return Measure(float(np.maximum(present, 0.0).sum()), float(energy.sum()))


def direction_agreement(estimate: Sequence, target: Sequence) -> Measure:
    """How much of the pairs' motion runs the same way as the core pair.

    Over the pairs but the core pair, total = Σ |x-z|² where the pair's directed motion has the
    sign of the core pair's, weight = Σ |x-z|². 1 for the truth in either direction. A directed
    motion of exactly 0 agrees with nothing, so it is 0 for a frozen sequence; about 1/2 where
    every pair chooses at random. With T <= 3 there is no other pair: weight 0.

    It asks each pair once, so what most of the motion does decides: an object that runs the other
    way in every pair changes nothing, which is right (the blurry image looks the same), but nor
    does a smaller object whose pairs are mixed: that is for `local_agreement`. Pixels that choose
    at random inside a pair are for `direction_coherence`.

    Args:
        estimate: T×H×W×3 floats in [0, 1], in order of time; T odd.
        target: The true frames, in the same shape.

    Raises:
        FrameError: T is even.
        ValueError: the shapes differ or are not T×H×W×C.
    """
    along, energy = (field.sum((1, 2)) for field in _pair_fields(estimate, target))
    if len(along) < 2:
        return Measure(0.0, 0.0)
    same = np.sign(along[1:]) * np.sign(along[0]) > 0
    return Measure(float(energy[1:][same].sum()), float(energy[1:].sum()))


def local_agreement(estimate: Sequence, target: Sequence, window: int = WINDOW) -> Measure:
    """How much of the pairs' motion runs the same way as the core pair, window by window.

    As `direction_agreement`, but each window (the grid of `direction_coherence`) has directed
    motions of its own, so each object may run its own way and must keep it. A window's weight for
    a pair is the smaller of |x-z|² there of the pair and of the core pair: where only one of them
    moves there is nothing to compare. 1 for the truth in any direction, 0 for a frozen sequence,
    about 1/2 where everything chooses at random; weight 0 with T <= 3. Where objects cross, a
    window sees both, and objects that run different ways may seem to disagree there.

    Args:
        estimate: T×H×W×3 floats in [0, 1], in order of time; T odd.
        target: The true frames, in the same shape.
        window: Side of a window in pixels, >= 1, about the length of the motion.

    Raises:
        FrameError: T is even.
        ValueError: the shapes differ or are not T×H×W×C, or the window is below 1.
    """
    along, energy = (_window_sums(f, window) for f in _pair_fields(estimate, target))
    if len(along) < 2:
        return Measure(0.0, 0.0)
    weight = np.minimum(energy[:1], energy[1:])
    same = np.sign(along[:1]) * np.sign(along[1:]) > 0
    return Measure(float(weight[same].sum()), float(weight.sum()))


def direction_coherence(estimate: Sequence, target: Sequence, window: int = WINDOW) -> Measure:
    """The share of the motion that runs the way of its window's majority, value by value.

    For every pair and every window (a grid from the top left corner; the last ones of a row or
    column are smaller where the image ends), of its moving values (see `MOVING`; the colours of
    a pixel count apart, as each may choose an order of its own) those with (a-b)(x-z) > 0 have
    Σ (x-z)² = e+ together and those with (a-b)(x-z) < 0 have e- (where |a-b| > `LEAST` |x-z|):
    total = Σ max(e+, e-), weight = Σ (x-z)² of the moving values.

    1 for the truth in any direction, also one direction for each window or pair; 0 for a frozen
    sequence. Values that choose at random give 1/2 and a little more, about 1/2 + 0.4/sqrt(n) for
    n moving values in a window that move alike. Where it is high and motion recall low, the
    little motion there is runs one way.

    Args:
        estimate: T×H×W×3 floats in [0, 1], in order of time; T odd.
        target: The true frames, in the same shape.
        window: Side of a window in pixels, >= 1: well below an object's size, as objects may move
            in different directions, and well above 1, as a single pixel always agrees with itself.

    Raises:
        FrameError: T is even.
        ValueError: the shapes differ or are not T×H×W×C, or the window is below 1.
    """
    ours, true = _pair_differences(estimate, target)
    energy = np.square(true) * (np.abs(true) > MOVING)
    seen = np.abs(ours) > LEAST * np.abs(true)
    ahead, back = ((energy * (seen & (ours * sign * true > 0))).sum(-1) for sign in (1, -1))
    majority = np.maximum(_window_sums(ahead, window), _window_sums(back, window))
    # Added up in the same order, so that the truth has exactly 1.
    return Measure(float(majority.sum()), float(_window_sums(energy.sum(-1), window).sum()))


def motion_recall(estimate: Sequence, target: Sequence) -> Measure:
    """How much of the true change from frame to frame is there.

    In the direction that the mode `best` chooses, with steps Δ_t = x[t+1] - x[t] and Δ̂_t of the
    estimate: total = Σ_t max(0, Σ_pixels min(<Δ̂_t, Δ_t>, |Δ_t|²)), products over the colours;
    weight = Σ_t |Δ_t|². 1 for the truth in either direction, 0 for a frozen sequence.

    The upper bound holds at each pixel, so exaggerated motion of one object cannot pay for
    another that stands still; the lower one holds for a step, as at each pixel it would give
    credit to noise. What else there is to know:

    - motion of half the contrast counts half, exaggerated contrast no more than the truth;
    - noise adds nothing on average to a frozen sequence, and takes a little from the truth;
    - a step that is wrong still counts where it coincides with the true one: a sharp sequence of
      T = 7 with frames 1 and 7 swapped keeps 5/6 where a step is as long as the object (two of
      six steps are half right), less where it is shorter. Order itself is what
      `direction_agreement` asks;
    - an object that runs backwards while most of the picture runs forwards loses most of its own
      share, although it may explain the blurry image as well.

    Args:
        estimate: T×H×W×3 floats in [0, 1], in order of time; T odd.
        target: The true frames, in the same shape.

    Raises:
        FrameError: T is even.
        ValueError: the shapes differ or are not T×H×W×C.
    """
    errors = squared_errors(estimate, target)
    ordered = estimate[::-1] if turned(errors, "best") else estimate
    ours, true = (np.diff(frames.astype(np.float64), axis=0) for frames in (ordered, target))
    along, energy = (ours * true).sum(-1), np.square(true).sum(-1)
    present = np.minimum(along, energy).sum((1, 2))
    return Measure(float(np.maximum(present, 0.0).sum()), float(energy.sum()))


def _pair_fields(estimate: Sequence, target: Sequence) -> tuple[Floats, Floats]:
    """<a-b, x-z> and |x-z|² over the colours, P×H×W each, from the core pair outwards."""
    ours, true = _pair_differences(estimate, target)
    return (ours * true).sum(-1), np.square(true).sum(-1)


def _pair_differences(estimate: Sequence, target: Sequence) -> tuple[Floats, Floats]:
    """a-b and x-z, P×H×W×C each, from the core pair outwards."""
    if estimate.shape != target.shape or estimate.ndim != 4:
        raise ValueError(f"expected two sequences T×H×W×3, got {estimate.shape} and {target.shape}")
    T = check_length(len(target))
    first = [i - 1 for i, _ in pairs(T)]
    last = [j - 1 for _, j in pairs(T)]
    ours, truth = estimate.astype(np.float64), target.astype(np.float64)
    return ours[first] - ours[last], truth[first] - truth[last]


def _window_sums(field: Floats, window: int) -> Floats:
    """The sum over each window: P×H×W to P×rows×columns."""
    if window < 1:
        raise ValueError(f"a window of {window!r} pixels; valid: 1 or more")
    sums = field
    for axis in (1, 2):
        sums = np.add.reduceat(sums, patch_starts(field.shape[axis], window), axis=axis)
    return sums
