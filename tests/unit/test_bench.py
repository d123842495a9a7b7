"""Running a suite: state, reuse, failures, stops; and what is said ahead of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest
from filelock import FileLock
from made_bench import MadeRow, made_run, moving_disc

from deblurkit.engine import run as engine_run
from deblurkit.engine.device import choose_precision, make_accelerator
from deblurkit.engine.phase_store import PhaseResult, PhaseStore
from deblurkit.engine.phases import PhaseReport
from deblurkit.engine.plan import build_graph
from deblurkit.engine.progress import Silent
from deblurkit.engine.rundir import METRICS, RECIPE, scores_file
from deblurkit.engine.step_cost import time_step, work_of
from deblurkit.errors import Interrupted, RunError, TrainingError
from deblurkit.recipe import Recipe, dump_recipe, load_recipe
from deblurkit.registry import get_registry
from deblurkit.study import bench, dry_run
from deblurkit.study.bench_folder import STATE, Bench, read_bench, read_state, write_state
from deblurkit.study.dry_run import look_ahead, plan_of, total
from deblurkit.study.jobs import Asked
from deblurkit.study.prepared import Prepared, prepare_bench

SUITE = """\
name: mine
scale: smoke
reference: a
rows:
  - {name: a, recipe: pairwise_middle}
  - {name: b, recipe: pairwise_middle, set: {training.others.steps: 4}}
  - {name: c, recipe: pairwise_middle, set: {training.middle.steps: 4}}
"""
CLIPS = [moving_disc(k, size=24) for k in range(2)]
Act = Callable[[Recipe], None]


class Engine:
    """In the place of `engine.run`: writes a run directory; knows which phases are there."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.phases: set[str] = set()
        self.acts: dict[str, Act] = {}

    def __call__(self, recipe: Recipe, *, out: Path, **_: Any) -> engine_run.RunResult:
        row = out.name.rpartition("-s")[0]
        self.ran.append(row)
        store, reports = PhaseStore(), []
        plan = plan_of(recipe, get_registry(), "cpu")
        for phase in plan.phases:
            key = plan.keys[phase.name]
            reused = store.seconds(key) is not None
            if not reused:
                store.put(PhaseResult(key, {}, (), 10.0), phase.name)
            reports.append(PhaseReport(phase.name, key, reused, 10.0))
            self.acts.get(row, lambda recipe: None)(recipe)
        shutil.rmtree(out, ignore_errors=True)
        made_run(out, MadeRow(row, 0.5), recipe.seed, CLIPS, samples=0, scored=2)
        (out / RECIPE).write_text(dump_recipe(recipe), "utf-8")
        said = {"phases": [vars(r) for r in reports]}
        (out / METRICS).write_text(json.dumps(said), "utf-8")
        return engine_run.RunResult(out, said, tuple(reports))


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    made = Engine()
    monkeypatch.setattr(bench, "run", made)
    return made


def ready(folder: Path, text: str = SUITE, asked: Asked | None = None, **more: Any) -> Prepared:
    (folder / "mine.yaml").write_text(text, "utf-8")
    out = more.pop("out", folder / "bench")
    return prepare_bench(folder / "mine.yaml", asked, out=out, device="cpu", **more)


def statuses(done: Bench) -> dict[str, str]:
    return {f"{row}-{seed}": run.status for (row, seed), run in done.state.runs.items()}


