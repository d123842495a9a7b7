"""LPIPS against the `lpips` package called directly, on random backbones: no network is asked."""

from __future__ import annotations

import hashlib
import http.client
import io
import pickle
import threading
import time
import urllib.error
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lpips
import numpy as np
import pytest
import torch
from torchvision import models

from deblurkit.errors import DataError, UnavailableError, WeightsError
from deblurkit.evaluation import lpips_distance, torchvision_weights
from deblurkit.evaluation.lpips_distance import LEAST_SIDE, URLS, Lpips, kept, why_unavailable
from deblurkit.registry import get_registry
from deblurkit.testing import check_metric

BUILD = {"alex": models.alexnet, "vgg": models.vgg16}


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder where torch.hub keeps weights, and no network."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.delenv("HF_HUB_OFFLINE")

    def refuse(*_: Any, **__: Any) -> None:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    torchvision_weights._unreachable.cache_clear()
    yield tmp_path / "torch" / "hub" / "checkpoints"
    torchvision_weights._unreachable.cache_clear()


@pytest.fixture(scope="module", params=["alex", "vgg"])
def backbone(request: pytest.FixtureRequest) -> tuple[str, torch.nn.Module]:
    """The features of a backbone, with weights that no download would give."""
    torch.manual_seed(5)
    with torch.device("meta"):  # the classifiers are large, and nobody looks at them
        whole = BUILD[request.param](weights=None)
    features = torch.nn.Module()
    features.features = whole.features.to_empty(device="cpu")
    for parameter in features.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return request.param, features


def images(count: int, height: int = 40, width: int = 48, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, height, width, 3))


