"""One hierarchy of errors a person can act on.

Every message says what was wrong, where, what is valid and what to do next. The command
line prints them without a traceback and exits with `exit_code`: 2 for the user's mistakes,
1 for work that failed although the request was right.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DeblurkitError(Exception):
    """Base of all errors that deblurkit raises on purpose.

    Args:
        what: What was wrong, one sentence without a full stop needed.
        where: The place: a file with its line, a recipe key, a plugin name.
        valid: What would have been right.
        hint: What to do next.
    """

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        valid: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.what, self.where, self.valid, self.hint = what, where, valid, hint
        super().__init__(self._text())

    def _text(self) -> str:
        lines = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.valid:
            lines.append(f"  valid: {self.valid}")
        if self.hint:
            lines.append(f"  next: {self.hint}")
        return "\n".join(lines)


class RecipeError(DeblurkitError):
    """One or many things wrong with a recipe; `problems` holds one line for each."""

    def __init__(self, what: str, *, problems: Iterable[str] = (), **kwargs: str | None) -> None:
        self.problems = tuple(problems)
        super().__init__(what, **kwargs)

    def _text(self) -> str:
        return "\n".join([super()._text(), *self.problems])


class PluginError(DeblurkitError):
    """A plugin is missing, failed to load, is ambiguous or broke its contract."""


class FrameError(DeblurkitError):
    """A number of frames, a frame index or a frame graph makes no sense."""


class ContractError(DeblurkitError):
    """A plugin's components do not do what their kinds promise; found by testing them."""

    exit_code = 1


class DataError(DeblurkitError):
    """An image, a video, a folder of them or a cache of clips cannot be used."""


class FailedError(DataError):
    """Files could not be written or memory ran out, although the request was right."""

    exit_code = 1


class WeightsError(DeblurkitError):
    """Weights are missing, damaged or do not fit the networks they are for."""


class UnavailableError(DeblurkitError):
    """Something that must come from elsewhere cannot be reached from here."""


class RunError(DeblurkitError):
    """A run directory cannot be written, read or continued."""


class TrainingError(DeblurkitError):
    """Training went wrong by itself, for instance by losing a finite loss."""

    exit_code = 1


class Interrupted(DeblurkitError):
    """Work was stopped by a signal after everything needed to go on was saved."""

    exit_code = 130


def nearest(name: str, choices: Iterable[str]) -> str:
    """Describe the valid choices, the likeliest first: `did you mean 'x'? choices: ...`."""
    known = sorted(choices)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    listed = ", ".join(known) if known else "none"
    return f"did you mean '{close[0]}'? choices: {listed}" if close else f"choices: {listed}"
