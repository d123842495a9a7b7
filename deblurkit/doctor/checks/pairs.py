"""Checks of pairs: is a blurry image the mean of its frames, and the sharp one their middle?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from deblurkit.doctor.blur_fit import Curve, Fit, Pixels, Samples
from deblurkit.doctor.finding import Finding, frames_said
from deblurkit.doctor.looking import frame_at
from deblurkit.doctor.sharpness import detail
from deblurkit.doctor.survey import Survey
from deblurkit.errors import DataError
from deblurkit.footage.recording import Pair, Recording
from deblurkit.media.image import read_image
from deblurkit.media.video_reading import read_frames

FITS = 1.0
"""Residual up to which a blurry image is the mean that it is said to be, grey levels. Rounding
gives 0.3, JPEG of quality 95 about 0.8; one frame too late in slow footage 2 and more."""

NONE = 3.0
"""Residual of the best run from which no run of frames is the image's origin."""

_BETTER = 0.75  # of the claimed run's residual that the best must leave, at most
_SHARPER = 1.5  # times the fine detail of its sharp image that no blurry one has
_SHIFTED = 0.8  # share of a scene's pairs that must fit the next sharp image better
_MOST = 60  # frames of a search


@dataclass(frozen=True)
class Paired:
    """A pair after it was examined.

    Attributes:
        pair: Which.
        findings: What is wrong with it by itself.
        fit: The run that it is made of, as far as known.
        by_curve: The residual of that run by the response of each kind that was asked for.
        samples: What the fit was made on.
        beside: By offset -1, 0, 1: how far the blurry image is from the sharp image of the pair
            so many places later, grey levels; empty where it was not asked.
    """

    pair: Pair
    findings: tuple[Finding, ...] = ()
    fit: Fit | None = None
    samples: Samples | None = None
    beside: Mapping[int, float] = None  # type: ignore[assignment]


def examine_pair(
    survey: Survey,
    pair: Pair,
    recording: Recording | None,
    neighbours: Mapping[int, Pair],
) -> Paired:
    """Examine one pair.

    Args:
        survey: The data set.
        pair: Which.
        recording: The one whose frames it averages, where that is known.
        neighbours: The pairs before (-1) and after (1) of the same scene.
    """
    try:
        blurry, sharp = read_image(pair.blurry), read_image(pair.sharp)
    except DataError as error:
        file = pair.blurry if str(pair.blurry) == error.where else pair.sharp
        return Paired(
            pair,
            (
                Finding(
                    "damaged", "error", pair.name, error.what, "copy or download the file again",
                    (), (survey.below(file),),
                ),
            ),
        )  # fmt: skip
    files = survey.below(pair.blurry), survey.below(pair.sharp)
    if blurry.shape != sharp.shape:
        said = [f"{image.shape[1]}×{image.shape[0]}" for image in (blurry, sharp)]
        text = f"the blurry image has {said[0]} pixels, the sharp one {said[1]}"
        remedy = "copy the pair again"
        return Paired(pair, (Finding("size", "error", pair.name, text, remedy, (), files),))
    if recording is None or pair.first is None or not pair.frames or not pair.exact:
        swapped = _swapped(pair, blurry, sharp, files)
        return Paired(pair, swapped, beside=_beside(blurry, sharp, neighbours))
    return _against_frames(survey, pair, recording, blurry, sharp)


def _against_frames(
    survey: Survey, pair: Pair, recording: Recording, blurry: Pixels, sharp: Pixels
) -> Paired:
    first, count = pair.first or 0, pair.frames
    files = survey.below(pair.blurry), survey.below(pair.sharp)
    if first < 0 or first + count > recording.frames:
        text = (
            f"it is said to average frames {first + 1}-{first + count} of '{recording.name}', "
            f"which has {recording.frames}"
        )
        remedy = "see whether the recording is whole"
        return Paired(pair, (Finding("blur", "error", pair.name, text, remedy, (), files),))
    try:
        claimed = Samples.of(blurry, _frames(recording, first, count, blurry))
        fit = claimed.fit(0, count)
        fit = Fit(first, count, fit.curve, fit.residual)
        found: list[Finding] = []
        if fit.residual > FITS:
            found, fit, claimed = _searched(pair, recording, blurry, fit, claimed, files)
        found += _middle(pair, recording, sharp, files)
    except DataError:
        return Paired(pair)  # frames that cannot be read are told of with their recording
    return Paired(pair, tuple(found), fit, claimed)


