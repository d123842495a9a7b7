"""`deblurkit weights`: bundles listed, explained, checked, imported and given away."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors.torch import load_file, save_file

from deblurkit.bundle import load_bundle
from deblurkit.cli import main
from deblurkit.graph import stack
from deblurkit.registry import get_registry
from deblurkit.weights import sources

ORACLES = Path(__file__).parents[1] / "oracles"


def weights(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["weights", *map(str, words)])


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authors' four files with the weights that the reference output was computed with."""
    folder = tmp_path_factory.mktemp("released")
    layout = json.loads((ORACLES / "checkpoint_layout.json").read_text())
    for k, (file, parameters) in enumerate(layout.items()):
        state: dict[str, torch.Tensor] = {}
        for name, shape in parameters.items():
            rng = np.random.default_rng(zlib.crc32(f"{file}:{name}".encode()))
            a = rng.standard_normal(shape)
            if len(shape) == 4:
                a = 0.5 * a / math.sqrt(shape[1] * shape[2] * shape[3])
            else:
                a = 0.1 * a + (1 if name.endswith("weight") else 0)
            state[f"module.{name}"] = torch.from_numpy(a.astype(np.float32))
            if "norm" in name and name.endswith("weight"):
                state[f"module.{name.removesuffix('weight')}running_mean"] = torch.zeros(shape)
        # One in the format of before torch 1.6, as the real ones are.
        said = {"state_dict_G": state, "epoch": 3}
        torch.save(said, folder / file, _use_new_zipfile_serialization=k > 0)
    return folder


