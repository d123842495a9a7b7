"""Do the files of clips fit together? All mistakes at once, before any clip is scored."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from deblurkit.errors import DataError
from deblurkit.evaluation.sequence_files import ClipFiles, pixels
from deblurkit.media.image import image_size

LISTED = 20
"""So many problems, or names of clips, are listed; of more, the number is said."""


def check_fit(clips: Sequence[ClipFiles], predictions: Path) -> int:
    """Check numbers of frames and sizes of all clips before the first is scored.

    Args:
        clips: At least one.
        predictions: Where they came from, for messages.

    Returns:
        T, the number of frames of all clips.

    Raises:
        DataError: frames or sizes differ within a clip, T is even, clips have different T, or
            files cannot be read; all problems at once, each with its clip.
    """
    problems: list[str] = []
    lengths: dict[int, str] = {}
    for clip in clips:
        try:
            shape = clip.target.shape()
            found = list(_misfits(clip, shape))
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
        movies = any(s.is_movie for clip in clips for s in (clip.target, *clip.estimates))
        more = [f"and {len(problems) - LISTED} more"] if len(problems) > LISTED else []
        raise DataError(
            "\n  ".join([f"{len(problems)} things do not fit", *problems[:LISTED], *more]),
            where=str(predictions),
            hint="MP4 makes odd sides even and GIF may leave repeated frames out; folders of PNG "
            "files keep everything"
            if movies
            else "write predictions in the size and number of the true frames, nothing else beside",
        )
    return next(iter(lengths))


def _misfits(clip: ClipFiles, true: tuple[int, int, int]) -> Iterable[str]:
    if true[0] % 2 == 0:
        yield f"{true[0]} true frames have no middle frame; valid: an odd number of frames"
    for estimate in clip.estimates:
        of = f"sample {estimate.name}" if len(clip.estimates) > 1 else "the prediction"
        shape = estimate.shape()
        if shape[0] != true[0]:
            yield f"{of} has {shape[0]} frames, the truth {true[0]}"
        if shape[1:] != true[1:]:
            yield f"{of} has {pixels(shape[1:])} pixels, the truth {pixels(true[1:])}"
    if clip.blurry is not None and (size := image_size(clip.blurry)) != true[1:]:
        yield f"the blurry image has {pixels(size)} pixels, the truth {pixels(true[1:])}"


def listed(names: Sequence[str]) -> str:
    """Names with commas; of more than `LISTED`, the number of the others."""
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
