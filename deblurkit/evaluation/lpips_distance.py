"""LPIPS, a distance of images as people see it: Zhang et al., CVPR 2018.

The `lpips` package, version 0.1 of its weights, does the work. Its linear layers come with the
package; the backbone's weights are torchvision's ImageNet weights, which must be had from
elsewhere once: where they cannot be, there is no LPIPS, and no other number stands in.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from deblurkit.errors import DataError, UnavailableError, WeightsError
from deblurkit.evaluation.torchvision_weights import kept_file, read_weights, weights_file

Net = Literal["alex", "vgg"]
Image = npt.NDArray[np.floating[Any]]
Images = npt.NDArray[np.floating[Any]]
Floats = npt.NDArray[np.float64]

NETS: tuple[Net, ...] = get_args(Net)
URLS: Mapping[Net, str] = {
    "alex": "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
    "vgg": "https://download.pytorch.org/models/vgg16-397923af.pth",
}
LEAST_SIDE: Mapping[Net, int] = {"alex": 31, "vgg": 16}
"""Below this side of an image, in pixels, a layer of the network has nothing left to see."""
_PIXELS = 2**21
"""At most about as many pixels in one pass: a thousand small patches must not fill memory."""


def kept(net: Net = "alex") -> bool:
    """Whether the backbone's weights are on this machine; asks no network.

    Raises:
        ValueError: there is no such net.
    """
    return kept_file(URLS[_check_net(net)]).is_file()


def why_unavailable(net: Net = "alex") -> str | None:
    """None where `Lpips(net)` can be built, otherwise why not, in one line.

    Looks for the backbone's weights and fetches them where they are missing and a network is
    there. Without one it answers within seconds, and at once from then on.

    Raises:
        ValueError: there is no such net.
    """
    try:
        weights_file(URLS[_check_net(net)], _where(net))
    except UnavailableError as error:
        return str(error.what)
    return None


class Lpips:
    """LPIPS of images in [0, 1], on a backbone loaded once. Lower is better, 0 for equal images.

    Args:
        net: The backbone: alex (AlexNet, what most tables use) or vgg (VGG-16).
        backbone: Its weights: a .pth file of torchvision's network, or a module of that
            architecture; None for torchvision's ImageNet weights.
        device: Where to compute.

    Raises:
        UnavailableError: the ImageNet weights are not here and cannot be fetched within seconds.
        WeightsError: the file is missing or damaged, or the weights do not fit.
        ValueError: there is no such net.
    """

    def __init__(
        self, net: Net = "alex", backbone: Path | str | nn.Module | None = None, device: str = "cpu"
    ) -> None:
        self.net: Net = _check_net(net)
        state: Mapping[str, Tensor]
        if isinstance(backbone, nn.Module):
            state, source = backbone.state_dict(), type(backbone).__name__
        else:
            path = weights_file(URLS[net], _where(net)) if backbone is None else Path(backbone)
            state, source = read_weights(path, _where(net)), str(path)
        self._model = _model(net)
        _load_backbone(self._model, state, f"{_where(net)}, {source}")
        self._model.eval().requires_grad_(False).to(device)
        self.device = device

    def distance(self, estimate: Image, target: Image) -> float:
        """LPIPS of an image H×W×3 of floats in [0, 1] against the true one in the same shape.

        Raises:
            ValueError: the shapes differ, are not H×W×3, or the arrays hold no floats.
            DataError: the images are too small for the network; says how large they must be.
        """
        return float(self.distances(estimate[None], target[None])[0])

    def distances(self, estimates: Images, targets: Images) -> Floats:
        """LPIPS of N images against N true ones, N×H×W×3 floats in [0, 1] each: N numbers.

        Raises:
            ValueError, DataError: as `distance`.
        """
        if estimates.shape != targets.shape or estimates.ndim != 4 or estimates.shape[3] != 3:
            raise ValueError(
                f"LPIPS compares images H×W×3, got {estimates.shape[1:]} and {targets.shape[1:]}"
            )
        for array in (estimates, targets):
            if not np.issubdtype(array.dtype, np.floating):
                raise ValueError(f"LPIPS is of floats in [0, 1], got {array.dtype}")
        n, height, width, _ = estimates.shape
        least = LEAST_SIDE[self.net]
        if min(height, width) < least:
            raise DataError(
                f"an image of {height}×{width} pixels is too small for {_where(self.net)}",
                valid=f"at least {least}×{least} pixels",
            )
        step = max(1, _PIXELS // (height * width))
        parts = [
            self._pass(estimates[k : k + step], targets[k : k + step]) for k in range(0, n, step)
        ]
        return np.concatenate(parts) if parts else np.zeros(0)

    @torch.inference_mode()
    def _pass(self, estimates: Images, targets: Images) -> Floats:
        ours, truth = (self._tensor(images) for images in (estimates, targets))
        out: Floats = self._model(ours, truth, normalize=True).double().cpu().numpy().reshape(-1)
        return out

    def _tensor(self, images: Images) -> Tensor:
        # float64 first: the networks compute in float32 whatever the frames came in.
        single = np.ascontiguousarray(images.astype(np.float32).transpose(0, 3, 1, 2))
        return torch.from_numpy(single).to(self.device)


def _model(net: Net) -> nn.Module:
    """The package's module with its own linear layers; the backbone is still random."""
    import lpips  # seconds, which asking whether weights are here need not cost

    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        for message in (
            "The parameter 'pretrained' is deprecated",
            "Arguments other than a weight",
        ):
            warnings.filterwarnings("ignore", message=message, category=UserWarning)
        model: nn.Module = lpips.LPIPS(net=net, pretrained=False, pnet_rand=True, verbose=False)
    path = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{net}.pth"
    linear = read_weights(path, _where(net))
    refused = model.load_state_dict(dict(linear), strict=False).unexpected_keys
    if refused or not linear:
        raise WeightsError(f"unknown entries in '{path}': {', '.join(refused)}", where=_where(net))
    return model


def _load_backbone(model: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Fill the package's slices, `sliceK.N`, from torchvision's `features.N`."""
    backbone: Any = model.net
    own: dict[str, Tensor] = backbone.state_dict()
    names = {key: f"features.{key.partition('.')[2]}" for key in own}
    wrong = [
        name
        for key, name in names.items()
        if name not in state or state[name].shape != own[key].shape
    ]
    if wrong:
        raise WeightsError(
            f"entries missing or of another shape: {', '.join(wrong)}",
            where=where,
            valid="the weights of torchvision's network of this name",
        )
    backbone.load_state_dict({key: state[name] for key, name in names.items()})


def _check_net(net: Net) -> Net:
    if net not in NETS:
        raise ValueError(f"unknown net {net!r} of LPIPS; valid: {', '.join(NETS)}")
    return net


def _where(net: Net) -> str:
    return f"LPIPS ({net})"
