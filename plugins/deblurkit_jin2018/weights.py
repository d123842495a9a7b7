"""The authors' released checkpoints, turned into this project's weights.

The four files hold the sequential family's networks for T = 7 with pairs sharing a network:
`center_v3.pth` (frame 4), `F35_N8.pth` (3 and 5), `F26_N9_from_F35_N8.pth` (2 and 6),
`F17_N9_from_F26_N9_from_F35_N8.pth` (1 and 7).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from deblurkit.errors import WeightsError
from deblurkit.graph import FrameGraph

CENTER = "center_v3.pth"
NETWORKS = {
    CENTER: {"": "middle"},
    "F35_N8.pth": {"generateFrame3.": "before-1", "generateFrame5.": "after-1"},
    "F26_N9_from_F35_N8.pth": {"generateFrame2_6.": "outer-2"},
    "F17_N9_from_F26_N9_from_F35_N8.pth": {"generateFrame1_7.": "outer-3"},
}
"""File -> prefix of parameter names -> network of the sequential family."""

_PLAIN = {
    "conv1_B": "stems.0",
    "conv1_S1": "stems.1",
    "conv1_S2": "stems.2",
    "conv2": "fusion_in",
    "norm3": "fusion_out.norm",
    "conv3": "fusion_out.conv",
}
_BRANCHES = {"1": "short", "2": "first", "4": "second"}
_TWO = {"1": "narrow", "2": "wide"}
_PART = re.compile(
    r"(?P<kind>LocalGrad|fuse|GlobalGrad)(?P<group>\d*)\.(?P<index>\d+)\."
    r"(?P<layer>norm|conv)(?P<branch>\d)"
)


def our_name(theirs: str, *, middle: bool) -> str | None:
    """Our name of one of their parameters inside a network; None where it is not known."""
    stem, _, leaf = theirs.rpartition(".")
    if stem in _PLAIN:
        return f"{_PLAIN[stem]}.{leaf}"
    match = _PART.fullmatch(stem)
    if match is None:
        return None
    kind, layer, branch = match["kind"], match["layer"], match["branch"]
    residual = kind == "LocalGrad" or (kind == "GlobalGrad" and middle)
    names = _BRANCHES if residual else _TWO
    if branch not in names:
        return None
    place = {
        "LocalGrad": f"groups.{int(match['group'] or 1) - 1}.{match['index']}",
        "fuse": f"heads.{int(match['group'] or 1) - 1}",
        "GlobalGrad": "fusion_block",
    }[kind]
    return f"{place}.{names[branch]}.{layer}.{leaf}"


def import_weights(graph: FrameGraph, files: Mapping[str, Mapping[str, Tensor]]) -> None:
    """Fill the sequential graph (T = 7, share "pair", the paper's sizes) with their weights.

    Args:
        graph: The graph to fill.
        files: File name -> its `state_dict_G`. `module.` prefixes and the instance norms'
            `running_*` entries are dropped: the networks use the image's own statistics.

    Raises:
        WeightsError: a file or parameter is missing, unknown or has another shape; all are
            named, and nothing is filled.
    """
    wrong: list[str] = [f"file {name} is missing" for name in NETWORKS if name not in files]
    states: dict[str, dict[str, Tensor]] = {}
    for file, tensors in files.items():
        if file not in NETWORKS:
            wrong.append(f"unknown file {file}")
            continue
        for full, tensor in tensors.items():
            name = full.removeprefix("module.")
            if ".running_" in name or name.endswith("num_batches_tracked"):
                continue
            prefix = next((p for p in NETWORKS[file] if name.startswith(p)), None)
            ours = None
            if prefix is not None:
                ours = our_name(name.removeprefix(prefix), middle=file == CENTER)
            if prefix is None or ours is None:
                wrong.append(f"{file}: unknown {full}")
                continue
            states.setdefault(NETWORKS[file][prefix], {})[ours] = tensor
    for name, module in graph.networks.items():
        expected, state = module.state_dict(), states.get(name, {})
        wrong += [f"{name}: missing {k}" for k in expected if k not in state]
        wrong += [f"{name}: extra {k}" for k in state if k not in expected]
        wrong += [
            f"{name}: {k} is {tuple(state[k].shape)}, not {tuple(expected[k].shape)}"
            for k in expected
            if k in state and state[k].shape != expected[k].shape
        ]
    if wrong:
        more = f"; and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        raise WeightsError(
            "the checkpoints do not fit the paper's networks: " + "; ".join(wrong[:8]) + more,
            hint="give the authors' four files as they were released",
        )
    for name, module in graph.networks.items():
        module.load_state_dict(states[name])
