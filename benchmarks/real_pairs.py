"""Deblurring scores on aligned pairs of blurry and sharp photographs, the blurry one beside.

    python benchmarks/real_pairs.py [WEIGHTS] [--data FOLDER] [--json FILE]

For each set of pairs under FOLDER/pairs (by default $DEBLURKIT_DATA/pairs): PSNR and SSIM of the
estimated middle frame against the sharp photograph, and of the blurry photograph itself, which is
what not deblurring at all scores. The sharp photograph is the middle of the exposure. PSNR is the
mean over pairs, as the literature has it, in sRGB after rounding to 8 bits; SSIM has Gaussian
windows (sigma 1.5) and is the mean of the three colours.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import mean

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import deblurkit
from deblurkit.bundle import Bundle
from deblurkit.extraction.extract import open_weights
from deblurkit.media.photo import read_photo, to_eight_bits

Pixels = npt.NDArray[np.uint8]


def pairs(folder: Path) -> Iterator[tuple[str, Path, Path]]:
    """All pairs: set, blurry file, sharp file.

    A set has folders `blur` and `sharp` with the same names in them, or files NAME_blur.png
    and NAME_sharp.png.
    """
    for group in sorted(p for p in folder.iterdir() if p.is_dir()):
        for blurry in sorted((group / "blur").rglob("*.png")):
            yield group.name, blurry, group / "sharp" / blurry.relative_to(group / "blur")
        for blurry in sorted(group.glob("*_blur.png")):
            yield group.name, blurry, blurry.with_stem(blurry.stem.removesuffix("_blur") + "_sharp")


def scores(sharp: Pixels, found: Pixels) -> tuple[float, float]:
    """PSNR in dB and SSIM."""
    similarity = structural_similarity(
        sharp,
        found,
        channel_axis=2,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
    )
    return float(peak_signal_noise_ratio(sharp, found)), float(similarity)


def eight_bits(image: npt.NDArray[np.floating]) -> Pixels:
    """An image in [0, 1] as files have it."""
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def measure(folder: Path, weights: str | Bundle | None) -> dict[str, dict[str, object]]:
    """Scores of each set: of the blurry photographs, of the estimates, and how many are better."""
    bundle = open_weights(weights)
    each: dict[str, list[tuple[float, float, float, float]]] = {}
    for group, blurry, sharp in pairs(folder):
        truth = to_eight_bits(read_photo(sharp).pixels)
        found = deblurkit.extract(blurry, weights=bundle, middle_only=True)
        estimate = eight_bits(found.frames[0])
        each.setdefault(group, []).append(
            (*scores(truth, to_eight_bits(found.photo.pixels)), *scores(truth, estimate))
        )
    return {
        group: {
            "pairs": len(rows),
            "blurry": {"psnr": mean(r[0] for r in rows), "ssim": mean(r[1] for r in rows)},
            "middle": {"psnr": mean(r[2] for r in rows), "ssim": mean(r[3] for r in rows)},
            "better": sum(r[2] > r[0] for r in rows),
        }
        for group, rows in each.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("weights", nargs="?", help="as for deblurkit extract --weights")
    parser.add_argument("--data", type=Path, default=os.environ.get("DEBLURKIT_DATA"))
    parser.add_argument("--json", type=Path)
    said = parser.parse_args()
    if said.data is None or not (Path(said.data) / "pairs").is_dir():
        sys.exit("error: no pairs: --data FOLDER, with pairs/SET/blur and pairs/SET/sharp in it")
    found = measure(Path(said.data) / "pairs", said.weights)
    if not found:
        sys.exit(f"error: there are no pairs in {Path(said.data) / 'pairs'}")
    table = Table(title="middle frame on pairs of photographs", title_justify="left")
    for head in ("set", "pairs", "blurry PSNR", "SSIM", "estimate PSNR", "SSIM", "better"):
        table.add_column(head, justify="left" if head == "set" else "right")
    for group, row in found.items():
        blurry, middle = row["blurry"], row["middle"]
        assert isinstance(blurry, dict) and isinstance(middle, dict)
        table.add_row(
            group,
            str(row["pairs"]),
            *(text for b in (blurry, middle) for text in (f"{b['psnr']:.2f}", f"{b['ssim']:.4f}")),
            f"{row['better']} of {row['pairs']}",
        )
    Console(width=100).print(table)
    if said.json:
        said.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
