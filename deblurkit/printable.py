"""Names and titles that can be printed, written and read by people.

A file name is any bytes: Python keeps those that are not UTF-8 as lone surrogates, which no
UTF-8 file or terminal takes. Control characters command a terminal, and characters that turn
the direction of writing make a line look like another one.
"""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\ufffd"
"""Stands for what cannot be shown."""

_SURROGATES = re.compile("[\ud800-\udfff]")
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})


def readable(text: str, keep: str = "") -> str:
    """Text of one line that can be printed and written anywhere, U+FFFD for all that cannot be.

    Args:
        text: Any text, for instance a file name.
        keep: Characters that may stay although they are refused elsewhere, such as line breaks.
    """
    return "".join(REPLACEMENT if _hidden(c) and c not in keep else c for c in text)


def writable(text: str) -> str:
    """Text that UTF-8 can hold, U+FFFD for lone surrogates; all else stays."""
    return _SURROGATES.sub(REPLACEMENT, text)


def unprintable(text: str) -> str:
    """The first character that no title may have, as people name it; empty for none."""
    return next((_named(c) for c in text if _hidden(c)), "")


def _hidden(character: str) -> bool:
    return character in _DIRECTION or unicodedata.category(character) in _NO_TEXT


def _named(character: str) -> str:
    usual = {"\n": "a line break", "\r": "a line break", "\t": "a tab"}
    if character in usual:
        return usual[character]
    code = f"U+{ord(character):04X}"
    if character in _DIRECTION:
        return f"{code}, which turns the direction of writing"
    if unicodedata.category(character) == "Cs":
        return "a byte that is not UTF-8"
    return f"the control character {code}"
