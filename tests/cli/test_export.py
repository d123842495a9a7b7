"""`deblurkit evaluate --export`, and other systems' frames from there to the table."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from deblurkit import storage
from deblurkit.cli import main
from deblurkit.evaluation.clip_names import clip_name
from deblurkit.report.table_json import table_from_json
from deblurkit.study.run_records import read_run


def deblurkit(*words: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, words)), catch_exceptions=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run, trained for one step a phase."""
    folder = tmp_path_factory.mktemp("runs") / "ours run"
    steps = ("--set", "training.middle.steps=1", "--set", "training.others.steps=1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEBLURKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        done = deblurkit("run", "independent", "--scale", "smoke", *steps, "--out", folder)
    assert done.exit_code == 0, done.output
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_from_the_clips_of_a_run_to_a_row_beside_it(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, out = files_of(run), tmp_path / "their clips"
    done = deblurkit("evaluate", run, "--export", out)
    assert done.exit_code == 0, done.output
    assert files_of(run) == before  # nothing is scored again
    names = [f"clip-{k:02d}" for k in range(1, 5)]
    frames = [f"true/{name}/{i}.png" for name in names for i in range(1, 8)]
    assert set(files_of(out)) == {*frames, *(f"blurry/{name}.png" for name in names)}
    assert [p.name for p in tmp_path.iterdir()] == [out.name]

    theirs = tmp_path / "predictions"
    shutil.copytree(out / "true", theirs)
    said = f"'{out}/true' --blurry '{out}/blurry' --json theirs.json"
    assert f"deblurkit score PREDICTIONS {said}" in done.stdout
    assert f"deblurkit compare '{run}' --with theirs=theirs.json" in done.stdout
    monkeypatch.chdir(tmp_path)
    scored = deblurkit(
        "score", theirs, out / "true", "--blurry", out / "blurry", "--json", "theirs.json"
    )
    assert scored.exit_code == 0, scored.output
    assert json.loads(Path("theirs.json").read_text("utf-8"))["clips"] == names
    assert read_run(run).sheets["estimate"].clips == names

    for name in names:  # one grey level off, so that there is a finite difference
        for path in (theirs / name).iterdir():
            pixels = np.asarray(Image.open(path)).astype(int)
            off = np.where(pixels < 128, pixels + 1, pixels - 1)
            Image.fromarray(off.astype(np.uint8)).save(path)
    words = ("score", theirs, out / "true", "--blurry", out / "blurry", "--json", "near.json")
    assert deblurkit(*words).exit_code == 0
    both = ("--with", "theirs=theirs.json", "--with", "near=near.json")
    done = deblurkit("compare", run, *both, "--format", "json")
    assert done.exit_code == 0, done.output
    table = table_from_json(done.stdout)
    ours, perfect, near = (table.row(k).cells for k in ("independent", "theirs", "near"))
    assert perfect["psnr"].value == np.inf
    assert near["psnr"].value == pytest.approx(20 * np.log10(255), abs=1e-4)
    difference = near["difference"]
    assert near["psnr"].value is not None and ours["psnr"].value is not None
    assert difference.value == pytest.approx(near["psnr"].value - ours["psnr"].value)
    assert difference.low is not None and difference.high is not None
    assert 0 < difference.low < difference.value < difference.high
    # The true frames of both sides are known, and the same.
    assert not [row.note for row in table.rows if row.note]
    marks = json.loads(Path("near.json").read_text("utf-8"))["true_frames"]
    assert all(sheet.true_frames == marks for sheet in read_run(run).sheets.values())
    assert len(set(marks)) == len(names) and all(marks)
    assert not [row for row in table.rows if "@" in row.key]  # one test set


def test_exported_images_are_those_that_are_scored(run: Path, tmp_path: Path) -> None:
    """The blurry image as a sequence gets the scores of the run's own row for comparison."""
    out = tmp_path / "clips"
    assert deblurkit("evaluate", run, "--export", out).exit_code == 0
    for image in (out / "blurry").iterdir():
        still = tmp_path / "still" / image.stem
        still.mkdir(parents=True)
        for i in range(1, 8):
            shutil.copy(image, still / f"{i}.png")
    file = tmp_path / "still.json"
    words = ("score", tmp_path / "still", out / "true", "--blurry", out / "blurry")
    assert deblurkit(*words, "--json", file).exit_code == 0
    done = deblurkit("compare", run, "--with", f"still={file}", "--format", "json")
    table = table_from_json(done.stdout)
    for key, cell in table.row("still").cells.items():
        if cell.value is not None and key != "difference":
            assert cell.value == pytest.approx(table.row("blurry").cells[key].value), key


def test_other_clips_are_said_to_be_others_and_scoring_follows_the_recipe(
    run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "two"
    changes = ("--clips", "2", "--set", "data.formation.response=gamma")
    done = deblurkit("evaluate", run, "--export", out, *changes)
    assert done.exit_code == 0, done.output
    assert sorted(p.name for p in (out / "true").iterdir()) == ["clip-01", "clip-02"]
    assert "written: 2 clips of 7 frames" in done.stdout
    assert "--response gamma --gamma 2.2 " in done.stdout
    assert "scores are of other clips" in done.stdout
    out = tmp_path / "a table"
    table = ("response=[0, 0.6, 1]", "subframes=3", "headroom=2", "jpeg=90")
    changes = [word for said in table for word in ("--set", f"data.formation.{said}")]
    done = deblurkit("evaluate", run, "--export", out, "--clips", "2", *changes)
    assert done.exit_code == 0, done.output
    assert (out / "response.txt").read_text() == "0.0\n0.6\n1.0\n"
    assert len(list((out / "true" / "clip-01").iterdir())) == 7  # of the 21 that are averaged
    line = next(x for x in done.stdout.splitlines() if x.startswith("score them: "))
    words = shlex.split(line.partition("deblurkit ")[2])
    said = [str(out / "true") if word == "PREDICTIONS" else word for word in words]
    done = deblurkit(*(str(tmp_path / w) if w == "theirs.json" else w for w in said))
    assert done.exit_code == 0, done.output
    theirs = json.loads((tmp_path / "theirs.json").read_text())
    assert theirs["settings"] == {"response": [0.0, 0.6, 1.0]}
    done = deblurkit("evaluate", run, "--export", tmp_path / "a", "--protocol", "jin2018-middle")
    assert done.stdout.count("--protocol jin2018-middle") == 2
    assert "other clips" not in done.stdout


def test_what_is_there_stays(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty, full, file = (tmp_path / name for name in ("empty", "full", "file"))
    empty.mkdir()
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    file.write_text("mine")
    assert deblurkit("evaluate", run, "--export", empty).exit_code == 0
    assert (empty / "blurry" / "clip-01.png").is_file()
    for out, said in [
        (full, "the folder is not empty"),
        (file, "a file is there"),
        (file / "in", "cannot be"),
    ]:
        done = deblurkit("evaluate", run, "--export", out)
        assert done.exit_code == 2 and said in done.stderr and str(out) in done.stderr
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = deblurkit("evaluate", run, "--export", ".")
    assert done.exit_code == 2 and "current folder" in done.stderr
    done = deblurkit("evaluate", run, "--export", "new", "--json")
    assert done.exit_code == 2 and "--export scores nothing" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "file", "full", "here"]
    assert files_of(full) == {"mine.txt": b"mine"}


def test_a_full_disk_leaves_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = storage.atomic_file

    @contextmanager
    def fails(path: Path) -> Iterator[Path]:
        if path.name == "5.png":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        with real(path) as temporary:
            yield temporary

    monkeypatch.setattr("deblurkit.media.files.atomic_file", fails)
    done = deblurkit("evaluate", run, "--export", tmp_path / "clips")
    assert done.exit_code == 2
    assert "cannot be written: No space left" in done.stderr
    assert str(tmp_path / "clips") in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("count", "first", "last"),
    [(1, "clip-01", "clip-01"), (64, "clip-01", "clip-64"), (1000, "clip-0001", "clip-1000")],
)
def test_names_of_clips_sort_as_their_numbers_do(count: int, first: str, last: str) -> None:
    names = [clip_name(k, count) for k in range(1, count + 1)]
    assert names == sorted(names) and (names[0], names[-1]) == (first, last)
    assert len(set(names)) == count