def by_the_package(net: str, features: torch.nn.Module, one: np.ndarray, other: np.ndarray):
    """The package's own forward, its backbone's slices replaced layer by layer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    for k in range(1, model.net.N_slices + 1):
        for name, layer in getattr(model.net, f"slice{k}").named_children():
            layer.load_state_dict(features.features[int(name)].state_dict())
    tensors = (
        torch.from_numpy(2 * image - 1).permute(2, 0, 1)[None].float() for image in (one, other)
    )
    with torch.no_grad():
        return model(*tensors).item()


def test_distances_are_those_of_the_package(backbone: tuple[str, torch.nn.Module]) -> None:
    net, features = backbone
    ours = Lpips(net, features)
    one, other = images(3), images(3, seed=1)
    wanted = [by_the_package(net, features, *pair) for pair in zip(one, other, strict=True)]
    assert len(set(wanted)) == 3 and min(wanted) > 1e-4
    np.testing.assert_allclose(ours.distances(one, other), wanted, rtol=1e-5)
    single = ours.distance(one[0], other[0])
    assert type(single) is float and single == pytest.approx(wanted[0], rel=1e-5)
    assert ours.distance(one[0], one[0]) == 0


def test_passes_of_any_size_give_the_same(
    backbone: tuple[str, torch.nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    net, features = backbone
    ours, pair = Lpips(net, features), (images(5), images(5, seed=1))
    whole = ours.distances(*pair)
    monkeypatch.setattr(lpips_distance, "_PIXELS", 2 * 40 * 48)
    np.testing.assert_allclose(ours.distances(*pair), whole, rtol=1e-5)
    assert ours.distances(*(frames[:0] for frames in pair)).shape == (0,)


def test_a_file_a_module_and_the_kept_weights_are_the_same(
    backbone: tuple[str, torch.nn.Module], hub: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    net, features = backbone
    pair = (images(1)[0], images(1, seed=1)[0])
    wanted = Lpips(net, features).distance(*pair)
    assert not kept(net)
    hub.mkdir(parents=True)
    file = hub / URLS[net].rpartition("/")[2]
    torch.save({**features.state_dict(), "classifier.1.bias": torch.zeros(3)}, file)
    assert kept(net) and why_unavailable(net) is None
    assert Lpips(net).distance(*pair) == wanted
    assert Lpips(net, str(file)).distance(*pair) == wanted
    assert capfd.readouterr() == ("", "")  # the package likes to talk


def test_it_survives_pickling_and_leaves_the_random_numbers_alone(
    backbone: tuple[str, torch.nn.Module],
) -> None:
    net, features = backbone
    before = torch.random.get_rng_state()
    ours = Lpips(net, features)
    assert torch.equal(torch.random.get_rng_state(), before)
    pair = (images(1)[0], images(1, seed=1)[0])
    assert pickle.loads(pickle.dumps(ours)).distance(*pair) == ours.distance(*pair)


def test_the_metric_keeps_the_contract(backbone: tuple[str, torch.nn.Module], hub: Path) -> None:
    """With random weights at the place of the real ones."""
    net, features = backbone
    hub.mkdir(parents=True)
    torch.save(features.state_dict(), hub / URLS[net].rpartition("/")[2])
    metric = next(m for m in get_registry().specs("metric") if m.spec.name == "lpips")
    check_metric(metric, net=net)


def test_the_smallest_image(backbone: tuple[str, torch.nn.Module]) -> None:
    net, features = backbone
    ours, side = Lpips(net, features), LEAST_SIDE[net]
    assert ours.distance(images(1, side, 64)[0], images(1, side, 64, 1)[0]) > 0
    with pytest.raises(DataError, match=rf"64×{side - 1} pixels is too small.*\n  valid: at least"):
        ours.distance(images(1, 64, side - 1)[0], images(1, 64, side - 1)[0])


def test_mistakes_are_named(backbone: tuple[str, torch.nn.Module]) -> None:
    net, features = backbone
    ours, x = Lpips(net, features), images(2)
    with pytest.raises(ValueError, match=r"images H×W×3, got \(40, 48, 3\) and \(40, 47, 3\)"):
        ours.distance(x[0], x[0][:, :47])
    with pytest.raises(ValueError, match="images H×W×3"):
        ours.distance(x[0, ..., :1], x[0, ..., :1])
    with pytest.raises(ValueError, match="floats in \\[0, 1\\], got uint8"):
        ours.distance((x[0] * 255).astype(np.uint8), (x[0] * 255).astype(np.uint8))
    for use in (Lpips, why_unavailable, kept):
        with pytest.raises(ValueError, match="unknown net 'resnet' of LPIPS; valid: alex, vgg"):
            use("resnet")


def test_weights_that_do_not_fit_are_named(
    backbone: tuple[str, torch.nn.Module], tmp_path: Path
) -> None:
    net, features = backbone
    state = features.state_dict()
    del state["features.0.bias"]
    state["features.0.weight"] = torch.zeros(1)
    torch.save(state, tmp_path / "wrong.pth")
    with pytest.raises(WeightsError, match=r"shape: features\.0\.weight, features\.0\.bias\n"):
        Lpips(net, tmp_path / "wrong.pth")
    with pytest.raises(WeightsError, match="there is no weights file"):
        Lpips(net, tmp_path / "none.pth")
    (tmp_path / "damaged.pth").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"damaged\.pth' cannot be read"):
        Lpips(net, tmp_path / "damaged.pth")
    torch.save([1], tmp_path / "list.pth")
    with pytest.raises(WeightsError, match="holds a list, no state dict"):
        Lpips(net, tmp_path / "list.pth")


# --- weights that must be fetched -----------------------------------------------------------


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_without_weights_and_network_it_says_where_and_what(net: str, hub: Path) -> None:
    name = URLS[net].rpartition("/")[2]
    reason = why_unavailable(net)
    assert reason is not None and "\n" not in reason
    assert name in reason and "no route to host" in reason
    with pytest.raises(UnavailableError) as caught:
        Lpips(net)
    message = str(caught.value)
    for words in (f"LPIPS ({net})", str(hub / name), URLS[net], "connect once, or put the file"):
        assert words in message
    assert not hub.exists()


def test_offline_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("somebody asked"))
    assert "fetched: HF_HUB_OFFLINE is set" in (why_unavailable() or "")


def test_a_server_that_never_answers_is_asked_once_and_briefly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, stop = [], threading.Event()

    def hang(*_: Any, **__: Any) -> None:
        asked.append(1)
        stop.wait(20)
        raise TimeoutError

    monkeypatch.setattr("urllib.request.urlopen", hang)
    monkeypatch.setattr(torchvision_weights, "PATIENCE", 0.2)
    try:
        start = time.monotonic()
        for _ in range(3):
            assert "no answer within 0.2 seconds" in (why_unavailable() or "")
        assert time.monotonic() - start < 10
        assert len(asked) == 1
    finally:
        stop.set()


class Server:
    """What stands in for the network: one file at every address."""

    def __init__(self, content: bytes, cut: bool = False) -> None:
        self.content, self.cut, self.asked = content, cut, []

    def __call__(self, request: Any, timeout: float) -> Any:
        self.asked.append((request.get_method(), request.full_url))
        assert timeout > 0
        body = io.BytesIO(self.content if request.get_method() == "GET" else b"")
        if self.cut and request.get_method() == "GET":
            body.read = self._break_off
        return body

    def _break_off(self, *_: Any) -> bytes:
        raise http.client.IncompleteRead(b"")


def test_a_reachable_server_is_asked_for_the_file_once(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    buffer = io.BytesIO()
    torch.save({"weight": torch.arange(3)}, buffer)
    digits = hashlib.sha256(buffer.getvalue()).hexdigest()[:8]
    url, server = f"https://example.org/models/net-{digits}.pth", Server(buffer.getvalue())
    monkeypatch.setattr("urllib.request.urlopen", server)
    for _ in range(2):
        path = torchvision_weights.weights_file(url, "a test")
    assert server.asked == [("HEAD", url), ("GET", url)]
    assert path == hub / f"net-{digits}.pth"
    assert torchvision_weights.read_weights(path, "a test")["weight"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(("cut", "words"), [(False, "has the SHA-256"), (True, "IncompleteRead")])
def test_a_download_that_went_wrong_leaves_nothing(
    hub: Path, monkeypatch: pytest.MonkeyPatch, cut: bool, words: str
) -> None:
    monkeypatch.setattr("urllib.request.urlopen", Server(b"not what was promised", cut))
    assert words in (why_unavailable() or "")
    with pytest.raises(UnavailableError, match=words):
        Lpips()
    assert list(hub.iterdir()) == []


def test_the_home_folder_is_not_spelled_out(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reasons are written into tables that are published."""
    monkeypatch.setenv("HOME", str(hub.parents[2]))
    assert "'~/torch/hub/checkpoints/alexnet" in (why_unavailable() or "")