class Told(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def say(self, text: str) -> None:
        self.lines.append(text)


def test_all_rows_run_once_and_phases_are_shared(tmp_path: Path, engine: Engine) -> None:
    done = bench.run_bench(ready(tmp_path), command="deblurkit bench mine.yaml")
    assert engine.ran == ["a", "b", "c"]
    assert statuses(done) == {"a-0": "done", "b-0": "done", "c-0": "done"}
    assert [row.key for row in done.rows] == ["a", "b", "c"]
    assert done.rows[1].runs == {0: tmp_path / "bench" / "runs" / "b-s0"}
    state = done.state
    assert state.command == "deblurkit bench mine.yaml"
    assert state.ended is not None and state.environment["device"] == "cpu"
    phases = {r.row: round(r.training_seconds / 10) for r in state.runs.values()}
    assert phases == {"a": 4, "b": 4, "c": 4}  # the middle and three pairs
    saved = {r.row: round(r.saved_seconds / 10) for r in state.runs.values()}
    assert saved == {"a": 0, "b": 1, "c": 3}  # the middle; the pairs
    assert (state.training_seconds, state.saved_seconds) == (120, 40)
    for name in ("table.md", "table.csv", "table.json", "table.tex"):
        assert (tmp_path / "bench" / name).stat().st_size > 100

    told = Told()
    again = bench.run_bench(ready(tmp_path), reporting=lambda: told)
    assert engine.ran == ["a", "b", "c"]
    assert told.lines[0] == "row 1 of 3: a, seed 0: done before"
    assert again.state.runs == state.runs
    assert again.state.started == state.started


def test_a_row_that_fails_is_noted_and_tried_again(tmp_path: Path, engine: Engine) -> None:
    def fail(recipe: Recipe) -> None:
        raise TrainingError("it went\nwrong", where="phase 'x'", hint="do not")

    def break_down(recipe: Recipe) -> None:
        raise ZeroDivisionError("by nought")

    engine.acts = {"a": fail, "b": break_down}
    done = bench.run_bench(ready(tmp_path))
    assert engine.ran == ["a", "b", "c"]
    assert done.rows[0].failures == {0: "phase 'x': it went wrong"}
    assert done.rows[1].failures == {0: "ZeroDivisionError: by nought"}
    assert not done.rows[0].runs and done.rows[2].runs
    assert "next: do not" in (tmp_path / "bench/errors/a-s0.txt").read_text()
    assert "Traceback" in (tmp_path / "bench/errors/b-s0.txt").read_text()
    assert "it went wrong" in (tmp_path / "bench/table.md").read_text()

    engine.acts = {"a": fail}
    done = bench.run_bench(ready(tmp_path))
    assert engine.ran == ["a", "b", "c", "a", "b"]
    assert statuses(done) == {"a-0": "failed", "b-0": "done", "c-0": "done"}
    assert not (tmp_path / "bench/errors/b-s0.txt").exists()


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGTERM), 143),
        (lambda: os.kill(os.getpid(), signal.SIGINT), 130),
        ("interrupted", 143),
    ],
)
def test_work_that_is_stopped_goes_on(tmp_path: Path, engine: Engine, stop: Any, code: int) -> None:
    def act(recipe: Recipe) -> None:
        if stop == "interrupted":
            error = Interrupted("stopped by SIGTERM after step 3")
            error.exit_code = 143
            raise error
        stop()

    engine.acts = {"b": act}
    handler = signal.getsignal(signal.SIGTERM)
    # Where tests run in the background of a shell, Ctrl-C is ignored from the start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(Interrupted, match="stopped in row 2 of 3: b, seed 0; 1 of 3") as told:
            bench.run_bench(ready(tmp_path))
    finally:
        signal.signal(signal.SIGINT, before)
    assert told.value.exit_code == code
    assert signal.getsignal(signal.SIGTERM) is handler
    state = read_state(tmp_path / "bench")
    assert state is not None and state.ended is not None
    assert statuses(read_bench(tmp_path / "bench")) == {
        "a-0": "done", "b-0": "missing", "c-0": "missing",
    }  # fmt: skip
    engine.acts = {}
    done = bench.run_bench(ready(tmp_path))
    assert engine.ran == ["a", "b", "b", "c"]
    # Of b's phases the first attempt trained one or none; only the shared middle was saved.
    assert done.state.runs["b", 0].saved_seconds == 10
    assert (done.state.training_seconds, done.state.saved_seconds) == (120, 40)


def test_rows_limit_what_runs_and_the_table_keeps_the_others(
    tmp_path: Path, engine: Engine
) -> None:
    bench.run_bench(ready(tmp_path, rows=("a",)))
    done = bench.run_bench(ready(tmp_path, rows=("c",)))
    assert engine.ran == ["a", "c"]
    assert statuses(done) == {"a-0": "done", "b-0": "missing", "c-0": "done"}
    assert len(read_bench(tmp_path / "bench").rows) == 3


def test_finished_runs_are_recognised_without_the_state(tmp_path: Path, engine: Engine) -> None:
    before = bench.run_bench(ready(tmp_path))
    (tmp_path / "bench" / STATE).unlink()
    done = bench.run_bench(ready(tmp_path))
    assert engine.ran == ["a", "b", "c"]
    assert set(statuses(done).values()) == {"done"}
    assert done.state.training_seconds == before.state.training_seconds
    assert done.state.saved_seconds == before.state.saved_seconds


