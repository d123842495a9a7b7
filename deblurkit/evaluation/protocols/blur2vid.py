"""`blur2vid-gopro7` and `blur2vid-baist`: scores in which patches and pixels choose directions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from skimage.metrics import structural_similarity

from deblurkit.evaluation.flow import (
    FlowEstimator,
    end_point_error,
    raft_large,
    tvl1_flow,
    why_raft_unavailable,
)
from deblurkit.evaluation.lpips_distance import Lpips, why_unavailable
from deblurkit.evaluation.measures import Column, Measure
from deblurkit.evaluation.protocol import Image, Sequence
from deblurkit.evaluation.protocols.capped_psnr import CAP, cap_score, capped_psnr
from deblurkit.evaluation.protocols.clip_arrays import Floats, check_room, checked
from deblurkit.evaluation.protocols.hypercut import both_psnrs
from deblurkit.evaluation.reblur import blurry_psnr

SSIM_WINDOW = 7
"""Side of scikit-image's default window, which the released evaluation takes, pixels."""


class Blur2Vid:
    """The scores of blur2vid, as its released evaluation computes them.

    Tedla et al., "Generating the Past, Present, and Future from a Motion-Blurred Image", ACM
    Transactions on Graphics (SIGGRAPH Asia) 2025.

    With d forward or reversed, P the prediction, G the truth, means over clips of

    - psnr: max_d mean_t PSNR(P_d(t), G(t));
    - pw-psnr: -10 log10 mean_{h,w,c} min_d mean_t (P_d(t) - G(t))²: every value of every pixel
      chooses a direction;
    - patch-ssim: mean over patches of max_d mean_t SSIM, patches on a grid from the top left
      corner; SSIM with scikit-image's defaults, a flat window of 7×7 pixels, sample covariance,
      over the places where the window lies inside the patch;
    - patch-lpips: the same with min_d and LPIPS (AlexNet) of a patch by itself;
    - blurry-psnr: PSNR of (mean_t P^2.2)^(1/2.2) against the same of G;
    - epe: mean over pixels of min_d |F(P_d(1), P_d(T)) - F(G(1), G(T))|, F by RAFT-large, which
      gets values in [0, 1] as it does there, not in the [-1, 1] that it was trained on.

    Choices: the released evaluation refuses images that patches do not fill; here pixels beyond
    the last whole patch of a row or column count in all columns but the two of patches, so its
    numbers stay the same where it has any; sides that are no multiple of 8 are padded for RAFT,
    not scaled. A PSNR without error counts as 100 dB. EPE is pooled
    over the pixels of all clips, the same as the mean over clips of equal size. FVD, which the
    paper reports too, is left out: it scores a set of videos, not a clip.

    What fools it: where pixels and patches choose, an object that falls apart into pieces running
    either way scores as one that moves. Re-blurring likes the blurry image best of all.

    Args:
        patch: Side of a patch, pixels.
        enlarge: Factor by which patches are enlarged, bilinearly, before LPIPS.
        classical_flow: Add the column `epe-tvl1`, EPE with TV-L1 flow, which needs no weights. Not
            the paper's and slow: seconds a clip.
    """

    version = 1
    reference = "Tedla et al. (blur2vid), ACM Transactions on Graphics 2025"
    takes_samples = False
    name: str
    summary: str

    def __init__(self, patch: int, enlarge: int = 1, *, classical_flow: bool = False) -> None:
        self.patch, self.enlarge, self.classical_flow = patch, enlarge, classical_flow

    def columns(self, T: int) -> tuple[Column, ...]:
        """Six columns whatever T, seven with the classical flow."""
        side, cap = f"{self.patch}×{self.patch}", f"at most {CAP:g}"
        larger = f", patches enlarged {self.enlarge}× bilinearly" if self.enlarge > 1 else ""
        flow = "mean over pixels of min_d |F(P_d(1), P_d(T)) - F(G(1), G(T))|"
        columns = (
            Column("psnr", "PSNR", f"mean over clips of max_d mean_t PSNR, each {cap}", unit="dB"),
            Column(
                "pw-psnr",
                "PWPSNR",
                "mean over clips of -10 log10 mean over pixels and colours of "
                f"min_d mean_t (P_d(t) - G(t))²; {cap}",
                unit="dB",
            ),
            Column(
                "patch-ssim",
                "patch SSIM",
                f"mean over clips and whole patches of {side} pixels of max_d mean_t SSIM, "
                f"flat window {SSIM_WINDOW}×{SSIM_WINDOW}",
                digits=4,
            ),
            Column(
                "patch-lpips",
                "patch LPIPS",
                f"mean over clips and whole patches of {side} pixels of min_d mean_t LPIPS "
                f"(AlexNet){larger}",
                higher_is_better=False,
                digits=4,
            ),
            Column(
                "blurry-psnr",
                "blurry PSNR",
                "mean over clips of the PSNR of (mean_t P^2.2)^(1/2.2) against the same of G; "
                f"{cap}",
                unit="dB",
            ),
            Column("epe", "EPE", f"{flow}, F by RAFT-large", unit="pixels", higher_is_better=False),
        )
        if not self.classical_flow:
            return columns
        return (
            *columns,
            Column(
                "epe-tvl1",
                "EPE TV-L1",
                f"{flow}, F by TV-L1; not of the paper",
                unit="pixels",
                higher_is_better=False,
            ),
        )

    def unavailable(self) -> Mapping[str, str]:
        """LPIPS and EPE, where their networks' weights cannot be had."""
        return dict(self._absent)

    def score(
        self, estimate: Sequence, target: Sequence, blurry: Image | None = None
    ) -> Mapping[str, Measure]:
        """Score a clip; see `ScoringProtocol.score`."""
        ours, truth = checked(estimate, target)
        check_room(truth, self.patch, f"patches of {self.patch} pixels")
        ahead, back = both_psnrs(ours, truth)
        scores = {
            "psnr": Measure(float(max(ahead.mean(), back.mean()))),
            "pw-psnr": Measure(_pixelwise_psnr(ours, truth)),
            "patch-ssim": Measure(self._patch_ssim(ours, truth)),
            "blurry-psnr": Measure(cap_score(blurry_psnr(ours, truth))),
        }
        if "patch-lpips" not in self._absent:
            scores["patch-lpips"] = Measure(self._patch_lpips(ours, truth))
        if "epe" not in self._absent:
            scores["epe"] = end_point_error(ours, truth, self._raft)
        if self.classical_flow:
            scores["epe-tvl1"] = end_point_error(ours, truth, tvl1_flow)
        return scores

    def _patch_ssim(self, estimate: Floats, target: Floats) -> float:
        directions = [
            np.mean([_patch_means(p, g, self.patch) for p, g in zip(d, target, strict=True)], 0)
            for d in (estimate, estimate[::-1])
        ]
        return float(np.maximum(*directions).mean())

    def _patch_lpips(self, estimate: Floats, target: Floats) -> float:
        truth = self._cut(target)
        directions = []
        for d in (estimate, estimate[::-1]):
            # Frame by frame: all patches of a clip together need much memory at 720p.
            frames = [self._lpips.distances(p, g) for p, g in zip(self._cut(d), truth, strict=True)]
            directions.append(np.mean(frames, 0))
        return float(np.minimum(*directions).mean())

    def _cut(self, frames: Floats) -> Floats:
        """The whole patches of all frames: T×H×W×3 to T×N×p×p×3, enlarged."""
        T, height, width, colours = frames.shape
        p, rows, columns = self.patch, height // self.patch, width // self.patch
        grid = frames[:, : rows * p, : columns * p].reshape(T, rows, p, columns, p, colours)
        patches = grid.swapaxes(2, 3).reshape(T * rows * columns, p, p, colours)
        if self.enlarge > 1:
            patches = _enlarged(patches, self.enlarge)
        return patches.reshape(T, rows * columns, *patches.shape[1:])

    @cached_property
    def _absent(self) -> Mapping[str, str]:
        reasons = {"patch-lpips": why_unavailable("alex"), "epe": why_raft_unavailable()}
        return {key: reason for key, reason in reasons.items() if reason is not None}

    @cached_property
    def _lpips(self) -> Lpips:
        return Lpips("alex")

    @cached_property
    def _raft(self) -> FlowEstimator:
        return raft_large(unit_range=True)


