"""Pretrained weights of torchvision: kept already, fetched within seconds, or said to be missing.

They lie where `torch.hub` keeps them, so a file that torchvision or anyone else fetched serves
here, and a machine without a network can be given one by hand. `torch.hub` itself waits for a
network without end and draws a progress bar; here the first answer must come within `PATIENCE`,
and `HF_HUB_OFFLINE=1`, which keeps Hugging Face's client offline, keeps this one offline too.
"""

from __future__ import annotations

import functools
import hashlib
import http.client
import os
import shutil
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from deblurkit.errors import UnavailableError, WeightsError
from deblurkit.storage import atomic_file

PATIENCE = 5.0
"""Seconds to wait for the server's first answer, and for each next piece of a file."""
_FAILURES = (OSError, http.client.HTTPException)
"""What urllib raises, and a full disk."""


def kept_file(url: str) -> Path:
    """Where the weights of a URL are kept: in the folder of torch.hub, by the URL's file name."""
    return Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]


def weights_file(url: str, where: str) -> Path:
    """The file with the weights of a URL, fetched unless it is kept already.

    Whether a server can be reached is asked once a process. The file name's ending `-<digits>`
    holds the first digits of the SHA-256, which a fetched file must have.

    Args:
        url: As torchvision names it, `https://.../<name>-<first digits of its SHA-256>.pth`.
        where: The place for messages: what needs the weights.

    Raises:
        UnavailableError: the file is not kept and cannot be fetched; says where it was looked for.
    """
    path = kept_file(url)
    if path.is_file():
        return path
    offline = os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")
    reason = "HF_HUB_OFFLINE is set" if offline else _unreachable(url)
    if reason is None:
        try:
            _fetch(url, path)
        except _FAILURES as error:
            reason = _first_line(error)
        else:
            return path
    raise UnavailableError(
        f"its weights are not at '{_shown(path)}' and cannot be fetched: {reason}",
        where=where,
        hint=f"connect once, or put the file of {url} at that place",
    )


def read_weights(path: Path, where: str) -> Mapping[str, torch.Tensor]:
    """The tensors of a .pth file, on the CPU.

    Raises:
        WeightsError: the file is missing, damaged, or holds something else than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"there is no weights file '{path}'", where=where)
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged or foreign file makes the reader raise
        raise WeightsError(
            f"the weights file '{path}' cannot be read: {_first_line(error)}",
            where=where,
            valid="a .pth file that holds nothing but tensors, by name",
            hint="fetch it again",
        ) from error
    if not isinstance(state, Mapping):
        raise WeightsError(f"'{path}' holds a {type(state).__name__}, no state dict", where=where)
    return state


@functools.cache
def _unreachable(url: str) -> str | None:
    """Why a URL cannot be reached, or None where it can.

    Asked from a thread: a name server that does not answer blocks longer than any timeout.
    """
    answers: list[str | None] = []

    def ask() -> None:
        try:
            with _open(url, "HEAD"):
                answers.append(None)
        except _FAILURES as error:
            answers.append(_first_line(error))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return answers[0] if answers else f"no answer within {PATIENCE:g} seconds"


def _fetch(url: str, path: Path) -> None:
    digits = path.stem.rpartition("-")[2]
    with atomic_file(path) as temporary:
        with _open(url, "GET") as answer, temporary.open("wb") as file:
            shutil.copyfileobj(answer, file)
        with temporary.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if not found.startswith(digits):
            raise OSError(f"what came from {url} has the SHA-256 {found[: len(digits)]}...")


def _open(url: str, method: str) -> Any:
    request = urllib.request.Request(url, method=method)  # noqa: S310 - torchvision's https URLs
    return urllib.request.urlopen(request, timeout=PATIENCE)  # noqa: S310


def _shown(path: Path) -> str:
    """A path as messages say it, which may end up in published reports: `~` for the home."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


def _first_line(error: Exception) -> str:
    reason = getattr(error, "reason", error)  # a URLError says "<urlopen error [Errno ...] ...>"
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return (str(reason).strip() or type(error).__name__).splitlines()[0]
