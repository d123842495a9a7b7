"""Values that remember where they were written.

A recipe is put together from several files and the command line. Every value and every key
keeps its place, so that a mistake found at the very end is still reported at its line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Scalar = str | int | float | bool | None
KeyPath = tuple[str | int, ...]
"""Keys, and 0-based positions in lists, from the root of a recipe to a value."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where values come from: a file, an override, a component's defaults.

    Attributes:
        label: What people read: a file's path or what they typed.
        base: The folder that relative paths in it start from, absolute.
        order: Problems are sorted by this, then by line and column.
        command: Whether it was typed on the command line.
    """

    label: str
    base: Path
    order: int = 0
    command: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A line and column, both from 1, of an origin; 0 where it has no lines."""

    origin: Origin
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.origin.label}:{self.line}:{self.column}" if self.line else self.origin.label

    @property
    def short(self) -> str:
        """The place without its column."""
        return f"{self.origin.label}:{self.line}" if self.line else self.origin.label

    @property
    def sort_key(self) -> tuple[int, str, int, int]:
        """Sorts places in the order in which people look for them."""
        return (self.origin.order, self.origin.label, self.line, self.column)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A single value. `broken`: it could not be read, and that has been reported."""

    value: Scalar
    place: Place
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A list."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's place and its value."""

    key: Place
    value: Node


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping."""

    entries: Mapping[str, Entry]
    place: Place

    def get(self, key: str) -> Node | None:
        """The value of a key, None where there is none."""
        entry = self.entries.get(key)
        return entry.value if entry else None

    def without(self, *keys: str) -> Table:
        """The same mapping with some keys left out."""
        return Table({k: e for k, e in self.entries.items() if k not in keys}, self.place)

    def with_value(self, key: str, value: Node, place: Place | None = None) -> Table:
        """The same mapping with a key's value replaced, or added at the end."""
        at = self.entries[key].key if key in self.entries else place or value.place
        return Table({**self.entries, key: Entry(at, value)}, self.place)


Node = Leaf | Row | Table


def plain(node: Node) -> Any:
    """The value without places: dicts, lists and scalars. Broken values are left out of dicts."""
    match node:
        case Table():
            return {
                key: plain(entry.value)
                for key, entry in node.entries.items()
                if not (isinstance(entry.value, Leaf) and entry.value.broken)
            }
        case Row():
            return [plain(item) for item in node.items]
        case Leaf():
            return node.value


def locate(value: Any, place: Place) -> Node:
    """Give plain values (dicts, lists, scalars) one place."""
    if isinstance(value, Mapping):
        return Table({str(k): Entry(place, locate(v, place)) for k, v in value.items()}, place)
    if isinstance(value, list | tuple):
        return Row(tuple(locate(v, place) for v in value), place)
    return Leaf(value, place)


def find(node: Node, path: KeyPath) -> tuple[Node, KeyPath]:
    """Follow a path as far as it goes: the last node found, and the path to it."""
    for depth, part in enumerate(path):
        below = _child(node, part)
        if below is None:
            return node, path[:depth]
        node = below
    return node, path


def _child(node: Node, part: str | int) -> Node | None:
    if isinstance(node, Table) and isinstance(part, str):
        return node.get(part)
    if isinstance(node, Row) and isinstance(part, int) and part < len(node.items):
        return node.items[part]
    return None


def key_place(root: Node, path: KeyPath) -> Place:
    """The place of a key that is there; else of the deepest value above it."""
    parent, reached = find(root, path[:-1])
    if reached == path[:-1] and isinstance(parent, Table) and path[-1] in parent.entries:
        return parent.entries[str(path[-1])].key
    return find(root, path)[0].place


def path_text(path: KeyPath) -> str:
    """A path as people write it: `evaluation.metrics[1]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
