"""What is made of frames that are not RGB, said once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deblurkit.evaluation.sequence_files import ClipFiles
from deblurkit.media.image import image_kind
from deblurkit.plurals import counted

_SAID: Mapping[str, str] = {
    "gray": "are gray: each value counts for all three colours",
    "palette": "have a palette: scored as the RGB colours that it names",
    "other": "are neither RGB nor gray: turned into RGB without a colour profile",
}


def colour_notes(clips: Sequence[ClipFiles]) -> tuple[str, ...]:
    """A line for each kind of files that becomes RGB and each side that has such files.

    The first frame of every sequence is looked at. Movies always become RGB.

    Raises:
        DataError: an image cannot be read.
    """
    found: dict[tuple[str, str], int] = {}
    for clip in clips:
        for place in {(side, image_kind(image)) for side, image in _first_images(clip)}:
            found[place] = found.get(place, 0) + 1
    return tuple(
        f"{side} of {counted(found[side, kind], 'clip')} {said}"
        for side in ("predictions", "true frames", "blurry images")
        for kind, said in _SAID.items()
        if (side, kind) in found
    )


def _first_images(clip: ClipFiles) -> Iterator[tuple[str, Path]]:
    for side, sequences in (("predictions", clip.estimates), ("true frames", (clip.target,))):
        for sequence in sequences:
            if (image := sequence.first_image()) is not None:
                yield side, image
    if clip.blurry is not None:
        yield "blurry images", clip.blurry
