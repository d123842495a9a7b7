"""Checkpoints: whole or not at all, checked, the last two kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from deblurkit.engine.checkpoint import (
    Checkpoint,
    load_checkpoint,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)
from deblurkit.engine.log import RECORDS, read_records
from deblurkit.engine.phase_store import PhaseResult, PhaseStore
from deblurkit.errors import RunError

RECORD = {"phase": "middle", "step": 1, "terms": {"mse": 0.5}, "lr": 0.1}


def checkpoint(step: int) -> Checkpoint:
    return Checkpoint(step, {"network:a|w": torch.full((3,), float(step))}, {"seconds": step})


def test_the_newest_is_read_and_two_are_kept(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        save_checkpoint(tmp_path, checkpoint(step))
    found, problems = load_checkpoint(tmp_path)
    assert found is not None
    assert found.step == 30
    assert problems == []
    assert torch.equal(found.tensors["network:a|w"], torch.full((3,), 30.0))
    assert found.scalars == {"seconds": 30}
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "step-0000020.json", "step-0000020.safetensors",
        "step-0000030.json", "step-0000030.safetensors",
    ]  # fmt: skip


def test_none_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path / "nowhere") == (None, [])


@pytest.mark.parametrize("cut", [0, 1, 7, 40, 90])
def test_a_checkpoint_cut_short_falls_back_to_the_one_before(tmp_path: Path, cut: int) -> None:
    save_checkpoint(tmp_path, checkpoint(10))
    save_checkpoint(tmp_path, checkpoint(20))
    path = tmp_path / "step-0000020.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    found, problems = load_checkpoint(tmp_path)
    assert found is not None
    assert found.step == 10
    assert len(problems) == 1
    assert "step 20 is damaged" in problems[0]


def test_only_damaged_checkpoints_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(20))
    (tmp_path / "step-0000020.safetensors").write_bytes(b"not tensors")
    with pytest.raises(RunError, match="delete the folder"):
        load_checkpoint(tmp_path)


def test_a_checkpoint_without_its_json_does_not_exist(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, checkpoint(10))
    save_checkpoint(tmp_path, checkpoint(20))
    (tmp_path / "step-0000020.json").unlink()
    found, problems = load_checkpoint(tmp_path)
    assert found is not None
    assert (found.step, problems) == (10, [])


def test_an_unwritable_folder_is_a_run_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="could not be written"):
        save_checkpoint(tmp_path / "file", checkpoint(1))


def test_optimizer_state_survives() -> None:
    def train(p: nn.Parameter, optimizer: torch.optim.Optimizer, steps: range) -> None:
        for k in steps:
            p.grad = torch.sin(torch.arange(4.0) + k)
            optimizer.step()

    a = nn.Parameter(torch.zeros(4))
    first = torch.optim.Adam([a], lr=0.1)
    train(a, first, range(5))
    b = nn.Parameter(a.detach().clone())
    second = torch.optim.Adam([b], lr=0.1)
    restore_optimizer(second, optimizer_tensors(first))
    train(a, first, range(5, 9))
    train(b, second, range(5, 9))
    assert torch.equal(a, b)


def test_a_damaged_stored_phase_counts_as_missing(tmp_path: Path) -> None:
    store = PhaseStore(tmp_path)
    store.put(PhaseResult("k", {"net": {"w": torch.ones(2)}}, (RECORD,), 2.5), "phase")
    found = store.get("k", ["net"])
    assert found is not None
    assert torch.equal(found.weights["net"]["w"], torch.ones(2))
    assert found.records == (RECORD,)
    assert found.seconds == 2.5
    path = tmp_path / "k" / "net.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert store.get("k", ["net"]) is None
    assert not (tmp_path / "k").exists()
    assert len(list(tmp_path.glob("k.damaged-*"))) == 1


@pytest.mark.parametrize("said", ["null", "{", '{"networks": null}', '{"networks": {}}'])
def test_a_stored_phase_must_name_the_networks_it_trained(tmp_path: Path, said: str) -> None:
    store = PhaseStore(tmp_path)
    store.put(PhaseResult("k", {"net": {"w": torch.ones(2)}}, (), 1.0), "phase")
    (tmp_path / "k" / "phase.json").write_text(said)
    assert store.get("k", ["net"]) is None


def test_damaged_records_cost_only_the_records(tmp_path: Path) -> None:
    store = PhaseStore(tmp_path)
    store.put(PhaseResult("k", {"net": {"w": torch.ones(2)}}, (RECORD, RECORD), 1.0), "phase")
    path = tmp_path / "k" / "metrics.jsonl"
    path.write_text(path.read_text()[:-3])  # cut short
    found = store.get("k", ["net"])
    assert found is not None and found.records == (RECORD,)
    path.write_text("no json")
    found = store.get("k", ["net"])
    assert found is not None and found.records == ()


@pytest.mark.parametrize(
    "line",
    [
        "", "[]", "3", '{"step": 1, "terms": {}}', '{"phase": "a", "step": "x", "terms": {}}',
        '{"phase": "a", "step": 1, "terms": [1]}',
        '{"phase": "a", "step": 1, "terms": {"b": null}}',
        '{"phase": "a", "step": 1, "terms": {"b": 1' + "0" * 400 + "}}", "[" * 100_000,
        '{"phase": "a", "step": Infinity, "terms": {}}',
    ],
)  # fmt: skip
def test_lines_that_are_no_records_are_left_out(tmp_path: Path, line: str) -> None:
    good = '{"phase": "a", "step": 1, "terms": {"b": NaN}}'
    path = tmp_path / RECORDS
    path.write_text(f"{good}\n{line}\n{good}\n")
    assert [record["step"] for record in read_records(path)] == [1, 1]
    path.write_bytes(b"\xff")
    assert read_records(path) == read_records(tmp_path / "none") == ()
