"""Weights with everything needed to use them: `weights/` in a run directory, or on its own.

A bundle is a folder with `bundle.json` (frames, graph, architectures, formation, where it
comes from) and one safetensors file a network. Loading never unpickles.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from deblurkit.errors import WeightsError
from deblurkit.graph import FrameGraph, NetworkRequest, Node
from deblurkit.registry import Registry
from deblurkit.storage import atomic_file, file_hash, write_json

FORMAT = 1
NAME = "bundle.json"


@dataclass(frozen=True)
class Bundle:
    """A frame graph with its weights and what it was made for.

    Attributes:
        graph: The networks, wired, in evaluation mode.
        architectures: Role -> name, plugin, version and parameters.
        about: The rest of `bundle.json`: formation, recipe, training data, versions, scores.
    """

    graph: FrameGraph
    architectures: Mapping[str, Mapping[str, Any]]
    about: Mapping[str, Any] = field(default_factory=dict)


def save_bundle(folder: Path, bundle: Bundle) -> None:
    """Write a bundle; `bundle.json` comes last, so an unfinished one cannot be mistaken for whole.

    Raises:
        OSError: the folder cannot be written or is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).unlink(missing_ok=True)
    files = {}
    for name, network in bundle.graph.networks.items():
        tensors = {
            k: v.detach().cpu().contiguous().clone() for k, v in network.state_dict().items()
        }
        path = folder / f"{name}.safetensors"
        with atomic_file(path) as temporary:
            save_file(tensors, temporary)
        files[name] = {"file": path.name, "sha256": file_hash(path)}
    write_json(
        folder / NAME,
        {
            "format": FORMAT,
            "frames": bundle.graph.T,
            "nodes": [asdict(node) for node in bundle.graph.nodes],
            "networks": files,
            "architectures": bundle.architectures,
            **bundle.about,
        },
    )


def load_bundle(folder: Path, registry: Registry) -> Bundle:
    """Read a bundle, or the one in a run directory.

    Raises:
        WeightsError: there is none, it is damaged, made by a newer version, or does not fit
            its architectures.
        PluginError: an architecture's plugin is missing or failed.
    """
    folder = folder / "weights" if (folder / "weights" / NAME).exists() else folder
    try:
        said = json.loads((folder / NAME).read_text("utf-8"))
        if said["format"] != FORMAT:
            raise WeightsError(
                f"the bundle has format {said['format']}",
                where=str(folder),
                valid=f"format {FORMAT}",
                hint="use the version of deblurkit that wrote it",
            )
        nodes = tuple(
            Node(n["frame"], n["network"], tuple(n["inputs"]), n["base"], n["role"])
            for n in said["nodes"]
        )
        architectures, files, T = said["architectures"], said["networks"], said["frames"]
    except FileNotFoundError:
        raise WeightsError(
            f"there is no {NAME}",
            where=str(folder),
            hint="name a run directory that finished, or its folder weights/",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, NotADirectoryError) as error:
        raise WeightsError(f"{NAME} cannot be read: {error}", where=str(folder)) from error

    def make(request: NetworkRequest) -> nn.Module:
        said = architectures[request.role]
        origin = registry.resolve("architecture", f"{said['plugin']}:{said['name']}")
        network = origin.build(inputs=request.inputs, **said["params"])
        assert isinstance(network, nn.Module)
        _fill(network, _read(folder, files[request.network]), request.network, folder)
        return network

    graph = FrameGraph.build(T, nodes, make).eval()
    known = {"format", "frames", "nodes", "networks", "architectures"}
    return Bundle(graph, architectures, {k: v for k, v in said.items() if k not in known})


def _read(folder: Path, file: Mapping[str, str]) -> dict[str, Tensor]:
    path = folder / file["file"]
    try:
        if file_hash(path) != file["sha256"]:
            raise ValueError("it is cut short or changed: its checksum differs")
        return load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise WeightsError(
            f"the weights cannot be read: {error}",
            where=str(path),
            hint="copy the file again, or run the recipe again to write it anew",
        ) from error


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], name: str, folder: Path) -> None:
    expected = network.state_dict()
    missing = sorted(expected.keys() - tensors.keys())
    extra = sorted(tensors.keys() - expected.keys())
    shapes = [
        f"{k} is {tuple(tensors[k].shape)}, not {tuple(expected[k].shape)}"
        for k in sorted(expected.keys() & tensors.keys())
        if tensors[k].shape != expected[k].shape
    ]
    if missing or extra or shapes:
        wrong = [*(f"missing {k}" for k in missing), *(f"unknown {k}" for k in extra), *shapes]
        raise WeightsError(
            f"the weights of network '{name}' do not fit: " + "; ".join(wrong[:6]),
            where=str(folder),
            hint="the plugin that builds the network may have changed since",
        )
    network.load_state_dict(dict(tensors))
