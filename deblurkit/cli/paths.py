"""Paths on the command line."""

from __future__ import annotations

import os
from typing import Any

import click


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