@pytest.fixture(scope="module")
def imported(checkpoints: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "jin2018"
    done = weights("import", "jin2018", *sorted(checkpoints.glob("*.pth")), "-o", out)
    assert done.exit_code == 0, done.output
    return out


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    out = tmp_path / "run"
    words = ["run", "pairwise", "--scale", "smoke", "--out", str(out)]
    done = CliRunner().invoke(main, [*words, "--set", "frames=3"])
    assert done.exit_code == 0, done.output
    return out


def output_of(path: Path, blurry: np.ndarray) -> np.ndarray:
    graph = load_bundle(path, get_registry()).graph
    with torch.no_grad():
        found: np.ndarray = stack(graph(torch.from_numpy(blurry).float()[None]))[0].numpy()
    return found


def test_the_released_networks_are_imported_exactly(imported: Path, tmp_path: Path) -> None:
    with np.load(ORACLES / "reference_output.npz") as reference:
        blurry, frames = reference["blurry"], reference["frames"]
    np.testing.assert_allclose(output_of(imported, blurry), frames, atol=1e-4, rtol=0)
    assert not list(imported.glob("*.pth"))
    one = tmp_path / "jin2018.safetensors"
    assert weights("export", imported, "-o", one, "--licence", "of the authors").exit_code == 0
    assert (output_of(one, blurry) == output_of(imported, blurry)).all()
    said = json.loads(weights("info", one, "--json").output)
    assert said["licence"] == "of the authors" and said["frames"] == 7
    assert said["networks"]["outer-3"] == {"parameters": 2_686_208, "frames": [1, 7]}
    shown = weights("info", one).output
    for text in ("18,213,376", "jin2018:resampling-cnn", "of the authors", "CVPR 2018"):
        assert text in shown
    assert weights("verify", one).exit_code == 0


def test_a_run_is_a_bundle_that_says_how_good_it_is(trained: Path, tmp_path: Path) -> None:
    said = json.loads(weights("info", trained, "--json").output)
    scores = json.loads((trained / "metrics.json").read_text())
    assert said["scores"]["psnr"] == scores["rows"]["estimate"]["psnr"]
    assert said["scores"]["protocol"] == scores["protocol"]
    assert said["recipe"]["name"] == "pairwise" and said["formation"]["response"] == "identity"
    shown = weights("info", trained).output
    assert "not stated" in shown and "moving-shapes" in shown
    assert weights("verify", trained / "weights" / "bundle.json").exit_code == 0
    (trained / "weights" / "bundle.json").write_text(
        (trained / "weights" / "bundle.json").read_text().replace('"psnr":', '"other":')
    )
    assert CliRunner().invoke(main, ["evaluate", str(trained)]).exit_code == 0
    again = json.loads(weights("info", trained, "--json").output)  # scored again, said again
    assert again["scores"] == said["scores"]
    copy = tmp_path / "copy"
    assert weights("export", trained, "-o", copy).exit_code == 0
    again = weights("export", trained, "-o", copy)
    assert again.exit_code == 2 and "--force" in again.stderr
    assert weights("export", trained, "-o", copy, "--force").exit_code == 0
    image = np.random.default_rng(0).random((3, 40, 52))
    assert (output_of(copy, image) == output_of(trained, image)).all()


def test_a_changed_or_foreign_file_is_refused(trained: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.safetensors"
    assert weights("export", trained, "-o", one).exit_code == 0
    whole = one.read_bytes()
    changed = bytearray(whole)
    changed[-3] ^= 0x10
    one.write_bytes(changed)
    done = weights("verify", one)
    assert done.exit_code == 2 and "checksum differs" in done.stderr
    one.write_bytes(whole[: len(whole) // 2])
    done = weights("verify", one)
    assert done.exit_code == 2 and "cannot be read" in done.stderr
    save_file(load_file(trained / "weights" / "middle.safetensors"), one)
    done = weights("verify", one)
    assert done.exit_code == 2 and "does not say what networks" in done.stderr


def test_weights_that_are_not_finite_do_not_pass(trained: Path, tmp_path: Path) -> None:
    bundle = load_bundle(trained, get_registry())
    with torch.no_grad():
        next(bundle.graph.parameters()).fill_(math.nan)
    from deblurkit.bundle import save_bundle

    save_bundle(tmp_path / "bad", bundle)
    done = weights("verify", tmp_path / "bad")
    assert done.exit_code == 2 and "not finite" in done.stderr


def altered(folder: Path, out: Path, change: Mapping[str, object]) -> list[Path]:
    """The four files, one of them with its weights changed."""
    out.mkdir()
    for path in folder.glob("*.pth"):
        said = torch.load(path, weights_only=True)
        if path.name == "center_v3.pth":
            said["state_dict_G"].update(change)
            said["state_dict_G"] = {k: v for k, v in said["state_dict_G"].items() if v is not None}
        torch.save(said, out / path.name)
    return sorted(out.glob("*.pth"))


def test_what_does_not_fit_is_named(checkpoints: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    files = altered(
        checkpoints, tmp_path / "a",
        {"module.conv1_B.weight": None, "module.extra.weight": torch.zeros(1),
         "module.conv2.weight": torch.zeros(2, 2)},
    )  # fmt: skip
    done = weights("import", "jin2018", *files, "-o", out)
    assert done.exit_code == 2 and not out.exists()
    for said in ("missing stems.0.weight", "unknown module.extra.weight", "fusion_in.weight is"):
        assert said in " ".join(done.stderr.split())
    done = weights("import", "jin2018", *files[1:], "-o", out)
    assert done.exit_code == 2
    assert f"file {files[0].name} is missing" in " ".join(done.stderr.split())


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("it ran",))


def test_nothing_in_a_file_is_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name, what in (("center_v3.pth", Evil()), ("F35_N8.pth", {"weights": 1})):
        torch.save(what, tmp_path / name)
        done = weights("import", "jin2018", tmp_path / name, "-o", tmp_path / "out")
        assert done.exit_code == 2, done.output
        assert "Traceback" not in done.output and "center_v3.pth" in done.stderr
    (tmp_path / "F35_N8.pth").write_bytes(b"\x80\x02garbage")
    done = weights("import", "jin2018", tmp_path / "F35_N8.pth", "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert "no checkpoint that can be read safely" in " ".join(done.stderr.split())
    assert "it ran" not in capfd.readouterr().out
    done = weights("import", "nobody", tmp_path / "F35_N8.pth", "-o", tmp_path / "out")
    assert done.exit_code == 2 and "jin2018" in done.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nowhere", "there are no such weights"),
        ("hf://owner", "owner/repo@revision"),
        ("hf://owner/repo@main", "cannot be fetched"),
    ],
)
def test_weights_that_cannot_be_found(source: str, said: str) -> None:
    done = weights("info", source)
    assert done.exit_code == 2 and said in " ".join(done.stderr.split())
    assert "Traceback" not in done.output


def test_a_repository_is_fetched_and_checked(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, object] = {}

    def snapshot(repo: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.update(repo=repo, revision=revision, patterns=allow_patterns)
        return str(tmp_path / "fetched")

    assert weights("export", trained, "-o", tmp_path / "fetched/a.safetensors").exit_code == 0
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    done = weights("verify", "hf://owner/repo@0123abc")
    assert done.exit_code == 0, done.output
    assert asked["repo"] == "owner/repo" and asked["revision"] == "0123abc"
    assert asked["patterns"] == ["bundle.json", "*.safetensors"]
    (tmp_path / "fetched/b.safetensors").write_bytes(b"")
    done = weights("verify", "hf://owner/repo")
    assert done.exit_code == 2 and "2 .safetensors files" in done.stderr


def test_list_says_what_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done = weights("list")
    assert done.exit_code == 0 and "import jin2018" in done.output
    (tmp_path / "small.safetensors").write_bytes(bytes(2_000_000))
    monkeypatch.setattr(sources, "bundled", lambda: {"small": tmp_path / "small.safetensors"})
    assert "small  2.0 MB" in weights("list").output
    said = json.loads(weights("list", "--json").output)
    assert said["weights"] == [{"name": "small", "bytes": 2_000_000}]
    assert [one["name"] for one in said["importers"]] == ["jin2018"]
    done = weights("info", "smal")
    assert done.exit_code == 2 and "small" in done.stderr
