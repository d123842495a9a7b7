"""How long a training batch takes to load: 16 samples of 64 pixels from cached clips.

python benchmarks/data_loading.py [--batches 200]

Prints the median time a batch with 0 and 2 loader processes (a consumer that does nothing
else: with processes, training hides what is printed here), and that of one sample by response.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

import numpy as np

from deblurkit.data.cache import ClipCache, prepare_clips
from deblurkit.data.clip import Clip
from deblurkit.data.stream import SampleStream, loader
from deblurkit.recipe.schema import Augmentation, Formation

BATCH, CROP, CLIP_SIZE, FRAMES, CLIPS = 16, 64, 96, 7, 400


class Noise:
    """Clips of noise: what is in a clip does not change how long it takes to load."""

    def sources(self) -> tuple[str, ...]:
        return ("noise",)

    def clips(
        self, source: str, *, count: int, frames: int, size: int, rng: np.random.Generator
    ) -> Iterator[Clip]:
        for _ in range(count):
            yield Clip(rng.integers(0, 256, (frames, size, size, 3), dtype=np.uint8), source)


def noise_clips() -> ClipCache:
    """Such clips, in the cache."""
    return prepare_clips(
        Noise(),
        Noise().sources(),
        settings={"name": "noise"},
        split="train",
        count=CLIPS,
        frames=FRAMES,
        size=CLIP_SIZE,
        seed=0,
    )


def stream(clips: ClipCache, batches: int, formation: Formation) -> SampleStream:
    return SampleStream(
        clips,
        crop=CROP,
        formation=formation,
        augment=Augmentation(),
        seed=0,
        key="benchmark",
        length=BATCH * batches,
    )


def seconds_between_batches(samples: SampleStream, workers: int) -> tuple[float, float]:
    """Seconds until the first batch, and the median of the seconds between later ones."""
    times = [time.perf_counter()]
    times += [time.perf_counter() for _ in loader(samples, batch=BATCH, workers=workers)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return gaps[0], median(gaps[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batches", type=int, default=200, help="batches timed (default 200)")
    batches = max(2, parser.parse_args().batches)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DEBLURKIT_CACHE"] = folder
        clips = noise_clips()
        print(f"batch of {BATCH} samples, {FRAMES} frames of {CROP} pixels, {os.cpu_count()} CPUs")
        for workers in (0, 2):
            first, later = seconds_between_batches(stream(clips, batches, Formation()), workers)
            print(
                f"  {workers} loader processes: {1e3 * later:6.2f} ms a batch"
                f"  (first batch after {first:.2f} s)"
            )
        for response in ("identity", "gamma", "srgb"):
            samples = stream(clips, batches, Formation(response=response))
            start = time.perf_counter()
            for k in range(500):
                samples[k % len(samples)]
            print(f"  one sample, response {response}: {2 * (time.perf_counter() - start):.3f} ms")


if __name__ == "__main__":
    main()
