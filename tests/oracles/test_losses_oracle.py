"""Loss terms against independent float64 computations in numpy, and Fig. 2's four scenarios."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from deblurkit.errors import FrameError
from deblurkit.frames import FrameSet
from deblurkit.norms import NORMS, Norm
from deblurkit_jin2018.losses.global_model import GlobalModel, global_model
from deblurkit_jin2018.losses.pairwise import Pairwise, pairwise
from deblurkit_standard.losses.pairwise_windowed import (
    PairwiseWindowed,
    pairwise_windowed,
    soft_minimum,
)
from deblurkit_standard.losses.pixel import (
    charbonnier,
    charbonnier_term,
    l1,
    l1_term,
    mse,
    mse_term,
)

Array = npt.NDArray[np.float64]
Frames = FrameSet[Tensor]
Term = Callable[[Frames, Frames], Tensor]


def random_frames(
    T: int, shape: tuple[int, ...], seed: int, dtype: torch.dtype = torch.float64
) -> Frames:
    """Random frames, partly outside [0, 1] as estimates may be."""
    rng = np.random.default_rng(seed)
    images = rng.uniform(-0.2, 1.2, size=(T, *shape))
    return FrameSet(T, {i + 1: torch.tensor(images[i], dtype=dtype) for i in range(T)})


def arrays(frames: Frames) -> dict[int, Array]:
    return {i: frames[i].double().numpy() for i in frames}


def rho(error: Array, norm: str, epsilon: float = 1e-3) -> Array:
    if norm == "l1":
        return np.abs(error)
    if norm == "squared":
        return error**2
    return np.sqrt(error**2 + epsilon**2) - epsilon


# --- each term against numpy ---------------------------------------------------------------


def test_pixel_terms_match_numpy() -> None:
    e, x = random_frames(5, (2, 3, 6, 7), 0), random_frames(5, (2, 3, 6, 7), 1)
    error = np.stack([arrays(e)[i] - arrays(x)[i] for i in e])
    per_frame = 2 * 3 * 6 * 7
    assert mse(e, x).item() == pytest.approx((error**2).sum() / per_frame, rel=1e-12)
    assert l1(e, x).item() == pytest.approx(np.abs(error).sum() / per_frame, rel=1e-12)
    expected = np.sqrt(error**2 + 0.05**2).sum() / per_frame
    assert charbonnier(e, x, 0.05).item() == pytest.approx(expected, rel=1e-12)
    assert charbonnier_term(epsilon=0.05)(e, x).item() == pytest.approx(expected, rel=1e-12)
    assert mse_term() is mse and l1_term() is l1


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("T", [3, 5, 7])
def test_pairwise_matches_numpy(T: int, norm: Norm) -> None:
    e, x = random_frames(T, (2, 3, 5, 4), T), random_frames(T, (2, 3, 5, 4), 50 + T)
    p, q = arrays(e), arrays(x)
    expected = 0.0
    for i in range(1, (T + 1) // 2):
        j = T + 1 - i
        for sign in (1, -1):
            ours, true = np.abs(p[i] + sign * p[j]), np.abs(q[i] + sign * q[j])
            expected += rho(ours - true, norm).mean()
    assert pairwise(e, x, norm).item() == pytest.approx(expected, rel=1e-9)
    assert Pairwise(norm)(e, x).item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("frames", [(1, 2, 3, 4, 5, 6, 7), (3, 5), (1, 2, 6)])
def test_global_model_matches_numpy(frames: tuple[int, ...], norm: Norm) -> None:
    e, x = (random_frames(7, (2, 3, 5, 4), seed).only(frames) for seed in (3, 4))
    ours, true = (sum(arrays(s)[i] for i in frames if i != 4) for s in (e, x))
    expected = rho(np.asarray(ours - true), norm).mean()
    assert global_model(e, x, norm).item() == pytest.approx(expected, rel=1e-9)
    assert GlobalModel(norm)(e, x).item() == pytest.approx(expected, rel=1e-9)


def windows(side: int, window: int) -> list[range]:
    """Each window's pixels along one side, from half a window before to half a window behind."""
    if window == 0 or window >= side:
        return [range(side)]
    half, start, found = window // 2, -(window // 2), []
    while True:
        found.append(range(max(0, start), min(side, start + window)))
        if start + window >= side + half:
            return found
        start += max(1, half)