@pytest.mark.parametrize("lost", [METRICS, scores_file("deblurkit"), RECIPE, "."])
def test_a_run_that_is_not_whole_is_run_again(tmp_path: Path, engine: Engine, lost: str) -> None:
    bench.run_bench(ready(tmp_path))
    path = tmp_path / "bench" / "runs" / "b-s0" / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    done = bench.run_bench(ready(tmp_path))
    assert engine.ran == ["a", "b", "c", "b"]
    assert set(statuses(done).values()) == {"done"}


def test_a_row_that_was_changed_is_run_again_and_its_old_run_kept(
    tmp_path: Path, engine: Engine
) -> None:
    bench.run_bench(ready(tmp_path))
    changed = SUITE.replace("training.others.steps: 4", "training.others.steps: 5")
    changed += "  - {name: d, recipe: pairwise_middle, title: new, seeds: [0, 3]}\n"
    done = bench.run_bench(ready(tmp_path, changed))
    assert engine.ran == ["a", "b", "c", "b", "d", "d"]
    assert set(statuses(done).values()) == {"done"}
    old = load_recipe(tmp_path / "bench/runs/b-s0.before-1" / RECIPE)
    new = load_recipe(tmp_path / "bench/runs/b-s0" / RECIPE)
    assert (old.training.others.steps, new.training.others.steps) == (4, 5)


