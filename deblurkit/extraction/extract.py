"""`deblurkit.extract`: a photograph to its sequence."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import torch

from deblurkit.bundle import Bundle, load_bundle
from deblurkit.errors import DataError, DeblurkitError
from deblurkit.extraction.honesty import Formation, check
from deblurkit.extraction.honesty import consistent as corrected
from deblurkit.extraction.longer import with_length
from deblurkit.extraction.photograph import PhotoLike, PhotoRows, as_photo
from deblurkit.extraction.result import Extraction
from deblurkit.frames import indices
from deblurkit.frames import middle as middle_of
from deblurkit.inference.device import choose_device
from deblurkit.inference.memory import default_limit, resident, size_text
from deblurkit.inference.precision import kind_of
from deblurkit.inference.predict import is_exact, predict, rehearse
from deblurkit.inference.rows import Rows
from deblurkit.inference.whole import predict_whole
from deblurkit.inference.workspace import Workspace
from deblurkit.registry import get_registry
from deblurkit.weights.sources import find_weights

BESIDE_MAPS = 320 << 20
"""Bytes that strips, filters and libraries take beside the maps that are kept."""

LEAST_ROOM = 64 << 20
"""For maps; with less, almost everything would go through files."""

DEFAULT_WEIGHTS = "small"


def open_weights(weights: str | Path | Bundle) -> Bundle:
    """Find and load weights by what a user says, or hand a bundle through.

    Raises:
        WeightsError, UnavailableError: see `deblurkit.weights.sources.find_weights`.
    """
    if isinstance(weights, Bundle):
        return weights
    return load_bundle(find_weights(str(weights)), get_registry())


def extract(
    image: PhotoLike,
    weights: str | Path | Bundle = DEFAULT_WEIGHTS,
    *,
    frames: int | None = None,
    middle: PhotoLike | None = None,
    middle_only: bool = False,
    reverse: bool = False,
    consistent: bool = False,
    memory: int | None = None,
    precision: str = "auto",
    device: str = "auto",
    progress: Callable[[float], None] | None = None,
) -> Extraction:
    """Extract the sequence of a motion-blurred photograph.

    The photograph is taken as it is: no resizing, no cropping. Networks that can be evaluated in
    strips give the numbers of the whole image whatever memory there is; maps that do not fit go
    to temporary files.

    Args:
        image: A path, an H×W×3 array (uint8, uint16, or floats in [0, 1]), or a Pillow image.
        weights: A bundled name, a path, `hf://owner/repo@revision`, or a loaded bundle.
        frames: Number of frames, odd; what the networks were trained for by default.
        middle: The middle frame from elsewhere, of the photograph's size; it takes the place of
            the estimate (Fig. 5 of the paper).
        middle_only: Only the middle frame: plain deblurring.
        reverse: The sequence backwards; a photograph does not say which way time ran.
        consistent: Correct the frames so that they average to the photograph again.
        memory: What the process may take in all, bytes; a share of what is free by default.
        precision: `fp32`, `bf16` (half the time where the processor has it), or `auto`.
        device: `cpu`, `cuda`, or `auto`. A photo that the GPU has no memory for is done on the
            CPU.
        progress: Called with the share that is done, 0 to 1.

    Returns:
        The sequence with the check against the photograph.

    Raises:
        DataError: the photograph cannot be read, or the disk is full.
        WeightsError, UnavailableError: the weights cannot be used.
        FrameError: the networks cannot give so many frames.
    """
    photo, bundle = as_photo(image), open_weights(weights)
    began = time.perf_counter()
    graph = bundle.graph if frames is None else with_length(bundle.graph, frames)
    y, at = PhotoRows(photo), middle_of(graph.T)
    given: dict[int, Rows] = {}
    if middle is not None:
        given[at] = _same_size(middle, y)
    wanted = (at,) if middle_only else indices(graph.T)
    where = choose_device(device)
    kind, room = kind_of(precision, bundle, where), _room(memory)
    workspace = Workspace(room, kind=kind)
    found: Mapping[int, Rows] | None = None
    if where == "cuda":
        with suppress(torch.OutOfMemoryError):
            found = predict_whole(graph, y, device=where, kind=kind, given=given, frames=wanted)
    exact = found is not None or is_exact(graph, wanted, given)
    if found is None:
        graph.to("cpu")
        total = rehearse(graph, y, room, kind=kind, given=given, frames=wanted)
        workspace.done = _sharing(progress, total.operations if total else 0)
        found = predict(graph, y, workspace=workspace, given=given, frames=wanted)
    formation = Formation.of(bundle.about.get("formation"))
    outcome = None
    if not middle_only:
        inner = _trained_for(bundle, graph.T)
        if consistent:
            made = corrected([found[i] for i in inner], y, formation, workspace)
            found = {**found, **dict(zip(inner, made, strict=True))}
        outcome = check([found[i] for i in inner], len(inner) // 2, y, formation)
    if progress is not None:
        progress(1.0)
    return Extraction(
        photo=photo,
        rows=found,
        T=graph.T,
        averaged=() if middle_only else _trained_for(bundle, graph.T),
        formation=formation,
        check=outcome,
        reverse=reverse,
        exact=exact,
        precision="bf16" if kind == torch.bfloat16 else "fp32",
        seconds=time.perf_counter() - began,
    )


def _trained_for(bundle: Bundle, T: int) -> tuple[int, ...]:
    """The frames that together are the exposure: those that the networks were trained for."""
    count = min(T, bundle.graph.T)
    first = middle_of(T) - middle_of(count) + 1
    return tuple(range(first, first + count))


def _same_size(image: PhotoLike, y: Rows) -> Rows:
    rows = PhotoRows(as_photo(image))
    if (rows.height, rows.width) != (y.height, y.width):
        raise DataError(
            f"the middle frame has {rows.width}×{rows.height} pixels, the photograph "
            f"{y.width}×{y.height}",
            valid="one size, aligned pixel by pixel",
        )
    return rows


def _room(memory: int | None) -> int:
    """Bytes for maps, from what the process may take in all.

    Raises:
        DeblurkitError: that is less than it has already, with what it needs besides.
    """
    taken = resident() + BESIDE_MAPS
    room = (default_limit() if memory is None else memory) - taken
    if room < LEAST_ROOM and memory is not None:
        raise DeblurkitError(
            f"{size_text(memory)} of memory are too little",
            where="--memory",
            valid=f"{size_text(taken + LEAST_ROOM)} or more",
        )
    return max(room, LEAST_ROOM)


def _sharing(progress: Callable[[float], None] | None, total: int) -> Callable[[int], None] | None:
    if progress is None or not total:
        return None
    done = 0

    def more(operations: int) -> None:
        nonlocal done
        done += operations
        progress(min(done / total, 0.999))

    return more
