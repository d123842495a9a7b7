"""Weights of timm's models: pretrained, from a file, and every way that can go wrong."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from deblurkit.errors import UnavailableError, WeightsError
from deblurkit_standard import timm_weights
from deblurkit_standard.architectures.dilated_resnet import DilatedResNet
from deblurkit_standard.losses.perceptual import LAYERS, VGG16, Perceptual

BACKBONE = "test_resnet"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The hub: nothing cached and out of reach, until a test says otherwise."""
    state = SimpleNamespace(cached={}, online={}, reachable=False, asked=[])

    def download(repository: str, name: str, *, local_files_only: bool) -> str:
        state.asked.append((repository, name, local_files_only))
        there = state.cached if local_files_only else {**state.cached, **state.online}
        if name not in there:
            raise FileNotFoundError(name)
        return str(there[name])

    def head(url: str, **_: Any) -> None:
        if not state.reachable:
            raise ConnectionError("no route to host")

    monkeypatch.setattr(timm_weights.huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(timm_weights, "get_session", lambda: SimpleNamespace(head=head))
    return state


@pytest.fixture(scope="module")
def resnet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole classifier as timm would save it, with weights that no seed would give."""
    torch.manual_seed(3)
    model = timm.create_model(BACKBONE, pretrained=False, zero_init_last=False)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_()
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    save_file(model.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def vgg_state() -> dict[str, torch.Tensor]:
    torch.manual_seed(4)
    return {k: torch.randn_like(v) * 0.05 for k, v in VGG16(LAYERS, "random").state_dict().items()}


@pytest.mark.parametrize(
    "build",
    [
        lambda: Perceptual("pretrained"),
        lambda: DilatedResNet(1, weights="pretrained", norm="batch"),
    ],
)
def test_unreachable_names_the_three_choices_at_once(hub: SimpleNamespace, build: Any) -> None:
    start = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        build()
    message = str(caught.value)
    for words in ("no route to host", "'pretrained'", ".safetensors", "'random'", "weights: PATH"):
        assert words in message
    assert time.monotonic() - start < 5
    assert all(local for *_, local in hub.asked)  # no download was tried


def test_a_cached_file_needs_no_network(hub: SimpleNamespace, resnet_file: Path) -> None:
    hub.cached["model.safetensors"] = resnet_file
    _matches_timm(DilatedResNet(2, BACKBONE, "pretrained", "batch"), resnet_file)


def test_an_older_cached_format_will_do(
    hub: SimpleNamespace, vgg_state: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    torch.save(vgg_state, tmp_path / "pytorch_model.bin")
    hub.cached["pytorch_model.bin"] = tmp_path / "pytorch_model.bin"
    vgg = VGG16(["relu1_1"], "pretrained")
    assert torch.equal(vgg.features[0].weight, vgg_state["features.0.weight"])


def test_a_reachable_hub_is_asked_for_the_file(hub: SimpleNamespace, resnet_file: Path) -> None:
    hub.reachable = True
    hub.online["model.safetensors"] = resnet_file
    _matches_timm(DilatedResNet(1, BACKBONE, "pretrained", "batch"), resnet_file)


def test_a_download_that_fails_is_said(hub: SimpleNamespace) -> None:
    hub.reachable = True
    with pytest.raises(UnavailableError, match=r"cannot be reached: model\.safetensors"):
        Perceptual("pretrained")


def test_a_model_without_pretrained_weights_is_said(hub: SimpleNamespace) -> None:
    with pytest.raises(UnavailableError, match="no pretrained weights for 'resnetaa34d'"):
        DilatedResNet(1, "resnetaa34d", "pretrained", "batch")


def _matches_timm(network: DilatedResNet, file: Path) -> None:
    """Its encoder gives what timm's own model gives, for n times the same image."""
    reference = timm.create_model(
        BACKBONE,
        features_only=True,
        output_stride=8,
        pretrained=True,
        pretrained_cfg_overlay={"file": str(file)},
    )
    image = torch.rand(1, 3, 32, 40)
    ours = network.eval().encoder(torch.cat([image] * network.inputs, 1))
    for a, b in zip(ours, reference.eval()(image), strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("inputs", [1, 3])
def test_a_file_with_its_classifier_loads(resnet_file: Path, inputs: int) -> None:
    network = DilatedResNet(inputs, BACKBONE, str(resnet_file), "batch")
    _matches_timm(network, resnet_file)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_vgg_files_of_both_formats_load(
    vgg_state: dict[str, torch.Tensor], tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"vgg{suffix}"
    whole = {**vgg_state, "classifier.0.weight": torch.zeros(2, 2)}
    save_file(whole, path) if suffix == ".safetensors" else torch.save(whole, path)
    vgg = VGG16(["relu2_2", "relu3_3"], str(path))
    for name, value in vgg.state_dict().items():
        assert torch.equal(value, vgg_state[name])


def test_files_that_do_not_fit_name_what_is_wrong(
    vgg_state: dict[str, torch.Tensor], resnet_file: Path, tmp_path: Path
) -> None:
    wrong = dict(vgg_state)
    del wrong["features.2.bias"]
    wrong["features.99.weight"] = torch.zeros(1)
    wrong["features.0.weight"] = torch.zeros(64, 1, 3, 3)
    save_file(wrong, tmp_path / "wrong.safetensors")
    with pytest.raises(WeightsError) as caught:
        Perceptual(str(tmp_path / "wrong.safetensors"))
    message = str(caught.value)
    assert "missing: features.2.bias" in message
    assert "extra: features.99.weight" in message
    assert "features.0.weight is (64, 1, 3, 3), not (64, 3, 3, 3)" in message
    assert str(tmp_path / "wrong.safetensors") in message
    with pytest.raises(WeightsError, match=r"extra: .* and \d+ more"):
        Perceptual(str(resnet_file))
    with pytest.raises(WeightsError, match=r"extra: .*running_mean"):
        DilatedResNet(1, BACKBONE, str(resnet_file), "group")


def test_damaged_and_missing_files_are_named(resnet_file: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no weights file 'pretraind'\n  valid: 'pretrained'"):
        Perceptual("pretraind")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(resnet_file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be read"):
        DilatedResNet(1, BACKBONE, str(cut), "batch")
    code = tmp_path / "code.pth"
    torch.save({"features.0.weight": shutil.rmtree}, code)
    with pytest.raises(WeightsError, match="cannot be read"):
        Perceptual(str(code))