def test_other_scales_seeds_and_overrides_go_into_other_folders(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = [
        Asked(), Asked("smoke"), Asked("quick"), Asked(seeds=(1,)), Asked(seeds=(0, 1)),
        Asked(overrides=("training.middle.lr=0.1",)),
    ]  # fmt: skip
    folders = [ready(tmp_path, asked=a, out=None).folder for a in asked]
    assert folders[0] == folders[1]
    assert len(set(folders)) == 5
    assert all(str(f).startswith("bench/mine-") for f in folders)
    bench.run_bench(ready(tmp_path))
    with pytest.raises(RunError, match=r"a bench with seeds \[0\] and not \[1\]"):
        ready(tmp_path, asked=Asked(seeds=(1,)))


def test_folders_of_other_things_are_left_alone(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "bench").mkdir()
    ready(tmp_path)  # empty: can be used
    (tmp_path / "bench" / "precious").write_text("")
    with pytest.raises(RunError, match="holds other things than a bench"):
        ready(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        ready(tmp_path, out=tmp_path / "file")
    with pytest.raises(RunError, match=r"there is no bench\.json"):
        read_bench(tmp_path / "bench")


@pytest.mark.parametrize("damage", ["{", "[]", '{"runs": [{"row": 3}]}', '{"runs": 3}'])
def test_a_damaged_state_is_a_message(tmp_path: Path, engine: Engine, damage: str) -> None:
    bench.run_bench(ready(tmp_path))
    (tmp_path / "bench" / STATE).write_text(damage)
    with pytest.raises(RunError, match=r"bench\.json is damaged"):
        ready(tmp_path)
    with pytest.raises(RunError, match=r"bench\.json is damaged"):
        read_bench(tmp_path / "bench")


def test_a_state_is_read_as_it_was_written(tmp_path: Path, engine: Engine) -> None:
    state = bench.run_bench(ready(tmp_path)).state
    strange = replace(state, command="a 'b' ×", ended=None, seconds=1.25)
    write_state(tmp_path, strange)
    assert read_state(tmp_path) == strange


def test_several_processes_are_refused(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RunError, match="by one process"):
        ready(tmp_path)


def test_looking_ahead_says_what_trains_and_what_is_reused(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dry_run, "time_step", lambda *_, **__: ahead_time(2.0))
    a, b, c = look_ahead(ready(tmp_path))
    assert {p.state for p in a.phases} == {"train"}
    assert [p.state for p in b.phases] == ["shared", "train", "train", "train"]
    assert [p.state for p in c.phases] == ["train", "shared", "shared", "shared"]
    assert b.phases[0].owner is a.job
    assert [p.steps for p in b.phases] == [3, 4, 4, 4]
    assert {p.source for job in (a, b, c) for p in job.phases} == {"timed"}
    # Two seconds a step: a trains 4 phases of 3 steps, b 3 of 4, c 1 of 4.
    assert total((a, b, c), alone=False).seconds == 2.0 * (12 + 12 + 4)
    assert total((a, b, c), alone=True).seconds == 2.0 * (12 + 15 + 13)

    bench.run_bench(ready(tmp_path, rows=("a",)))
    a, b, c = look_ahead(ready(tmp_path))
    assert a.done and not a.phases
    assert [(p.state, p.seconds, p.source) for p in b.phases][:2] == [
        ("stored", 10.0, "itself"), ("train", 8.0, "timed"),
    ]  # fmt: skip


def ahead_time(seconds: float) -> Any:
    from deblurkit.engine.step_cost import StepTime

    return StepTime(seconds)


def test_what_cannot_run_or_be_timed_is_said(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no such luck")

    monkeypatch.setattr(dry_run, "time_step", fail)
    missing = SUITE.replace(
        "training.middle.steps: 4", "data.train.name: video, data.train.path: x"
    )
    told = Told()
    a, _, c = look_ahead(ready(tmp_path, missing), told)
    assert {p.source for p in a.phases} == {"unknown"} and a.phases[0].seconds is None
    assert total((a,), alone=True) == dry_run.Total(0, 4)
    assert str(tmp_path / "x") in c.error and "\n" not in c.error
    assert "was not timed: ValueError: no such luck" in told.lines[0]


def test_the_plan_ahead_has_the_keys_of_the_run_and_its_steps_are_known_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    recipe = load_recipe("pairwise_middle", scale="smoke", overrides=("evaluation.samples=0",))
    plan = plan_of(recipe, get_registry(), "cpu")
    assert not (tmp_path / "cache").exists()  # nothing is rendered for it
    result = engine_run.run(recipe, out=tmp_path / "run", device="cpu")
    assert {p.name: p.key for p in result.phases} == dict(plan.keys)
    precision = choose_precision("auto", "cpu")
    known = PhaseStore().step_seconds()
    works = {work_of(plan, phase, device="cpu", precision=precision) for phase in plan.phases}
    assert works == set(known)
    for phase, report in zip(plan.phases, result.phases, strict=True):
        seconds = PhaseStore().seconds(plan.keys[phase.name])
        assert seconds is not None and abs(seconds - report.seconds) < 0.06
    other = load_recipe("pairwise_middle", scale="smoke", seed=5)
    more = load_recipe("pairwise_middle", scale="smoke", overrides=("training.middle.batch=3",))
    for changed, same in ((other, True), (more, False)):
        plan_there = plan_of(changed, get_registry(), "cpu")
        assert plan_there.keys["middle"] != plan.keys["middle"]
        work = work_of(plan_there, plan_there.phases[0], device="cpu", precision=precision)
        assert (work in known) is same


@pytest.mark.parametrize("limit", [60.0, 0.0])
def test_real_steps_are_timed(limit: float) -> None:
    recipe = load_recipe(
        "sequential_pairwise", scale="smoke", overrides=("training.others.accumulate=2",)
    )
    registry, precision = get_registry(), choose_precision("auto", "cpu")
    plan = plan_of(recipe, registry, "cpu")
    graph = build_graph(recipe, registry, plan.nodes)
    accelerator = make_accelerator("cpu", precision)
    step = time_step(plan, plan.phases[1], graph, registry, accelerator, limit=limit)
    assert 1e-4 < step.seconds < 60
    assert step.scaled is (limit == 0.0)


def test_a_folder_in_which_another_bench_works_is_left_to_it(
    tmp_path: Path, engine: Engine
) -> None:
    prepared = ready(tmp_path)
    prepared.folder.mkdir()
    with (
        FileLock(prepared.folder / ".lock"),
        pytest.raises(RunError, match="another bench is at work in this folder"),
    ):
        bench.run_bench(prepared)
    assert not (prepared.folder / STATE).exists()
    assert set(statuses(bench.run_bench(prepared)).values()) == {"done"}


def test_a_run_with_damaged_numbers_is_not_done(tmp_path: Path, engine: Engine) -> None:
    done = bench.run_bench(ready(tmp_path))
    path = next(iter(done.rows[0].runs.values())) / "cost.json"
    said = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**said, "training_seconds": None}), "utf-8")
    prepared = ready(tmp_path)
    assert [prepared.is_done(job) for job in prepared.jobs].count(False) == 1
    bench.run_bench(prepared)
    assert json.loads(path.read_text("utf-8"))["training_seconds"] is not None
