"""Maps made row by row: every layer against torch's own, on maps of any size."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bundle import networks
from torch import Tensor, nn

from deblurkit.errors import DataError, FrameError
from deblurkit.frames import BLURRY
from deblurkit.graph import FrameGraph, Node
from deblurkit.inference import workspace as workspace_module
from deblurkit.inference.allocation import peak_allocation
from deblurkit.inference.convolution import Chosen, Direct, Minimal, filter_of
from deblurkit.inference.predict import is_exact, predict, rehearse
from deblurkit.inference.rows import (
    Activated,
    Beside,
    Convolved,
    Cut,
    FromSubImages,
    Rows,
    SubImages,
    Sum,
    Whole,
)
from deblurkit.inference.whole import predict_whole
from deblurkit.inference.workspace import _STRIP_BYTES, Workspace

PLENTY = 1 << 40


@pytest.fixture(autouse=True)
def small_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strips of few rows: small maps, too, are cut into several."""
    monkeypatch.setattr(workspace_module, "_STRIP_BYTES", 2000)
    monkeypatch.setattr(workspace_module, "_ROWS", 4)


def drawn(channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(1, channels, height, width, generator=generator)


def read(rows: Rows, step: int) -> Tensor:
    """All rows, `step` at a time."""
    ends = (*range(0, rows.height, step), rows.height)
    return torch.cat([rows.rows(a, b) for a, b in itertools.pairwise(ends)], dim=2)


@given(
    height=st.integers(1, 40), width=st.integers(1, 20), kernel=st.sampled_from([1, 3, 5]),
    dilation=st.integers(1, 9), step=st.integers(1, 40), biased=st.booleans(),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_convolution(
    height: int, width: int, kernel: int, dilation: int, step: int, biased: bool
) -> None:
    x, weight = drawn(3, height, width), drawn(15, kernel, kernel).view(5, 3, kernel, kernel)
    bias = torch.arange(5.0) if biased else None
    rows = Convolved(Whole(x), weight, bias, dilation)
    expected = F.conv2d(x, weight, bias, 1, dilation * (kernel // 2), dilation)
    torch.testing.assert_close(read(rows, step), expected, rtol=1e-4, atol=1e-4)
    assert rows.operations() == 2 * 5 * 3 * kernel**2 * height * width


@given(height=st.integers(2, 50), width=st.integers(1, 20), offset=st.floats(-50, 50))
@settings(deadline=None, max_examples=40)
def test_instance_norm_by_moments_of_strips(height: int, width: int, offset: float) -> None:
    x = drawn(4, height, width) * torch.tensor([0.01, 1, 3, 10]).view(1, 4, 1, 1) + offset
    weight, bias = torch.tensor([1.0, -2, 0.5, 0]), torch.tensor([0.0, 1, -1, 0.3])
    kept = Workspace(PLENTY).keep(Whole(x))
    exact = x.double()
    torch.testing.assert_close(kept.moments.mean, exact.mean((0, 2, 3)), rtol=1e-5, atol=1e-5)
    variance = exact.var((0, 2, 3), correction=0)
    torch.testing.assert_close(kept.moments.variance, variance, rtol=1e-3, atol=1e-8)
    normed = F.instance_norm(exact, weight=weight.double(), bias=bias.double()).relu().float()
    found = read(Activated(kept, kept.moments, weight, bias), 7)
    torch.testing.assert_close(found, normed, rtol=1e-3, atol=2e-3)


@given(
    height=st.integers(1, 40), width=st.integers(1, 30), r=st.integers(1, 6), step=st.integers(1, 9)
)
@settings(deadline=None, max_examples=60)
def test_resampling_there_and_back(height: int, width: int, r: int, step: int) -> None:
    image = drawn(3, height, width)
    whole = F.pad(image, (0, -width % r, 0, -height % r), mode="replicate")
    parts = [SubImages(Whole(image), c, r) for c in range(3)]
    for c, part in enumerate(parts):
        expected = F.pixel_unshuffle(whole[:, c : c + 1], r)
        torch.testing.assert_close(read(part, step), expected)
    torch.testing.assert_close(read(FromSubImages(parts, r, height, width), step), image)


def test_sum_beside_and_cut() -> None:
    a, b = drawn(2, 9, 7, 1), drawn(2, 9, 7, 2)
    torch.testing.assert_close(read(Sum(Whole(a), Whole(b), Whole(a)), 4), a + b + a)
    torch.testing.assert_close(read(Beside(Whole(a), Whole(b)), 4), torch.cat([a, b], 1))
    torch.testing.assert_close(read(Cut(Whole(a), 5, 3), 4), a[..., :5, :3])
    for wrong in (Sum, Beside):
        with pytest.raises(ValueError, match="different sizes"):
            wrong(Whole(a), Whole(drawn(2, 8, 7)))
    with pytest.raises(ValueError, match="odd k"):
        Convolved(Whole(a), torch.zeros(1, 2, 4, 4))


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("room", [PLENTY, 0], ids=["memory", "file"])
def test_kept_maps(room: int, kind: torch.dtype, tmp_path: Path) -> None:
    x = drawn(5, 31, 6)
    kept = Workspace(room, folder=tmp_path).keep(Whole(x), kind)
    torch.testing.assert_close(read(kept, 8), x.to(kind))
    assert kept.rows(3, 5).is_contiguous(memory_format=torch.channels_last)
    assert list(tmp_path.iterdir()) == [], "temporary files have no names"


def test_a_map_is_replaced_only_by_what_does_not_look_around() -> None:
    workspace = Workspace(PLENTY)
    kept = workspace.keep(Whole(drawn(2, 30, 5)))
    before = read(kept, 30).clone()
    around = Convolved(kept, torch.ones(2, 2, 3, 3))
    with pytest.raises(ValueError, match="around"):
        workspace.replace(kept, Sum(kept, around))
    with pytest.raises(ValueError, match="around"):
        workspace.replace(kept, Sum(kept, Beside(*[SubImages(kept, c, 1) for c in range(2)])))
    with pytest.raises(ValueError, match="another size"):
        workspace.replace(kept, Cut(kept, 30, 4))
    with pytest.raises(TypeError):
        workspace.replace(Whole(before), kept)  # type: ignore[arg-type]
    same = workspace.replace(kept, Sum(kept, Convolved(kept, torch.ones(2, 2, 1, 1))))
    torch.testing.assert_close(read(same, 30), before + before.sum(1, keepdim=True))


@pytest.mark.parametrize("room", [PLENTY, 0], ids=["memory", "file"])
@pytest.mark.parametrize(
    "order", [*itertools.permutations("xab"), tuple("xxx"), tuple("xax"), tuple("ax")]
)
def test_a_sum_may_take_the_place_of_any_of_its_parts(order: tuple[str, ...], room: int) -> None:
    workspace = Workspace(room)
    parts = {name: drawn(2, 30, 5, seed) for seed, name in enumerate("xab")}
    kept = {name: workspace.keep(Whole(part)) for name, part in parts.items()}
    found = workspace.replace(kept["x"], Sum(*(kept[name] for name in order)))
    torch.testing.assert_close(read(found, 7), sum(parts[name] for name in order))


def test_room_is_given_back() -> None:
    x = Whole(drawn(4, 8, 8))
    workspace = Workspace(2 * 4 * 4 * 64)
    one, two = workspace.keep(x), workspace.keep(x)
    assert workspace.room == 0
    del one, two
    assert workspace.room == 2 * 4 * 4 * 64


def test_memory_of_a_map_that_is_gone_is_used_again() -> None:
    x = Whole(drawn(4, 8, 8))
    size = 4 * 4 * 64
    workspace = Workspace(2 * size)
    lasting = workspace.keep(x, lasting=True).rows(0, 8)  # a view that outlives the map
    first = workspace.keep(x)
    at = first.rows(0, 1).data_ptr()
    assert waiting_bytes(workspace) == 0
    del first
    assert waiting_bytes(workspace) == size
    second = workspace.keep(Sum(x, x))
    assert second.rows(0, 1).data_ptr() == at and waiting_bytes(workspace) == 0
    torch.testing.assert_close(lasting, x.tensor)
    torch.testing.assert_close(read(second, 3), 2 * x.tensor)


def test_moments_are_taken_where_they_are_wanted() -> None:
    workspace = Workspace(PLENTY)
    kept = workspace.keep(Whole(drawn(4, 8, 8)), measured=False)
    kept = workspace.replace(kept, Sum(kept, Whole(drawn(4, 8, 8))))
    with pytest.raises(ValueError, match="measured=True"):
        _ = kept.moments


def test_what_waits_never_adds_to_the_most_that_maps_needed() -> None:
    size = 4 * 4 * 64
    workspace = Workspace(PLENTY)
    small = [workspace.keep(Whole(drawn(4, 8, 8))) for _ in range(3)]
    del small
    assert waiting_bytes(workspace) == 3 * size
    large = workspace.keep(Whole(drawn(4, 16, 8)))
    assert waiting_bytes(workspace) == size, "three small ones were the most so far"
    again = workspace.keep(Whole(drawn(4, 8, 8)))
    assert waiting_bytes(workspace) == 0
    del large, again
    workspace.release()
    assert waiting_bytes(workspace) == 0


def waiting_bytes(workspace: Workspace) -> int:
    return sum(memory.numel() for memory in workspace._spare)


@given(
    height=st.integers(1, 70), width=st.integers(1, 20), dilation=st.integers(1, 9),
    step=st.integers(1, 70), channels=st.sampled_from([(32, 32), (33, 40), (48, 32)]),
    biased=st.booleans(), offset=st.floats(-9, 9),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_minimal_filtering(
    height: int, width: int, dilation: int, step: int, channels: tuple[int, int],
    biased: bool, offset: float,
) -> None:  # fmt: skip
    into, out = channels
    x = drawn(into, height, width) + offset
    weight = drawn(out, into * 3, 3).view(out, into, 3, 3) / (3 * into**0.5)
    bias = torch.linspace(-2, 2, out) if biased else None
    rows = Convolved(Whole(x), weight, bias, dilation)
    bias = None if bias is None else bias.double()
    expected = F.conv2d(x.double(), weight.double(), bias, 1, dilation, dilation).float()
    torch.testing.assert_close(read(rows, step), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("rows", "dilation", "minimal"),
    [(32, 1, True), (32, 8, True), (33, 1, True), (16, 8, False), (1, 1, False), (24, 4, True)],
)
def test_filtering_is_minimal_where_that_is_less(rows: int, dilation: int, minimal: bool) -> None:
    chosen = filter_of(drawn(32, 32 * 3, 3).view(32, 32, 3, 3), None, dilation)
    assert isinstance(chosen, Chosen)
    assert isinstance(chosen.way(rows), Minimal) == minimal
    assert isinstance(filter_of(torch.ones(16, 32, 3, 3), None, dilation), Direct)
    assert isinstance(filter_of(torch.ones(32, 32, 5, 5), None, dilation), Direct)
    half = torch.ones(32, 32, 3, 3, dtype=torch.bfloat16)
    assert isinstance(filter_of(half, None, dilation), Direct)


@pytest.mark.parametrize(("start", "stop"), [(0, 9), (0, 4), (3, 7), (6, 9)])
def test_rows_are_written_into_a_place_as_they_are_given(start: int, stop: int) -> None:
    a, b = Whole(drawn(2, 9, 7, 1)), Whole(drawn(2, 9, 7, 2))
    kept = Workspace(PLENTY).keep(a)
    active = Activated(kept, kept.moments, torch.tensor([1.0, -2]), torch.tensor([0.2, 0.1]))
    for rows in (
        a, kept, active, Sum(a), Sum(a, b), Sum(a, active, b), Beside(a, b), Cut(a, 9, 7),
        Convolved(active, torch.ones(2, 2, 3, 3)), SubImages(a, 1, 1),
        Convolved(Whole(drawn(32, 9, 7)), drawn(32, 96, 3).view(32, 32, 3, 3)),
    ):  # fmt: skip
        for kind in (torch.float32, torch.bfloat16):
            place = torch.zeros(1, rows.channels, 9, 7, dtype=kind)
            place = place.contiguous(memory_format=torch.channels_last)
            rows.into(place[:, :, start:stop], start, stop)
            torch.testing.assert_close(place[:, :, start:stop], rows.rows(start, stop).to(kind))
            assert not place[:, :, :start].any() and not place[:, :, stop:].any()


def test_nothing_waits_once_a_sequence_is_there() -> None:
    workspace = Workspace(PLENTY)
    found = predict(networks(), Whole(drawn(3, 24, 31).sigmoid()), workspace=workspace)
    assert len(found) == 5 and waiting_bytes(workspace) == 0


def test_a_full_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="temporary file") as caught:
        Workspace(0, folder=tmp_path / "missing").keep(Whole(drawn(1, 4, 4)))
    assert "--memory" in str(caught.value)


@pytest.mark.parametrize("room", [PLENTY, 20_000, 0], ids=["plenty", "some", "none"])
@pytest.mark.parametrize("size", [(40, 60), (37, 53), (16, 23)], ids=str)
def test_a_sequence_is_the_whole_image_s(size: tuple[int, int], room: int) -> None:
    graph, y = networks(), drawn(3, *size).sigmoid()
    with torch.inference_mode():
        expected = graph(y)
    found = predict(graph, Whole(y), workspace=Workspace(room))
    assert list(found) == [1, 2, 3, 4, 5]
    for i, rows in found.items():
        torch.testing.assert_close(read(rows, 9), expected[i], rtol=1e-4, atol=1e-4)


def test_given_frames_and_those_asked_for() -> None:
    graph, y, middle = networks(), drawn(3, 25, 31).sigmoid(), drawn(3, 25, 31, 5).sigmoid()
    with torch.inference_mode():
        expected = graph(y, {3: middle}, (4, 3))
    found = predict(
        graph, Whole(y), workspace=Workspace(PLENTY), given={3: Whole(middle)}, frames=(4, 3)
    )
    assert list(found) == [3, 4]
    torch.testing.assert_close(read(found[4], 9), expected[4], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(read(found[3], 9), middle)
    with pytest.raises(FrameError, match="31×24"):
        predict(graph, Whole(y), workspace=Workspace(PLENTY), given={3: Whole(middle[:, :, 1:])})


@pytest.mark.parametrize("room", [PLENTY, 0])
def test_half_precision_is_near(room: int) -> None:
    graph, y = networks(), drawn(3, 40, 60).sigmoid()
    whole = predict(graph, Whole(y), workspace=Workspace(PLENTY))
    half = predict(graph, Whole(y), workspace=Workspace(room, kind=torch.bfloat16))
    for i, rows in half.items():
        exact = read(whole[i], 40)
        error, residual = (x.square().mean().sqrt() for x in (read(rows, 40) - exact, exact - y))
        assert 0 < float(error) < 0.05 * float(residual)
        assert rows.rows(0, 1).dtype == torch.float32


@pytest.mark.parametrize("room", [PLENTY, 30_000, 0])
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_the_rehearsal_counts_what_is_done(kind: torch.dtype, room: int) -> None:
    graph, y = networks(), Whole(drawn(3, 40, 60).sigmoid())
    counted: list[int] = []
    workspace = Workspace(room, kind=kind, done=counted.append)
    predict(graph, y, workspace=workspace)
    rehearsal = rehearse(graph, y, room, kind=kind)
    assert rehearsal is not None
    # Strips read each other's borders where maps are repeated, so a little more is done.
    assert 1 <= sum(counted) / rehearsal.operations < (1.01 if room == PLENTY else 1.6)
    assert (rehearsal.in_files > 0) == (room < PLENTY)
    assert rehearsal.in_memory <= room


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_strips_of_repeated_maps_are_small(kind: torch.dtype) -> None:
    """Where nothing is kept in memory, what convolutions read of each other is."""
    graph, y = networks(), Whole(drawn(3, 400, 2000).sigmoid())
    workspace = Workspace(0, kind=kind)
    peak = peak_allocation(lambda: predict(graph, y, workspace=workspace, frames=(3,)), "cpu")
    assert peak is not None and peak < 9 * _STRIP_BYTES


class Brighter(nn.Module):
    """A network that only sees whole images: no `in_strips`. It may run either way in time."""

    def __init__(self, step: float) -> None:
        super().__init__()
        self.step = step

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        # Backwards where the upper left corner is dark: as networks do, from tile to tile.
        way = 1.0 if float(base[0, 0, 0, 0]) > 0.5 else -1.0
        return base + way * self.step


def brightening() -> FrameGraph:
    nodes = [
        Node(2, "still", (BLURRY,), BLURRY, "middle"),
        Node(1, "down", (BLURRY,), BLURRY, "core"),
        Node(3, "up", (BLURRY,), BLURRY, "core"),
    ]
    made = {"still": Brighter(0.0), "down": Brighter(-0.25), "up": Brighter(0.25)}
    return FrameGraph(3, nodes, made)


@given(height=st.integers(20, 90), width=st.integers(20, 90), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_tiles_are_turned_to_run_one_way(height: int, width: int, seed: int) -> None:
    from deblurkit.inference.tiles import in_tiles

    graph, image = brightening(), drawn(3, height, width, seed).sigmoid()
    found = in_tiles(
        graph, Whole(image), workspace=Workspace(PLENTY), given={}, frames=(1, 2, 3), side=24
    )
    way = 1.0 if float(image[0, 0, 0, 0]) > 0.5 else -1.0
    for i, step in ((1, -0.25), (2, 0.0), (3, 0.25)):
        torch.testing.assert_close(read(found[i], 17), image + way * step, rtol=1e-4, atol=1e-5)


def test_networks_that_see_whole_images_get_them_where_memory_is_enough() -> None:
    graph, image = brightening(), drawn(3, 150, 170, 3).sigmoid()
    assert not is_exact(graph) and is_exact(networks())
    plenty, little = Workspace(PLENTY), Workspace(10_000)
    found = predict(graph, Whole(image), workspace=plenty, frames=(3,))
    with torch.inference_mode():
        torch.testing.assert_close(read(found[3], 50), graph(image)[3])
    assert rehearse(graph, Whole(image), PLENTY) is None
    tiled = predict(graph, Whole(image), workspace=little, frames=(3,))
    assert plenty.tiles == 1 < little.tiles
    torch.testing.assert_close(read(tiled[3], 50), read(found[3], 50), rtol=1e-4, atol=1e-5)


def test_other_convolutions_are_refused() -> None:
    workspace, x = Workspace(PLENTY), Whole(drawn(4, 8, 8))
    for wrong in (
        nn.Conv2d(4, 4, 3),
        nn.Conv2d(4, 4, 3, stride=2, padding=1),
        nn.Conv2d(4, 4, 3, padding=1, groups=2),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"),
        nn.Conv2d(4, 4, (3, 1), padding=(1, 0)),
    ):
        with pytest.raises(ValueError, match="stride 1"):
            workspace.convolved(x, wrong)
    same = nn.Conv2d(4, 4, 3, padding="same", dilation=2)
    torch.testing.assert_close(read(workspace.convolved(x, same), 3), same(x.tensor))


def test_the_whole_at_once_is_the_same() -> None:
    graph, y, middle = networks(), drawn(3, 25, 31).sigmoid(), drawn(3, 25, 31, 5).sigmoid()
    given_ = {3: Whole(middle)}
    strips = predict(graph, Whole(y), workspace=Workspace(PLENTY), given=given_)
    whole = predict_whole(graph, Whole(y), device="cpu", kind=torch.float32, given=given_)
    assert list(whole) == list(strips)
    for i, rows in whole.items():
        torch.testing.assert_close(read(rows, 25), read(strips[i], 25), rtol=1e-4, atol=1e-4)
    half = predict_whole(graph, Whole(y), device="cpu", kind=torch.bfloat16, frames=(3,))
    assert list(half) == [3] and half[3].rows(0, 1).dtype == torch.float32


def test_networks_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, y, compiled = networks(), Whole(drawn(3, 16, 20).sigmoid()), list[nn.Module]()

    def note(network: nn.Module, **_: object) -> None:
        compiled.append(network)

    monkeypatch.setattr(nn.Module, "compile", note)
    for _ in range(2):
        predict_whole(graph, y, device="cpu", kind=torch.float32, compiled=True)
    assert compiled == list(graph.networks.values())
