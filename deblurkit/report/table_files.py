"""The table as files: Markdown, CSV, JSON and LaTeX beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from deblurkit.printable import writable
from deblurkit.report.table_csv import csv_text
from deblurkit.report.table_json import json_text
from deblurkit.report.table_latex import latex_text
from deblurkit.report.table_markdown import markdown_text
from deblurkit.storage import atomic_file
from deblurkit.study.table import Table

FILES: Mapping[str, Callable[[Table], str]] = {
    "table.md": markdown_text,
    "table.csv": csv_text,
    "table.json": json_text,
    "table.tex": latex_text,
}
"""What is written: name -> what makes its text."""


def write_tables(table: Table, folder: Path) -> tuple[Path, ...]:
    """Write a table in all formats, each file whole or not at all.

    Args:
        table: Any, also one without rows.
        folder: Where to; made if it is not there.

    Returns:
        The paths of table.md, table.csv, table.json and table.tex.

    Raises:
        OSError: the folder cannot be written.
    """
    texts = {folder / name: text(table) for name, text in FILES.items()}  # all, before any file
    for path, text in texts.items():
        with atomic_file(path) as temporary:
            temporary.write_text(writable(text), "utf-8")
    return tuple(texts)