def windowed_by_loops(e: Frames, x: Frames, window: int, norm: Norm, softness: float) -> float:
    p, q = arrays(e), arrays(x)
    B, C, H, W = p[1].shape
    total = 0.0
    for i in range(1, (e.T + 1) // 2):
        j = e.T + 1 - i
        for n in range(B):
            value, weight = 0.0, 0
            for rows, columns in itertools.product(windows(H, window), windows(W, window)):
                given = swapped = 0.0
                for c, r, k in itertools.product(range(C), rows, columns):
                    a, b, s, t = (
                        p[i][n, c, r, k],
                        p[j][n, c, r, k],
                        q[i][n, c, r, k],
                        q[j][n, c, r, k],
                    )
                    given += float(rho(a - s, norm) + rho(b - t, norm))
                    swapped += float(rho(a - t, norm) + rho(b - s, norm))
                pixels = len(rows) * len(columns)
                given, swapped = given / (C * pixels), swapped / (C * pixels)
                if softness:
                    neither = (1 - np.exp(-given / softness)) * (1 - np.exp(-swapped / softness))
                    chosen = -softness * np.log(1 - neither)
                else:
                    chosen = min(given, swapped)
                value, weight = value + pixels * chosen, weight + pixels
            total += value / weight / B
    return total


@pytest.mark.parametrize("window", [0, 1, 4, 5, 8, 9, 100])
@pytest.mark.parametrize(
    ("norm", "softness"), [("l1", 0.0), ("squared", 0.1), ("charbonnier", 0.3)]
)
def test_windowed_matches_plain_loops(window: int, norm: Norm, softness: float) -> None:
    e, x = random_frames(5, (2, 2, 11, 8), 5), random_frames(5, (2, 2, 11, 8), 6)
    expected = windowed_by_loops(e, x, window, norm, softness)
    value = pairwise_windowed(e, x, window, norm, softness)
    assert value.item() == pytest.approx(expected, rel=1e-9)
    term = PairwiseWindowed(window=window, norm=norm, softness=softness)
    assert term(e, x).item() == value.item()


@pytest.mark.parametrize("window", [0, 2, 8, 16])
@pytest.mark.parametrize(("norm", "plain"), [("l1", l1), ("squared", mse)])
def test_windowed_in_one_order_is_the_plain_error(window: int, norm: Norm, plain: Term) -> None:
    x = random_frames(7, (2, 3, 19, 26), 7).only([1, 2, 3, 5, 6, 7])
    noise = random_frames(7, (2, 3, 19, 26), 8)
    e = FrameSet(7, {i: x[i] + 0.02 * noise[i] for i in x})
    value = pairwise_windowed(e, x, window, norm)
    assert value.item() == pytest.approx(plain(e, x).item(), rel=1e-9)


# --- gradients -----------------------------------------------------------------------------

TERMS: dict[str, Term] = {
    "mse": mse_term(),
    "l1": l1_term(),
    "charbonnier": charbonnier_term(0.1),
    **{f"pairwise {norm}": Pairwise(norm) for norm in NORMS},
    **{f"global-model {norm}": GlobalModel(norm) for norm in NORMS},
    "windowed 0": PairwiseWindowed(0),
    "windowed 4": PairwiseWindowed(4, "squared"),
    "windowed 5 soft": PairwiseWindowed(5, "charbonnier", 0.2),
}


@pytest.mark.parametrize("name", TERMS)
def test_gradcheck(name: str) -> None:
    T = 5
    x = random_frames(T, (1, 2, 6, 5), 11)
    images = [random_frames(T, (1, 2, 6, 5), 12)[i].requires_grad_() for i in range(1, T + 1)]

    def value(*estimates: Tensor) -> Tensor:
        return TERMS[name](FrameSet(T, dict(enumerate(estimates, 1))), x)

    assert torch.autograd.gradcheck(value, images)


def descend(term: Term, start: dict[int, Tensor], x: Frames) -> dict[int, Tensor]:
    """Free images moved by plain gradient steps."""
    images = {i: image.clone().requires_grad_() for i, image in start.items()}
    optimiser = torch.optim.Adam(images.values(), 0.01)
    for _ in range(300):
        optimiser.zero_grad()
        term(FrameSet(x.T, images), x).backward()
        optimiser.step()
    return {i: image.detach() for i, image in images.items()}


def one_pair(seed: int = 20) -> tuple[Frames, Tensor]:
    x = random_frames(3, (1, 3, 8, 8), seed).only([1, 3])
    return x, (x[1] + x[3]) / 2


def test_pairwise_equal_free_images_stay_at_the_mean_and_unequal_ones_leave_it() -> None:
    x, mean = one_pair()
    stuck = descend(Pairwise("squared"), {1: mean, 3: mean}, x)
    assert torch.equal(stuck[1], stuck[3])
    free = descend(Pairwise("squared"), {1: mean, 3: mean + 1e-6}, x)
    assert Pairwise("squared")(FrameSet(3, free), x).item() < 1e-3


@pytest.mark.parametrize("norm", NORMS)
def test_networks_that_start_as_the_identity_come_apart(norm: Norm) -> None:
    torch.manual_seed(0)
    x, mean = one_pair()
    y = 0.9 * mean
    first, second = (
        nn.Sequential(nn.Conv2d(c, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))
        for c in (3, 6)
    )
    for last in (first[2], second[2]):
        nn.init.zeros_(last.weight), nn.init.zeros_(last.bias)
    networks = nn.ModuleList([first.double(), second.double()])
    optimiser = torch.optim.Adam(networks.parameters(), 5e-4)
    apart = []
    for _ in range(30):
        a = y + first(y)
        b = y + second(torch.cat([y, a], 1))
        apart.append((a - b).abs().mean().item())
        optimiser.zero_grad()
        pairwise(FrameSet(3, {1: a, 3: b}), x, norm).backward()
        optimiser.step()
    assert apart[0] == 0 and apart[1] > 0 and apart[-1] > 3 * apart[1]


@pytest.mark.parametrize("window", [0, 4])
def test_windowed_equal_estimates_take_the_given_order_not_the_mean_of_both(window: int) -> None:
    x, mean = one_pair()
    images = {i: mean.clone().requires_grad_() for i in (1, 3)}
    pairwise_windowed(FrameSet(3, images), x, window, "squared").backward()
    for i in (1, 3):
        # Down the slope lies this frame's own target; the mean of both would be no slope at all.
        gradient = images[i].grad
        assert gradient is not None
        assert torch.allclose(torch.sign(-gradient), torch.sign(x[i] - mean))
    end = descend(PairwiseWindowed(window, "squared"), {1: mean, 3: mean}, x)
    assert max((end[i] - x[i]).abs().max().item() for i in x) < 1e-2


def test_soft_minimum_is_a_minimum_that_keeps_zero() -> None:
    e, f = (torch.rand(200, dtype=torch.float64, generator=torch.manual_seed(k)) for k in (0, 1))
    hard = torch.minimum(e, f)
    for s in (1.0, 0.1, 0.01):
        soft = soft_minimum(e, f, s)
        assert bool((soft <= hard + 1e-15).all()) and bool((soft >= -1e-15).all())
        assert torch.equal(soft, soft_minimum(f, e, s))
        assert torch.equal(soft_minimum(torch.zeros_like(f), f, s), torch.zeros_like(f))
    assert torch.allclose(soft_minimum(e, f, 1e-5), hard, atol=1e-5)
    zero = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    far = torch.full((1,), 0.3, dtype=torch.float64, requires_grad=True)
    soft_minimum(zero, far, 0.1).sum().backward()
    assert far.grad is not None and far.grad.item() == 0


# --- Fig. 2: two balls, four motions, one blurry image -------------------------------------

SCENARIOS = list(itertools.product((1, -1), (1, -1)))
"""Direction of the upper and of the lower ball."""


def ball(row: float, column: float, radius: float, shape: tuple[int, int]) -> Array:
    """An anti-aliased ball as coverage in [0, 1]."""
    r, c = np.mgrid[: shape[0], : shape[1]]
    return np.clip(radius + 0.5 - np.hypot(r - row, c - column), 0, 1)


def two_balls(directions: tuple[int, int], T: int = 5) -> Frames:
    """Balls that never overlap: the upper one in rows 4..12, the lower one in rows 27..35."""
    shape, images = (40, 40), {}
    for i in range(1, T + 1):
        image = np.full((3, *shape), 0.2)
        for row, direction, colour in (
            (8, directions[0], (0.9, 0.3, 0.1)),
            (31, directions[1], (0.1, 0.8, 0.5)),
        ):
            coverage = ball(row, 19.5 + direction * (i - (T + 1) / 2) * 4.3, 3.5, shape)
            image = image * (1 - coverage) + np.array(colour)[:, None, None] * coverage
        images[i] = torch.tensor(image[None], dtype=torch.float32)
    return FrameSet(T, images)


def test_fig2_scenarios_share_average_and_middle_but_differ() -> None:
    sequences = [two_balls(s) for s in SCENARIOS]
    for one, other in itertools.combinations(sequences, 2):
        assert torch.allclose(
            torch.stack(list(one.values())).mean(0),
            torch.stack(list(other.values())).mean(0),
            atol=1e-6,
        )
        assert torch.allclose(one[3], other[3], atol=1e-6)
        assert (one[1] - other[1]).abs().max() > 0.2


@pytest.mark.parametrize("truth", SCENARIOS)
def test_fig2_pairwise_and_global_accept_all_four_exactly(truth: tuple[int, int]) -> None:
    x = two_balls(truth)
    for scenario in SCENARIOS:
        e = two_balls(scenario)
        for norm in NORMS:
            assert pairwise(e, x, norm).item() == 0
            assert global_model(e, x, norm).item() == 0
        independent = mse(e, x).item(), l1(e, x).item()
        assert independent == (0, 0) if scenario == truth else min(independent) > 1e-3


@pytest.mark.parametrize("softness", [0.0, 0.05])
@pytest.mark.parametrize("truth", SCENARIOS)
def test_fig2_windowed_accepts_what_a_window_can_see(
    truth: tuple[int, int], softness: float
) -> None:
    """The two balls' rows lie 14 apart: no window of up to 14 pixels sees both."""
    x = two_balls(truth)
    for scenario in SCENARIOS:
        e = two_balls(scenario)
        whole_frames = scenario in (truth, (-truth[0], -truth[1]))
        for window in (4, 8, 14):
            assert pairwise_windowed(e, x, window, "l1", softness).item() == 0
        for window in (32, 40, 0):
            value = pairwise_windowed(e, x, window, "l1", softness).item()
            assert value == 0 if whole_frames else value > 1e-3


def test_windowed_and_pairwise_differ_on_pixels_that_choose_alone() -> None:
    """A ball of which every second column runs the other way: fine for eq. (5), not for ours."""
    x, reverse = two_balls((1, 1)), two_balls((-1, -1))
    columns = torch.arange(40) % 2 == 0
    torn = FrameSet(5, {i: torch.where(columns, x[i], reverse[i]) for i in x})
    assert pairwise(torn, x).item() == 0
    for window in (4, 16, 0):
        assert pairwise_windowed(torn, x, window).item() > 1e-3


# --- invariance, to the last bit -----------------------------------------------------------

Drawn = tuple[int, tuple[int, int, int, int], int, torch.dtype]
images: st.SearchStrategy[Drawn] = st.tuples(
    st.sampled_from([3, 5, 7, 9]),
    st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9)),
    st.integers(0, 2**31),
    st.sampled_from([torch.float64, torch.float32, torch.bfloat16]),
)


