"""The architectures keep deblurkit's contract, and load weights as their authors save them."""

import pytest
import torch
from deblurkit_backbones.multi_scale import MultiScale
from deblurkit_backbones.plugin import deblurkit_architectures
from deblurkit_backbones.reasons import reason
from deblurkit_backbones.spandrel_network import DEFAULTS, ModelLoader, SpandrelNetwork
from deblurkit_backbones.timm_unet import TimmUNet
from safetensors.torch import save_file

from deblurkit.errors import RecipeError, UnavailableError, WeightsError
from deblurkit.testing import check_architecture

# As the plugin says where it imports spandrel; pytest has filters of its own.
pytestmark = pytest.mark.filterwarnings("ignore:'saved_variables' is deprecated")

SPECS = {spec.name: spec for spec in deblurkit_architectures()}
SMALL = {
    "NAFNet": {"width": 8, "enc_blk_nums": [1, 1], "middle_blk_num": 1, "dec_blk_nums": [1, 1]},
    "Uformer": {"embed_dim": 8, "depths": [1] * 9, "win_size": 4, "modulator": False},
    "FFTformer": {"dim": 8, "num_blocks": [1, 1, 1], "num_refinement_blocks": 1},
    "SCUNet": {"config": [1] * 7, "dim": 64},
    "SwinIR": {"embed_dim": 12, "depths": [2], "num_heads": [2], "window_size": 4},
    "KBNet": {"dim": 8, "num_blocks": [1, 1, 1, 1], "num_refinement_blocks": 1},
}
EXTRA = {
    "Restormer": {"dim": 8, "num_blocks": [1, 1, 1, 1], "num_refinement_blocks": 1},
    "MPRNet": {"n_feat": 24, "scale_unetfeats": 12, "scale_orsnetfeats": 12, "num_cab": 1},
}


@pytest.mark.parametrize("network", [*DEFAULTS])
def test_spandrel(network):
    check_architecture(SPECS["spandrel"], network=network, options=SMALL[network])


@pytest.mark.parametrize("network", EXTRA)
def test_spandrel_extra(network):
    pytest.importorskip("spandrel_extra_arches", reason="a package with licences of its own")
    check_architecture(SPECS["spandrel"], network=network, options=EXTRA[network])


@pytest.mark.parametrize("backbone", ["convnext_atto", "resnet10t", "mobilenetv3_small_050"])
def test_timm_unet(backbone):
    check_architecture(SPECS["timm-unet"], backbone=backbone, decoder_width=8)


def test_frozen_batch_norm_keeps_samples_apart():
    check_architecture(SPECS["timm-unet"], backbone="resnet10t", norm="frozen", decoder_width=8)


def test_multi_scale():
    check_architecture(SPECS["multi-scale"], blocks=1, width=8)
    with torch.device("meta"):
        counted = sum(p.numel() for p in MultiScale(inputs=1).parameters())
    # Three scales of 19 blocks of two 5×5 convolutions of 64 channels, and little else.
    assert 0 < counted - 3 * 19 * 2 * (64 * 64 * 25 + 64) < 50_000


def images(inputs=1, size=(1, 3, 32, 40)):
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(size, generator=generator) for _ in range(inputs)]


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("network", ["NAFNet", "SwinIR"])
def test_published_weights_give_what_spandrel_gives(network, suffix, tmp_path):
    """With the weights of one image, a network of two gives what it gives for the base."""
    torch.manual_seed(3)
    original = SpandrelNetwork(1, network, SMALL[network]).network.eval()
    path = tmp_path / f"weights{suffix}"
    state = original.state_dict()
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    loaded = ModelLoader().load_from_file(path).eval()
    ours = SpandrelNetwork(2, network, SMALL[network], weights=str(path)).eval()
    base, other = images(2)
    with torch.no_grad():
        assert torch.allclose(ours([other, base], base), loaded.model(base), atol=1e-5)


