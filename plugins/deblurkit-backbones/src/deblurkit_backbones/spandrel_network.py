"""Restoration networks of spandrel, made to see several images and to add to a base."""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deblurkit.errors import RecipeError, WeightsError
from deblurkit_backbones.images import padded, stacked
from deblurkit_backbones.reasons import reason

with warnings.catch_warnings():  # of what spandrel's networks use of torch, which goes on working
    warnings.simplefilter("ignore")
    from spandrel import (
        MAIN_REGISTRY,
        ArchRegistry,
        ImageModelDescriptor,
        ModelLoader,
        UnsupportedModelError,
    )

WHERE = "architecture 'spandrel'"
EXTRA = "Restormer, MPRNet and others come with the package spandrel_extra_arches, if installed"

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    # Depths and widths as published; without random depth, in which samples would differ.
    "NAFNet": {"width": 32, "enc_blk_nums": [1, 1, 1, 28], "middle_blk_num": 1,
               "dec_blk_nums": [1, 1, 1, 1]},
    "Uformer": {"drop_path_rate": 0.0, "modulator": True},
    "FFTformer": {},
    "SCUNet": {"drop_path_rate": 0.0},
    "SwinIR": {"embed_dim": 180, "depths": [6] * 6, "num_heads": [6] * 6, "window_size": 8,
               "mlp_ratio": 2.0, "drop_path_rate": 0.0},
}  # fmt: skip
"""What a network is built with, where its constructor's own defaults are of no use here."""

UNUSED: Mapping[str, tuple[str, ...]] = {"FFTformer": ("reduce_chan_level2.weight",)}
"""Parameters that a network has and its forward pass never sees."""

# NAFNet's own layer norm reads its saved tensors by an old name.
warnings.filterwarnings("ignore", message="'saved_variables' is deprecated", module=r"spandrel\.")


class SpandrelNetwork(nn.Module):
    """A network for one frame: base + net(z) - z, where z = base + stem(images).

    The network itself sees and gives one image, as its published weights do. The stem, a 3×3
    convolution of all images that starts at zero, lets several images in: a new network with
    published weights gives exactly what it gives for the base alone.

    Args:
        inputs: Number of images it sees, at least 1.
        network: Spandrel's name.
        options: Arguments of its constructor, over `DEFAULTS`.
        weights: `random`, or the path of a file that spandrel can load.

    Raises:
        RecipeError: spandrel has no such network, it cannot be built like this, or it is none
            that gives a colour image of the size of the one it sees.
        WeightsError: the file is missing, damaged or of another network or size; for another
            size the message says which options are its.
    """

    def __init__(
        self,
        inputs: int,
        network: str = "NAFNet",
        options: Mapping[str, Any] | None = None,
        weights: str = "random",
    ) -> None:
        super().__init__()
        self.inputs = inputs
        said = {**DEFAULTS.get(network, {}), **(options or {})}
        self.network, self.requires = _built(network, said)
        for parameter in UNUSED.get(network, ()):
            self.network.get_parameter(parameter).requires_grad_(False)
        if weights != "random":
            _fill(self.network, network, Path(weights).expanduser())
        self.stem = nn.Conv2d(3 * inputs, 3, 3, padding=1)
        nn.init.zeros_(self.stem.weight)
        assert self.stem.bias is not None
        nn.init.zeros_(self.stem.bias)

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        """Predict a frame as base plus a residual.

        Args:
            images: The images it sees, as many as `inputs`, B×3×H×W each, any H and W.
            base: The image the residual is added to, B×3×H×W.

        Returns:
            The frame, B×3×H×W, not clamped.

        Raises:
            ValueError: the number of images is not the one it was made for.
        """
        height, width = base.shape[-2:]
        z = base + self.stem(stacked(images, self.inputs))
        right, below = self.requires.get_padding(width, height)
        given = self.network(padded(z, right, below))
        out: Tensor = given if isinstance(given, Tensor) else given[0]  # MPRNet: the last first
        frame: Tensor = base + (out[..., :height, :width] - z)
        return frame


