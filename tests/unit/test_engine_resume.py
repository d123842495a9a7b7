"""Training that is stopped and taken up again ends with the same bits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from deblurkit import load_recipe, run
from deblurkit.bundle import load_bundle
from deblurkit.engine import train
from deblurkit.engine.progress import Silent
from deblurkit.errors import Interrupted, TrainingError
from deblurkit.recipe import Recipe
from deblurkit.registry import get_registry

SMALL = (
    "evaluation.samples=0",
    "evaluation.metrics=[psnr]",
    "training.checkpoint_every=3",
    "training.middle.steps=7",
    "training.others.steps=7",
    "training.log_every=2",
    "frames=5",
)


class StopAfter(Silent):
    """Asks to stop once a number of steps of the whole run were seen; keeps what was said."""

    def __init__(self, steps: int) -> None:
        self.left, self.said = steps, list[str]()

    def say(self, text: str) -> None:
        self.said.append(text)


def recipe(*overrides: str, seed: int = 0) -> Recipe:
    return load_recipe(
        "sequential_windowed", scale="smoke", overrides=[*SMALL, *overrides], seed=seed
    )


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))


def weights(folder: Path) -> Mapping[str, torch.Tensor]:
    return load_bundle(folder, get_registry()).graph.state_dict()


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def stop_at(monkeypatch: pytest.MonkeyPatch, total: int) -> None:
    """Let the process be 'killed' after `total` steps of the run: nothing is saved then."""
    real, count = train.PhaseTrainer._one_step, [0]

    class Killed(Exception):
        pass

    def step(self: train.PhaseTrainer, batches: Any) -> Any:
        if count[0] == total:
            raise Killed
        count[0] += 1
        return real(self, batches)

    monkeypatch.setattr(train.PhaseTrainer, "_one_step", step)


@pytest.mark.parametrize(
    ("extra", "killed_at"),
    [
        ((), (2, 5, 12)),
        (("training.others.ema=0.9", "training.middle.accumulate=2"), (11,)),
        (("schedule.name=joint", "training.others.lr_schedule=one-cycle"), (4,)),
    ],
)
def test_killed_and_resumed_is_bit_for_bit_the_same(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    extra: tuple[str, ...],
    killed_at: tuple[int, ...],
) -> None:
    whole = run(recipe(*extra), out=tmp_path / "whole", device="cpu")
    expected = weights(whole.folder)
    assert len(expected) > 10

    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "other-cache"))
    for steps, workers in zip(killed_at, (2, 0, 1), strict=False):
        with monkeypatch.context() as patch:
            stop_at(patch, steps)
            with pytest.raises(Exception, match=r"^$"):
                run(
                    recipe(*extra, f"data.workers={workers}"),
                    out=tmp_path / f"at-{steps}",
                    device="cpu",
                )
    again = run(recipe(*extra), out=tmp_path / "again", device="cpu")
    found = weights(again.folder)
    assert expected.keys() == found.keys()
    for name in expected:
        assert torch.equal(expected[name], found[name]), name
    for ours, theirs in zip(records(again.folder), records(whole.folder), strict=True):
        for changing in ("seconds", "samples_per_second"):
            del ours[changing], theirs[changing]
        assert ours == theirs


def test_a_signal_saves_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    real, count = train.PhaseTrainer._one_step, [0]

    def step(self: train.PhaseTrainer, batches: Any) -> Any:
        count[0] += 1
        if count[0] == 4:
            signal.raise_signal(signal.SIGTERM)
        return real(self, batches)

    monkeypatch.setattr(train.PhaseTrainer, "_one_step", step)
    with pytest.raises(Interrupted) as caught:
        run(recipe(), out=tmp_path / "run", device="cpu")
    assert caught.value.exit_code == 128 + signal.SIGTERM
    assert "after step 4 of 7" in str(caught.value)
    assert "run the same command again" in str(caught.value)
    monkeypatch.setattr(train.PhaseTrainer, "_one_step", real)
    steps = [0]

    def counting(self: train.PhaseTrainer, batches: Any) -> Any:
        steps[0] += 1
        return real(self, batches)

    monkeypatch.setattr(train.PhaseTrainer, "_one_step", counting)
    run(recipe(), out=tmp_path / "run", device="cpu")
    assert steps[0] == 3 * 7 - 4


def test_phases_are_reused_and_said_so_and_fresh_ignores_them(tmp_path: Path) -> None:
    reporter = StopAfter(0)
    first = run(recipe(), out=tmp_path / "a", device="cpu")
    assert not any(p.reused for p in first.phases)
    second = run(recipe(), out=tmp_path / "b", device="cpu", reporter=reporter)
    assert all(p.reused for p in second.phases)
    assert sum("reused" in line for line in reporter.said) == 3
    other = load_recipe("independent", scale="smoke", overrides=[*SMALL, "family.name=independent"])
    third = run(other, out=tmp_path / "c", device="cpu")
    assert [p.name for p in third.phases if p.reused] == ["middle"]
    fourth = run(recipe(), out=tmp_path / "d", device="cpu", fresh=True)
    assert not any(p.reused for p in fourth.phases)
    for name, tensor in weights(first.folder).items():
        assert torch.equal(tensor, weights(fourth.folder)[name])


def test_what_decides_a_phase_changes_its_key(tmp_path: Path) -> None:
    def keys(*overrides: str, seed: int = 0) -> dict[str, str]:
        result = run(
            recipe("training.middle.steps=1", "training.others.steps=1", *overrides, seed=seed),
            out=tmp_path / f"run-{len(list(tmp_path.iterdir()))}",
            device="cpu",
        )
        return {p.name: p.key for p in result.phases}

    base = keys()
    assert keys("evaluation.clips=5") == base
    assert keys("data.workers=1") == base
    everything = set(base)
    for override, changed in (
        ("training.others.lr=0.001", {"core", "outer"}),
        ("loss.others.pairwise-windowed.window=8", {"core", "outer"}),
        ("architecture.outer.width=12", {"outer"}),
        ("architecture.middle.width=12", {"middle"}),
        ("data.augment.noise=0.02", everything),
        ("data.clips=17", everything),
        ("training.precision=fp32", everything),
    ):
        found = keys(override)
        differs = {n for n in base if found[n] != base[n]}
        if override == "training.precision=fp32" and not differs:
            continue  # the processor has no fast bf16: auto is fp32 already
        assert differs == changed, override
    assert {n for n, k in keys(seed=1).items() if k != base[n]} == everything


def test_a_loss_that_is_not_finite_stops_before_the_weights_move(tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        run(
            recipe("training.middle.lr=1e30", "training.middle.warmup=0"),
            out=tmp_path / "r",
            device="cpu",
        )
    assert caught.value.exit_code == 1
    text = str(caught.value)
    assert "phase 'middle'" in text
    assert "is not finite in step" in text
    assert "training.middle.lr" in text
