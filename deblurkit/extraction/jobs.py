"""Several photographs and outputs in one call: what becomes what, and one failure stays one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deblurkit.bundle import Bundle
from deblurkit.errors import DataError, DeblurkitError
from deblurkit.extraction.extract import extract
from deblurkit.extraction.outputs import (
    FORMATS,
    Style,
    check_free,
    format_of,
    get_format,
    save,
)
from deblurkit.extraction.result import Extraction
from deblurkit.media.image import list_images

__all__ = ["Job", "Outcome", "Style", "plan", "run_job"]


@dataclass(frozen=True)
class Job:
    """A photograph and what is written of it.

    Attributes:
        photo: The file.
        outputs: Path -> name of its format.
    """

    photo: Path
    outputs: dict[Path, str]


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
        if self.error is not None:
            return {**said, "error": str(self.error)}
        written = [str(path) for path in self.written]
        notes = {"notes": list(self.notes), "warnings": list(self.warnings)}
        return {**said, "written": written, **self.facts, **notes}


def plan(
    photos: Sequence[Path],
    *,
    outs: Sequence[Path],
    formats: Sequence[str],
    force: bool,
    middle_only: bool,
) -> list[Job]:
    """Say what is written of each photograph, before anything is computed.

    Folders among the photographs stand for the images in them.

    Raises:
        DataError: a folder has no image, outputs collide or are there already, or a format is
            unknown.
    """
    files = [f for p in photos for f in (list_images(p) if p.is_dir() else (p,))]
    for name in formats:
        get_format(name)
    usual = ["middle"] if middle_only else ["mp4"]
    folders = [out for out in outs if out.suffix == "" or out.is_dir()]
    named = [out for out in outs if out not in folders]
    if named and len(files) > 1:
        raise DataError(
            f"{len(files)} photos cannot go to one file",
            where=str(named[0]),
            valid="a folder: -o FOLDER --format mp4",
        )
    if len(folders) > 1:
        raise DataError(
            "more than one folder for outputs", where=", ".join(map(str, folders)), valid="one"
        )
    if middle_only and (wrong := [f for f in formats if f not in ("middle",)]):
        raise DataError(f"--middle-only gives one frame, no '{wrong[0]}'", valid="--format middle")
    folder = folders[0] if folders else Path()
    kinds = list(dict.fromkeys(formats)) or ([] if named else usual)
    jobs, taken = [], dict[Path, Path]()
    for file in files:
        outputs = {out: format_of(out, middle_only=middle_only) for out in named}
        outputs |= {folder / f"{file.stem}{FORMATS[kind].ending}": kind for kind in kinds}
        for path in outputs:
            if path in taken:
                raise DataError(
                    f"'{file}' and '{taken[path]}' would both be written there",
                    where=str(path),
                    hint="extract them one at a time, with another -o",
                )
            if path.exists() and file.exists() and path.samefile(file):
                raise DataError(
                    "this is the photo itself", where=str(path), hint="name another file with -o"
                )
            taken[path] = file
            check_free(path, force=force)
        jobs.append(Job(file, outputs))
    return jobs


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
    written: list[Path] = []
    try:
        result = extract(job.photo, bundle, progress=progress, **how)
        for path, kind in job.outputs.items():
            written += save(
                result, path, kind=kind, force=force,
                fps=style.fps, loop=style.loop, side=style.side,
            )  # fmt: skip
    except DeblurkitError as error:
        return Outcome(job.photo, tuple(written), error=error, exit_code=error.exit_code)
    except MemoryError:
        short = DeblurkitError(
            "there is not enough memory", where=str(job.photo), hint="--memory 2GiB takes less"
        )
        return Outcome(job.photo, tuple(written), error=short, exit_code=1)
    return Outcome(
        job.photo,
        tuple(written),
        _notes(result, job, style),
        result.warnings(),
        _facts(result),
    )


def _notes(result: Extraction, job: Job, style: Style) -> tuple[str, ...]:
    height, width = result.photo.size
    said = [*result.photo.notes]
    if result.reblur_psnr is not None:
        said.append(f"the frames average to the photo within {result.reblur_psnr:.1f} dB")
    for path, kind in job.outputs.items():
        side = style.side or FORMATS[kind].side
        shrunk = kind not in ("frames", "middle", "error") and side and max(height, width) > side
        if shrunk:
            said.append(f"{path.name} is scaled down to {side} pixels; --side changes that")
    return tuple(said)


def _facts(result: Extraction) -> dict[str, Any]:
    height, width = result.photo.size
    found = result.check
    return {
        "width": width,
        "height": height,
        "bits": result.photo.bits,
        "frames": len(result.rows),
        "reblur_psnr": None if found is None else round(found.psnr, 3),
        "motion": None if found is None else round(found.motion, 5),
        "exact": result.exact,
        "precision": result.precision,
        "seconds": round(result.seconds, 2),
    }
