"""Weights with everything needed to use them: `weights/` in a run directory, or on its own.

A bundle is a folder with `bundle.json` (frames, graph, architectures, formation, where it
comes from) and one safetensors file a network. Loading never unpickles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from deblurkit.errors import WeightsError
from deblurkit.graph import FrameGraph, NetworkRequest, Node, Role
from deblurkit.registry import Registry
from deblurkit.storage import file_hash, write_json, write_tensors

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
        path = folder / f"{name}.safetensors"
        files[name] = {"file": path.name, "sha256": write_tensors(path, network.state_dict())}
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
    said = _said(folder)
    nodes = tuple(Node(n.frame, n.network, tuple(n.inputs), n.base, n.role) for n in said.nodes)

    def make(request: NetworkRequest) -> nn.Module:
        if request.role not in said.architectures or request.network not in said.networks:
            raise WeightsError(
                f"{NAME} does not say what network '{request.network}' is", where=str(folder)
            )
        how, file = said.architectures[request.role], said.networks[request.network]
        origin = registry.resolve("architecture", f"{how.plugin}:{how.name}")
        network: nn.Module = origin.build(inputs=request.inputs, **how.params)
        _fill(network, _read(folder / file.file, file.sha256), request.network, folder)
        return network

    graph = FrameGraph.build(said.frames, nodes, make).eval()
    architectures = {str(role): how.model_dump() for role, how in said.architectures.items()}
    return Bundle(graph, architectures, dict(said.model_extra or {}))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class _Node(_Part):
    frame: int
    network: str
    inputs: list[int | str]
    base: int | str
    role: Role


class _File(_Part):
    file: str = Field(pattern=r"^[\w.-]+$")
    sha256: str


class _Architecture(_Part):
    name: str
    plugin: str
    version: str
    params: dict[str, Any]


class _Said(_Part):
    """What `bundle.json` must say; the rest of it is kept as it is."""

    model_config = ConfigDict(extra="allow")
    format: int
    frames: int
    nodes: list[_Node]
    networks: dict[str, _File]
    architectures: dict[Role, _Architecture]


def _said(folder: Path) -> _Said:
    try:
        text = (folder / NAME).read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise WeightsError(
            f"there is no {NAME}",
            where=str(folder),
            hint="name a run directory that finished, or its folder weights/",
        ) from None
    except (OSError, ValueError) as error:
        raise WeightsError(f"{NAME} cannot be read: {error}", where=str(folder)) from error
    try:
        said = _Said.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise WeightsError(
            f"{NAME} is damaged: {place}: {first['msg']}",
            where=str(folder),
            hint="copy it again, or run the recipe again to write it anew",
        ) from error
    if said.format != FORMAT:
        raise WeightsError(
            f"the bundle has format {said.format}",
            where=str(folder),
            valid=f"format {FORMAT}",
            hint="use the version of deblurkit that wrote it",
        )
    return said


def _read(path: Path, digest: str) -> dict[str, Tensor]:
    try:
        if file_hash(path) != digest:
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
