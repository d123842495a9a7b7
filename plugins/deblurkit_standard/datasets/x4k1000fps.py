"""Clips from X4K1000FPS."""

from __future__ import annotations

from deblurkit.footage.dataset import FootageDataset
from deblurkit_standard.layouts.x4k1000fps import X4k as Layout


class X4k(FootageDataset):
    """X-TRAIN and X-TEST, 1000 frames a second."""

    layout = Layout()
