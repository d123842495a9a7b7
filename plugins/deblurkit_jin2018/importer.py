"""The importer of the authors' released checkpoints: files to a bundle."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deblurkit.bundle import Bundle
from deblurkit.errors import WeightsError
from deblurkit.graph import FrameGraph, NetworkRequest, Role
from deblurkit.registry import Registry
from deblurkit.specs import ArchitectureSpec
from deblurkit_jin2018.families.sequential import Sequential
from deblurkit_jin2018.weights import NETWORKS, import_weights

FRAMES = 7
STATE = "state_dict_G"
ROLES: tuple[Role, ...] = ("middle", "core", "outer")


class ReleasedCheckpoints:
    """Reads `center_v3.pth` and the three others, as the authors released them."""

    def __call__(self, files: Sequence[Path], registry: Registry) -> Bundle:
        """Read the four files, in any order; they are known by their names.

        Raises:
            WeightsError: a file cannot be read or is none of these, or parameters are missing,
                unknown or of another shape; all are named.
        """
        states = {path.name: _state(path) for path in files}
        origin = registry.resolve("architecture", "jin2018:resampling-cnn")
        spec = origin.spec
        assert isinstance(spec, ArchitectureSpec)
        params = {
            role: spec.params(**spec.roles.get(role, {})).model_dump()
            for role in ROLES  # their own sizes: the paper's
        }

        def make(request: NetworkRequest) -> nn.Module:
            network: nn.Module = origin.build(inputs=request.inputs, **params[request.role])
            return network

        graph = FrameGraph.build(FRAMES, Sequential(share="pair").graph(FRAMES), make).eval()
        import_weights(graph, states)
        about = {
            "name": spec.name,
            "plugin": origin.owner,
            "version": origin.version,
        }
        return Bundle(
            graph,
            {role: {**about, "params": params[role]} for role in ROLES},
            {
                # The mean of 7 frames as the camera stored them: its own curve is in them.
                "formation": {"response": "identity"},
                "data": "GoPro, 240 fps, scaled to 45 %",
                "recipe": {"name": "released by Jin, Meishvili and Favaro, CVPR 2018"},
                "licence": None,
                "source": ", ".join(sorted(states)),
            },
        )


def _state(path: Path) -> Mapping[str, Tensor]:
    """The generator's weights in one of their files; nothing in it is run.

    Raises:
        WeightsError: it cannot be read, or holds something else.
    """
    try:
        said: Any = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError("there is no such file", where=str(path)) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"it is no checkpoint that can be read safely: {first}",
            where=str(path),
            valid="the authors' files, " + ", ".join(NETWORKS),
            hint="it may be cut short: fetch it again",
        ) from error
    state = said.get(STATE) if isinstance(said, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(
            f"it has no weights under '{STATE}'",
            where=str(path),
            valid="the authors' files, " + ", ".join(NETWORKS),
        )
    return state
