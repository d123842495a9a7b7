"""Several photographs and outputs in one call: what becomes what, and one failure stays one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from math import isinf
from pathlib import Path
from typing import Any

from deblurkit.bundle import Bundle
from deblurkit.errors import DataError, DeblurkitError, FailedError
from deblurkit.extraction.extract import extract
from deblurkit.extraction.outputs import (
    FORMATS,
    GIF_FPS,
    Style,
    check_fits,
    check_free,
    format_of,
    get_format,
    save,
)
from deblurkit.extraction.result import Extraction
from deblurkit.media.image import list_images
from deblurkit.media.photo import HEIF_SUFFIXES, readable_photo

__all__ = ["Job", "Outcome", "Style", "plan", "run_job"]


@dataclass(frozen=True)
class Job:
    """A photograph and what is written of it.

    Attributes:
        photo: The file.
        outputs: Path -> name of its format.
        left: Files beside it that were taken for what was made of it before.
        error: Why it cannot be done; the others can.
    """

    photo: Path
    outputs: Mapping[Path, str] = field(default_factory=dict)
    left: tuple[Path, ...] = ()
    error: DeblurkitError | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Attributes:
        photo: The file.
        written: The files written.
        notes: What was found and done, a sentence each.
        warnings: What makes the result doubtful.
        facts: Numbers, for programs.
        error: Why there is no result.
        exit_code: What the error means for the command; 0 without one.
    """

    photo: Path
    written: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    error: DeblurkitError | None = None
    exit_code: int = 0

    def as_json(self) -> dict[str, Any]:
        """The same as JSON says it."""
        said: dict[str, Any] = {"photo": str(self.photo)}
        written = [str(path) for path in self.written]
        if self.error is not None:
            said["error"] = str(self.error)
        notes = {"notes": list(self.notes), "warnings": list(self.warnings)}
        return {**said, "written": written, **self.facts, **notes}


def plan(
    photos: Sequence[Path],
    *,
    outs: Sequence[Path] = (),
    folders: Sequence[Path] = (),
    formats: Sequence[str] = (),
    inputs: Sequence[Path] = (),
    force: bool = False,
    only_one: bool = False,
    middle_only: bool = False,
) -> list[Job]:
    """Say what is written of each photograph, before anything is computed.

    Folders among the photographs stand for the images in them. What is wrong with one photograph
    or its outputs is in its job; what is wrong with the request is raised.

    Args:
        photos: Files and folders.
        outs: Where to: files, and at most one folder: a name without an ending.
        folders: Where to, folders whatever their name.
        formats: Names of formats that go to the folder, or to the current one.
        inputs: Other files that are read, which no output may overwrite.
        force: Outputs may be there already.
        only_one: One frame is asked for, no sequence.
        middle_only: That is all that is computed, so nothing can be checked.

    Raises:
        DataError: a format is unknown or does not fit, or several photos would go to one file.
    """
    jobs = _listed(photos)
    for name in formats:
        get_format(name)
    if middle_only and "error" in formats:
        raise DataError(
            "the middle frame alone has no average to compare with the photo",
            where="--format error",
            valid="without --middle-only",
        )
    for out in outs:
        _check_name(out)
    outs = list({_resolved(out): out for out in outs}.values())
    folders = [*folders, *(out for out in outs if not out.suffix or _is_folder(out))]
    folders = list({_resolved(out): out for out in folders}.values())
    named = [out for out in outs if out not in folders]
    if named and len(jobs) > 1:
        raise DataError(
            f"{len(jobs)} photos cannot go to one file",
            where=str(named[0]),
            valid="a folder: -o FOLDER --format mp4",
        )
    if len(folders) > 1:
        raise DataError(
            "more than one folder for outputs", where=", ".join(map(str, folders)), valid="one"
        )
    fixed = {out: _named_format(out, only_one) for out in named}
    usual = [] if named and not folders else ["middle" if only_one else "mp4"]
    kinds = list(dict.fromkeys(formats)) or usual
    folder = folders[0] if folders else Path()
    for kind in kinds:
        check_fits(kind, folder / f"PHOTO{FORMATS[kind].ending}", only_one=only_one)
    read = {_resolved(path) for path in (*(job.photo for job in jobs), *inputs)}
    taken: dict[Path, Path] = {}
    return [_planned(job, fixed, kinds, folder, read, taken, force) for job in jobs]


def _listed(photos: Sequence[Path]) -> list[Job]:
    """Each photograph once; a folder that has none is a job with an error."""
    found: dict[Path, Job] = {}
    for path in photos:
        try:
            files = list_images(path, HEIF_SUFFIXES) if _is_folder(path) else (path,)
        except DeblurkitError as error:
            found[_resolved(path)] = Job(path, error=error)
            continue
        made = {} if files == (path,) else _made_before(files)
        for file in files:
            if file not in made:
                left = tuple(m for m, of in made.items() if of == file)
                found.setdefault(_resolved(file), Job(file, left=left))
    return list(found.values())


def _made_before(files: Sequence[Path]) -> dict[Path, Path]:
    """Which images of a folder look like what was made of which other one there."""
    endings = [made.ending for made in FORMATS.values()]
    photos = {file.stem: file for file in files if file.suffix.lower() not in (".gif", ".webp")}
    found: dict[Path, Path] = {}
    for file in files:
        for ending in endings:
            of = photos.get(file.name.removesuffix(ending)) if file.name.endswith(ending) else None
            if of is not None and of != file:
                found[file] = of
    return found


