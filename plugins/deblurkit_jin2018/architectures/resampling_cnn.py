"""The paper's network (section 6; supplement, Table 1).

Resampling turns each colour alone into r*r sub-images (pixel unshuffle), so that filters of
3×3 see r times as far at 1/r² of the cost; residual blocks refine the sub-images of the three
colours with the same weights; a fusion block at full size lets the colours meet.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from deblurkit.inference.rows import (
    Activated,
    Beside,
    Cut,
    FromSubImages,
    Rows,
    SubImages,
    Sum,
)
from deblurkit.inference.workspace import Kept, Workspace

Dilations = tuple[int, int]


class InstanceNorm(nn.Module):
    """Affine instance normalisation with the statistics of the image at hand.

    B×C×H×W to the same shape; eps 1e-5, biased variance. Computed as a group norm with one
    channel a group, which is the same function and the faster kernel on the CPU.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each channel of each image."""
        weight, bias = self.weight.to(x.dtype), self.bias.to(x.dtype)
        return F.group_norm(x, x.shape[1], weight, bias, eps=1e-5)


class PreActivated(nn.Module):
    """Instance norm, ReLU, then a convolution without bias that keeps the size."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__()
        self.norm = InstanceNorm(inputs)
        padding = dilation * (kernel // 2)
        self.conv = nn.Conv2d(
            inputs, outputs, kernel, padding=padding, dilation=dilation, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """B×inputs×H×W to B×outputs×H×W."""
        out: Tensor = self.conv(F.relu(self.norm(x)))
        return out

    def in_strips(self, x: Kept, workspace: Workspace) -> Rows:
        """The same of a map in rows."""
        active = Activated(x, x.moments, self.norm.weight, self.norm.bias)
        return workspace.convolved(active, self.conv)


class ResidualBlock(nn.Module):
    """RB(c, d1, d2): x + conv1×1 branch + two 3×3 convolutions dilated by d1 and d2."""

    def __init__(self, channels: int, dilations: Dilations) -> None:
        super().__init__()
        self.short = PreActivated(channels, channels, 1)
        self.first = PreActivated(channels, channels, 3, dilations[0])
        self.second = PreActivated(channels, channels, 3, dilations[1])

    def forward(self, x: Tensor) -> Tensor:
        """B×c×H×W to the same shape."""
        out: Tensor = x + self.short(x) + self.second(self.first(x))
        return out

    def in_strips(self, x: Kept, workspace: Workspace, *, keep: bool = True) -> Rows:
        """The same of a map in rows.

        Args:
            x: The map.
            workspace: Where the map between the two convolutions is kept.
            keep: Keep it in any case; then rows of `x` around those made are not read.
        """
        first = self.first.in_strips(x, workspace)
        inner = workspace.keep(first) if keep else workspace.keep_or_repeat(first)
        return Sum(x, self.short.in_strips(x, workspace), self.second.in_strips(inner, workspace))


class TwoBranch(nn.Module):
    """conv1×1(ReLU(IN(x))) + conv3×3(ReLU(IN(x))): the heads, and the small fusion block."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.narrow = PreActivated(inputs, outputs, 1)
        self.wide = PreActivated(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """B×inputs×H×W to B×outputs×H×W."""
        out: Tensor = self.narrow(x) + self.wide(x)
        return out

    def in_strips(self, x: Kept, workspace: Workspace) -> Rows:
        """The same of a map in rows."""
        return Sum(self.narrow.in_strips(x, workspace), self.wide.in_strips(x, workspace))


class ResamplingCNN(nn.Module):
    """The paper's middle, core and outer networks, by their parameters.

    Args:
        inputs: Number of images the network sees.
        factor: Resampling factor r; 4 for the middle network, 5 for the others.
        width: Channels of the residual blocks; 144 and 128.
        blocks: Dilations (d1, d2) of each residual block, in groups; an output head after
            each group, and the heads' outputs are summed.
        stems: Channels of each input's 5×5 stem, adding up to `width`. By default half of the
            width for the first image (the blurry one), the rest shared equally.
        fusion_width: Channels at full size; 64 and 32.
        fusion_block: "residual" (middle) or "two-branch" (the others).
        zero_init: Start the last layers, of the heads and of the fusion, at zero, so that the
            network begins as the identity on its base and its heads as one on their input.

    Raises:
        ValueError: stems do not fit the number of images or the width.
    """

    def __init__(
        self,
        inputs: int,
        *,
        factor: int,
        width: int,
        blocks: Sequence[Sequence[Dilations]],
        stems: Sequence[int] | None = None,
        fusion_width: int = 64,
        fusion_block: str = "residual",
        zero_init: bool = True,
    ) -> None:
        super().__init__()
        self.factor = factor
        widths = _stem_widths(inputs, width, stems)
        phases = factor * factor
        self.stems = nn.ModuleList(nn.Conv2d(phases, w, 5, padding=2, bias=False) for w in widths)
        self.groups = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width, d) for d in group)) for group in blocks
        )
        self.heads = nn.ModuleList(TwoBranch(width, phases) for _ in blocks)
        self.fusion_in = nn.Conv2d(3, fusion_width, 3, padding=1, bias=False)
        self.fusion_block: nn.Module = (
            ResidualBlock(fusion_width, (1, 1))
            if fusion_block == "residual"
            else TwoBranch(fusion_width, fusion_width)
        )
        self.fusion_out = PreActivated(fusion_width, 3, 3)
        if zero_init:
            # The heads as well: heads that start at random hand the fusion an image so far from
            # the base that, under L1, its last ReLU can die and the network with it.
            nn.init.zeros_(self.fusion_out.conv.weight)
            for head in self.heads:
                assert isinstance(head, TwoBranch)
                nn.init.zeros_(head.narrow.conv.weight)
                nn.init.zeros_(head.wide.conv.weight)

    def forward(self, images: Sequence[Tensor], base: Tensor) -> Tensor:
        """Predict one frame.

        Args:
            images: `inputs` images, each B×3×H×W in [0, 1]; any H and W.
            base: The one of them that the residual is added to, B×3×H×W.

        Returns:
            B×3×H×W, not clamped.
        """
        height, width = base.shape[-2:]
        padded = [_pad(image, self.factor) for image in images]
        padded_base = _pad(base, self.factor)
        x = torch.cat(
            [stem(self._split(p)) for stem, p in zip(self.stems, padded, strict=True)], dim=1
        )
        fine = self._split(padded_base)
        for group, head in zip(self.groups, self.heads, strict=True):
            x = group(x)
            fine = fine + head(x)
        colour = self.fusion_in(self._join(fine, padded_base.shape[1]))
        residual: Tensor = self.fusion_out(self.fusion_block(colour))
        return base + residual[..., :height, :width]

    def in_strips(self, images: Sequence[Rows], base: Rows, workspace: Workspace) -> Rows:
        """The same in bounded memory: see `deblurkit.inference.in_strips.InStrips`."""
        colours = [self._refined(images, base, c, workspace) for c in range(base.channels)]
        r = self.factor
        # The fusion sees the sides as multiples of r, as in `forward`.
        joined = FromSubImages(colours, r, colours[0].height * r, colours[0].width * r)
        x = workspace.keep_or_repeat(workspace.convolved(joined, self.fusion_in))
        block = self.fusion_block
        # At full size a map is r² times as large, at a tenth of the cost: never kept in a file.
        mixed = (
            block.in_strips(x, workspace, keep=False)
            if isinstance(block, ResidualBlock)
            else cast(TwoBranch, block).in_strips(x, workspace)
        )
        x = workspace.replace_or_repeat(x, mixed)
        residual = self.fusion_out.in_strips(x, workspace)
        return Sum(base, Cut(residual, base.height, base.width))

    def _refined(
        self, images: Sequence[Rows], base: Rows, colour: int, workspace: Workspace
    ) -> Kept:
        """The refined sub-images of one colour."""
        stems = zip(cast(Iterable[nn.Conv2d], self.stems), images, strict=True)
        parts = [(stem, SubImages(image, colour, self.factor)) for stem, image in stems]
        x = workspace.keep(Beside(*(workspace.convolved(part, stem) for stem, part in parts)))
        fine = workspace.keep(SubImages(base, colour, self.factor), torch.float32, measured=False)
        groups = cast(Iterable[Iterable[ResidualBlock]], self.groups)
        for group, head in zip(groups, cast(Iterable[TwoBranch], self.heads), strict=True):
            for block in group:
                # Nothing here holds on to a block's inner map: two maps are there at a time.
                x = workspace.replace(x, block.in_strips(x, workspace))
            fine = workspace.replace(fine, Sum(fine, head.in_strips(x, workspace)))
        return fine

    def _split(self, image: Tensor) -> Tensor:
        r = self.factor
        return rearrange(image, "b c (h r) (w q) -> (b c) (r q) h w", r=r, q=r)

    def _join(self, fine: Tensor, colours: int) -> Tensor:
        r = self.factor
        return rearrange(fine, "(b c) (r q) h w -> b c (h r) (w q)", c=colours, r=r, q=r)


def _stem_widths(inputs: int, width: int, stems: Sequence[int] | None) -> list[int]:
    if stems is None:
        rest = width - width // 2
        share = [rest // max(inputs - 1, 1)] * (inputs - 1)
        if min([width - sum(share), *share]) < 1:
            raise ValueError(f"width {width} is too small for {inputs} images, one stem for each")
        return [width - sum(share), *share]
    if len(stems) != inputs or sum(stems) != width:
        raise ValueError(
            f"stems {list(stems)} do not fit: {inputs} images need {inputs} stems "
            f"that add up to width {width}"
        )
    return list(stems)


def _pad(image: Tensor, factor: int) -> Tensor:
    """Repeat the last row and column until both sides are multiples of the factor."""
    height, width = image.shape[-2:]
    down, right = -height % factor, -width % factor
    return F.pad(image, (0, right, 0, down), mode="replicate") if down or right else image