class GoPro7(Blur2Vid):
    """`blur2vid-gopro7`: patches of 40 pixels; 7 frames of GoPro at 720p in the paper."""

    name = "blur2vid-gopro7"
    summary = "PSNR, pixel- and patch-wise scores, patches of 40 pixels; re-blurring; flow"

    def __init__(self, *, classical_flow: bool = False) -> None:
        super().__init__(40, classical_flow=classical_flow)


class Baist(Blur2Vid):
    """`blur2vid-baist`: patches of 32 pixels, for LPIPS enlarged to 64; 160×192 in the paper."""

    name = "blur2vid-baist"
    summary = "PSNR, pixel- and patch-wise scores, patches of 32 pixels; re-blurring; flow"

    def __init__(self, *, classical_flow: bool = False) -> None:
        super().__init__(32, enlarge=2, classical_flow=classical_flow)


def _pixelwise_psnr(estimate: Floats, target: Floats) -> float:
    ahead, back = (np.square(d - target).mean(0) for d in (estimate, estimate[::-1]))
    return capped_psnr(float(np.minimum(ahead, back).mean()))


def _patch_means(estimate: Floats, target: Floats, patch: int) -> Floats:
    """The SSIM of every whole patch of a frame, rows×columns.

    The map of the whole frame has, where a window lies inside a patch, the values of the map
    of the patch alone; scikit-image's mean takes just these places.
    """
    similarity: Any = structural_similarity  # has no types
    _, places = similarity(estimate, target, data_range=1.0, channel_axis=2, full=True)
    rows, columns = (side // patch for side in places.shape[:2])
    grid = places[: rows * patch, : columns * patch].reshape(rows, patch, columns, patch, -1)
    rim = SSIM_WINDOW // 2
    inside: Floats = grid[:, rim : patch - rim, :, rim : patch - rim].mean((1, 3, 4))
    return inside


def _enlarged(images: Floats, factor: int) -> Floats:
    """N×H×W×3, both sides times `factor`, as torch's bilinear interpolation without corners."""
    import torch
    import torch.nn.functional as F

    tensor = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    larger = F.interpolate(tensor, scale_factor=factor, mode="bilinear", align_corners=False)
    return larger.numpy().transpose(0, 2, 3, 1)