def _built(name: str, options: Mapping[str, Any]) -> tuple[nn.Module, Any]:
    """A network with random weights, and what sizes it takes."""
    registry = _registry()
    known = {support.architecture.id: support.architecture for support in registry.architectures()}
    if name not in known:
        spelled = {k.lower(): k for k in known}
        near = ", ".join(
            spelled[k] for k in get_close_matches(name.lower(), spelled, n=4, cutoff=0.5)
        )
        raise RecipeError(
            f"spandrel has no network '{name}'",
            where=f"{WHERE}, network",
            valid=(f"near it: {near}; " if near else "") + f"for instance: {', '.join(DEFAULTS)}",
            hint=EXTRA,
        )
    architecture = known[name]
    make = _class_of(architecture)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network: nn.Module = make(**options)
            # Spandrel knows what a network takes and gives by looking at its weights.
            found = architecture.load(network.state_dict())
    except Exception as error:  # whatever a foreign constructor raises
        names = ", ".join(inspect.signature(make).parameters)
        raise RecipeError(
            f"'{name}' cannot be built: {type(error).__name__}: {error}",
            where=f"{WHERE}, options" if options else WHERE,
            valid=f"options of {make.__qualname__}: {names}",
        ) from error
    problem = None
    if not isinstance(found, ImageModelDescriptor):
        problem = "it needs more than an image"
    elif found.purpose not in ("Restoration", "SR"):
        problem = f"it is made for something else ({found.purpose})"
    elif found.scale != 1:
        problem = f"it enlarges images {found.scale} times"
    elif (found.input_channels, found.output_channels) != (3, 3):
        problem = f"it goes from {found.input_channels} to {found.output_channels} channels"
    if problem:
        raise RecipeError(
            f"'{name}' is of no use here: {problem}",
            where=WHERE,
            valid="networks from a colour image to one of the same size",
        )
    return network, found.size_requirements


def _fill(network: nn.Module, name: str, path: Path) -> None:
    """Load published weights; spandrel unpickles nothing but tensors."""
    where = f"{WHERE}, weights"
    if not path.is_file():
        raise WeightsError(
            f"there is no weights file '{path}'", where=where, valid="a file's path, or 'random'"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ModelLoader(registry=_registry()).load_from_file(path)
    except Exception as error:  # whatever damaged or foreign files make its readers raise
        unknown = isinstance(error, UnsupportedModelError)
        why = "spandrel knows no network with such entries" if unknown else reason(error)
        raise WeightsError(
            f"the weights file '{path}' cannot be used: {why}",
            where=where,
            valid="a .pth or .safetensors file with the weights of one of spandrel's networks",
        ) from error
    if found.architecture.id != name:
        raise WeightsError(
            f"'{path}' has the weights of '{found.architecture.id}', not of '{name}'",
            where=where,
            hint=f"set network: {found.architecture.id}",
        )
    ours, theirs = network.state_dict(), found.model.state_dict()
    if {k: v.shape for k, v in ours.items()} != {k: v.shape for k, v in theirs.items()}:
        said = getattr(found.model, "hyperparameters", {})
        raise WeightsError(
            f"'{path}' has the weights of '{name}' in another size",
            where=where,
            hint=f"set options: {said}" if said else "give the options that it was trained with",
        )
    network.load_state_dict(theirs)


def _registry() -> ArchRegistry:
    """Spandrel's networks, with those of spandrel_extra_arches where that is installed."""
    registry = MAIN_REGISTRY.copy()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from spandrel_extra_arches import EXTRA_REGISTRY
    except ImportError:
        return registry
    registry.add(*EXTRA_REGISTRY.architectures())
    return registry


def _class_of(architecture: Any) -> type[nn.Module]:
    """The network's class: the one module among what its package exports."""
    package = sys.modules[type(architecture).__module__]
    exported = [getattr(package, name) for name in package.__all__]
    (found,) = [c for c in exported if isinstance(c, type) and issubclass(c, torch.nn.Module)]
    return found
