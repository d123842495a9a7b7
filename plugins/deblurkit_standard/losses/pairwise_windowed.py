"""The windowed pairwise loss: each pair in the better of its two orders, window by window.

The paper's pairwise loss is unchanged when two estimates are swapped at a single pixel, so
each pixel may choose its own order in time and nothing asks an object to move as a whole.
Here a whole window chooses. With estimates a, b and true frames x, z of one pair, a pointwise
error p, and E_w the mean over the channels and pixels of window w:

    given_w   = E_w[ p(a-x) + p(b-z) ]        swapped_w = E_w[ p(a-z) + p(b-x) ]
    loss      = Σ over pairs of the mean over batch and windows of min(given_w, swapped_w)

Windows overlap by half, so neighbouring ones pull each other to the same order. They go from
half a window before the first pixel to half a window behind the last, and each counts by the
pixels it has inside the image: with an even window every pixel is then in exactly four, and
a sequence that all windows take in the given order scores exactly what the plain errors `l1`
or `mse` say of it, whatever the size of the image. (An odd window cannot overlap by half;
there pixels count nearly alike.)

What is accepted: the true pair, and the true pair swapped as a whole, score exactly 0 for
every window. Objects that go different ways in the estimate score 0 only while no window sees
the paths of two of them; at window 0, the whole image, only whole frames may be swapped.

Equal estimates: where a = b both orders have the same error, bit for bit. The smaller of the
two is then taken to be the given order, not half of each as `torch.minimum` would have it:
half of each pulls both estimates to the mean of x and z, a blurry image, and stays there.
The value is the same either way, so swapping estimates changes no bit of it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurkit.frames import FrameSet
from deblurkit.losses import complete_pairs, same_frames
from deblurkit.norms import Norm, check_norm, pointwise, widened


def pairwise_windowed(
    estimate: FrameSet[Tensor],
    target: FrameSet[Tensor],
    window: int = 16,
    norm: Norm = "l1",
    softness: float = 0.0,
) -> Tensor:
    """The error of each pair in the better of its two orders, chosen window by window.

    Args:
        estimate: Estimated frames, B×C×H×W each, of any range; both frames of every pair.
            A middle frame is ignored.
        target: The true frames of the same indices and shapes, in [0, 1].
        window: Side of a window in pixels; windows are window//2 apart. 0, or at least the
            image's side: the whole image.
        norm: Error of a frame at a point: `l1`, `squared` or `charbonnier`.
        softness: 0: the smaller of the two errors. Above 0: the temperature, in units of the
            error, of the soft minimum `soft_minimum`; keep it well below the errors between
            the true frames of a pair.

    Returns:
        Scalar >= 0: mean over batch, channels and pixels, summed over pairs and over the two
        frames of each; float32, or float64 for float64 images. Exactly 0 where each pair is
        the true one, or the true one swapped as a whole; softness does not change that.

    Raises:
        FrameError: no pair is here, or a frame is here without its partner.
        ValueError: estimate and target hold different frames, or a parameter is out of range.
    """
    same_frames(estimate, target)
    _check(window, norm, softness)
    errors = []
    for i, j in complete_pairs(estimate, "pairwise-windowed"):
        a, b, x, z = (widened(image) for image in (estimate[i], estimate[j], target[i], target[j]))
        given, pixels = window_means(pointwise(a - x, norm) + pointwise(b - z, norm), window)
        swapped, _ = window_means(pointwise(a - z, norm) + pointwise(b - x, norm), window)
        if softness > 0:
            chosen = soft_minimum(given, swapped, softness)
        else:
            chosen = torch.where(given <= swapped, given, swapped)  # a tie takes the given order
        errors.append((chosen * (pixels / pixels.sum())).sum((1, 2)).mean())
    return torch.stack(errors).sum()


def window_means(error: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """The mean of an error over each window.

    Args:
        error: B×C×H×W.
        window: Side in pixels; 0 or at least an image's side: that whole side.

    Returns:
        The means, B×h×w, over all channels and the pixels that a window has inside the image,
        and the number of these pixels, h×w.
    """
    sides = error.shape[-2:]
    half = window // 2
    kernel, stride, padding = zip(
        *(
            (side, side, 0) if window == 0 or window >= side else (window, max(1, half), half)
            for side in sides
        ),
        strict=True,
    )

    def pooled(image: Tensor, divisor: int | None) -> Tensor:
        return F.avg_pool2d(image, kernel, stride, padding, True, False, divisor)

    means = pooled(error.mean(1, keepdim=True), None)[:, 0]
    return means, pooled(error.new_ones(1, 1, *sides), 1)[0, 0]


def soft_minimum(e: Tensor, f: Tensor, temperature: float) -> Tensor:
    """A smooth minimum of two errors >= 0 that is exactly 0 where one of them is.

    -s·log(1 - (1 - exp(-e/s))·(1 - exp(-f/s))) with s the temperature: if exp(-e/s) is how
    well one order explains a window, this is how well "one or the other" does. It lies in
    [0, min(e, f)] and tends to min(e, f) as s tends to 0. Where e is 0, f has no pull at all,
    so that a true sequence stays where it is (a soft minimum by log-mean-exp is not 0 there
    and pulls towards the blurry mean). Where e = f both orders pull alike, towards the mean of
    the two, and where both are far below s hardly at all.

    Args:
        e: Errors >= 0, any shape.
        f: Errors >= 0, the same shape.
        temperature: s > 0, in units of the errors.

    Returns:
        Same shape. Symmetric in e and f to the last bit.
    """
    low, high = torch.minimum(e, f), torch.maximum(e, f)
    swap = torch.exp(-(high - low) / temperature) * -torch.expm1(-low / temperature)
    return low - temperature * torch.log1p(swap)


class PairwiseWindowed(nn.Module):
    """`pairwise_windowed` as a loss term; invariant to swapping the estimates of any pair.

    Args:
        window: Side of a window in pixels, half overlapping; 0: the whole image.
        norm: Error of a frame at a point: `l1`, `squared` or `charbonnier`.
        softness: Temperature of a soft minimum, in units of the error; 0: hard.
    """

    def __init__(self, window: int = 16, norm: Norm = "l1", softness: float = 0.0) -> None:
        super().__init__()
        _check(window, norm, softness)
        self.window, self.norm, self.softness = window, norm, softness

    def forward(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
        """Return the loss, a scalar; see `pairwise_windowed`."""
        return pairwise_windowed(estimate, target, self.window, self.norm, self.softness)

    def extra_repr(self) -> str:
        return f"window={self.window}, norm={self.norm!r}, softness={self.softness}"


def _check(window: int, norm: Norm, softness: float) -> None:
    check_norm(norm)
    if window < 0:
        raise ValueError(f"window must be 0 (the whole image) or more pixels, not {window}")
    if not softness >= 0:
        raise ValueError(f"softness must be 0 or more, not {softness!r}")