@settings(max_examples=60, deadline=None)
@given(images, st.data())
def test_swapping_pairs_changes_no_bit(drawn: Drawn, data: st.DataObject) -> None:
    T, shape, seed, dtype = drawn
    e, x = random_frames(T, shape, seed, dtype), random_frames(T, shape, seed + 1, dtype)
    swap = data.draw(st.sets(st.integers(1, T // 2)))
    swapped = FrameSet(T, {i: e[T + 1 - i] if min(i, T + 1 - i) in swap else e[i] for i in e})
    true_swapped = FrameSet(T, {i: x[T + 1 - i] if min(i, T + 1 - i) in swap else x[i] for i in x})
    norm = data.draw(st.sampled_from(NORMS))
    window, softness = data.draw(st.integers(0, 12)), data.draw(st.sampled_from([0.0, 0.2]))
    for term in (Pairwise(norm), PairwiseWindowed(window, norm, softness)):
        value = term(e, x)
        assert value.isfinite() and value.item() > 0
        assert value.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
        assert torch.equal(term(swapped, x), value)
        assert term(true_swapped, x).item() == 0


@settings(max_examples=60, deadline=None)
@given(images, st.data())
def test_permuting_frames_changes_no_bit_of_the_global_loss(
    drawn: Drawn, data: st.DataObject
) -> None:
    T, shape, seed, dtype = drawn
    e, x = random_frames(T, shape, seed, dtype), random_frames(T, shape, seed + 1, dtype)
    others = [i for i in range(1, T + 1) if i != (T + 1) // 2]
    order = data.draw(st.permutations(others))
    to = {**dict(zip(others, order, strict=True)), (T + 1) // 2: (T + 1) // 2}
    term = GlobalModel(data.draw(st.sampled_from(NORMS)))
    assert torch.equal(term(FrameSet(T, {i: e[to[i]] for i in e}), x), term(e, x))
    assert term(FrameSet(T, {i: x[to[i]] for i in x}), x).item() == 0


def test_as_printed_without_the_inner_absolute_value_it_would_not_be_invariant() -> None:
    e, x = random_frames(3, (1, 3, 6, 6), 1), random_frames(3, (1, 3, 6, 6), 2)
    printed = [
        ((e[i] - e[j]) - (x[1] - x[3]).abs()).abs().mean().item() for i, j in ((1, 3), (3, 1))
    ]
    assert printed[0] != pytest.approx(printed[1], rel=1e-3)


# --- what they refuse ----------------------------------------------------------------------


@pytest.mark.parametrize("term", [Pairwise(), PairwiseWindowed()])
@pytest.mark.parametrize(("frames", "words"), [((4,), "none is here"), ((1, 3, 5), "frame 1")])
def test_pairs_must_be_whole(term: Term, frames: tuple[int, ...], words: str) -> None:
    some = random_frames(7, (1, 3, 4, 4), 0).only(frames)
    with pytest.raises(FrameError, match=words):
        term(some, some)


def test_other_mistakes_are_named() -> None:
    e = random_frames(3, (1, 3, 4, 4), 0)
    with pytest.raises(FrameError, match="but the middle"):
        global_model(e.only([2]), e.only([2]))
    with pytest.raises(FrameError, match="no frame"):
        mse(e.only([]), e.only([]))
    with pytest.raises(ValueError, match="different frames"):
        mse(e, e.only([1]))
    with pytest.raises(ValueError, match=r"frame 1.*\(1, 3, 4, 4\)"):
        l1(e, random_frames(3, (1, 3, 5, 4), 0))
    with pytest.raises(ValueError, match="choices: l1, squared, charbonnier"):
        Pairwise("l3")
    with pytest.raises(ValueError, match="window"):
        PairwiseWindowed(window=-1)
    with pytest.raises(ValueError, match="softness"):
        PairwiseWindowed(softness=float("nan"))
    with pytest.raises(ValueError, match="epsilon"):
        charbonnier(e, e, 0.0)
