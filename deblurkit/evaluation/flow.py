"""End point error: does the estimate move as the truth does, as optical flow sees it?

A flow estimator is any function of two images H×W×3 in [0, 1] that gives H×W×2: for every pixel
of the first how far away it lies in the second, to the right (x) and down (y), in pixels. What
different estimators say cannot be compared, so each has a name of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from skimage.color import rgb2gray
from skimage.registration import optical_flow_tvl1
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import optical_flow

from deblurkit.errors import UnavailableError, WeightsError
from deblurkit.evaluation.measures import Measure
from deblurkit.evaluation.torchvision_weights import kept_file, read_weights, weights_file
from deblurkit.frames import check_length

Sequence = npt.NDArray[np.floating[Any]]
Image = npt.NDArray[np.floating[Any]]
Flow = npt.NDArray[np.floating[Any]]
FlowEstimator = Callable[[Image, Image], Flow]
"""(first, second), H×W×3 floats in [0, 1] each -> H×W×2, (x, y) in pixels."""

RAFT_URL: str = optical_flow.Raft_Large_Weights.C_T_SKHT_V2.url
RAFT = "RAFT-large"
_STRIDE, _LEAST_SIDE = 8, 128


def end_point_error(estimate: Sequence, target: Sequence, flow: FlowEstimator) -> Measure:
    """EPE of blur2vid (2025), in pixels, the better direction at each pixel.

    With F the flow, P the estimate, G the truth and F_G = F(G_1 -> G_T): total = Σ over pixels of
    min(‖F(P_1 -> P_T) - F_G‖, ‖F(P_T -> P_1) - F_G‖), weight = the number of pixels. Each pixel
    chooses on its own, so it does not see whether an object keeps its direction; for a frozen
    sequence it is the mean length of F_G. T = 1 has no motion: weight 0.

    Args:
        estimate: T×H×W×3 floats in [0, 1]; T odd. Only frames 1 and T are looked at.
        target: The true frames, in the same shape.
        flow: The flow estimator.

    Raises:
        FrameError: T is even.
        ValueError: the shapes differ or are not T×H×W×C, or the estimator gives another shape
            than H×W×2 or numbers that are not finite.
    """
    if estimate.shape != target.shape or estimate.ndim != 4:
        raise ValueError(f"expected two sequences T×H×W×3, got {estimate.shape} and {target.shape}")
    if check_length(len(target)) == 1:
        return Measure(0.0, 0.0)
    true = _flow(flow, target[0], target[-1])
    ends = (estimate[0], estimate[-1]), (estimate[-1], estimate[0])
    errors = [np.linalg.norm(_flow(flow, first, last) - true, axis=-1) for first, last in ends]
    least = np.minimum(*errors)
    return Measure(float(least.sum()), float(least.size))


def tvl1_flow(first: Image, second: Image) -> Flow:
    """TV-L1 flow of the grey images, by scikit-image with its defaults.

    Zach, Pock and Bischof, 2007. Needs no weights; not as good as a trained network where motion
    is large or texture is weak, and never to be reported under such a network's name.

    Args:
        first: H×W×3 floats in [0, 1].
        second: In the same shape.

    Returns:
        H×W×2, (x, y) in pixels: first(p) is found in `second` at p + flow(p).

    Raises:
        ValueError: the shapes differ or are not H×W×3.
    """
    _check_images(first, second)
    compute: Any = optical_flow_tvl1  # has no types
    grey = [rgb2gray(image.astype(np.float64)) for image in (first, second)]
    down, right = compute(*grey, dtype=np.float64)
    return np.stack([right, down], axis=-1)


def raft_kept() -> bool:
    """Whether RAFT's weights are on this machine; asks no network."""
    return kept_file(RAFT_URL).is_file()


