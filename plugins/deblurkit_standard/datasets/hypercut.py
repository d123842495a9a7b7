"""Clips from data sets in HyperCUT's format."""

from __future__ import annotations

from deblurkit.footage.dataset import FootageDataset
from deblurkit_standard.layouts.hypercut import HyperCut as Layout


class HyperCut(FootageDataset):
    """RB2V and others in the same format: frames in runs, with a blurry image each."""

    layout = Layout()
