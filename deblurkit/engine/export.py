"""Held-out clips of a run as PNG files, so that any other system can be scored on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deblurkit.engine.progress import Reporter, Silent
from deblurkit.engine.rescore import open_held_out
from deblurkit.engine.results import test_stream
from deblurkit.engine.rundir import resolved_recipe
from deblurkit.errors import DataError, RunError
from deblurkit.evaluation.clip_names import clip_name
from deblurkit.evaluation.evaluate import as_images
from deblurkit.evaluation.response_file import write_response
from deblurkit.media.image import write_png
from deblurkit.recipe import Recipe, load_recipe
from deblurkit.registry import Registry, get_registry
from deblurkit.report.contact_sheet import to_uint8
from deblurkit.storage import atomic_folder

BLURRY, TRUE = "blurry", "true"
"""Folders of what is exported: `blurry/clip-01.png`, `true/clip-01/1.png` to `T.png`."""

RESPONSE = "response.txt"
"""The table of a tabulated camera response, for `deblurkit score --response`."""


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: Where.
        clips: How many.
        recipe: What they follow from.
        own: Whether they are the clips that the run's own scores are of.
    """

    folder: Path
    clips: int
    recipe: Recipe
    own: bool


def export_clips(
    run: Path,
    out: Path,
    *,
    overrides: Sequence[str] = (),
    reporter: Reporter | None = None,
    registry: Registry | None = None,
) -> Exported:
    """Write a run's held-out clips, in the layout that `deblurkit score` reads; nothing is scored.

    The true frames are those of the run's scores, bit by bit. Of a tabulated response the table
    is written, too. The blurry images are rounded to
    8 bits, which changes nothing where the recipe's `data.formation.bits` is 8.

    Args:
        run: A run directory.
        out: A new or empty folder; it is there whole or not at all.
        overrides: Changes to the recipe's data or evaluation, as `key=value`.
        reporter: Is told about progress.
        registry: Where components come from; the installed plugins by default.

    Raises:
        RunError: the folder is taken or cannot be written; as `rescore`.
        WeightsError: the weights are missing or damaged.
    """
    reporter, registry = reporter or Silent(), registry or get_registry()
    path = resolved_recipe(run)
    _check_free(out)
    recipe, _, clips = open_held_out(run, overrides, reporter, registry)
    stream = test_stream(recipe, clips)
    reporter.start("writing held-out clips", len(stream))
    try:
        # A folder through a link is replaced, not the link.
        with atomic_folder(out.resolve()) as temporary:
            for k in range(len(stream)):
                sample, name = stream[k], clip_name(k + 1, len(stream))
                blurry = as_images(sample["blurry"][None])[0]
                write_png(temporary / BLURRY / f"{name}.png", to_uint8(blurry))
                for i, frame in enumerate(to_uint8(as_images(sample["frames"])), start=1):
                    write_png(temporary / TRUE / name / f"{i}.png", frame)
                reporter.advance(k + 1)
            if isinstance(response := recipe.data.formation.response, tuple):
                write_response(temporary / RESPONSE, response)
    except (OSError, DataError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        raise RunError(
            f"the clips cannot be written: {cause.strerror or cause}",
            where=str(out),
            hint="choose another --export, or make room",
        ) from error
    reporter.finish()
    own = load_recipe(path, registry=registry)
    same = (own.data, own.evaluation.clips) == (recipe.data, recipe.evaluation.clips)
    return Exported(out, len(stream), recipe, same)


def _check_free(out: Path) -> None:
    """RunError where something is there, or would be taken from under the shell's feet."""
    try:
        taken = out.exists() and not (out.is_dir() and not any(out.iterdir()))
    except OSError as error:
        raise RunError(
            f"the folder cannot be read: {error.strerror or error}", where=str(out)
        ) from error
    if taken or out.resolve() == Path.cwd():
        raise RunError(
            "the folder is not empty" if out.is_dir() and taken else
            "a file is there" if taken else "this is the current folder",
            where=str(out),
            valid="a new or empty folder",
            hint="choose another --export",
        )  # fmt: skip
