"""A run's networks as the bundle that comes with deblurkit, and its scores in the model card.

    python benchmarks/publish_weights.py RUN [--data FOLDER] [--name small]

Measures what `pretrained.md` says of the networks: the scores of their own held-out clips, the
middle frame on pairs of photographs (`real_pairs.py`; FOLDER is $DEBLURKIT_DATA by default), how
near bf16 is to fp32, and how well frames average to photographs again. Writes
`deblurkit/_weights/NAME.safetensors`, with these scores among its metadata, and what stands
between the two marks of `docs/pretrained.md`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import real_pairs

import deblurkit
from deblurkit.bundle import Bundle, load_bundle, save_bundle_file
from deblurkit.errors import DeblurkitError
from deblurkit.media.photo import read_photo
from deblurkit.registry import get_registry
from deblurkit.storage import atomic_file

ROOT = Path(__file__).resolve().parents[1]
CARD = ROOT / "docs" / "pretrained.md"
FOLDER = ROOT / "deblurkit" / "_weights"
BEGIN, END = "<!-- measured -->\n", "<!-- end of what was measured -->\n"
MOST_BYTES = 6_000_000
LICENCE = "Apache-2.0"


def near_in_bf16(bundle: Bundle, photos: Sequence[Path]) -> list[float]:
    """PSNR between the frames in bf16 and in fp32, dB, all frames of a photo together."""
    found = []
    for path in photos:
        photo = read_photo(path).pixels
        exact, half = (
            deblurkit.extract(photo, bundle, precision=precision).frames
            for precision in ("fp32", "bf16")
        )
        found.append(-10 * math.log10(float(np.square(exact - half).mean())))
    return found


def averages_again(bundle: Bundle, photos: Sequence[Path]) -> list[float]:
    """PSNR between photographs and what their frames average to, dB."""
    return [float(deblurkit.extract(path, bundle).reblur_psnr or math.nan) for path in photos]


def card(
    scores: dict[str, Any],
    metrics: dict[str, Any],
    sets: dict[str, dict[str, Any]],
    near: Sequence[float],
    again: Sequence[float],
) -> Iterator[str]:
    """What was measured, as Markdown, line by line."""
    rows, T = metrics["rows"], metrics["frames"]
    yield f"**Held-out clips**: {metrics['clips']}, protocol `{metrics['protocol']}`, PSNR in dB."
    yield ""
    yield "| | " + " | ".join(map(str, range(1, T + 1))) + " | all | SSIM |"
    yield "|---|" + "---:|" * (T + 2)
    names = {
        "estimate": "estimate",
        "blurry": "blurry image repeated",
        "true-middle": "true middle given",
        "frozen-middle": "true middle repeated",
        "mean-of-both": "mean of both directions",
    }
    for key, name in names.items():
        if key in rows:
            row = rows[key]
            each = " | ".join("exact" if v is None else f"{v:.2f}" for v in row["psnr-frame"])
            yield f"| {name} | {each} | {row['psnr']:.2f} | {row['ssim']:.4f} |"
    yield ""
    given = rows["true-middle"]
    yield (
        f"**Motion**: {scores['motion-recall']:.0%} of what moves between true frames moves in the "
        f"estimates the same way, {given['motion-recall']:.0%} with the true middle frame given "
        "(`motion-recall`, see [protocols.md](protocols.md))."
    )
    yield ""
    yield "**Pairs of photographs**: middle frame against the sharp photograph, mean over pairs."
    yield ""
    yield "| | pairs | blurry photograph: PSNR | SSIM | estimate: PSNR | SSIM | better in |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for name, row in sets.items():
        said = [f"{row[k]['psnr']:.2f} | {row[k]['ssim']:.4f}" for k in ("blurry", "middle")]
        yield f"| {name} | {row['pairs']} | {said[0]} | {said[1]} | {row['better']} |"
    yield ""
    yield (
        f"**bf16** against fp32, all frames, {len(near)} photographs of these pairs: "
        f"{min(near):.1f} dB in the worst of them, {median(near):.1f} dB in the middle one."
    )
    yield ""
    yield (
        f"**Averaged again**, against the photograph: {min(again):.1f} dB in the worst of these "
        f"photographs, {median(again):.1f} dB in the middle one; "
        f"{scores['reblur-psnr']:.1f} dB over the held-out clips."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--data", type=Path, default=os.environ.get("DEBLURKIT_DATA"))
    parser.add_argument("--name", default="small")
    said = parser.parse_args()
    if said.data is None:
        sys.exit("error: no photographs: --data FOLDER, with pairs/SET/blur and pairs/SET/sharp")
    try:
        bundle = load_bundle(said.run, get_registry())
        metrics = json.loads((said.run / "metrics.json").read_text("utf-8"))
        folder = said.data / "pairs"
        photos = [blurry for _, blurry, _ in real_pairs.pairs(folder)]
        near, again = near_in_bf16(bundle, photos), averages_again(bundle, photos)
        sets = real_pairs.measure(folder, bundle)
        scores = {
            **bundle.about["scores"],
            **{
                f"{name}-{image}-psnr": row[image]["psnr"]
                for name, row in sets.items()
                for image in ("middle", "blurry")
            },
            "bf16-psnr": min(near),
        }
        about = {**bundle.about, "scores": scores, "licence": LICENCE}
        FOLDER.mkdir(exist_ok=True)
        path = FOLDER / f"{said.name}.safetensors"
        save_bundle_file(path, replace(bundle, about=about))
        if path.stat().st_size > MOST_BYTES:
            sys.exit(f"error: {path} has {path.stat().st_size} bytes, {MOST_BYTES} at most")
        text = CARD.read_text("utf-8")
        before, rest = text.split(BEGIN)
        _, after = rest.split(END)
        body = "\n".join(card(scores, metrics, sets, near, again))
        with atomic_file(CARD) as temporary:
            temporary.write_text(f"{before}{BEGIN}\n{body}\n\n{END}{after}", "utf-8")
    except (DeblurkitError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
