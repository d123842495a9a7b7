"""The claims about networks and losses, C8 to C10: counted, timed or computed on the spot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from statistics import median

import multi_scale
import torch
from torch.utils.flop_counter import FlopCounterMode

from deblurkit.engine.inference_cost import HEIGHT, WIDTH, measure_inference
from deblurkit.engine.plan import build_graph
from deblurkit.frames import FrameSet, middle, others
from deblurkit.graph import FrameGraph
from deblurkit.recipe import Recipe
from deblurkit.registry import Registry
from deblurkit.stages import Family
from deblurkit.study.bootstrap import Estimate
from deblurkit_standard.rendering.fig2 import fig2_scenarios
from paper_claims.claim import Given, Tested, Timing
from paper_claims.scores import NotTestedError, mean_of
from paper_claims.verdicts import Above, Below, Exactly, Finding, Verdict, Within, all_of, exactly

FACTORS = {1: "middle-factor-1", 2: "middle-factor-2", 4: "sequential", 8: "middle-factor-8"}
"""Resampling factor of the middle network -> the row that has it (C8)."""
BEST_FACTOR = 4
WORTH = 0.1
"""dB that a factor which costs more would have to gain (C8)."""
TIMES_AS_FAST = 10.0
COUNT_MARGIN = 0.1
"""Share by which a number of parameters may differ from the paper's round one (C10)."""
PROGRAMS = (
    "The paper's 2.43 s against 0.24 s (Table 3) are of two separate programs; here both networks "
    "run in one, where the ratio of their operations is what to expect."
)


@dataclass(frozen=True)
class MiddleCost:
    """What the middle network costs on one image of 568×320 pixels.

    Attributes:
        flop: Floating-point operations of its convolutions.
        seconds: Median over rounds; None where it was not timed.
    """

    flop: int
    seconds: float | None


def middle_costs(
    recipes: Mapping[int, Recipe], registry: Registry, timing: Timing | None
) -> dict[int, MiddleCost]:
    """What the middle networks of recipes cost; timed in turns."""
    with torch.device("meta"):
        flop = {key: _flop(_middle_network(r, registry)) for key, r in recipes.items()}
    seconds: dict[int, list[float]] = {key: [] for key in recipes}
    if timing is not None:
        graphs = {key: _middle_network(r, registry) for key, r in recipes.items()}
        for _ in range(timing.rounds):
            for key, graph in graphs.items():
                found = measure_inference(
                    graph,
                    device=timing.device,
                    precision=timing.precision,
                    frames=(middle(graph.T),),
                )
                seconds[key].append(found.seconds)
    return {key: MiddleCost(flop[key], median(s) if s else None) for key, s in seconds.items()}


def _middle_network(recipe: Recipe, registry: Registry) -> FrameGraph:
    family: Family = registry.resolve("family", recipe.family.name).build(**recipe.family.params)
    m = middle(recipe.frames)
    nodes = tuple(node for node in family.graph(recipe.frames) if node.frame == m)
    return build_graph(recipe, registry, nodes)


