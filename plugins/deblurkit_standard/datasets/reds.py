"""Clips from REDS at 120 frames a second."""

from __future__ import annotations

from deblurkit.footage.dataset import FootageDataset
from deblurkit_standard.layouts.reds import Reds as Layout


class Reds(FootageDataset):
    """REDS at 120 frames a second."""

    layout = Layout()
