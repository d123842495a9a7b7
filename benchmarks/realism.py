"""What runs make of real pairs and real photographs, side by side.

    python benchmarks/realism.py BENCH [--data FOLDER] [--out FOLDER]

For each run of a bench (`runs/ROW-sSEED`): PSNR of the middle frame on FOLDER/pairs, as
`real_pairs.py` has it; on the photographs of FOLDER/real_blur, which have no truth: PSNR of the
frames averaged again against the photo, how much finer detail the middle frame has than the
photo (ratio of the mean squared Laplacians of the luminance), and how much the frames move (rms
difference of the first and the last, in grey levels). With --out a picture: parts of the
photographs beside the middle frames.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from statistics import mean, median

import numpy as np
import numpy.typing as npt
from real_pairs import measure
from rich.console import Console
from rich.table import Table
from scipy.ndimage import laplace
from skimage.color import rgb2gray

import deblurkit
from deblurkit.bundle import load_bundle
from deblurkit.media.image import image_size, list_images, write_png
from deblurkit.registry import get_registry
from deblurkit.report.contact_sheet import contact_sheet

Floats = npt.NDArray[np.floating]
_PART = 192  # side of the parts shown, pixels
_LONGEST = 2000  # larger photographs are left out: they take minutes each


def detail(image: Floats) -> float:
    """Mean squared Laplacian of the luminance."""
    return float(np.square(laplace(rgb2gray(image))).mean())


def liveliest(image: Floats) -> tuple[slice, slice]:
    """The part of an image with most contrast, as slices of rows and columns."""
    gray = rgb2gray(image)
    height, width = gray.shape
    places = [
        (y, x)
        for y in range(0, max(1, height - _PART), _PART // 2)
        for x in range(0, max(1, width - _PART), _PART // 2)
    ]
    y, x = max(places, key=lambda p: gray[p[0] : p[0] + _PART, p[1] : p[1] + _PART].std())
    return slice(y, y + _PART), slice(x, x + _PART)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("--data", type=Path, default=os.environ.get("DEBLURKIT_DATA"))
    parser.add_argument("--out", type=Path)
    said = parser.parse_args()
    runs = sorted(p for p in (said.bench / "runs").glob("*-s*") if (p / "weights").is_dir())
    if said.data is None or not runs:
        sys.exit("error: wants a bench with finished runs, and --data FOLDER with pairs, real_blur")
    every = list_images(Path(said.data) / "real_blur")
    photos = [path for path in every if max(image_size(path)) <= _LONGEST]
    found: dict[str, dict[str, float]] = {}
    tiles: dict[str, list[npt.NDArray[np.uint8]]] = {}
    for run in runs:
        bundle = load_bundle(run, get_registry())
        pairs = measure(Path(said.data) / "pairs", bundle)
        row: dict[str, float] = {}
        for group, scores in pairs.items():
            for which in ("blurry", "middle"):
                part = scores[which]
                assert isinstance(part, dict)
                row[f"{group} {which}"] = float(part["psnr"])
        again, finer, moved = [], [], []
        for path in photos:
            try:
                result = deblurkit.extract(path, weights=bundle)
            except deblurkit.errors.DeblurkitError as error:
                print(f"{path.name}: {error}", file=sys.stderr)
                continue
            photo, frames = result.photo.pixels, result.frames
            blurry = np.asarray(photo, np.float32) / np.iinfo(photo.dtype).max
            again.append(float(result.reblur_psnr or 0))
            finer.append(detail(result.middle) / max(detail(blurry), 1e-12))
            moved.append(255 * float(np.sqrt(np.square(frames[0] - frames[-1]).mean())))
            part_of = liveliest(blurry)
            shown = tiles.setdefault(path.stem, [_tile(blurry[part_of])])
            shown.append(_tile(result.middle[part_of]))
        row |= {
            "averaged again, worst": min(again),
            "averaged again, median": median(again),
            "detail": mean(finer),
            "moved": mean(moved),
        }
        found[run.name] = row
    table = Table(title="real pairs and photographs", title_justify="left")
    columns = list(next(iter(found.values())))
    table.add_column("run")
    for column in columns:
        table.add_column(column, justify="right")
    for name, row in found.items():
        table.add_row(name, *(f"{row[column]:.2f}" for column in columns))
    Console(width=140).print(table)
    if said.out:
        said.out.mkdir(parents=True, exist_ok=True)
        (said.out / "realism.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
        names = [run.name for run in runs]
        rows = [(name, shown) for name, shown in tiles.items() if len(shown) == len(names) + 1]
        sheet = contact_sheet(rows, column_labels=["photo", *names])
        write_png(said.out / "realism.png", sheet)


def _tile(part: Floats) -> npt.NDArray[np.uint8]:
    """A part of an image on a square of its full size."""
    tile = np.full((_PART, _PART, 3), 255, np.uint8)
    bytes_ = np.rint(255 * np.clip(part, 0, 1)).astype(np.uint8)
    tile[: part.shape[0], : part.shape[1]] = bytes_
    return tile


if __name__ == "__main__":
    main()
