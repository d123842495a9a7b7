"""`deblurkit run` and `evaluate`, end to end at the smoke scale."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from deblurkit import storage
from deblurkit.cli import main
from deblurkit.engine import rundir
from deblurkit.report.frame_strips import read_strips
from deblurkit.study.run_records import read_run

RECIPES = (
    "independent",
    "global_model",
    "pairwise",
    "pairwise_middle",
    "sequential_pairwise",
    "sequential_windowed",
)


def deblurkit(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


def smoke(out: Path, *words: str) -> Result:
    return deblurkit("run", "sequential_pairwise", "--scale", "smoke", "--out", out, *words)


def test_the_real_command_makes_a_whole_run_directory(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "deblurkit", "run", "sequential_pairwise", "--scale", "smoke"]
    done = subprocess.run(
        [*words, "--out", str(tmp_path / "run")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    assert "phase 1 of 3, middle" in done.stdout
    assert "PSNR in dB per frame, 4 held-out clips, protocol deblurkit/1" in done.stdout
    assert str(tmp_path / "run") in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) < 200
    run = tmp_path / "run"
    assert {p.name for p in run.iterdir()} >= {
        "recipe.resolved.yaml", "environment.json", "weights", "metrics.json",
        "metrics.jsonl", "samples", "scores", "cost.json",
    }  # fmt: skip
    assert {p.suffix for p in (run / "samples").glob("clip*")} == {".png", ".mp4", ".gif"}
    with Image.open(run / "samples" / "clip-01.png") as sheet:
        sheet.load()
        assert sheet.width > 200
    scores = json.loads((run / "metrics.json").read_text())
    assert scores["clips"] == 4
    for row in scores["rows"].values():
        assert len(row["psnr-frame"]) == len(row["ssim-frame"]) == 7
    record = read_run(run)
    assert (
        record.sheets["estimate"].clips
        == record.sheets["truth"].clips
        == [f"clip-0{k}" for k in range(1, 5)]
    )
    assert record.cost.parameters > 1000 and record.cost.inference_seconds
    (clip,) = read_strips(run)
    assert set(clip.files) == {"blurry", "true", "estimate", "true-middle", "reordered"}
    records = [json.loads(x) for x in (run / "metrics.jsonl").read_text().splitlines()]
    assert [r["phase"] for r in records] == ["middle"] * 3 + ["core"] * 3 + ["outer"] * 3
    assert set(records[-1]["terms"]) == {"pairwise", "adversarial", "adversarial-own"}
    environment = json.loads((run / "environment.json").read_text())
    assert environment["precision"] in ("bf16", "fp32")


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_runs(tmp_path: Path, recipe: str) -> None:
    done = deblurkit("run", recipe, "--scale", "smoke", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "too little for the scores to mean anything" in done.output
    scores = json.loads((tmp_path / "run" / "metrics.json").read_text())
    blurry, frozen = scores["rows"]["blurry"], scores["rows"]["frozen-middle"]
    assert frozen["psnr-frame"][3] is None  # perfect, by definition
    assert blurry["psnr-frame"][3] > blurry["psnr-frame"][0]


@pytest.mark.parametrize(
    "settings",
    [
        ("schedule.name=staged",),
        ("schedule.name=joint",),
        ("family.share=outer", "frames=9"),
        ("family.share=none", "frames=3"),
        ("architecture.name=dilated-resnet", "architecture.backbone=resnet10t"),
        ("loss.middle.perceptual.weight=0.01", "loss.middle.perceptual.weights=random"),
        ("loss.others.adversarial.objective=non-saturating",),
        ("loss.others.pairwise.norm=charbonnier", "training.others.optimizer=adam"),
        ("data.formation.response=gamma", "data.formation.noise=0.01"),
        ("data.train.name=photos-in-motion", "data.train.downsample=0.25"),
        ("data.train.background=photo", "data.train.background_motion=3"),
        ("training.others.ema=0.5", "training.middle.accumulate=2"),
    ],
)
def test_components_and_settings_run(tmp_path: Path, settings: tuple[str, ...]) -> None:
    words = [w for s in settings for w in ("--set", s)]
    done = smoke(tmp_path / "run", *words)
    assert done.exit_code == 0, done.output


def test_a_resolved_recipe_runs_as_it_is_and_reuses_everything(tmp_path: Path) -> None:
    first = smoke(tmp_path / "a")
    assert first.exit_code == 0, first.output
    resolved = tmp_path / "a" / "recipe.resolved.yaml"
    again = deblurkit("run", resolved, "--scale", "paper", "--out", tmp_path / "b")
    assert again.exit_code == 0, again.output
    assert "--scale changes nothing" in again.output
    assert again.output.count("reused, trained before in") == 3
    a, b = (json.loads((tmp_path / x / "metrics.json").read_text())["rows"] for x in "ab")
    assert a == b


def test_evaluate_scores_a_run_again_and_on_other_data(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert smoke(run).exit_code == 0
    before = json.loads((run / "metrics.json").read_text())
    again = deblurkit("evaluate", run)
    assert again.exit_code == 0, again.output
    assert json.loads((run / "metrics.json").read_text()) == before
    other = CliRunner().invoke(
        main, ["evaluate", str(run), "--clips", "6", "--set", "data.train.objects=2", "--json"]
    )
    assert other.exit_code == 0, other.output
    assert json.loads(other.stdout)["clips"] == 6
    assert json.loads((run / "metrics.json").read_text()) == before
    refused = deblurkit("evaluate", run, "--set", "training.middle.steps=3")
    assert refused.exit_code == 2
    assert "would change what was trained" in refused.output


def test_a_run_stopped_by_a_signal_goes_on(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "deblurkit", "run", "independent", "--scale", "smoke"]
    words += ["--set", "training.middle.steps=100000", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = tmp_path / "run" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (log.exists() and log.stat().st_size > 0):
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped by SIGINT after step" in said
    assert "run the same command again" in said
    assert "Traceback" not in said
    kept = [json.loads(x) for x in log.read_text().splitlines()][-1]["step"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = ""
    while "done before" not in first and process.poll() is None:
        first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM
    assert int(first.split(",")[-1].split()[0]) >= kept


@contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch, suffix: str) -> Iterator[None]:
    real = storage.atomic_file

    @contextmanager
    def fails(path: Path) -> Iterator[Path]:
        if path.name.endswith(suffix):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        with real(path) as temporary:
            yield temporary

    with monkeypatch.context() as patch:
        for module in (storage, rundir):
            patch.setattr(module, "atomic_file", fails)
        yield


def test_an_output_folder_that_cannot_be_written_is_said_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = smoke(tmp_path / "file" / "run")
    assert done.exit_code == 2
    assert "cannot be written" in done.output
    assert "--out" in done.output
    assert "phase 1" not in done.output


@pytest.mark.parametrize("suffix", [".yaml", "metrics.json"])
def test_a_full_disk_is_a_message_and_leaves_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    with full_disk(monkeypatch, suffix):
        done = smoke(tmp_path / "run")
    assert done.exit_code == 2
    assert "No space left on device" in done.output
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert not [p for p in tmp_path.rglob(".*") if p.is_file()]
    assert smoke(tmp_path / "run").exit_code == 0


def test_a_disk_that_fills_up_while_weights_are_written_is_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import safetensors.torch

    def full(*_: object) -> None:
        raise safetensors.SafetensorError("I/O error: No space left on device (os error 28)")

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.torch, "save_file", full)
        done = smoke(tmp_path / "run", "--set", "seed=7")
    assert done.exit_code == 2
    assert "No space left on device" in done.output


def test_a_folder_of_other_things_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "metrics.json").write_text("precious")
    done = smoke(tmp_path / "mine")
    assert done.exit_code == 2
    assert "holds other things" in done.output
    assert (tmp_path / "mine" / "metrics.json").read_text() == "precious"


def test_scoring_what_was_trained_on_is_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert smoke(run).exit_code == 0
    done = deblurkit("evaluate", run, "--set", "data.held_out=0.9")
    assert done.exit_code == 2
    assert "would change what was trained" in done.output
    path = run / "weights" / "bundle.json"
    said = json.loads(path.read_text())
    trained, tested = (said["data"][side]["sources"] for side in ("train", "test"))
    assert trained and tested and not set(trained) & set(tested)
    said["data"]["train"]["sources"] = [*trained, *tested]
    path.write_text(json.dumps(said))
    done = deblurkit("evaluate", run)
    assert done.exit_code == 2
    assert f"was trained on what would be scored: {sorted(tested)[0]}" in done.output


def test_metrics_that_cannot_work_say_so_before_training(tmp_path: Path) -> None:
    small = ("data.clip_size=8", "data.crop=8", "data.train.motion=[1,2]", "data.train.size=[1,2]")
    done = smoke(tmp_path / "run", *[w for s in small for w in ("--set", s)])
    assert done.exit_code == 2
    assert "too small for SSIM" in done.output
    assert "phase 1" not in done.output


@pytest.mark.parametrize(
    "damage",
    [
        {"networks": []}, {"nodes": None}, {"architectures": {}}, {"frames": "7"}, {"format": 99},
        {"networks": {"middle": {"file": None, "sha256": ""}}},
        {"networks": {"middle": {"file": "../../x", "sha256": ""}}},
    ],
)  # fmt: skip
def test_a_damaged_bundle_is_a_message(tmp_path: Path, damage: dict[str, object]) -> None:
    run = tmp_path / "run"
    assert smoke(run).exit_code == 0
    path = run / "weights" / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    done = deblurkit("evaluate", run)
    assert done.exit_code == 2, done.output
    assert str(run / "weights") in done.output
    assert "Traceback" not in done.output


def test_a_folder_of_another_run_is_not_overwritten(tmp_path: Path) -> None:
    assert smoke(tmp_path / "run").exit_code == 0
    other = smoke(tmp_path / "run", "--seed", "3")
    assert other.exit_code == 2
    assert "another recipe" in other.output


@pytest.mark.parametrize("cut", [0, 100])
def test_damaged_weights_are_named(tmp_path: Path, cut: int) -> None:
    run = tmp_path / "run"
    assert smoke(run).exit_code == 0
    path = run / "weights" / "middle.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    done = deblurkit("evaluate", run)
    assert done.exit_code == 2
    assert "middle.safetensors" in done.output
    assert "checksum differs" in done.output


@pytest.mark.parametrize("what", ["nothing", "empty", "file", "broken"])
def test_evaluate_of_what_is_no_run(tmp_path: Path, what: str) -> None:
    target = tmp_path / "x"
    if what == "empty":
        target.mkdir()
    elif what == "file":
        target.write_text("x")
    elif what == "broken":
        assert smoke(target).exit_code == 0
        (target / "weights" / "bundle.json").write_text("{")
    done = deblurkit("evaluate", target)
    assert done.exit_code == 2
    assert str(target) in done.output
    assert "Traceback" not in done.output


def test_damaged_checkpoints_fall_back_or_say_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))
    assert smoke(tmp_path / "a").exit_code == 0
    phases = tmp_path / "cache" / "phases"
    (key,) = (
        p.name for p in phases.iterdir()
        if p.is_dir() and json.loads((p / "phase.json").read_text())["phase"] == "middle"
    )  # fmt: skip
    training = phases / f"{key}.training"
    (phases / key).rename(tmp_path / "gone")
    training.mkdir()
    (training / "step-0000002.json").write_text('{"step": 2, "sha256": "0", "scalars": {}}')
    (training / "step-0000002.safetensors").write_bytes(b"cut short")
    done = smoke(tmp_path / "b")
    assert done.exit_code == 2
    assert "step 2 is damaged" in done.output
    assert "delete the folder" in done.output
    fresh = smoke(tmp_path / "b", "--fresh")
    assert fresh.exit_code == 0, fresh.output


def test_perceptual_without_reachable_weights_names_the_three_choices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    done = smoke(tmp_path / "run", "--set", "loss.middle.perceptual.weight=0.1")
    assert done.exit_code == 2
    for choice in ("pretrained", "file", "random"):
        assert choice in done.output
    assert "Traceback" not in done.output