def _frames(recording: Recording, first: int, count: int, like: Pixels) -> list[Pixels]:
    """Frames of a recording, as many as can be compared with an image."""
    if recording.is_video:
        found = list(read_frames(recording.path, first, count))
    else:
        found = [frame_at(recording, k) for k in range(first, first + count)]
    if any(image.shape != like.shape for image in found):
        raise DataError("frames have another size", where=str(recording.path))
    return found


def _window(recording: Recording, first: int, count: int) -> tuple[int, int]:
    """Where to search: as many frames more on both sides, within the recording."""
    if recording.window:  # frames of another exposure are no neighbours
        return first - first % recording.window, recording.window
    around = min(max(count, 4), (_MOST - count) // 2) if count < _MOST else 0
    start = max(0, first - around)
    return start, min(recording.frames, first + count + around) - start


def _searched(
    pair: Pair,
    recording: Recording,
    blurry: Pixels,
    claimed: Fit,
    samples: Samples,
    files: tuple[str, ...],
) -> tuple[list[Finding], Fit, Samples]:
    """Which frames a blurry image is made of that is not made of those it is said to be."""
    start, many = _window(recording, claimed.start, claimed.frames)
    wide = Samples.of(blurry, _frames(recording, start, many, blurry))
    best = wide.best(range(1, many + 1))
    said = f"{claimed.start + 1}-{claimed.start + claimed.frames}"
    off = f"{claimed.residual:.1f} grey levels, {claimed.psnr:.1f} dB"
    numbers: dict[str, float | str] = {
        "residual": round(claimed.residual, 3),
        "psnr": round(claimed.psnr, 2),
        "response": str(claimed.curve),
        "best_residual": round(best.residual, 3),
        "best_psnr": round(best.psnr, 2),
        "best_response": str(best.curve),
        "best_first": start + best.start + 1,
        "best_frames": best.frames,
    }
    if best.residual > NONE:
        text = (
            f"it is the mean of no run of frames around {said} of '{recording.name}': the best "
            f"leaves {best.residual:.1f} grey levels, {best.psnr:.1f} dB"
        )
    elif best.residual < _BETTER * claimed.residual:
        one = tuple(range(start + best.start + 1, start + best.start + best.frames + 1))
        text = (
            f"it is not the mean of frames {said} of '{recording.name}' ({off}) but of "
            f"{frames_said(one)} through {best.curve} ({best.residual:.1f} grey levels, "
            f"{best.psnr:.1f} dB)"
        )
    else:
        return [], claimed, samples
    remedy = "form the blurry image yourself: --set data.train.blurry=formed"
    frames = tuple(range(claimed.start + 1, claimed.start + claimed.frames + 1))
    found = Finding("blur", "error", pair.name, text, remedy, frames, files, numbers)
    part = Samples(wide.image, wide.frames[best.start : best.start + best.frames])
    return [found], Fit(start + best.start, best.frames, best.curve, best.residual), part


def _middle(
    pair: Pair, recording: Recording, sharp: Pixels, files: tuple[str, ...]
) -> list[Finding]:
    """Whether the sharp image is the middle of the frames that it is said to be of."""
    run = Fit(pair.first or 0, pair.frames, Curve("identity"), 0.0)
    nearer = Samples.of(sharp, _frames(recording, run.middle[0], len(run.middle), sharp)).apart()
    if float(nearer.min()) <= FITS:
        return []
    start, many = _window(recording, run.start, run.frames)
    apart = Samples.of(sharp, _frames(recording, start, many, sharp)).apart()
    best = start + int(apart.argmin())
    least, claimed = float(apart.min()), float(nearer.min())
    said = " or ".join(str(k + 1) for k in run.middle)
    if best not in run.middle and least < _BETTER * claimed:
        text = (
            f"its sharp image is not the middle frame {said} of '{recording.name}' but {best + 1}"
        )
    elif least > 2 * NONE:
        text = f"its sharp image is none of the frames around {said} of '{recording.name}'"
    else:
        return []
    numbers = {"residual": round(claimed, 3), "best": best + 1, "best_residual": round(least, 3)}
    remedy = "take the truth from the recording: --set data.train.blurry=formed"
    frames = tuple(k + 1 for k in run.middle)
    return [Finding("blur", "error", pair.name, text, remedy, frames, files, numbers)]


def _swapped(
    pair: Pair, blurry: Pixels, sharp: Pixels, files: tuple[str, ...]
) -> tuple[Finding, ...]:
    """Whether the blurry image is the sharper one."""
    fine = [float(detail(image)[:, 0, :2].sum()) for image in (blurry, sharp)]
    if fine[0] <= _SHARPER * fine[1] or fine[0] < 1:
        return ()
    ratio = fine[0] / max(fine[1], 1e-6)
    text = f"its blurry image has {ratio:.1f} times the fine detail of the sharp one"
    remedy = "see whether the two are swapped"
    numbers = {"ratio": round(ratio, 2)}
    return (Finding("blur", "error", pair.name, text, remedy, (), files, numbers),)


def _beside(blurry: Pixels, sharp: Pixels, neighbours: Mapping[int, Pair]) -> dict[int, float]:
    found = {0: float(Samples.of(blurry, [sharp]).apart()[0])}
    for offset, other in neighbours.items():
        try:
            image = read_image(other.sharp)
        except DataError:
            continue  # told of with its own pair
        if image.shape == blurry.shape:
            found[offset] = float(Samples.of(blurry, [image]).apart()[0])
    return found


def across_pairs(survey: Survey, paired: Sequence[Paired]) -> list[Finding]:
    """What only many pairs together tell: another response than the rest; shifted numbers."""
    return [*_other_responses(survey, paired), *_shifted(survey, paired)]


def _other_responses(survey: Survey, paired: Sequence[Paired]) -> list[Finding]:
    groups = defaultdict(list)
    for one in paired:
        if one.fit and one.samples and one.fit.residual <= FITS:
            groups[_kind_of_blur(survey, one.pair)].append((one, one.fit, one.samples))
    found = []
    for group in groups.values():
        votes = Counter(str(fit.curve) for _, fit, _ in group)
        usual, times = votes.most_common(1)[0]
        if len(group) < 3 or times <= len(group) / 2:
            continue
        curve = next(fit.curve for _, fit, _ in group if str(fit.curve) == usual)
        for one, fit, samples in group:
            expected = samples.residual(0, fit.frames, curve)
            if str(fit.curve) != usual and expected > fit.residual / _BETTER + 0.2:
                numbers: dict[str, float | str] = {
                    "residual": round(expected, 3), "response": usual,
                    "best_residual": round(fit.residual, 3), "best_response": str(fit.curve),
                }  # fmt: skip
                found.append(
                    Finding(
                        "blur", "error", one.pair.name,
                        f"it was formed through {fit.curve}, the others through {usual}, which "
                        f"leaves {expected:.1f} grey levels here instead of {fit.residual:.1f}",
                        "form the blurry images yourself: --set data.train.blurry=formed",
                        (), (survey.below(one.pair.blurry),), numbers,
                    )
                )  # fmt: skip
    return found


def _kind_of_blur(survey: Survey, pair: Pair) -> tuple[str, ...]:
    """The folders in a path that tell how it was blurred: `blur`, `blur_gamma`."""
    folders = survey.below(pair.blurry).split("/")[:-1]
    return tuple(name for name in folders if "blur" in name.lower())


def _shifted(survey: Survey, paired: Sequence[Paired]) -> list[Finding]:
    scenes = defaultdict(list)
    for one in paired:
        if one.beside and len(one.beside) == 3:
            scenes[one.pair.scene].append(one)
    found = []
    for scene, group in scenes.items():
        for offset in (-1, 1):
            nearer = [one for one in group if one.beside[offset] < _BETTER * one.beside[0]]
            if len(group) >= 4 and len(nearer) >= _SHIFTED * len(group):
                ratio = float(np.median([one.beside[offset] / one.beside[0] for one in nearer]))
                where = "after" if offset > 0 else "before"
                found.append(
                    Finding(
                        "blur", "error", scene,
                        f"{len(nearer)} of {len(group)} blurry images fit the sharp image {where} "
                        "theirs better: the numbers are shifted",
                        "number one side anew", (),
                        tuple(survey.below(one.pair.blurry) for one in nearer),
                        {"ratio": round(ratio, 2)},
                    )
                )  # fmt: skip
    return found
