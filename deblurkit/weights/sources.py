"""From what a user says to a bundle on this machine: a name, a folder, a file, a repository.

Bundles that come with deblurkit are files in the package; those of a repository are fetched by
huggingface_hub, which keeps them in its own cache and has them without a network afterwards.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from deblurkit.bundle import NAME, SUFFIX
from deblurkit.errors import UnavailableError, WeightsError, nearest

REPOSITORY = "hf://"
_PATTERN = re.compile(r"hf://(?P<repo>[\w.-]+/[\w.-]+?)(@(?P<revision>[\w./-]+))?")
_PACKAGE = "_weights"


def bundled() -> Mapping[str, Path]:
    """The bundles inside this package: name -> file, by name."""
    folder = Path(str(files("deblurkit"))) / _PACKAGE
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def find_weights(source: str) -> Path:
    """Where the bundle that a user names is; fetched if it is in a repository.

    Args:
        source: The name of a bundle that comes with deblurkit, a folder, a file, or
            `hf://owner/repo@revision`. A name wins over a path; `./NAME` is always a path.

    Raises:
        WeightsError: there is no such thing.
        UnavailableError: a repository cannot be reached and is not here yet.
    """
    if not source.strip():
        raise WeightsError("the name of the weights is empty", hint="an empty shell variable?")
    if source.startswith(REPOSITORY):
        return _fetched(source)
    known = bundled()
    if source in known:
        return known[source]
    path = Path(source)
    if os.path.lexists(path):  # false, too, for what cannot be looked at
        return path
    here = nearest(source, known) if known else "no bundle comes with this version"
    raise WeightsError(
        "there are no such weights",
        where=source,
        valid=f"a run directory, a bundle's folder or {SUFFIX} file, "
        f"{REPOSITORY}owner/repo@revision, or a name: {here}",
    )


def _fetched(source: str) -> Path:
    match = _PATTERN.fullmatch(source)
    if match is None:
        raise WeightsError(
            "the repository cannot be read",
            where=source,
            valid=f"{REPOSITORY}owner/repo or {REPOSITORY}owner/repo@revision",
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

    try:
        folder = snapshot_download(
            match["repo"],
            revision=match["revision"],
            allow_patterns=[NAME, f"*{SUFFIX}"],
        )
    except RepositoryNotFoundError as error:
        raise WeightsError(
            "there is no such repository, or it is not public", where=source
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        why = " ".join(str(error).split())
        raise UnavailableError(
            f"the weights are not here and cannot be fetched: {why[:200]}",
            where=source,
            hint="connect to the network once; or fetch the repository elsewhere and name its "
            "folder",
        ) from error
    return _only_bundle(Path(folder), source)


def _only_bundle(folder: Path, source: str) -> Path:
    if (folder / NAME).is_file():
        return folder
    found = sorted(folder.glob(f"*{SUFFIX}"))
    if len(found) == 1:
        return found[0]
    raise WeightsError(
        f"the repository has no {NAME} and {len(found) or 'no'} {SUFFIX} files",
        where=source,
        valid="a bundle, as `deblurkit weights export` writes it",
    )
