"""How fast footage becomes clips and clips become samples, beside what the libraries could do.

    python benchmarks/footage.py [--video FILE] [--frames 120] [--samples 100000] [--rounds 3]

Ratios of one run, best of the rounds in turns, one process:

- *PNG folder*: a dataset's frames, beside Pillow decoding the same files and nothing else;
- *video*: the same beside PyAV decoding the file to RGB;
- *down-sampled*: frames scaled to 45 % on the way, as the paper's are;
- *prepared*: exposures of 7 frames written as shards, with checksums; frames a second;
- *samples*: crops of 7×3×64×64 a second from cached clips with the default formation, in this
  process and with two loader processes, and the memory after many samples beside after few.

Without --video a video of moving noise is made: of 1280×720 pixels, H.264.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import av
import numpy as np
import psutil
from data_loading import BATCH, noise_clips, stream
from PIL import Image
from scipy.ndimage import zoom

from deblurkit.data.prepared.prepare import plan_footage
from deblurkit.data.stream import loader
from deblurkit.footage.dataset import FootageDataset
from deblurkit.media.image import write_png
from deblurkit.media.video_writing import write_mp4
from deblurkit.recipe.schema import Formation
from deblurkit.registry import get_registry
from deblurkit_standard.datasets.frames import Frames
from deblurkit_standard.datasets.video import Video

HEIGHT, WIDTH = 720, 1280


def ground(frames: int) -> np.ndarray:
    """A textured ground that moves by two pixels a frame: T×H×W×3."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(0, 255, (HEIGHT // 8, (WIDTH + 2 * frames) // 8 + 1, 3))
    fine = zoom(coarse, (8, 8, 1), order=1) + rng.normal(0, 4, (HEIGHT, coarse.shape[1] * 8, 3))
    whole = np.clip(fine, 0, 255).astype(np.uint8)
    return np.stack([whole[:, 2 * t : 2 * t + WIDTH] for t in range(frames)])


def rates(frames: int, rounds: int, **contenders: Callable[[], object]) -> dict[str, float]:
    """Frames a second of each, the best of the rounds, in turns."""
    best = dict.fromkeys(contenders, 0.0)
    for _ in range(rounds):
        for name, work in contenders.items():
            start = time.perf_counter()
            work()
            best[name] = max(best[name], frames / (time.perf_counter() - start))
    return best


def read_all(dataset: FootageDataset) -> Iterator[np.ndarray]:
    for recording in dataset.recordings:
        yield from dataset.read(recording, 0, dataset.used_frames(recording))


def pillow(folder: Path) -> Iterator[np.ndarray]:
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            yield np.asarray(image.convert("RGB"))


def pyav(path: Path) -> Iterator[np.ndarray]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def used(frames: Iterable[np.ndarray]) -> None:
    """Take frames as whoever needs them does: one is kept until the next is there."""
    for _frame in frames:
        pass


def sample_rates(count: int) -> dict[str, float]:
    clips = noise_clips()
    found = {}
    for workers in (0, 2):
        samples = stream(clips, 400, Formation())
        batches = iter(loader(samples, batch=BATCH, workers=workers))
        for _ in range(20):
            next(batches)
        start = time.perf_counter()
        left = sum(len(batch["clip"]) for batch in batches)
        found[f"samples a second, {workers} loader processes"] = left / (
            time.perf_counter() - start
        )
    samples, process = stream(clips, count // BATCH, Formation()), psutil.Process()
    count = len(samples)
    early = min(1000, count // 10)
    for k in range(count):
        samples[k]
        if k == early:
            before = process.memory_full_info().uss
    grown = process.memory_full_info().uss - before
    found[f"MiB of memory more after {count} samples than after {early}"] = grown / 2**20
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--video", type=Path)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["DEBLURKIT_CACHE"] = str(folder / "cache")
        film = ground(args.frames)
        for k, image in enumerate(film):
            write_png(folder / "png" / f"{k:06d}.png", image)
        video = args.video or folder / "film.mp4"
        if args.video is None:
            write_mp4(video, film, 240.0)
        pngs, videos = Frames(path=folder / "png"), Video(path=video)
        small = Frames(path=folder / "png", downsample=0.45)
        count = videos.recordings[0].frames
        one = rates(
            args.frames,
            args.rounds,
            ours=lambda: used(read_all(pngs)),
            pillow=lambda: used(pillow(folder / "png")),
            small=lambda: used(read_all(small)),
        )
        other = rates(
            count, args.rounds, ours=lambda: used(read_all(videos)), pyav=lambda: used(pyav(video))
        )
        found["PNG frames a second"] = one["ours"]
        found["PNG, beside Pillow alone"] = one["ours"] / one["pillow"]
        found["PNG down-sampled to 45 %, frames a second"] = one["small"]
        found["video frames a second"] = other["ours"]
        found["video, beside PyAV alone"] = other["ours"] / other["pyav"]
        planned = plan_footage(
            folder / "png", get_registry(), overrides=["data.train.downsample=0.45"]
        )
        start = time.perf_counter()
        planned.write(folder / "prepared")
        found["prepared at 45 %, frames a second"] = (
            7 * planned.clips / (time.perf_counter() - start)
        )
        found |= sample_rates(args.samples)
    for name, value in found.items():
        print(f"{name:60s} {value:10.2f}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