def test_weights_that_do_not_fit_say_what_would(tmp_path):
    path = tmp_path / "nafnet.safetensors"
    save_file(SpandrelNetwork(1, "NAFNet", SMALL["NAFNet"]).network.state_dict(), path)
    with pytest.raises(WeightsError, match="another size") as caught:
        SpandrelNetwork(1, "NAFNet", weights=str(path))
    assert "'width': 8" in str(caught.value) and "'enc_blk_nums': [1, 1]" in str(caught.value)
    with pytest.raises(WeightsError, match="has the weights of 'NAFNet', not of 'SCUNet'"):
        SpandrelNetwork(1, "SCUNet", SMALL["SCUNet"], weights=str(path))
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="cannot be used"):
        SpandrelNetwork(1, "NAFNet", weights=str(path))
    with pytest.raises(WeightsError, match="there is no weights file"):
        SpandrelNetwork(1, "NAFNet", weights=str(tmp_path / "missing.pth"))


@pytest.mark.parametrize(
    ("network", "options", "words"),
    [
        ("NAFnet", {}, "near it: NAFNet"),
        ("ESRGAN", {}, "it enlarges images"),
        ("NAFNet", {"depth": 3}, "cannot be built: TypeError"),
        ("NAFNet", {"img_channel": 1}, "from 1 to 1 channels"),
    ],
)
def test_networks_that_cannot_be(network, options, words):
    with pytest.raises(RecipeError, match=words):
        SpandrelNetwork(1, network, options)


@pytest.mark.parametrize(
    ("backbone", "words"),
    [
        ("resnet_34", "near it: .*resnet34"),
        ("vit_tiny_patch16_224", "no pyramid of features"),
    ],
)
def test_encoders_that_cannot_be(backbone, words):
    with pytest.raises(RecipeError, match=words):
        TimmUNet(1, backbone)


def test_weights_of_an_encoder(tmp_path, monkeypatch):
    import timm

    torch.manual_seed(5)
    whole = timm.create_model("resnet10t")
    path = tmp_path / "encoder.safetensors"
    save_file(whole.state_dict(), path)
    ours = TimmUNet(2, "resnet10t", weights=str(path), norm="frozen")
    layer = next(k for k in ours.encoder.state_dict() if k.startswith("layer4") and "conv1" in k)
    assert torch.equal(ours.encoder.state_dict()[layer], whole.state_dict()[layer])
    with pytest.raises(RecipeError, match="norm: frozen"):
        TimmUNet(2, "resnet10t", weights=str(path))
    state = whole.state_dict()
    for kept, words in (
        ({k: v for k, v in state.items() if not k.startswith("layer3")}, r"layer3\.0"),
        ({"fc.weight": state["fc.weight"]}, "lacks entries of the encoder"),
        ({f"zzz.{k}": v for k, v in state.items()}, "lacks entries of the encoder"),
        (timm.create_model("resnet14t").state_dict(), "cannot be used|lacks entries"),
    ):
        save_file(kept, path)
        with pytest.raises(WeightsError, match=words):
            TimmUNet(2, "resnet10t", weights=str(path), norm="frozen")
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match="cannot be used"):
        TimmUNet(2, "resnet10t", weights=str(path), norm="frozen")
    with pytest.raises(WeightsError, match="there is no weights file"):
        TimmUNet(2, "resnet10t", weights=str(tmp_path / "missing.pth"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(UnavailableError, match="cannot be fetched"):
        TimmUNet(2, "resnet10t", weights="pretrained", norm="frozen")


@pytest.mark.parametrize(
    ("network", "words"), [("GFPGAN", "made for something else"), ("DRUNet", "1 channels")]
)
def test_networks_for_other_things_are_refused(network, words):
    with pytest.raises(RecipeError, match=words):
        SpandrelNetwork(1, network)


def test_what_foreign_libraries_say_fits_in_a_line():
    assert reason(RuntimeError("Error(s) in loading:\n\tsize mismatch for a.b")) == (
        "Error(s) in loading: size mismatch for a.b"
    )
    assert reason(IndexError("pop from empty list")).startswith("it is no file of weights")
    advice = RuntimeError("Weights only load failed. Set weights_only=False")
    assert reason(advice) == "it holds more than tensors, and nothing else is loaded"
    assert reason(ValueError()) == "ValueError"
    assert len(reason(ValueError("x" * 1000))) == 300
