"""Do the files of clips fit together? All mistakes at once, before any clip is scored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from deblurkit.errors import DataError
from deblurkit.evaluation.sequence_files import ClipFiles, pixels
from deblurkit.media.image import image_size, is_transparent
from deblurkit.plurals import counted

LISTED = 20
"""So many problems, or names of clips, are listed; of more, the number is said."""

_ODD = (
    "all protocols score sequences that have a middle frame: leave the same frame out at an end, "
    "on both sides"
)
_FOLDERS = "write predictions in the size and number of the true frames, nothing else beside"
_MOVIES = (
    "MP4 makes odd sides even and GIF may leave repeated frames out; folders of PNG files keep "
    "everything"
)
_BLURRY = "give the blurry images in the size of the true frames"
_OPAQUE = "save frames without an alpha channel, laid on what they belong on"


def check_fit(clips: Sequence[ClipFiles], predictions: Path) -> int:
    """Check numbers of frames and sizes of all clips before the first is scored.

    Args:
        clips: At least one.
        predictions: Where they came from, for messages.

    Returns:
        T, the number of frames of all clips.

    Raises:
        DataError: frames or sizes differ within a clip, T is even, clips have different T, first
            frames are transparent, or files cannot be read; all problems at once, each with its
            clip.
    """
    problems: list[str] = []
    lengths: dict[int, str] = {}
    hints: dict[str, None] = {}
    for clip in clips:
        try:
            shape = clip.target.shape()
            misfits = list(_misfits(clip, shape))
            found = [text for text, _ in misfits]
            hints |= dict.fromkeys(hint for _, hint in misfits)
        except DataError as error:
            found = [str(error).replace("\n", "\n    ")]
        else:
            lengths.setdefault(shape[0], clip.name)
        problems += [f"{clip.name}: {problem}" for problem in found]
    if not problems and len(lengths) > 1:
        said = ", ".join(f"{T} ({name})" for T, name in lengths.items())
        raise DataError(
            f"clips have different numbers of frames: {said}",
            where=str(predictions),
            hint="score clips of the same number of frames together, the others by themselves",
        )
    if problems:
        count = counted(len(problems), "thing") + (" does" if len(problems) == 1 else " do")
        more = [f"and {len(problems) - LISTED} more"] if len(problems) > LISTED else []
        raise DataError(
            "\n  ".join([f"{count} not fit", *problems[:LISTED], *more]),
            where=str(predictions),
            hint="; ".join(hints) or None,
        )
    return next(iter(lengths))


def _misfits(clip: ClipFiles, true: tuple[int, int, int]) -> Iterable[tuple[str, str]]:
    """What does not fit, and what to do about it."""
    if true[0] % 2 == 0:
        yield f"{true[0]} true frames have no middle frame; valid: an odd number of frames", _ODD
    for estimate in clip.estimates:
        of = f"sample {estimate.name}" if len(clip.estimates) > 1 else "the prediction"
        movies = estimate.is_movie or clip.target.is_movie
        shape, better = estimate.shape(), _MOVIES if movies else _FOLDERS
        if shape[0] != true[0]:
            yield f"{of} has {counted(shape[0], 'frame')}, the truth {true[0]}", better
        if shape[1:] != true[1:]:
            yield f"{of} has {pixels(shape[1:])} pixels, the truth {pixels(true[1:])}", better
    if clip.blurry is not None and (size := image_size(clip.blurry)) != true[1:]:
        yield f"the blurry image has {pixels(size)} pixels, the truth {pixels(true[1:])}", _BLURRY
    for image in (*(s.first_image() for s in (clip.target, *clip.estimates)), clip.blurry):
        if image is not None and is_transparent(image):
            yield f"{image} has transparent pixels, whose colours are not known", _OPAQUE


def listed(names: Sequence[str]) -> str:
    """Names with commas; of more than `LISTED`, the number of the others."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
