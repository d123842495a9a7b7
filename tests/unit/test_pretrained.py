"""The networks that come with deblurkit: whole, small, and as good as their card says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from real_data import real_data
from skimage.metrics import peak_signal_noise_ratio

import deblurkit
from deblurkit.bundle import Bundle, load_bundle
from deblurkit.cli import main
from deblurkit.media.photo import read_photo
from deblurkit.registry import get_registry
from deblurkit.weights.check import problems
from deblurkit.weights.sources import bundled

CARD = (Path(__file__).parents[2] / "docs" / "pretrained.md").read_text("utf-8")


@pytest.fixture(scope="module", params=sorted(bundled()))
def bundle(request: pytest.FixtureRequest) -> Bundle:
    return load_bundle(bundled()[request.param], get_registry())


def test_it_is_whole_and_small(bundle: Bundle) -> None:
    assert bundled()["small"].stat().st_size <= 6_000_000
    assert list(problems(bundle)) == []
    assert bundle.about["licence"] == "Apache-2.0"
    assert bundle.about["recipe"]["name"] == "pretrained-small"


def test_its_card_has_its_scores(bundle: Bundle) -> None:
    scores = bundle.about["scores"]
    for name in ("reds", "gopro"):
        said = [f"{scores[f'{name}-{image}-psnr']:.2f}" for image in ("blurry", "middle")]
        assert re.search(rf"^\| {name} \|.*{said[0]}.*{said[1]}", CARD, re.MULTILINE), name
    assert f"{scores['bf16-psnr']:.1f} dB in the worst" in CARD
    assert f"| {scores['psnr']:.2f} | {scores['ssim']:.4f} |" in CARD
    assert scores["bf16-psnr"] >= 45


def test_photos_of_pairs_get_sharper() -> None:
    folder = real_data("pairs/reds")
    blurry, found = [], []
    for path in sorted((folder / "blur").rglob("*.png"))[::7]:
        sharp = read_photo(folder / "sharp" / path.relative_to(folder / "blur")).pixels / 255.0
        result = deblurkit.extract(path)
        assert result.reblur_psnr is not None and result.reblur_psnr > 30
        middle = np.clip(result.frames[3], 0, 1)
        blurry.append(peak_signal_noise_ratio(sharp, result.photo.pixels / 255.0))
        found.append(peak_signal_noise_ratio(sharp, middle.astype(np.float64)))
    scores = load_bundle(bundled()["small"], get_registry()).about["scores"]
    gain = scores["reds-middle-psnr"] - scores["reds-blurry-psnr"]
    assert np.mean(found) - np.mean(blurry) == pytest.approx(gain, abs=0.3)
    assert gain > 0.3


def test_they_are_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    photo = np.random.default_rng(0).integers(0, 256, (40, 48, 3), dtype=np.uint8)
    Image.fromarray(photo).save("photo.png")
    done = CliRunner().invoke(main, ["extract", "photo.png", "--json"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "photo.mp4").exists() and json.loads(done.stdout)
    listed = CliRunner().invoke(main, ["weights", "list"])
    assert listed.exit_code == 0 and re.search(r"^small +\d\.\d MB$", listed.stdout, re.MULTILINE)
