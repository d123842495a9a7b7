"""Why a row failed, in words that can be kept and sent to another process."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Self

from deblurkit.errors import DeblurkitError


@dataclass(frozen=True)
class Failure:
    """Why a row failed.

    Attributes:
        line: In one line.
        whole: The whole text; with the traceback, where it is a mistake of the program.
    """

    line: str
    whole: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """What an error says."""
        if isinstance(error, DeblurkitError):
            where = f"{error.where}: " if error.where else ""
            line, whole = f"{where}{error.what}", str(error)
        else:
            line = f"{type(error).__name__}: {error}"
            whole = "".join(traceback.format_exception(error))
        return cls(" ".join(line.split()), whole)
