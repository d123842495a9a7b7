"""How a data set lies in folders, and finding out which one a folder holds.

A dataset's plugin names its layout in `DatasetSpec.layout`; `deblurkit data doctor` tries them
all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

from deblurkit.errors import DataError
from deblurkit.footage.recording import Pair, Recording
from deblurkit.registry import Registered, Registry
from deblurkit.specs import DatasetSpec


class Layout(Protocol):
    """How one data set lies in folders. Reads names and headers, never pixels.

    Attributes:
        title: What it looks like, in a line: "{train,test}/GOPR*/%06d.png".
        general: It fits anything, and is asked after those that fit one data set.
    """

    title: str
    general: bool

    def recognises(self, path: Path) -> bool:
        """Whether this folder or file looks like the data set. Never raises for a readable one.

        Only what is telling counts: names of folders, the way files are named.
        """

    def recordings(self, path: Path) -> tuple[Recording, ...]:
        """The recordings, in natural order; empty where the data set has none.

        Raises:
            DataError: the folder is missing, has nothing of the data set, or a header cannot
                be read.
        """

    def pairs(self, path: Path) -> tuple[Pair, ...]:
        """Blurry images that belong to the data set, in natural order; empty where it has none.

        Raises:
            DataError: as `recordings`; or a blurry image has no sharp one.
        """


def layouts(registry: Registry) -> tuple[tuple[Registered, Layout], ...]:
    """All layouts of the datasets that plugins offer, the particular ones before the general.

    Raises:
        PluginError: one cannot be imported.
    """
    found = [
        (origin, cast(Layout, origin.load(origin.spec.layout)()))
        for origin in registry.specs("dataset")
        if isinstance(origin.spec, DatasetSpec) and origin.spec.layout
    ]
    return tuple(sorted(found, key=lambda pair: pair[1].general))


def recognise(path: Path, registry: Registry) -> tuple[Registered, Layout]:
    """The dataset that a folder or file belongs to, and its layout.

    Raises:
        DataError: there is no such folder or file, or no layout recognises it; the message lists
            what is known.
        PluginError: as `layouts`.
    """
    if not path.exists():
        raise DataError("there is no such folder or file", where=str(path))
    known = layouts(registry)
    for origin, layout in known:
        if layout.recognises(path):
            return origin, layout
    raise DataError(
        "this looks like no data set of footage that is known",
        where=str(path),
        valid="; ".join(f"{origin.spec.name}: {layout.title}" for origin, layout in known),
        hint="name the folder above or below this one, or say which it is with --layout",
    )
