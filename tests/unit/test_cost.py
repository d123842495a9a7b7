"""What a run costs: counted once, measured once, and never in the way of a run."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from deblurkit.engine import cost as cost_module
from deblurkit.engine.cost import count_parameters, measure_cost
from deblurkit.engine.inference_cost import HEIGHT, WIDTH, Inference, measure_inference
from deblurkit.engine.phases import PhaseReport
from deblurkit.engine.plan import build_graph
from deblurkit.errors import FrameError
from deblurkit.graph import FrameGraph, Node
from deblurkit.recipe import Recipe, load_recipe
from deblurkit.registry import get_registry
from deblurkit.study.run_records import Cost
from deblurkit_jin2018.families.sequential import Sequential

REPORTS = (PhaseReport("middle", "a", True, 30.0), PhaseReport("core", "b", False, 12.5))
IMAGE = 3 * 40 * 60 * 4
"""Bytes of an image of 40×60 pixels."""


class Told:
    """A reporter that remembers what it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def start(self, title: str, total: int, done: int = 0) -> None: ...
    def advance(self, done: int, note: str = "") -> None: ...
    def finish(self) -> None: ...


class Known(nn.Module):
    """Holds so many images at once, beside its inputs, before it gives one."""

    def __init__(self, held: int) -> None:
        super().__init__()
        self.held, self.seen = held, list[bool]()
        self.draw = nn.Dropout(0.5)

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        self.seen.append(self.training)
        torch.rand(5)  # a network may draw what it likes
        kept = [base + k for k in range(self.held)]
        return kept[-1]


def alone(network: nn.Module, T: int = 1) -> FrameGraph:
    return FrameGraph(T, [Node(1, "one", ("y",), "y", "middle")], {"one": network})


def networks(recipe: Recipe) -> FrameGraph:
    return build_graph(recipe, get_registry(), Sequential(share="pair").graph(7))


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Recipe:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path))
    return load_recipe("sequential_pairwise", scale="smoke")


def measured(recipe: Recipe, graph: FrameGraph, told: Told, precision: str = "fp32") -> dict:
    return measure_cost(
        graph, REPORTS, recipe=recipe, registry=get_registry(),
        device="cpu", precision=precision, reporter=told,
    )  # fmt: skip


