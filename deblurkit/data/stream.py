"""Samples from cached clips. Sample k of a stream is a pure function of (seed, key, k).

Nothing is remembered from one sample to the next: a stream can be taken up at any step, by
any number of processes, and gives the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset

from deblurkit.data import augment as augmentation
from deblurkit.data.cache import ClipCache
from deblurkit.data.processes import begin_worker, context
from deblurkit.errors import DataError
from deblurkit.formation import expose
from deblurkit.randomness import generator

if TYPE_CHECKING:
    from deblurkit.recipe.schema import Augmentation, Formation


class Sample(TypedDict):
    """One sample, or a batch of them with B in front of every shape.

    blurry: y, 3×h×w float32 in [0, 1]. frames: T×3×h×w float32 in [0, 1]. clip: the index of
    the clip, an int (a batch: B int64).
    """

    blurry: Tensor
    frames: Tensor
    clip: int


class SampleStream(Dataset[Sample]):
    """Training samples, or the fixed samples of a test.

    With `augment`: every clip once an epoch in an order of its own, a random crop, the changes
    that `augment` allows, then the formation, then noise. Without: clip k in its order, the
    crop from the middle, no changes; what the formation draws at random is still there, and
    the same whenever it is asked for.
    """

    def __init__(
        self,
        clips: ClipCache,
        *,
        crop: int | None,
        formation: Formation,
        augment: Augmentation | None,
        seed: int,
        key: str,
        length: int,
    ) -> None:
        """Make a stream.

        Args:
            clips: Where the frames come from.
            crop: Side of the samples in pixels; None: the whole clip.
            formation: How frames become y, and which of them are the true ones.
            augment: Changes to the samples; None: a fixed stream.
            seed: The recipe's.
            key: Name of the stream, for instance "train"; streams of other names differ.
            length: Number of samples, over as many epochs as that takes.

        Raises:
            DataError: the crop is larger than the clips, or these were not prepared for so many
                sub-frames, or have blurry images of their own beside sub-frames.
            ValueError: length is below 0 or crop below 1.
        """
        side = min(clips.frames.shape[2:4])
        if crop is not None and crop > side:
            raise DataError(
                f"a crop of {crop} pixels does not fit into clips of {side} pixels",
                where="data.crop",
                valid=f"1 to {side}",
                hint="make data.crop smaller or data.clip_size larger",
            )
        self.camera, count = formation.camera(), clips.frames.shape[1]
        if count % self.camera.subframes:
            raise DataError(
                f"clips of {count} frames cannot have {self.camera.subframes} sub-frames a frame",
                where="data.formation.subframes",
                hint="prepare the clips with the recipe that they are used with",
            )
        if self.camera.subframes > 1 and clips.blurry is not None:
            raise DataError(
                "sub-frames are averaged for a blurry image, and these clips have their own",
                where="data.formation.subframes",
                valid="1, or clips without blurry images",
            )
        if length < 0 or (crop is not None and crop < 1):
            raise ValueError(f"length is {length}, crop {crop}; valid: length >= 0, crop >= 1")
        self.clips = clips
        self.crop = side if crop is None else crop
        self.augment = augment
        self.seed, self.key, self.length = seed, key, length
        self._order: tuple[int, npt.NDArray[np.int64]] | None = None

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, k: int) -> Sample:
        if not 0 <= k < self.length:
            raise IndexError(f"there is no sample {k}; valid: 0 to {self.length - 1}")
        clip = self.clip_of(k)
        stored = np.asarray(self.clips.frames[clip])
        _, height, width, _ = stored.shape
        rng = generator(self.seed, self.key, "sample", k)
        if self.augment is None:
            change = augmentation.centre_crop(height=height, width=width, crop=self.crop)
        else:
            change = augmentation.draw(
                self.augment, height=height, width=width, crop=self.crop, rng=rng
            )
        cut = augmentation.apply(change, stored, self.crop)
        y, frames = self._exposed(cut, change, clip, rng)
        if self.augment is not None:
            y = augmentation.add_noise(y, self.augment.noise, rng)
        return {"blurry": torch.from_numpy(y), "frames": torch.from_numpy(frames), "clip": clip}

    def _exposed(
        self,
        cut: npt.NDArray[np.uint8],
        change: augmentation.Change,
        clip: int,
        rng: np.random.Generator,
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """y, 3×h×w, and the true frames, T×3×h×w; y is the data set's own where it has one."""
        if self.clips.blurry is None:
            return expose(cut, self.camera, rng)
        own = augmentation.apply(change, np.asarray(self.clips.blurry[clip])[None], self.crop)[0]
        return _unit(own), _unit(cut)

    def clip_of(self, k: int) -> int:
        """The index of the clip that sample k is cut from."""
        epoch, position = divmod(k, len(self.clips))
        if self.augment is None:
            return position
        if self._order is None or self._order[0] != epoch:
            order = generator(self.seed, self.key, "order", epoch).permutation(len(self.clips))
            self._order = (epoch, order)
        return int(self._order[1][position])


def _unit(stored: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Bytes to floats in [0, 1]."""
    found: npt.NDArray[np.float32] = np.divide(stored, np.float32(255), dtype=np.float32)
    return found


def loader(
    stream: SampleStream,
    *,
    batch: int,
    start_step: int = 0,
    steps: int | None = None,
    workers: int = 0,
    pin_memory: bool = False,
) -> DataLoader[Sample]:
    """Batches of a stream: batch b holds the samples b·batch to (b+1)·batch - 1.

    The batches do not depend on the number of workers nor on the step that is started from.

    Args:
        stream: Where the samples come from.
        batch: Samples a batch. The stream's last batch may be smaller.
        start_step: The first batch to give, counted from 0.
        steps: Number of batches to give; None: all up to the stream's end.
        workers: Processes that load; 0: this one.
        pin_memory: Put batches into memory from which a GPU copies faster.

    Raises:
        ValueError: a number is out of range, or the stream ends before the last batch.
    """
    if batch < 1:
        raise ValueError(f"a batch of {batch} samples; valid: at least 1")
    batches = -(-len(stream) // batch)
    end_step = batches if steps is None else start_step + steps
    if not 0 <= start_step <= end_step <= batches:
        raise ValueError(
            f"batches {start_step} to {end_step} were asked for; the stream has {batches}"
        )
    samples = range(start_step * batch, min(end_step * batch, len(stream)))
    return DataLoader(
        stream,
        batch_sampler=BatchSampler(samples, batch, drop_last=False),
        num_workers=workers,
        pin_memory=pin_memory,
        multiprocessing_context=context() if workers else None,
        worker_init_fn=begin_worker if workers else None,
        # A generator of its own: by default a loader takes a number from torch's global one,
        # and going on from a later step would change everything that is drawn after it.
        generator=torch.Generator(),
    )
