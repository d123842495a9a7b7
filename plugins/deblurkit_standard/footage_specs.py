"""The datasets of footage: what each is, and the published ways to cut it. No torch here."""

from __future__ import annotations

from deblurkit.specs import DatasetSpec, Preset
from deblurkit_standard.footage_params import (
    Adobe240Params,
    FramesParams,
    GoProParams,
    HyperCutParams,
    PairsParams,
    RedsParams,
    RunsParams,
    VideoParams,
    X4KParams,
)

_JIN = "Jin, Meishvili, Favaro, CVPR 2018, section 8"
_TEDLA = "Tedla et al. (blur2vid), ACM Transactions on Graphics 2025"
_LINEAR = {"response": "gamma", "gamma": 2.2}

GOPRO_PRESETS = {
    "jin2018-test": Preset(
        summary="1,700 averages of 7 frames of the test sequences, at 45 %",
        params={"split": "test", "downsample": 0.45},
        frames=7,
        step=7,
        clips=1700,
        reference=_JIN,
    ),
    "jin2018-train": Preset(
        summary="averages of 7 frames of the training sequences, at 45 %",
        params={"split": "train", "downsample": 0.45},
        frames=7,
        step=3,
        reference=_JIN,
    ),
    "blur2vid-test": Preset(
        summary="7 frames every 7 of the test sequences, in linear light, at half size by area",
        params={"split": "test", "downsample": 0.5, "filter": "area"},
        frames=7,
        step=7,
        formation=_LINEAR,
        reference=_TEDLA,
    ),
    "blur2vid-train": Preset(
        summary="7 frames every 7 of the training sequences, in linear light, at half size by area",
        params={"split": "train", "downsample": 0.5, "filter": "area"},
        frames=7,
        step=7,
        formation=_LINEAR,
        reference=_TEDLA,
    ),
}

FOOTAGE = (
    DatasetSpec(
        name="frames",
        summary="folders of consecutive images",
        build="deblurkit_standard.datasets.frames:Frames",
        layout="deblurkit_standard.layouts.image_folders:ImageFolders",
        params=FramesParams,
    ),
    DatasetSpec(
        name="video",
        summary="high-speed video files",
        build="deblurkit_standard.datasets.video:Video",
        layout="deblurkit_standard.layouts.video_files:VideoFiles",
        params=VideoParams,
    ),
    DatasetSpec(
        name="gopro",
        summary="GOPRO_Large_all: 33 sequences at 240 frames a second",
        build="deblurkit_standard.datasets.gopro:GoPro",
        layout="deblurkit_standard.layouts.gopro:GoPro",
        params=GoProParams,
        presets=GOPRO_PRESETS,
        reference="Nah, Kim, Lee, CVPR 2017",
    ),
    DatasetSpec(
        name="reds",
        summary="REDS: 270 clips at 120 frames a second",
        build="deblurkit_standard.datasets.reds:Reds",
        layout="deblurkit_standard.layouts.reds:Reds",
        params=RedsParams,
        reference="Nah et al., NTIRE 2019",
    ),
    DatasetSpec(
        name="adobe240",
        summary="Adobe240: hand-held videos at 240 frames a second",
        build="deblurkit_standard.datasets.adobe240:Adobe240",
        layout="deblurkit_standard.layouts.adobe240:Adobe240",
        params=Adobe240Params,
        reference="Su et al., CVPR 2017",
    ),
    DatasetSpec(
        name="x4k1000fps",
        summary="X4K1000FPS: X-TRAIN and X-TEST at 1000 frames a second",
        build="deblurkit_standard.datasets.x4k1000fps:X4k",
        layout="deblurkit_standard.layouts.x4k1000fps:X4k",
        params=X4KParams,
        reference="Sim, Oh, Kim, ICCV 2021",
    ),
    DatasetSpec(
        name="b-aist++",
        summary="B-AIST++: dancers, seven frames for each blurry image",
        build="deblurkit_standard.datasets.b_aist:BAist",
        layout="deblurkit_standard.layouts.b_aist:BAist",
        params=RunsParams,
        reference="Zhong et al., ECCV 2022",
    ),
    DatasetSpec(
        name="hypercut",
        summary="RB2V and others with HyperCUT's metadata.json",
        build="deblurkit_standard.datasets.hypercut:HyperCut",
        layout="deblurkit_standard.layouts.hypercut:HyperCut",
        params=HyperCutParams,
        reference="Pham et al., CVPR 2023",
    ),
    DatasetSpec(
        name="pairs",
        summary="blurry images with their sharp middle frames: GoPro, REDS, RealBlur and the like",
        build="deblurkit_standard.datasets.pairs:Pairs",
        layout="deblurkit_standard.layouts.pair_folders:PairFolders",
        params=PairsParams,
    ),
)
