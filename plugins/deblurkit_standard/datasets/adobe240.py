"""Clips from Adobe240."""

from __future__ import annotations

from deblurkit.footage.dataset import FootageDataset
from deblurkit_standard.layouts.adobe240 import Adobe240 as Layout


class Adobe240(FootageDataset):
    """The videos of Deep Video Deblurring, 240 frames a second."""

    layout = Layout()
