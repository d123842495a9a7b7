"""What a network has, beside `forward`, to be evaluated exactly in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from deblurkit.inference.rows import Rows
from deblurkit.inference.workspace import Workspace


@runtime_checkable
class InStrips(Protocol):
    """A network that can be evaluated in strips; it has `in_strips` beside `forward`.

    Its layers must look at neighbouring rows or at moments of whole maps only. The parts that
    exist are in `deblurkit.inference.rows`; `deblurkit.testing.check_architecture` compares
    what it gives with `forward`.
    """

    def in_strips(self, images: Sequence[Rows], base: Rows, workspace: Workspace) -> Rows:
        """The frame that `forward(images, base)` gives, as rows.

        Args:
            images: What it sees, 3×H×W each, in [0, 1]; any H and W.
            base: The one of them that its residual is added to.
            workspace: Makes convolutions, keeps maps and takes their moments.

        Returns:
            3×H×W, not clamped.
        """
