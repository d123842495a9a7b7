"""The sequential graph computes what the released networks do, for weights anyone can make."""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

from deblurkit.errors import WeightsError
from deblurkit.graph import FrameGraph, NetworkRequest, stack
from deblurkit_jin2018.architectures.resampling_cnn import ResamplingCNN
from deblurkit_jin2018.families.sequential import Sequential
from deblurkit_jin2018.plugin import deblurkit_architectures
from deblurkit_jin2018.weights import import_weights

HERE = Path(__file__).parent
COUNTS = {"middle": 4_972_032, "core": 3_934_464, "outer": 2_686_208}


def paper_network(request: NetworkRequest) -> ResamplingCNN:
    spec = deblurkit_architectures()[0]
    params = spec.params(**spec.roles[request.role]).model_dump()
    return ResamplingCNN(request.inputs, **params)


def paper_graph() -> FrameGraph:
    return FrameGraph.build(7, Sequential(share="pair").graph(7), paper_network)


def made_up_checkpoints() -> dict[str, dict[str, torch.Tensor]]:
    """The weights that the reference output was computed with."""
    layout = json.loads((HERE / "checkpoint_layout.json").read_text())
    files: dict[str, dict[str, torch.Tensor]] = {}
    for file, parameters in layout.items():
        files[file] = {}
        for name, shape in parameters.items():
            rng = np.random.default_rng(zlib.crc32(f"{file}:{name}".encode()))
            a = rng.standard_normal(shape)
            if len(shape) == 4:
                a = 0.5 * a / math.sqrt(shape[1] * shape[2] * shape[3])
            elif name.endswith("weight"):
                a = 1 + 0.1 * a
            else:
                a = 0.1 * a
            files[file][name] = torch.from_numpy(a.astype(np.float32))
    return files


@pytest.mark.parametrize("role", COUNTS)
def test_parameter_counts_are_the_papers(role: str) -> None:
    network = paper_network(NetworkRequest("n", role, 1 if role == "middle" else 3))  # type: ignore[arg-type]
    assert sum(p.numel() for p in network.parameters()) == COUNTS[role]


def test_reference_output_is_reproduced() -> None:
    graph = paper_graph()
    import_weights(graph, made_up_checkpoints())
    with np.load(HERE / "reference_output.npz") as reference:
        blurry, frames = reference["blurry"], reference["frames"]
    with torch.no_grad():
        out = stack(graph.eval()(torch.from_numpy(blurry).float()[None]))[0].numpy()
    assert out.shape == frames.shape == (7, 3, 40, 60)
    np.testing.assert_allclose(out, frames, atol=1e-4, rtol=0)
    assert frames.std() > 0.05, "the reference itself must not be trivial"


def test_prefixes_and_running_statistics_are_dropped() -> None:
    files = made_up_checkpoints()
    awkward = {
        file: {
            **{f"module.{k}": v for k, v in tensors.items()},
            **{
                f"module.{k.removesuffix('weight')}running_mean": v
                for k, v in tensors.items()
                if "norm" in k and k.endswith("weight")
            },
        }
        for file, tensors in files.items()
    }
    plain, other = paper_graph(), paper_graph()
    import_weights(plain, files)
    import_weights(other, awkward)
    for a, b in zip(plain.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_everything_wrong_is_named() -> None:
    files = made_up_checkpoints()
    del files["F35_N8.pth"]["generateFrame3.conv1_S1.weight"]
    files["center_v3.pth"]["conv9.weight"] = torch.zeros(1)
    files["center_v3.pth"]["conv3.weight"] = torch.zeros(3, 64, 1, 1)
    graph = paper_graph()
    before = [p.clone() for p in graph.parameters()]
    with pytest.raises(WeightsError) as caught:
        import_weights(graph, files)
    text = str(caught.value)
    assert "before-1: missing stems.1.weight" in text
    assert "center_v3.pth: unknown conv9.weight" in text
    assert "fusion_out.conv.weight is (3, 64, 1, 1), not (3, 64, 3, 3)" in text
    assert all(torch.equal(a, b) for a, b in zip(before, graph.parameters(), strict=True))
