"""Anyone's sequences on disk against the true ones, clip by clip: never more than one in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deblurkit.errors import DataError
from deblurkit.evaluation.clip_names import frames_mark, matched_name
from deblurkit.evaluation.measures import Measure, ScoreSheet
from deblurkit.evaluation.protocol import ScoringProtocol, full_name, new_sheet
from deblurkit.evaluation.sequence_checks import check_fit, listed
from deblurkit.evaluation.sequence_colours import colour_notes
from deblurkit.evaluation.sequence_files import (
    ClipFiles,
    SequenceFiles,
    sequences_in,
    told_apart,
)
from deblurkit.media.image import list_images
from deblurkit.plurals import counted


@dataclass(frozen=True)
class SequencePairs:
    """Clips that can be scored: all of the same number of frames, sizes fitting within each.

    Attributes:
        clips: In natural order of their names.
        T: Number of frames.
        no_prediction: Names of true clips without a prediction, left out.
        no_truth: Names of predictions without true frames, left out.
        sampled: Whether predictions were looked for as samples.
        notes: What was made of files that are not RGB.
    """

    clips: tuple[ClipFiles, ...]
    T: int
    no_prediction: tuple[str, ...] = ()
    no_truth: tuple[str, ...] = ()
    sampled: bool = False
    notes: tuple[str, ...] = ()


def find_pairs(
    predictions: Path,
    truth: Path,
    *,
    blurry: Path | None = None,
    samples: bool = False,
    allow_missing: bool = False,
    limit: int | None = None,
) -> SequencePairs:
    """Match predictions with true sequences, and check all of them before any is scored.

    Each path is one clip or a folder of clips; a clip is a folder of images in natural order,
    a video or an animated GIF. Clips of two folders are matched by name: a folder's name, or
    a file's without its suffix, however its accents are stored. One clip is matched with one
    clip whatever their names. Of each clip the frames are counted and the first is looked at;
    frames of other sizes and damage further on show when the clip is read.

    Args:
        predictions: The sequences to score; with `samples`, a folder of samples for each clip.
        truth: The true sequences.
        blurry: A folder with a blurry image for each clip, `<clip>.png`; for one clip also the
            image itself.
        samples: Whether each clip has several predictions, `<clip>/<sample>/`.
        allow_missing: Take the clips that both sides have, and say which were missing.
        limit: Take the first so many clips.

    Raises:
        DataError: a path is no clip and no folder of clips, clips are missing, or frames do not
            fit; all problems at once, each with its clip and both numbers.
    """
    true = sequences_in(truth)
    if isinstance(true, SequenceFiles):
        ours = {true.name: _samples(predictions, samples)}
        theirs: Mapping[str, SequenceFiles] = {true.name: true}
    else:
        ours, theirs = _many(predictions, truth, true, samples), true
    no_prediction = tuple(name for name in theirs if name not in ours)
    no_truth = tuple(name for name in ours if name not in theirs)
    names = [name for name in theirs if name in ours]
    if not names or ((no_prediction or no_truth) and not allow_missing):
        raise _missing(predictions, truth, no_prediction, no_truth, enough=bool(names))
    names = names[:limit]
    images = (
        {} if blurry is None else _blurry_images(blurry, names, isinstance(true, SequenceFiles))
    )
    clips = tuple(ClipFiles(name, ours[name], theirs[name], images.get(name)) for name in names)
    T = check_fit(clips, predictions)
    return SequencePairs(clips, T, no_prediction, no_truth, samples, colour_notes(clips))


def score_pairs(
    pairs: SequencePairs,
    protocol: ScoringProtocol,
    advance: Callable[[int], None] = lambda done: None,
) -> ScoreSheet:
    """Score clips one by one.

    Args:
        pairs: What `find_pairs` found.
        protocol: How.
        advance: Told the number of clips done.

    Raises:
        DataError: the protocol takes no samples and there are some; a file is damaged; frames are
            too small for a score.
    """
    if pairs.sampled and not protocol.takes_samples:
        raise DataError(
            f"protocol '{full_name(protocol)}' scores one prediction a clip, not samples",
            hint="leave --samples out, or use one that takes samples: deblurkit score --list",
        )
    sheet = new_sheet(protocol, pairs.T)
    for done, clip in enumerate(pairs.clips, start=1):
        sheet.add(clip.name, *_score(clip, protocol, sampled=pairs.sampled))
        advance(done)
    return sheet


def _score(
    clip: ClipFiles, protocol: ScoringProtocol, *, sampled: bool
) -> tuple[Mapping[str, Measure], str]:
    """Scores of a clip and the mark of its true frames; its images are gone when this returns."""
    estimates, target, blurry = clip.read()
    try:
        scores = protocol.score(estimates if sampled else estimates[0], target, blurry)
        return scores, frames_mark(target)
    except DataError as error:
        if error.where is not None:
            raise
        raise DataError(
            error.what, where=f"clip '{clip.name}'", valid=error.valid, hint=error.hint
        ) from error


def _samples(path: Path, samples: bool) -> tuple[SequenceFiles, ...]:
    """The predictions of one clip: the path itself or, with samples, what is in it."""
    found = sequences_in(path)
    if isinstance(found, SequenceFiles):
        return (found,)
    if samples:
        return tuple(found.values())
    raise DataError(
        f"this is a folder of {counted(len(found), 'clip')} or samples, not one clip",
        where=str(path),
        hint="where these are samples of one clip, say --samples; where these are clips, TRUTH "
        "must be a folder of clips, too",
    )


def _many(
    predictions: Path, truth: Path, true: Mapping[str, SequenceFiles], samples: bool
) -> dict[str, tuple[SequenceFiles, ...]]:
    found = sequences_in(predictions)
    if isinstance(found, SequenceFiles):
        raise DataError(
            f"this is one clip, and {truth} is a folder of {counted(len(true), 'clip')}",
            where=str(predictions),
            hint=f"name the true clip, for instance {next(iter(true.values())).path}",
        )
    # A clip without true frames is only named, so what is in it does not matter.
    return {
        name: _samples(clip.path, samples=True) if samples and name in true else (clip,)
        for name, clip in found.items()
    }


def _missing(
    predictions: Path,
    truth: Path,
    no_prediction: Sequence[str],
    no_truth: Sequence[str],
    *,
    enough: bool,
) -> DataError:
    said = []
    if no_prediction:
        said.append(f"{len(no_prediction)} without prediction in {predictions}: ")
        said[-1] += listed(no_prediction)
    if no_truth:
        said.append(f"{len(no_truth)} without truth in {truth}: {listed(no_truth)}")
    return DataError(
        "clips do not match by name\n  " + "\n  ".join(said),
        valid="the same names on both sides: of folders, or of files without their suffix",
        hint="rename them, or score those that both sides have: --allow-missing"
        if enough
        else "rename them; not one name is on both sides",
    )


def _blurry_images(path: Path, names: Sequence[str], single: bool) -> dict[str, Path]:
    """Clip -> its blurry image."""
    if single and path.is_file():
        return {names[0]: path}
    images = list_images(path)
    if single and len(images) == 1:
        return {names[0]: images[0]}
    found: dict[str, Path] = {}
    for image in images:
        name = matched_name(image.stem)
        if name in found and name in names:
            twice = told_apart(found[name].name, image.name)
            raise DataError(
                f"{' and '.join(twice)} are both the blurry image of clip '{name}'",
                where=str(path),
                hint="move one of them elsewhere",
            )
        found[name] = image
    if absent := [name for name in names if name not in found]:
        raise DataError(
            f"no blurry image for {counted(len(absent), 'clip')}: {listed(absent)}",
            where=str(path),
            valid="an image for each clip, for instance " + f"{absent[0]}.png",
            hint="add them, or leave --blurry out: then they are formed from the true frames",
        )
    return found