def _check_name(out: Path) -> None:
    """Refuse names that are slips: `-`, or an ending with nothing before it."""
    if out.name == "-":
        raise DataError(
            "videos cannot be written to the standard output",
            where="-o -",
            valid="a file or folder; ./- for one of that name",
        )
    if out.name.lower() in {made.ending for made in FORMATS.values()}:
        raise DataError(
            "the name has nothing before its ending",
            where=str(out),
            hint="an empty shell variable?",
        )


def _planned(
    job: Job,
    fixed: Mapping[Path, str],
    kinds: Sequence[str],
    folder: Path,
    read: AbstractSet[Path],
    taken: dict[Path, Path],
    force: bool,
) -> Job:
    if job.error is not None:
        return job
    try:
        readable_photo(job.photo)  # one that is none takes no other photo's place
    except DeblurkitError as error:
        return Job(job.photo, error=error)
    outputs = [*fixed.items()]
    outputs += [(folder / f"{job.photo.stem}{FORMATS[kind].ending}", kind) for kind in kinds]
    try:
        for path, kind in outputs:
            place = _resolved(path)
            if place in read:
                raise DataError(
                    "this is read here and would be overwritten",
                    where=str(path),
                    hint="name another place with -o",
                )
            if place in taken:
                raise DataError(
                    f"what '{taken[place]}' gives would be written there, too",
                    where=str(path),
                    hint="extract it by itself, with another -o",
                )
            check_free(path, kind, force=force)
    except DeblurkitError as error:
        return Job(job.photo, error=error)
    taken |= {_resolved(path): job.photo for path, _ in outputs}
    return Job(job.photo, dict(outputs), job.left)


def _named_format(path: Path, only_one: bool) -> str:
    kind = format_of(path, middle_only=only_one)
    check_fits(kind, path, only_one=only_one)
    return kind


def _resolved(path: Path) -> Path:
    """One name for one place; links are followed where that can be."""
    return Path(os.path.realpath(path))


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - False, too, for what cannot be looked at


def run_job(
    job: Job,
    bundle: Bundle,
    *,
    style: Style,
    force: bool,
    progress: Callable[[float], None] | None = None,
    **how: Any,
) -> Outcome:
    """Extract and write one photograph; what goes wrong with it is in the outcome.

    Args:
        job: The photograph and its outputs.
        bundle: The networks.
        style: How movies are shown.
        force: Overwrite what is there.
        progress: Called with the share that is done.
        **how: As `deblurkit.extract`.
    """
    if job.error is not None:
        return Outcome(job.photo, error=job.error, exit_code=job.error.exit_code)
    written: list[Path] = []
    failed: DeblurkitError | None = None
    try:
        result = extract(job.photo, bundle, progress=progress, **how)
    except _ANY as error:
        failed = _error_of(error, job.photo)
        return Outcome(job.photo, error=failed, exit_code=failed.exit_code)
    for path, kind in job.outputs.items():
        try:  # what was computed is not lost because one of its files cannot be written
            written += save(
                result, path, kind=kind, force=force,
                fps=style.fps, loop=style.loop, side=style.side,
            )  # fmt: skip
        except _ANY as error:
            failed = failed or _error_of(error, job.photo)
    return Outcome(
        job.photo,
        tuple(written),
        _notes(result, job, style),
        result.warnings(),
        _facts(result),
        error=failed,
        exit_code=0 if failed is None else failed.exit_code,
    )


_ANY = (DeblurkitError, MemoryError, RuntimeError, OSError, ValueError)
"""What one photograph may raise without stopping the others."""


def _error_of(error: Exception, photo: Path) -> DeblurkitError:
    return error if isinstance(error, DeblurkitError) else _other_error(error, photo)


def _other_error(error: Exception, photo: Path) -> DeblurkitError:
    """What a library raised, as a message: the other photos go on."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "allocate memory" in text:
        return FailedError(
            "there is not enough memory", where=str(photo), hint="less is taken with --memory 2GiB"
        )
    return FailedError(
        f"{type(error).__name__}: {text[:300]}",
        where=str(photo),
        hint="this may be a bug in deblurkit or in a plugin: please report it",
    )


def _notes(result: Extraction, job: Job, style: Style) -> tuple[str, ...]:
    height, width = result.photo.size
    said = [*result.photo.notes]
    if result.reblur_psnr is not None:
        before = " before they were corrected" if result.corrected else ""
        said.append(f"the frames average to the photo within {result.reblur_psnr:.1f} dB{before}")
    for path, kind in job.outputs.items():
        side = style.side or FORMATS[kind].side
        free = kind in ("frames", "middle", "error") or style.side is not None
        if not free and side and max(height, width) > side:
            said.append(f"{path.name} is scaled down to {side} pixels; --side changes that")
        if kind == "gif" and style.fps > GIF_FPS:
            said.append(f"{path.name} plays {GIF_FPS} frames a second, the most that GIF can do")
    said += [f"{path.name} was taken for what was made of it before, and left" for path in job.left]
    return tuple(said)


def _facts(result: Extraction) -> dict[str, Any]:
    height, width = result.photo.size
    found = result.check
    return {
        "width": width,
        "height": height,
        "bits": result.photo.bits,
        "frames": len(result.rows),
        "reblur_psnr": None if found is None or isinf(found.psnr) else round(found.psnr, 3),
        "motion": None if found is None else round(found.motion, 5),
        "corrected": result.corrected,
        "reverse": result.reverse,
        "exact": result.exact,
        "precision": result.precision,
        "seconds": round(result.seconds, 2),
    }
