"""Collecting everything wrong with a recipe, to report it in one go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from deblurkit.errors import PluginError, RecipeError
from deblurkit.recipe.located import KeyPath, Place, path_text


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: its place, the key, and what and what would be right."""

    place: Place
    path: KeyPath
    text: str

    def __str__(self) -> str:
        key = path_text(self.path)
        return f"{self.place}: {key}: {self.text}" if key else f"{self.place}: {self.text}"


class Problems:
    """Problems in the order found, each once."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}

    def add(self, place: Place, path: KeyPath, text: str) -> None:
        """Note a problem."""
        self._found[Problem(place, path, text)] = None

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._found)

    def concern(self, path: KeyPath) -> bool:
        """Whether a problem lies at a path, above it or below it: its value cannot be trusted."""
        return any(
            p.path[: len(path)] == path[: len(p.path)] for p in self._found if p.path or not path
        )

    def lines(self) -> tuple[str, ...]:
        """One line for each problem, sorted by place."""
        found = sorted(self._found, key=lambda p: (p.place.sort_key, path_text(p.path)))
        return tuple(dict.fromkeys(map(str, found)))

    def raise_any(self, source: str) -> None:
        """Raise what was found, if anything.

        Raises:
            RecipeError: there were problems; `problems` holds a line for each.
        """
        if lines := self.lines():
            count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
            raise RecipeError(f"{count} in {source}", problems=lines)


def plugin_text(error: PluginError) -> str:
    """A registry's refusal as one line."""
    parts = [error.what, error.valid, error.hint]
    return "; ".join(" ".join(part.split()) for part in parts if part)
