"""What a bundle says of itself, in order and for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deblurkit.bundle import Bundle

_SHOWN = 8  # values of a list


def facts(bundle: Bundle) -> dict[str, Any]:
    """Frames, networks, where they come from, as JSON can say it.

    Returns:
        `frames`, `parameters` (of all networks, a shared one once), `networks` (name ->
        parameters and the frames that it predicts), `architectures`, and everything else that
        the bundle says: `formation`, `recipe`, `data`, `scores`, `licence`, ...
    """
    sizes = {
        name: sum(p.numel() for p in network.parameters())
        for name, network in bundle.graph.networks.items()
    }
    frames: dict[str, list[int]] = {name: [] for name in sizes}
    for node in bundle.graph.nodes:
        frames[node.network].append(node.frame)
    return {
        "frames": bundle.graph.T,
        "parameters": sum(sizes.values()),
        "networks": {
            name: {"parameters": size, "frames": sorted(frames[name])}
            for name, size in sizes.items()
        },
        "architectures": {role: dict(how) for role, how in bundle.architectures.items()},
        **bundle.about,
    }


def lines(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts that people ask for, as heading and text; what is not known is said so."""
    architectures = {f"{how['plugin']}:{how['name']}" for how in found["architectures"].values()}
    recipe, formation = found.get("recipe") or {}, found.get("formation") or {}
    said = [
        ("frames", str(found["frames"])),
        ("parameters", f"{found['parameters']:,}"),
        ("architecture", ", ".join(sorted(architectures))),
        *(
            (f"  {name}", f"{about['parameters']:,}; frames {_listed(about['frames'])}")
            for name, about in found["networks"].items()
        ),
        ("formation", _pairs(formation) or "not known"),
        ("recipe", " ".join(str(v) for v in recipe.values()) or "none"),
        ("trained on", _trained_on(found.get("data"))),
        ("scores", _pairs(found.get("scores") or {}) or "none kept"),
        ("licence", str(found.get("licence") or "not stated")),
    ]
    if source := found.get("source"):
        said.append(("source", str(source)))
    return said


def _trained_on(data: Any) -> str:
    train = data.get("train") if isinstance(data, Mapping) else None
    if not isinstance(train, Mapping):
        return str(data) if data else "not known"
    sources = train.get("sources") or ()
    dataset = data.get("dataset", "unknown data")
    return f"{dataset}: {train.get('clips', '?')} clips from {len(sources)} sources"


def _pairs(said: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_short(value)}" for key, value in said.items())


def _short(value: Any) -> str:
    if isinstance(value, list | tuple) and len(value) > _SHOWN:
        return f"of {len(value)} values"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _listed(frames: list[int]) -> str:
    return ", ".join(map(str, frames))