def why_raft_unavailable() -> str | None:
    """None where `raft_large()` can be built, otherwise why not, in one line.

    Looks for the weights and fetches them where they are missing and a network is there; without
    one it answers within seconds, and at once from then on.
    """
    try:
        weights_file(RAFT_URL, RAFT)
    except UnavailableError as error:
        return str(error.what)
    return None


def raft_large(
    weights: Path | str | nn.Module | None = None, device: str = "cpu", unit_range: bool = False
) -> FlowEstimator:
    """RAFT-large of torchvision (Teed and Deng, ECCV 2020), 12 updates, as a flow estimator.

    Image sides are padded to multiples of 8, and to 128 at least, by repeating the border.

    Args:
        weights: A .pth file of torchvision's network, or a module of that architecture; None
            for torchvision's C_T_SKHT_V2.
        device: Where to compute.
        unit_range: Hand the network values in [0, 1], as the scripts published with blur2vid
            do, and not the values in [-1, 1] that it was trained on: for tables beside theirs.

    Raises:
        UnavailableError: the weights are not here and cannot be fetched within seconds.
        WeightsError: the file is missing or damaged, or the weights do not fit.
    """
    return Raft(weights, device, unit_range)


class Raft:
    """RAFT-large, called with two images; see `raft_large`, which makes it."""

    def __init__(
        self, weights: Path | str | nn.Module | None, device: str, unit_range: bool
    ) -> None:
        if isinstance(weights, nn.Module):
            state, source = dict(weights.state_dict()), type(weights).__name__
        else:
            path = weights_file(RAFT_URL, RAFT) if weights is None else Path(weights)
            state, source = dict(read_weights(path, RAFT)), str(path)
        model: nn.Module = optical_flow.raft_large(weights=None)
        try:
            model.load_state_dict(state)
        except RuntimeError as error:
            what = "; ".join(line.strip() for line in str(error).splitlines()[1:3])
            raise WeightsError(
                f"the weights do not fit: {what}",
                where=f"{RAFT}, {source}",
                valid="the weights of torchvision's raft_large",
            ) from error
        self._model = model.eval().requires_grad_(False).to(device)
        self.device, self.unit_range = device, unit_range

    @torch.inference_mode()
    def __call__(self, first: Image, second: Image) -> Flow:
        """H×W×2, (x, y) in pixels, of two images H×W×3 in [0, 1].

        Raises:
            ValueError: the shapes differ or are not H×W×3.
        """
        _check_images(first, second)
        height, width, _ = first.shape
        (top, bottom), (left, right) = _padding(height), _padding(width)
        padding = (left, right, top, bottom)
        images = (
            functional.pad(self._tensor(image), padding, mode="replicate")
            for image in (first, second)
        )
        found: Tensor = self._model(*images)[-1][0]
        inside = found[:, top : top + height, left : left + width]
        out: Flow = inside.permute(1, 2, 0).double().cpu().numpy()
        return out

    def _tensor(self, image: Image) -> Tensor:
        values = np.ascontiguousarray(image.astype(np.float32).transpose(2, 0, 1))[None]
        return torch.from_numpy(values if self.unit_range else 2 * values - 1).to(self.device)


def _padding(side: int) -> tuple[int, int]:
    """Pixels before and after a side so that it is long enough and a multiple of the stride."""
    more = max(_LEAST_SIDE, -(-side // _STRIDE) * _STRIDE) - side
    return more // 2, more - more // 2


def _flow(flow: FlowEstimator, first: Image, second: Image) -> npt.NDArray[np.float64]:
    found = np.asarray(flow(first, second), np.float64)
    if found.shape != (*first.shape[:2], 2):
        raise ValueError(f"the flow of images {first.shape} has the shape {found.shape}, not H×W×2")
    if not np.isfinite(found).all():
        raise ValueError("the flow holds numbers that are not finite")
    return found


def _check_images(first: Image, second: Image) -> None:
    if first.shape != second.shape or first.ndim != 3 or first.shape[2] != 3:
        raise ValueError(f"flow is of two images H×W×3, got {first.shape} and {second.shape}")
