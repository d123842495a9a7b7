"""Strict YAML: what looks like a number is one, nothing is guessed, every value has a place.

PyYAML's parser does the syntax. What plain words mean is decided here, because YAML 1.1 takes
`no` for false, `1e-4` for text and `010` for eight. Here:

- `true` and `false` are the only booleans; `null`, `~` and nothing at all are null;
- whole numbers are decimal without leading zeros; `1e-4`, `1e4`, `1.` and `.5` are numbers;
- everything else is text, also `no`, `on`, `010`, `1_000`, `2020-01-01`;
- tags, anchors, aliases, repeated keys and keys that are not words are refused.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import yaml

from deblurkit.errors import RecipeError
from deblurkit.recipe.located import Entry, KeyPath, Leaf, Node, Origin, Place, Row, Scalar, Table
from deblurkit.recipe.problems import Problems

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_VALUES = 20_000
MAX_DIGITS = 100

_INT = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Scalar] = {"": None, "~": None, "null": None, "true": True, "false": False}


def plain_scalar(text: str) -> Scalar:
    """What an unquoted word means.

    Raises:
        ValueError: it is a number that is too long or too large to be one.
    """
    if text in _WORDS:
        return _WORDS[text]
    number = bool(_INT.fullmatch(text) or _FLOAT.fullmatch(text))
    if number and len(text) > MAX_DIGITS:
        raise ValueError(f"a number has at most {MAX_DIGITS} digits, got {len(text)}")
    if _INT.fullmatch(text):
        return int(text)
    if number:
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"the number is too large, got {text}")
        return value
    return text


def read_yaml(path: Path, origin: Origin, problems: Problems) -> Table:
    """Read a file that holds one mapping.

    Raises:
        RecipeError: the file is missing, a folder, unreadable, too large, not UTF-8, empty,
            not YAML or not a mapping. Smaller mistakes are added to `problems`.
    """
    where = origin.label
    try:
        if path.is_dir():
            raise RecipeError("this is a folder, not a recipe file", where=where)
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise RecipeError("there is no such file", where=where) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RecipeError(f"the file cannot be read: {reason}", where=where) from None
    if len(raw) > MAX_BYTES:
        raise RecipeError(
            f"the file is larger than {MAX_BYTES >> 10} KiB", where=where, hint="is it a recipe?"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        raise RecipeError(
            f"byte 0x{raw[error.start]:02x} is not UTF-8 text",
            where=f"{where}:{line}:{column}",
            hint="save the file as UTF-8",
        ) from None
    node = parse_yaml(text, origin, problems)
    if isinstance(node, Leaf) and node.value is None and not node.broken:
        raise RecipeError(
            "the file is empty", where=str(node.place), valid="a mapping: `key: value` lines"
        )
    if not isinstance(node, Table):
        kind = "a list" if isinstance(node, Row) else "a single value"
        raise RecipeError(
            f"the file holds {kind}", where=str(node.place), valid="a mapping: `key: value` lines"
        )
    return node


def parse_yaml(text: str, origin: Origin, problems: Problems, path: KeyPath = ()) -> Node:
    """Read one YAML document.

    Args:
        text: The document.
        origin: Where it comes from.
        problems: Receives repeated keys, tags, anchors and the like, after which reading goes on.
        path: The key that the document is the value of.

    Raises:
        RecipeError: the text is not YAML, nests deeper than `MAX_DEPTH`, holds more than
            `MAX_VALUES` values or more than one document.
    """
    return _Reader(text, origin, problems).document(path)


class _Reader:
    """Builds located values from PyYAML's events.

    Composing nodes with PyYAML itself would follow any nesting and any aliases before
    anything could be refused.
    """

    def __init__(self, text: str, origin: Origin, problems: Problems) -> None:
        self._origin, self._problems, self._count = origin, problems, 0
        # Override values have no lines worth naming: their whole text is in the label.
        self._lines = not origin.command
        try:
            self._parser = yaml.SafeLoader(text)
        except yaml.reader.ReaderError as error:
            before = text[: error.position]
            line = before.count("\n") + 1
            column = len(before) - (before.rfind("\n") + 1) + 1
            raise RecipeError(
                f"character U+{ord(text[error.position]):04X} is not allowed",
                where=str(self._place(line, column)),
                valid="printable text",
            ) from None

    def document(self, path: KeyPath) -> Node:
        try:
            self._take()
            if isinstance(self._take(), yaml.StreamEndEvent):
                return Leaf(None, self._place(1, 1))
            node = self._node(path)
            self._take()
            after = self._take()
            if not isinstance(after, yaml.StreamEndEvent):
                raise RecipeError(
                    "a second document begins here",
                    where=str(self._at(after)),
                    hint="remove the line ---",
                )
            return node
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise self._syntax(mark, error.problem or error.context or "syntax error") from None
        except (ValueError, OverflowError) as error:
            # PyYAML lets these out of numeric escapes and version numbers.
            raise self._syntax(None, f"bad escape: {error}") from None

    def _take(self) -> Any:
        """The next event; PyYAML's have no common type."""
        return self._parser.get_event()  # type: ignore[no-untyped-call]

    def _syntax(self, at: yaml.error.Mark | None, what: str) -> RecipeError:
        mark: Any = at or self._parser.get_mark()
        what = " ".join(what.split())
        hints = {
            "\\t": "indent with spaces, not tabs",
            "mapping values are not allowed": "text that holds ': ' needs quotes",
            "cannot start any token": "text that begins so needs quotes",
        }
        return RecipeError(
            f"not valid YAML: {what}",
            where=str(self._place(mark.line + 1, mark.column + 1)),
            hint=next((hint for sign, hint in hints.items() if sign in what), None),
        )

    def _node(self, path: KeyPath, depth: int = 0) -> Node:
        event = self._take()
        place = self._at(event)
        self._count += 1
        if self._count > MAX_VALUES:
            raise RecipeError(f"there are more than {MAX_VALUES} values", where=str(place))
        if depth > MAX_DEPTH:
            raise RecipeError(f"nested deeper than {MAX_DEPTH} levels", where=str(place))
        if isinstance(event, yaml.AliasEvent):
            self._problems.add(
                place, path, f"aliases are not used, got *{event.anchor}; say it again"
            )
            return Leaf(None, place, broken=True)
        if event.anchor is not None:
            self._problems.add(place, path, f"anchors are not used, got &{event.anchor}; remove it")
        if event.tag is not None:
            self._problems.add(place, path, f"tags are not used, got {event.tag}; remove it")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, place, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._row(place, path, depth)
        return self._table(place, path, depth)

    def _scalar(self, event: yaml.ScalarEvent, place: Place, path: KeyPath) -> Leaf:
        try:
            event.value.encode()
            return Leaf(event.value if event.style else plain_scalar(event.value), place)
        except UnicodeEncodeError:
            text = "the text holds half a character (a lone surrogate)"
        except ValueError as error:
            text = str(error)
        self._problems.add(place, path, text)
        return Leaf(None, place, broken=True)

    def _row(self, place: Place, path: KeyPath, depth: int) -> Row:
        items: list[Node] = []
        while not self._parser.check_event(yaml.SequenceEndEvent):
            items.append(self._node((*path, len(items)), depth + 1))
        self._take()
        return Row(tuple(items), place)

    def _table(self, place: Place, path: KeyPath, depth: int) -> Table:
        entries: dict[str, Entry] = {}
        while not self._parser.check_event(yaml.MappingEndEvent):
            key = self._node(path, depth + 1)
            word = key.value if isinstance(key, Leaf) and isinstance(key.value, str) else None
            value = self._node(path if word is None else (*path, word), depth + 1)
            if word is None:
                if not (isinstance(key, Leaf) and key.broken):
                    text = "a key is a word; put it in quotes if it is meant to be one"
                    self._problems.add(key.place, path, text)
            elif word in entries:
                first = entries[word].key
                again = f", first in line {first.line}" if first.line else ""
                self._problems.add(key.place, (*path, word), f"the key is there twice{again}")
            else:
                entries[word] = Entry(key.place, value)
        self._take()
        return Table(entries, place)

    def _at(self, event: Any) -> Place:
        return self._place(event.start_mark.line + 1, event.start_mark.column + 1)

    def _place(self, line: int, column: int) -> Place:
        return Place(self._origin, line, column) if self._lines else Place(self._origin)
