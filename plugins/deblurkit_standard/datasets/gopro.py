"""Clips from GOPRO_Large_all."""

from __future__ import annotations

from deblurkit.footage.dataset import FootageDataset
from deblurkit_standard.layouts.gopro import GoPro as Layout


class GoPro(FootageDataset):
    """The GoPro set's frames at 240 a second; any T, any blur."""

    layout = Layout()
