"""Paths on the command line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from deblurkit.errors import DataError


class NamedPath(click.Path):
    """A path that names something: an empty text, which would mean the current folder, is refused.

    An empty shell variable is the usual reason for one.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """As `click.Path`, after the refusal."""
        if not os.fspath(value):
            self.fail(
                "the path is empty; valid: a file or folder, or . for the current one", param, ctx
            )
        return super().convert(value, param, ctx)


def as_footage(source: str) -> Path | None:
    """The path of a SOURCE that is footage; None where it is a recipe, a file or a name.

    Raises:
        DataError: it reads like a path, and there is nothing; nor is it a bundled recipe.
    """
    from deblurkit.recipe import list_recipes

    path = Path(source).expanduser()
    if path.is_dir() or (path.is_file() and path.suffix not in (".yaml", ".yml")):
        return path
    missing = "/" in source and not path.exists()
    if missing and source not in {listed.name for listed in list_recipes()}:
        raise DataError("there is no such folder or file", where=source)
    return None
