"""Clips from B-AIST++."""

from __future__ import annotations

from deblurkit.footage.dataset import FootageDataset
from deblurkit_standard.layouts.b_aist import BAist as Layout


class BAist(FootageDataset):
    """B-AIST++: frames in runs of seven, with a blurry image each."""

    layout = Layout()
