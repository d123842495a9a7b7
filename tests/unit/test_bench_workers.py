"""Rows run at once: which is next, how long all take, and processes that do not live on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from test_bench import ready

from deblurkit.errors import RunError
from deblurkit.recipe import load_recipe
from deblurkit.registry import get_registry
from deblurkit.study import pool as pools
from deblurkit.study.bench import rows_at_once, run_bench
from deblurkit.study.dry_run import JobAhead, PhaseAhead
from deblurkit.study.pool import Pool, as_in_a_worker, threads_each
from deblurkit.study.scheduling import next_row, wall_time
from deblurkit.study.worker import Ended


@pytest.mark.parametrize(
    ("missing", "training", "row"),
    [
        ([], {"m"}, None),
        ([{"m", "a"}, {"m", "b"}], set(), 0),
        ([{"m", "a"}, {"n", "b"}, {"n"}], {"m", "c"}, 1),
        ([{"m", "a"}, {"m", "b"}], {"m"}, None),
        ([{"m"}, set()], {"m"}, 1),  # nothing left to train: nothing to wait for
    ],
)
def test_the_next_row_shares_no_phase_with_those_at_work(
    missing: list[set[str]], training: set[str], row: int | None
) -> None:
    assert next_row(missing, training) == row


def ahead(*phases: tuple[str, float | None], stored: tuple[str, ...] = ()) -> JobAhead:
    made = (
        PhaseAhead(key, key, 1, "stored" if key in stored else "train", seconds=seconds)
        for key, seconds in phases
    )
    return JobAhead(None, phases=tuple(made))  # type: ignore[arg-type]


def test_the_schedule_is_gone_through_in_mind() -> None:
    a, b = ahead(("m", 10), ("a", 5)), ahead(("m", 10), ("b", 20))
    c, d = ahead(("n", 4), ("c", 1)), ahead(("n", 4), ("d", 2))
    assert wall_time([a, b], 1).seconds == 35
    # b begins when the middle is there; c and d in the meantime.
    assert wall_time([a, b], 2).seconds == 30
    assert wall_time([a, b, c, d], 1).seconds == 42
    assert wall_time([a, b, c, d], 2).seconds == 30  # b as soon as m is trained, on the free worker
    assert wall_time([a, b, c, d], 4).seconds == 30
    assert wall_time([a, c], 2).seconds == 15
    stored = [ahead(("m", 10), ("a", 5), stored=("m",)), JobAhead(None, done=True)]  # type: ignore[arg-type]
    assert wall_time(stored, 2).seconds == 5
    unknown = wall_time([ahead(("m", None), ("a", 5)), ahead(("m", None), ("b", 7))], 2)
    assert (unknown.seconds, unknown.unknown) == (7, 1)
    assert wall_time([], 2).seconds == 0


def test_workers_share_the_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    assert [threads_each(n) for n in (1, 2, 3, 8, 20)] == [8, 4, 2, 1, 1]
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)  # as OMP_NUM_THREADS says
    assert [threads_each(n) for n in (1, 2, 3)] == [3, 3, 2]
    monkeypatch.undo()
    before = torch.get_num_threads()
    monkeypatch.setattr(pools, "threads_each", lambda workers: before + workers)
    with as_in_a_worker(2):
        assert torch.get_num_threads() == before + 2
    assert torch.get_num_threads() == before

    prepared = ready(tmp_path)
    assert [rows_at_once(prepared, n) for n in (1, 2, 3, 9)] == [1, 2, 3, 3]
    assert rows_at_once(ready(tmp_path, rows=("a",)), 9) == 3  # the threads stay as they were
    with pytest.raises(RunError, match="0 rows cannot be run at once"):
        run_bench(prepared, workers=0)
    assert not prepared.folder.exists()


@dataclass
class Heard:
    """Keeps what it is told."""

    told: list[tuple[Any, ...]] = field(default_factory=list)

    def say(self, *what: Any) -> None:
        self.told.append(("say", *what))

    def start(self, *what: Any) -> None:
        self.told.append(("start", *what))

    def advance(self, *what: Any) -> None:
        self.told.append(("advance", *what))

    def finish(self) -> None:
        self.told.append(("finish",))


def what(out: Path, *overrides: str) -> dict[str, Any]:
    more = ("evaluation.samples=0", "evaluation.clips=1", "frames=3", *overrides)
    recipe = load_recipe("pairwise_middle", scale="smoke", overrides=more)
    return {"recipe": recipe, "out": out, "device": "cpu", "registry": get_registry()}


def until_it_ends(pool: Pool) -> list[tuple[int, Ended]]:
    deadline = time.monotonic() + 120
    while not (found := pool.ended(1.0)):
        assert time.monotonic() < deadline
    return found


LONG = ("training.middle.steps=1000000", "training.checkpoint_every=1000000")


def until_it_trains(pool: Pool, heard: Heard) -> None:
    deadline = time.monotonic() + 120
    while not any(told[0] == "advance" and "mse" in told[2] for told in heard.told):
        assert time.monotonic() < deadline
        assert pool.ended(0.5) == []


def test_a_worker_that_is_killed_is_a_failure_and_another_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    heard = Heard()
    with Pool(1, 1) as pool:
        pool.start(5, what(tmp_path / "a", *LONG), heard)
        until_it_trains(pool, heard)
        assert pool.running == (5,)
        (worker,) = multiprocessing.active_children()
        os.kill(worker.pid or 0, signal.SIGKILL)
        ((row, ended),) = until_it_ends(pool)
        assert row == 5 and ended.stopped is None and pool.running == ()
        assert ended.failure is not None
        assert ended.failure.line == "the process that ran this row was killed by SIGKILL"
        assert "next: memory may have run out" in ended.failure.whole

        heard = Heard()
        pool.start(6, what(tmp_path / "b"), heard)
        ((row, ended),) = until_it_ends(pool)
        assert row == 6 and ended.failure is None and len(ended.phases) == 2
        assert (tmp_path / "b" / "metrics.json").is_file() and ended.seconds > 0
        (first,) = multiprocessing.active_children()
        # The same worker takes the next row, and says why it fails.
        pool.start(7, what(tmp_path / "b", "training.middle.lr=0.5"), heard)
        ((row, ended),) = until_it_ends(pool)
        assert ended.failure is not None
        assert "the folder holds a run of another recipe" in ended.failure.line
        assert multiprocessing.active_children() == [first]
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("stop", ["SIGINT to all", "an error"])
def test_workers_that_are_stopped_save_and_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: str
) -> None:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    heard = Heard()
    try:
        with Pool(1, 1) as pool:
            pool.start(0, what(tmp_path / "a", *LONG), heard)
            until_it_trains(pool, heard)
            if stop == "an error":
                raise ZeroDivisionError
            if stop == "SIGINT to all":  # as the terminal does; the pool hears of it, too
                for worker in multiprocessing.active_children():
                    os.kill(worker.pid or 0, signal.SIGINT)
            ((row, ended),) = pool.stop()
            assert row == 0 and ended.stopped in (130, 143) and ended.failure is None
    except ZeroDivisionError:
        assert stop == "an error"
    assert multiprocessing.active_children() == []
    (folder,) = (tmp_path / "cache" / "phases").glob("*.training")
    assert any(folder.iterdir())  # the checkpoint that it saved when it was stopped