@pytest.fixture
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Measurements that take no time; the calls, in order."""
    calls: list[dict] = []

    def measure(graph: FrameGraph, **asked: str) -> Inference:
        calls.append(asked)
        return Inference(0.5 * len(calls), 1000, "a made-up machine")

    monkeypatch.setattr(cost_module, "measure_inference", measure)
    return calls


def test_a_shared_network_counts_once(recipe: Recipe) -> None:
    graph = networks(recipe)
    assert len(graph.nodes) == 7 and len(graph.networks) == 5
    each = sum(p.numel() for n in graph.networks.values() for p in n.parameters())
    assert count_parameters(graph) == each
    network = nn.Linear(3, 4)
    assert count_parameters(nn.ModuleList([network, network])) == 16


def test_it_says_what_the_study_reads(recipe: Recipe, tmp_path: Path) -> None:
    graph, told = networks(recipe), Told()
    said = measured(recipe, graph, told)
    assert json.loads(json.dumps(said)) == said
    assert set(said) == {field.name for field in dataclasses.fields(Cost)}
    found = Cost(**said)
    assert found.parameters == count_parameters(graph)
    assert (found.training_seconds, found.spent_seconds) == (42.5, 12.5)
    assert found.inference_seconds is not None and found.inference_seconds > 0
    # The estimates of all seven frames are there at the end, and features beside them.
    assert found.inference_memory is not None
    assert found.inference_memory > 7 * 3 * HEIGHT * WIDTH * 4
    assert "fp32" in found.measured_on and torch.__version__ in found.measured_on
    assert told.said == ["measuring time and memory for one image of 568×320 pixels"]
    (entry,) = (tmp_path / "inference").iterdir()
    assert json.loads(entry.read_text())["measured_on"] == found.measured_on


def test_equal_networks_are_measured_once_whatever_their_weights(
    recipe: Recipe, stopwatch: list[dict]
) -> None:
    graph, told = networks(recipe), Told()
    first = measured(recipe, graph, told)
    with torch.no_grad():
        for parameter in graph.parameters():
            parameter.add_(1)
    again = measured(recipe.model_copy(update={"seed": 7, "name": "another"}), graph, told)
    assert again == first and len(stopwatch) == len(told.said) == 1


@pytest.mark.parametrize("what", ["precision", "threads", "width", "graph", "code"])
def test_what_may_change_the_time_is_measured_again(
    recipe: Recipe, stopwatch: list[dict], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    graph, precision = networks(recipe), "fp32"
    first = measured(recipe, graph, Told())
    if what == "precision":
        precision = "bf16"
    elif what == "threads":
        monkeypatch.setattr(torch, "get_num_threads", lambda: 17)
    elif what == "width":
        recipe = load_recipe(
            "sequential_pairwise", scale="smoke", overrides=["architecture.core.width=12"]
        )
    elif what == "graph":
        graph = build_graph(recipe, get_registry(), Sequential(share="none").graph(7))
    else:
        monkeypatch.setattr(cost_module, "code_of", lambda origin: "another version")
    again = measured(recipe, graph, Told(), precision)
    assert len(stopwatch) == 2
    assert again["inference_seconds"] != first["inference_seconds"]


@pytest.mark.parametrize("damage", ["", "{}", "[1]", '{"seconds": "fast"}', "not json"])
def test_a_damaged_entry_is_measured_again(
    recipe: Recipe, stopwatch: list[dict], tmp_path: Path, damage: str
) -> None:
    graph = networks(recipe)
    measured(recipe, graph, Told())
    (entry,) = (tmp_path / "inference").iterdir()
    entry.write_text(damage)
    assert measured(recipe, graph, Told())["inference_seconds"] == 1.0
    assert measured(recipe, graph, Told())["inference_seconds"] == 1.0
    assert len(stopwatch) == 2


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("DefaultCPUAllocator: can't allocate memory\nmore"),
        MemoryError(),
        ZeroDivisionError("a network of somebody else's"),
        FrameError("frame 1 cannot be predicted"),
    ],
)
def test_what_cannot_be_measured_stops_no_run(
    recipe: Recipe, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(graph: FrameGraph, **asked: str) -> Inference:
        raise error

    monkeypatch.setattr(cost_module, "measure_inference", fail)
    told = Told()
    found = Cost(**measured(recipe, networks(recipe), told))
    assert found.parameters > 0 and found.training_seconds == 42.5
    assert found.inference_seconds is None and found.inference_memory is None
    reason = (str(error).splitlines() or [""])[0]
    assert found.measured_on.startswith("not measured: ") and reason in found.measured_on
    assert "could not be measured" in told.said[-1] and reason in told.said[-1]


def test_a_cache_that_cannot_be_written_costs_only_the_cache(
    recipe: Recipe, stopwatch: list[dict], tmp_path: Path
) -> None:
    (tmp_path / "inference").write_text("a file where the folder should be")
    told = Told()
    assert measured(recipe, networks(recipe), told)["inference_seconds"] == 0.5
    assert "could not be kept" in told.said[-1]


@pytest.mark.parametrize("held", [1, 2, 5])
def test_memory_is_what_is_held_at_a_time_beside_weights_and_image(held: int) -> None:
    found = [
        measure_inference(alone(Known(held)), device="cpu", precision="fp32", height=40, width=60)
        for _ in range(2)
    ]
    small = 64  # the network's own five random numbers, and what torch keeps a scalar in
    assert held * IMAGE <= (found[0].memory or 0) <= held * IMAGE + small
    assert found[0].memory == found[1].memory


def test_the_networks_and_the_random_state_are_as_before(recipe: Recipe) -> None:
    graph = networks(recipe).train()
    next(iter(graph.networks.values())).eval()
    modes = [module.training for module in graph.modules()]
    weights = {k: v.clone() for k, v in graph.state_dict().items()}
    state = torch.get_rng_state().clone()
    measure_inference(graph, device="cpu", precision="fp32", height=20, width=24)
    known = Known(1)
    measure_inference(alone(known), device="cpu", precision="fp32", height=20, width=24)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in graph.modules()] == modes
    assert all(torch.equal(v, weights[k]) for k, v in graph.state_dict().items())
    assert known.training and not any(known.seen)  # measured as used


def test_only_the_frames_asked_for_are_computed() -> None:
    seen, T = [Known(1), Known(1)], 3
    nodes = [Node(2, "middle", ("y",), "y", "middle"), Node(1, "before", ("y", 2), 2, "core")]
    graph = FrameGraph(T, nodes, {"middle": seen[0], "before": seen[1]})
    small = {"device": "cpu", "precision": "fp32", "height": 8, "width": 8}
    measure_inference(graph, frames=(2,), **small)
    assert seen[0].seen and not seen[1].seen
    with pytest.raises(FrameError, match="frame 3 cannot be predicted"):
        measure_inference(graph, **small)


@pytest.mark.parametrize("size", [(33, 47), (20, 40), (HEIGHT, WIDTH)])
def test_images_of_any_size_fit_the_networks(recipe: Recipe, size: tuple[int, int]) -> None:
    y = torch.rand(1, 3, *size)
    with torch.no_grad():
        assert {e.shape for e in networks(recipe).eval()(y).values()} == {y.shape}


@pytest.mark.gpu
def test_memory_on_a_gpu_is_what_its_allocator_hands_out() -> None:
    found = measure_inference(
        alone(Known(5)), device="cuda", precision="fp32", height=400, width=600
    )
    image = 3 * 400 * 600 * 4
    assert found.memory is not None and 5 * image <= found.memory <= 5 * (image + 2**21)
    assert torch.cuda.get_device_name() in found.measured_on