def _flop(graph: FrameGraph) -> int:
    """Of the middle frame, on torch's meta device: takes no memory and no time."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        graph(torch.empty(1, 3, HEIGHT, WIDTH), None, (middle(graph.T),))
    return int(counter.get_total_flops())


def factors(given: Given) -> Tested:
    """C8."""
    runs = {f: next(iter(given.scores.runs(name).values())) for f, name in FACTORS.items()}
    rows = {f: given.scores.row(name) for f, name in FACTORS.items()}
    for factor, run in runs.items():
        if run.recipe.architecture.middle.get("factor") != factor:
            raise NotTestedError(f"row '{FACTORS[factor]}' does not resample by {factor}")
    costs = middle_costs({f: run.recipe for f, run in runs.items()}, given.registry, given.timing)
    m = middle(rows[BEST_FACTOR].frames)
    best = mean_of(rows[BEST_FACTOR], (m,), -1)
    judged, informs = [], []
    for factor, cost in costs.items():
        score = mean_of(rows[factor], (m,))
        if factor != BEST_FACTOR:
            dearer = cost.flop > costs[BEST_FACTOR].flop
            what = f"factor {factor}, which costs {'more' if dearer else 'less'}, minus factor"
            rule = Below(WORTH if dearer else 0.0)
            judged.append(
                Finding(
                    f"middle frame, {what} {BEST_FACTOR}",
                    given.scores.weighted(score + best),
                    "dB",
                    rule,
                )
            )
        informs.append(
            Finding(f"middle frame, factor {factor}", given.scores.weighted(score), "dB")
        )
        flop = exactly(cost.flop / 1e9)
        informs.append(Finding(f"operations, factor {factor}", flop, "GFLOP", digits=1))
        if cost.seconds is not None:
            seconds = exactly(cost.seconds)
            informs.append(Finding(f"time, factor {factor}", seconds, "s", digits=3))
    notes = () if given.timing is None else (f"Timed on {given.timing.name}.",)
    return Tested(all_of(f.verdict for f in judged), (*judged, *informs), notes)


def fig2_losses(registry: Registry, T: int) -> dict[str, tuple[float, float]]:
    """Loss -> its least and its greatest value between two different scenarios of Fig. 2.

    Each of the four true sequences is compared with each of the other three as if it were an
    estimate of it, in all frames but the middle.
    """
    images = torch.from_numpy(fig2_scenarios(frames=T)).movedim(-1, 2)
    sequences = [FrameSet(T, {i: clip[None, i - 1] for i in others(T)}) for clip in images]
    found = {}
    for name in ("pairwise", "global-model", "mse"):
        term = registry.resolve("loss", name).build()
        values = [float(term(ours, true)) for ours, true in permutations(sequences, 2)]
        found[name] = (min(values), max(values))
    return found


def invariance(given: Given) -> Tested:
    """C9."""
    judged = []
    for T in (5, 7):
        for name, (least, most) in fig2_losses(given.registry, T).items():
            ordered = name == "mse"  # what the independent family is trained with
            what = f"{'least' if ordered else 'greatest'} '{name}' between two scenarios, T = {T}"
            number = exactly(least if ordered else most)
            rule = Above() if ordered else Exactly()
            judged.append(Finding(what, number, rule=rule, digits=5))
    return Tested(all_of(f.verdict for f in judged), tuple(judged))


def cost(given: Given) -> Tested:
    """C10."""
    sizes = multi_scale.sizes_of(given.registry)
    slow = multi_scale.MULTI_SCALE
    judged = [
        Finding(
            f"parameters, {contender.name}",
            exactly(size.parameters / 1e6),
            "million",
            Within(COUNT_MARGIN * contender.parameters, contender.parameters),
        )
        for contender, size in sizes.items()
    ]
    fast = [contender for contender in sizes if contender != slow]
    informs = [
        Finding(
            f"operations of the multi-scale network over those of {contender.name}",
            exactly(sizes[slow].flop / sizes[contender].flop),
            "times",
            digits=1,
        )
        for contender in fast
    ]
    about = "Networks at the paper's widths with random weights, one image of 568×320 pixels."
    counts = all_of(f.verdict for f in judged)
    if given.timing is None:
        verdict: Verdict = "not supported" if counts == "not supported" else "inconclusive"
        return Tested(verdict, (*judged, *informs), (about, "Time was not measured."))
    times = multi_scale.measure(
        given.registry,
        height=HEIGHT,
        device=given.timing.device,
        precision=given.timing.precision,
        rounds=given.timing.rounds,
    )
    for contender in fast:
        ratio = multi_scale.ratio(times[slow], times[contender])
        what = f"{contender.name}: times as fast as the multi-scale network"
        rule = Above(TIMES_AS_FAST) if contender == multi_scale.MIDDLE else None
        number = Estimate(ratio.value, ratio.low, ratio.high, ())
        judged.append(Finding(what, number, "times", rule, 1))
    notes = (
        about,
        f"Timed on {given.timing.name}; brackets hold the range of {given.timing.rounds} rounds.",
        PROGRAMS,
    )
    return Tested(all_of(f.verdict for f in judged), (*judged, *informs), notes)
