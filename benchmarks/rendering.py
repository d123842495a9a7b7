"""How long `photos-in-motion` takes to render a clip, beside plain loops over its instants.

    python benchmarks/rendering.py [--photos FOLDER] [--clips 6] [--rounds 5] [--json FILE]

*Plain* is the same clip as anyone would write it: for each instant the places that the view's
pixels see, the photograph looked up there, each object laid over in the square around it; then
the mean of each frame's instants. It looks up with `scipy.ndimage.map_coordinates`, cubic
B-splines as ours are, so the frames must be equal; the largest difference is printed, values in
[0, 1]. The splines' coefficients of the whole photograph are given to it, their time is not
counted; ours are made for each clip, and counted.

*grid_sample* is the same loop with torch's `grid_sample` in float32, whose `bicubic` is another
interpolation: each piece of it is one of 4×4 pixels with a = -0.75, no spline. Its frames are
others, so only its time says something.

All render the same clips, from the same random numbers, on one thread, in turns.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import map_coordinates, spline_filter1d

from deblurkit_standard.datasets.photos_in_motion import PhotosInMotion, Scene
from deblurkit_standard.rendering.cutouts import Cutout

Floats = npt.NDArray[Any]
LookUp = Callable[[Floats, Floats], Floats]
"""Columns and rows, of one shape, to values 3×shape."""

MIXES: dict[str, dict[str, Any]] = {
    "translation": {"rotation": 0.0, "zoom": 0.0, "objects": (0, 0)},
    "default": {},
    "everything": {
        "objects": (3, 3),
        "translation": (8.0, 24.0),
        "shake": 4.0,
        "shake_kind": "tremor",
        "parallax": 0.4,
        "speeding": 0.5,
        "object_zoom": 0.2,
        "object_bend": 4.0,
    },
}


def spline_look_up(pixels: Floats) -> LookUp:
    planes = np.moveaxis(pixels / 255.0, -1, 0)
    for axis in (1, 2):
        planes = spline_filter1d(planes, order=3, axis=axis, mode="mirror")

    def look_up(columns: Floats, rows: Floats) -> Floats:
        seen = [
            map_coordinates(plane, [rows, columns], order=3, prefilter=False, mode="mirror")
            for plane in planes
        ]
        return np.clip(np.stack(seen), 0, 1)

    return look_up


def grid_sample_look_up(pixels: Floats) -> LookUp:
    texture = torch.from_numpy(np.moveaxis(pixels / 255.0, -1, 0)[None].astype(np.float32))
    height, width = pixels.shape[:2]

    def look_up(columns: Floats, rows: Floats) -> Floats:
        places = [2 * columns / (width - 1) - 1, 2 * rows / (height - 1) - 1]
        grid = torch.from_numpy(np.stack(places, axis=-1).astype(np.float32))
        seen = torch.nn.functional.grid_sample(
            texture, grid[None], mode="bicubic", padding_mode="border", align_corners=True
        )
        return seen[0].clamp(0, 1).numpy()

    return look_up


def plain_frames(scene: Scene, look_up: LookUp) -> Floats:
    """T×size×size×3 in [0, 1]."""
    view, frames = scene.view, []
    points = np.stack(np.meshgrid(view.axis, view.axis), axis=-1).reshape(-1, 2)
    for instants in scene.times:
        total = np.zeros((3, view.size, view.size))
        for t in instants:
            places = view.camera.places(np.array([t]), points)[0] + view.place
            columns, rows = places.T.reshape(2, view.size, view.size)
            seen = look_up(columns, rows)
            for cutout in scene.cutouts:
                plain_lay_over(seen, cutout, t, view.pixels.shape, look_up)
            total += seen
        frames.append(np.moveaxis(total / len(instants), 0, -1))
    return np.stack(frames)


def plain_lay_over(
    seen: Floats, cutout: Cutout, t: float, shape: Sequence[int], look_up: LookUp
) -> None:
    """Lay an object over 3×size×size, in place, where it can be at all."""
    track, bending = cutout.track, cutout.bending
    gone = t + track.speeding * (t * t - 0.25)
    scale = math.exp(cutout.zoom * gone - abs(cutout.zoom) / 2)
    centre = cutout.places(np.array([t]))[0]
    reach = math.ceil(scale * (cutout.radius + bending.size)) + 1
    (left, right), (top, bottom) = (
        np.clip([int(c) - reach, int(c) + reach + 1], 0, seen.shape[1]) for c in centre
    )
    if left >= right or top >= bottom:
        return
    x, y = np.meshgrid(np.arange(left, right) - centre[0], np.arange(top, bottom) - centre[1])
    cos, sin = math.cos(cutout.spin * gone) / scale, math.sin(cutout.spin * gone) / scale
    x, y = cos * x + sin * y, cos * y - sin * x
    if bending.size:
        kx, ky = bending.k
        wave = kx * x + ky * y + bending.phase - 2 * math.pi * bending.cycles * t
        moved = bending.size * np.sin(wave) / math.hypot(kx, ky)
        x, y = x + ky * moved, y - kx * moved
    angle = np.arctan2(y, x)
    edge = np.full(x.shape, 1.0 - sum(share for *_, share in cutout.outline))
    for lobes, phase, share in cutout.outline:
        edge += share * np.cos(lobes * angle + phase)
    outer = cutout.radius - cutout.softness / 2
    inside = np.clip((outer * edge - np.hypot(x, y)) / cutout.softness + 0.5, 0, 1)
    coverage = inside * inside * (3 - 2 * inside)
    enlarged = math.exp(-abs(cutout.zoom))
    columns = np.clip(cutout.texture[0] + enlarged * x, 0, shape[1] - 1)
    rows = np.clip(cutout.texture[1] + enlarged * y, 0, shape[0] - 1)
    part = seen[:, top:bottom, left:right]
    part += coverage * (look_up(columns, rows) - part)


def ours(scene: Scene) -> Floats:
    """The frames of a scene that nothing has been kept of."""
    return replace(scene, view=replace(scene.view)).frames()


def measured(
    dataset: PhotosInMotion, clips: int, rounds: int, size: int, frames: int
) -> dict[str, Any]:
    """Medians of milliseconds a clip, ratios of them, and the largest difference to *plain*."""
    sources = dataset.sources()
    scenes = [
        next(iter(dataset.scenes(source, count=1, frames=frames, size=size, rng=rng)))
        for k in range(clips)
        for source, rng in [(sources[k % len(sources)], np.random.default_rng(k))]
    ]
    splines = [spline_look_up(scene.view.pixels) for scene in scenes]
    bicubic = [grid_sample_look_up(scene.view.pixels) for scene in scenes]
    difference = max(
        float(np.abs(ours(scene) - plain_frames(scene, look_up)).max())
        for scene, look_up in zip(scenes, splines, strict=True)
    )
    ways = {"ours": [ours] * clips} | {
        name: [partial(plain_frames, look_up=look_up) for look_up in look_ups]
        for name, look_ups in (("plain", splines), ("grid_sample", bicubic))
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        spent = dict.fromkeys(ways, 0.0)
        for k, scene in enumerate(scenes):
            for name in ways:  # in turns clip by clip: a slow moment hits all
                start = time.perf_counter()
                ways[name][k](scene)
                spent[name] += time.perf_counter() - start
        for name, total in spent.items():
            seconds[name].append(total / clips)
    found = {name: 1e3 * median(times) for name, times in seconds.items()}
    pairs = zip(seconds["plain"], seconds["ours"], strict=True)
    ratios = sorted(plain / fast for plain, fast in pairs)
    return {
        "milliseconds": found,
        "instants": sum(scene.times.size for scene in scenes) / clips,
        "ratio": found["plain"] / found["ours"],
        "ratio_least_largest": [ratios[0], ratios[-1]],
        "ratio_grid_sample": found["grid_sample"] / found["ours"],
        "largest_difference": difference,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--photos", type=Path, help="folder (default: those of scikit-image)")
    parser.add_argument("--clips", type=int, default=6, help="clips a round (default 6)")
    parser.add_argument("--rounds", type=int, default=5, help="default 5")
    parser.add_argument("--size", type=int, default=128, help="pixels (default 128)")
    parser.add_argument("--frames", type=int, default=7, help="T (default 7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")
    said = parser.parse_args()
    torch.set_num_threads(1)
    print(f"clips of {said.frames} frames, {said.size}×{said.size} pixels, one thread; ms a clip")
    print(
        f"{'':12}{'instants':>9}{'ours':>8}{'plain':>8}{'ratio':>7}{'(range)':>14}"
        f"{'grid_sample':>13}{'ratio':>7}{'difference':>12}"
    )
    everything = {}
    for name, parameters in MIXES.items():
        scale = 0.45 if said.photos else 1.0  # those of scikit-image are small
        dataset = PhotosInMotion(photos=said.photos, downsample=scale, **parameters)
        found = measured(dataset, said.clips, said.rounds, said.size, said.frames)
        everything[name] = found
        spent, (least, largest) = found["milliseconds"], found["ratio_least_largest"]
        between = f"({least:.1f}-{largest:.1f})"
        print(
            f"{name:12}{found['instants']:9.1f}{spent['ours']:8.1f}{spent['plain']:8.1f}"
            f"{found['ratio']:7.1f}{between:>14}{spent['grid_sample']:13.1f}"
            f"{found['ratio_grid_sample']:7.1f}{found['largest_difference']:12.1e}"
        )
    if said.json:
        said.json.write_text(json.dumps(everything, indent=2) + "\n")


if __name__ == "__main__":
    main()
