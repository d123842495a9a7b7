"""From folders to one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deblurkit.errors import RunError
from deblurkit.registry import Registry
from deblurkit.report.page.pictures import encode_within
from deblurkit.report.page.render import render_page
from deblurkit.report.page.sample_clips import sample_clips
from deblurkit.report.page.subject import Subject, read_subject
from deblurkit.storage import atomic_file

LARGEST = 15_000_000
"""Bytes: mail and code hosts take files of this size, and a phone opens them."""

_LEAST_PICTURES = 500_000


@dataclass(frozen=True)
class Written:
    """A page that was written.

    Attributes:
        path: Where.
        size: Bytes.
        clips: Shown.
        notes: What was left out, and why.
    """

    path: Path
    size: int
    clips: int
    notes: tuple[str, ...]


def write_report(
    folders: Sequence[Path],
    out: Path | None = None,
    *,
    clips: int | None = None,
    protocol: str | None = None,
    registry: Registry | None = None,
) -> Written:
    """Write the page of a bench folder or of run directories.

    Args:
        folders: One bench folder, or one or several run directories.
        out: The file; by default `report.html` in the folder, or here for several.
        clips: So many sample clips of every run at most; by default all that fit.
        protocol: Under which runs were scored.
        registry: Where recipes' components are looked up.

    Raises:
        RunError: a folder is neither run nor bench, or the file cannot be written.
        DeblurkitError: see `read_subject`.
    """
    subject = read_subject(folders, protocol, registry)
    text, shown, notes = page_within(subject, LARGEST, clips)
    path = out or (folders[0] / "report.html" if len(folders) == 1 else Path("report.html"))
    if path.is_dir():
        raise RunError("this is a folder", where=str(path), valid="a file, for instance page.html")
    try:
        with atomic_file(path) as temporary:
            temporary.write_text(text, "utf-8")
    except OSError as error:
        raise RunError(
            f"the page cannot be written: {error.strerror or error}",
            where=str(path),
            hint="choose another --out",
        ) from error
    return Written(path, len(text.encode()), shown, notes)


def page_within(
    subject: Subject, largest: int, clips: int | None = None
) -> tuple[str, int, tuple[str, ...]]:
    """The page in at most `largest` bytes, the number of clips shown, what was left out.

    Pictures get what the rest of the page leaves, and at least half a megabyte.
    """
    found, problems = sample_clips(subject.methods, (row.key for row in subject.table.rows), clips)
    rest = len(render_page(subject, (), problems).encode())
    # Each strip's place in the page, its key and its PSNR values, costs a little, too.
    around = sum(
        400 + len(clip.source) + sum(200 + len(key) + 8 * len(clip.true) for key in clip.rows)
        for clip in found
    )
    tiles = 1200 * len(subject.table.rows)
    budget = max(_LEAST_PICTURES, largest - rest - around - tiles)
    encoded, notes = encode_within(found, budget)
    notes = (*problems, *notes)
    return render_page(subject, encoded, notes), len(encoded), notes
