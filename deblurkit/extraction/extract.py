"""`deblurkit.extract`: a photograph to its sequence."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import torch

from deblurkit.bundle import Bundle, load_bundle
from deblurkit.errors import (
    DataError,
    DeblurkitError,
    FrameError,
    UnavailableError,
    WeightsError,
)
from deblurkit.extraction.honesty import Formation, check, check_finite
from deblurkit.extraction.honesty import consistent as corrected
from deblurkit.extraction.longer import with_length
from deblurkit.extraction.photograph import Gray, PhotoLike, PhotoRows, as_photo, is_gray
from deblurkit.extraction.result import Extraction
from deblurkit.frames import around_middle, check_length, indices
from deblurkit.frames import middle as middle_of
from deblurkit.inference.device import choose_device
from deblurkit.inference.memory import default_limit, parse_size, resident, size_text
from deblurkit.inference.precision import kind_of
from deblurkit.inference.predict import predict, rehearse
from deblurkit.inference.rows import Rows
from deblurkit.inference.whole import forget_compiled, predict_whole
from deblurkit.inference.workspace import Workspace
from deblurkit.registry import get_registry
from deblurkit.weights.sources import bundled, find_weights

BESIDE_MAPS = 320 << 20
"""Bytes that strips, filters and libraries take beside the maps that are kept."""

LEAST_ROOM = 64 << 20
"""For maps; with less, almost everything would go through files."""

MOST_FRAMES = 999
"""Of a sequence; each further one outwards is further from anything that was seen."""

DEFAULT_WEIGHTS = "small"
"""The name of the bundle in the package; a path of that name does not take its place."""


def open_weights(weights: str | Path | Bundle | None) -> Bundle:
    """Find and load weights by what a user says, or hand a bundle through.

    Args:
        weights: See `deblurkit.weights.sources.find_weights`; None: those in the package.

    Raises:
        WeightsError, UnavailableError: there are none, or they cannot be used.
    """
    if isinstance(weights, Bundle):
        return weights
    if weights is not None:
        return load_bundle(find_weights(str(weights)), get_registry())
    if DEFAULT_WEIGHTS not in bundled():
        raise WeightsError(
            "no weights come with this version of deblurkit",
            valid="weights of your own: a run directory, a bundle, hf://owner/repo@revision",
            hint="say which, with --weights; `deblurkit run` trains some",
        )
    return load_bundle(bundled()[DEFAULT_WEIGHTS], get_registry())


def extract(
    image: PhotoLike,
    weights: str | Path | Bundle | None = None,
    *,
    frames: int | None = None,
    middle: PhotoLike | None = None,
    middle_only: bool = False,
    reverse: bool = False,
    consistent: bool = False,
    memory: int | str | None = None,
    precision: str = "auto",
    device: str = "auto",
    compiled: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Extraction:
    """Extract the sequence of a motion-blurred photograph.

    The photograph is taken as it is: no resizing, no cropping. Networks that can be evaluated in
    strips give the numbers of the whole image whatever memory there is; maps that do not fit go
    to temporary files.

    Args:
        image: A path, an H×W×3 array (uint8, uint16, or floats in [0, 1]), or a Pillow image.
        weights: A bundled name, a path, `hf://owner/repo@revision`, or a loaded bundle; those in
            the package by default.
        frames: Number of frames, odd; what the networks were trained for by default. All those
            are predicted and checked in any case: together they are the exposure.
        middle: The middle frame from elsewhere, of the photograph's size; it takes the place of
            the estimate (Fig. 5 of the paper).
        middle_only: Only the middle frame: plain deblurring.
        reverse: The sequence backwards; a photograph does not say which way time ran.
        consistent: Correct the frames so that they average to the photograph again; the check
            is of the frames before.
        memory: What the process may take in all: bytes, or as `4GiB`; a share of what is free by
            default.
        precision: `fp32`, `bf16` (half the time where the processor has it), or `auto`.
        device: `cpu`, `cuda`, or `auto`. A photo that the GPU has no memory for is done on the
            CPU.
        compiled: Compile the networks first, for a GPU and many photos of one size: a minute or
            more at the start.
        progress: Called with the share that is done, 0 to 1.

    Returns:
        The sequence with the check against the photograph.

    Raises:
        DataError: the photograph cannot be read, or the disk is full.
        WeightsError: the weights cannot be used, or give values that are not finite.
        FrameError: the networks cannot give so many frames.
        UnavailableError: the weights cannot be fetched; a GPU is asked for, or compiled networks,
            and there is none.
    """
    photo, bundle = as_photo(image), open_weights(weights)
    if middle_only and (consistent or middle is not None):
        raise DeblurkitError(
            "the middle frame alone is what the networks make of the photo",
            valid="all frames, with a middle frame from elsewhere or corrected",
            hint="leave out --middle-only",
        )
    formation = Formation.of(bundle.about.get("formation"))
    began = time.perf_counter()
    exposed = bundle.graph.T  # the frames that together are the exposure
    asked = exposed if frames is None else _length(frames)
    graph = with_length(bundle.graph, max(asked, exposed))
    y, at = PhotoRows(photo), middle_of(graph.T)
    given: dict[int, Rows] = {} if middle is None else {at: _same_size(middle, y)}
    wanted = (at,) if middle_only else indices(graph.T)
    where = choose_device(device)
    if compiled and where != "cuda":
        raise UnavailableError(
            "networks are compiled for a GPU only, and this is for the processor",
            hint="leave out --compile: strips are as fast as compiled networks there, at once",
        )
    kind, room = kind_of(precision, bundle, where), _room(memory)
    workspace = Workspace(room, kind=kind)
    found: Mapping[int, Rows] | None = None
    if where == "cuda":
        with suppress(torch.OutOfMemoryError):
            found = predict_whole(
                graph, y, device=where, kind=kind, given=given, frames=wanted, compiled=compiled
            )
    if found is None:
        forget_compiled(graph)
        graph.to("cpu")
        total = rehearse(graph, y, room, kind=kind, given=given, frames=wanted)
        workspace.done = _sharing(progress, total.operations if total else 0)
        found = predict(graph, y, workspace=workspace, given=given, frames=wanted)
    if is_gray(photo.pixels):  # networks see colours one by one, and would tint it
        found = {i: found[i] if i in given else Gray(found[i]) for i in found}
    outcome, exposure = None, tuple[Rows, ...]()
    if middle_only:
        check_finite(found[at])
    else:
        inner = around_middle(graph.T, exposed)
        exposure = tuple(found[i] for i in inner)
        with torch.inference_mode():
            outcome = check(exposure, y, formation)
            if consistent:
                exposure = tuple(corrected(exposure, y, formation, workspace))
                found = {**found, **dict(zip(inner, exposure, strict=True))}
    if progress is not None:
        progress(1.0)
    shown = (at,) if middle_only else around_middle(graph.T, asked)
    first = at - middle_of(asked) + 1
    return Extraction(
        photo=photo,
        rows={i - first + 1: found[i] for i in shown},
        T=asked,
        exposure=exposure,
        formation=formation,
        check=outcome,
        corrected=consistent,
        reverse=reverse,
        exact=workspace.tiles <= 1,  # one tile is the whole image
        precision="bf16" if kind == torch.bfloat16 else "fp32",
        seconds=time.perf_counter() - began,
    )


def _length(frames: int) -> int:
    if not isinstance(frames, int) or frames > MOST_FRAMES:
        raise FrameError(f"{frames!r} frames", valid=f"a whole number, odd, 1 to {MOST_FRAMES}")
    return check_length(frames)


def _same_size(image: PhotoLike, y: Rows) -> Rows:
    rows = PhotoRows(as_photo(image))
    if (rows.height, rows.width) != (y.height, y.width):
        raise DataError(
            f"the middle frame has {rows.width}×{rows.height} pixels, the photograph "
            f"{y.width}×{y.height}",
            where=str(image) if isinstance(image, str | Path) else None,
            valid="one size, aligned pixel by pixel",
            hint="make it from the photo as it is, neither cropped nor scaled",
        )
    return rows


def _room(memory: int | str | None) -> int:
    """Bytes for maps, from what the process may take in all.

    Raises:
        DeblurkitError: that is less than it has already, with what it needs besides.
    """
    taken = resident() + BESIDE_MAPS
    if isinstance(memory, str):
        try:
            memory = parse_size(memory)
        except ValueError as error:
            raise DeblurkitError(str(error), where="memory") from None
    room = (default_limit() if memory is None else memory) - taken
    if room < LEAST_ROOM and memory is not None:
        enough = -(-(taken + 2 * LEAST_ROOM) // LEAST_ROOM) * LEAST_ROOM
        raise DeblurkitError(
            f"{size_text(memory)} of memory are too little",
            where="--memory",
            valid=f"{size_text(enough)} or more",
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
