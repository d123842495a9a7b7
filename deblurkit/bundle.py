"""Weights with everything needed to use them: `weights/` in a run directory, or on its own.

A bundle is a folder with `bundle.json` (frames, graph, architectures, formation, where it
comes from) and one safetensors file a network; or one safetensors file with all networks, which
has the same JSON among its metadata. Loading never unpickles.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from deblurkit.errors import WeightsError
from deblurkit.graph import FrameGraph, NetworkRequest, Node, Role
from deblurkit.registry import Registry
from deblurkit.storage import file_hash, write_json, write_tensors

FORMAT = 1
NAME = "bundle.json"
SUFFIX = ".safetensors"
"""Of a bundle that is one file."""

_METADATA = "deblurkit"
_AGAIN = "copy it again, or run the recipe again to write it anew"


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
        path = folder / f"{name}{SUFFIX}"
        files[name] = {"file": path.name, "sha256": write_tensors(path, network.state_dict())}
    write_json(folder / NAME, _head(bundle, files))


def save_bundle_file(path: Path, bundle: Bundle) -> None:
    """Write a bundle as one safetensors file, whole or not at all.

    Raises:
        OSError: it cannot be written, or the disk is full.
    """
    states = {name: network.state_dict() for name, network in bundle.graph.networks.items()}
    sums = {name: {"sha256": _digest(state)} for name, state in states.items()}
    tensors = {f"{n}/{key}": value for n, state in states.items() for key, value in state.items()}
    write_tensors(path, tensors, {_METADATA: json.dumps(_head(bundle, sums))})


def note_in_bundle(folder: Path, **about: Any) -> None:
    """Add to what the bundle of a folder says of itself, for instance its scores.

    Raises:
        OSError, ValueError: it cannot be read or written.
    """
    said = json.loads((folder / NAME).read_text("utf-8"))
    write_json(folder / NAME, {**said, **about})


def load_bundle(path: Path, registry: Registry) -> Bundle:
    """Read a bundle: a folder, the one in a run directory, or one file.

    Raises:
        WeightsError: there is none, it is damaged, made by a newer version, or does not fit
            its architectures.
        PluginError: an architecture's plugin is missing or failed.
    """
    if path.is_file() and path.name != NAME:
        return _load_file(path, registry)
    path = path.parent if path.name == NAME else path
    folder = path / "weights" if (path / "weights" / NAME).exists() else path
    said = _said(folder)

    def tensors_of(network: str) -> dict[str, Tensor]:
        file = said.networks[network]
        return _read(folder / (file.file or ""), file.sha256)

    return _built(said, tensors_of, folder, registry)


def _load_file(path: Path, registry: Registry) -> Bundle:
    try:
        with safe_open(path, "pt") as opened:
            text = (opened.metadata() or {}).get(_METADATA)
            if text is None:
                raise WeightsError(
                    "the file has weights, but does not say what networks they are of",
                    where=str(path),
                    valid="a file that `deblurkit weights export` wrote",
                    hint="for weights of other programs there is `deblurkit weights import`",
                )
            tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"the weights cannot be read: {error}",
            where=str(path),
            valid="a bundle: a run directory, its folder weights/, or a .safetensors file",
            hint=_AGAIN,
        ) from error
    said = _checked(text, path, _METADATA)

    def tensors_of(network: str) -> dict[str, Tensor]:
        start = f"{network}/"
        state = {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
        if _digest(state) != said.networks[network].sha256:
            raise WeightsError(
                f"the weights of network '{network}' are changed: their checksum differs",
                where=str(path),
                hint=_AGAIN,
            )
        return state

    return _built(said, tensors_of, path, registry)


def _head(bundle: Bundle, networks: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What a bundle says of itself, but for its weights."""
    return {
        "format": FORMAT,
        "frames": bundle.graph.T,
        "nodes": [asdict(node) for node in bundle.graph.nodes],
        "networks": networks,
        "architectures": bundle.architectures,
        **bundle.about,
    }


def _digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and values, whatever file they are in."""
    found = hashlib.sha256()
    for key, tensor in sorted(state.items()):
        value = tensor.detach().cpu().contiguous()
        found.update(f"{key} {value.dtype} {tuple(value.shape)}\n".encode())
        found.update(value.flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def _built(
    said: _Said, tensors_of: Callable[[str], dict[str, Tensor]], where: Path, registry: Registry
) -> Bundle:
    nodes = tuple(Node(n.frame, n.network, tuple(n.inputs), n.base, n.role) for n in said.nodes)

    def make(request: NetworkRequest) -> nn.Module:
        if request.role not in said.architectures or request.network not in said.networks:
            raise WeightsError(
                f"{NAME} does not say what network '{request.network}' is", where=str(where)
            )
        how = said.architectures[request.role]
        origin = registry.resolve("architecture", f"{how.plugin}:{how.name}")
        # What it started from is not needed again: its weights are here.
        params = {**how.params, **getattr(origin.spec, "first_weights", {})}
        network: nn.Module = origin.build(inputs=request.inputs, **params)
        _fill(network, tensors_of(request.network), request.network, where)
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
    file: str | None = Field(None, pattern=r"^[\w.-]+$")
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
    return _checked(text, folder, NAME)


def _checked(text: str, where: Path, name: str) -> _Said:
    """What a bundle says of itself.

    Raises:
        WeightsError: it is damaged, or of another format.
    """
    try:
        said = _Said.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise WeightsError(
            f"{name} is damaged: {place}: {first['msg']}", where=str(where), hint=_AGAIN
        ) from error
    if said.format != FORMAT:
        raise WeightsError(
            f"the bundle has format {said.format}",
            where=str(where),
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
            hint=_AGAIN,
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
