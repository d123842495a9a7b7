"""The field's data sets for tests, in small: a few frames of 32×40 pixels in the real folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from made_videos import Pixels, moving_frames, write_video
from PIL import Image

HEIGHT, WIDTH = 32, 40


def scene(seed: int, count: int) -> Pixels:
    """Frames of a scene of its own: count×H×W×3."""
    ground = moving_frames(count, HEIGHT, WIDTH).astype(int)
    shade = np.random.default_rng(seed).integers(-60, 60, (HEIGHT, WIDTH, 3))
    return np.clip(ground + shade, 0, 255).astype(np.uint8)


def save(path: Path, image: Pixels) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, compress_level=1)
    return path


def mean(frames: Pixels, gamma: float = 1.0) -> Pixels:
    """The blurry image of frames, through a response with this exponent."""
    light = np.mean((frames / 255) ** gamma, 0)
    return np.rint(255 * light ** (1 / gamma)).astype(np.uint8)


def gopro_all(root: Path) -> Path:
    """GOPRO_Large_all: two sequences, numbered as in the published example."""
    for name, first, count in (
        ("train/GOPR0372_07_00", 323, 14),
        ("test/GOPR0384_11_00", 111, 22),
    ):
        for k, frame in enumerate(scene(first, count)):
            save(root / "GOPRO_Large_all" / name / f"{first + k:06d}.png", frame)
    return root / "GOPRO_Large_all"


def gopro_pairs(root: Path) -> Path:
    """GOPRO_Large of the same sequences: two images of each, 47 and 48, 11 and 12."""
    for name, length, first, numbers in (
        ("train/GOPR0372_07_00", 7, 323, (47, 48)),
        ("test/GOPR0384_11_00", 11, 111, (11, 12)),
    ):
        frames = scene(first, 2 * length)
        folder = root / "GOPRO_Large" / name
        for k, number in enumerate(numbers):
            run = frames[k * length : (k + 1) * length]
            save(folder / "blur" / f"{number:06d}.png", mean(run))
            save(folder / "blur_gamma" / f"{number:06d}.png", mean(run, 2.2))
            save(folder / "sharp" / f"{number:06d}.png", run[length // 2])
    return root / "GOPRO_Large"


def reds(root: Path, *, pairs: bool = True, frames: bool = True) -> Path:
    """REDS: clips of 10 frames, two blurry images of each."""
    for side, clip in (("train", "000"), ("train", "001"), ("val", "000")):
        every = scene(len(side) + int(clip), 10)
        for t, frame in enumerate(every if frames else ()):
            save(root / side / f"{side}_orig" / clip / f"{t:08d}.png", frame)
        for k in range(2 if pairs else 0):
            run = every[5 * k : 5 * k + 5]
            save(root / side / f"{side}_blur" / clip / f"{k:08d}.png", mean(run))
            save(root / side / f"{side}_sharp" / clip / f"{k:08d}.png", run[2])
    return root


def adobe240(root: Path) -> Path:
    """Three of the videos, and lists that put two of them on sides."""
    folder = root / "original_high_fps_videos"
    folder.mkdir(parents=True)
    for seed, name in enumerate(("720p_240fps_1.mov", "IMG_0001.MOV", "GOPR9634.mp4")):
        write_video(folder / name, scene(seed, 8))
    (root / "adobe240fps_folder_train.txt").write_text("IMG_0001\nGOPR0000\n")
    (root / "adobe240fps_folder_test.txt").write_text("720p_240fps_1\n")
    return folder


def b_aist(root: Path) -> Path:
    """Two videos with two blurry images each, annotations, and the authors' lists."""
    root.mkdir(parents=True, exist_ok=True)
    videos = ("gBR_sBM_c01_d05_mBR0_ch01_cropped_32X", "gJS_sBM_c01_d02_mJS0_ch08_cropped_32X")
    for seed, video in enumerate(videos):
        frames = scene(seed, 14)
        for k in range(2):
            run = frames[7 * k : 7 * k + 7]
            save(root / video / "blur" / f"{k:08d}.png", mean(run))
            for t, frame in enumerate(run):
                save(root / video / "sharp" / f"{k:08d}_{t:03d}.png", frame)
        (root / video / "blur_anno").mkdir()
        (root / video / "blur_anno" / "00000000.pkl").write_bytes(b"x")
    (root / "b-aist++_train_dancer2_videos.yaml").write_text(f"- {videos[0]}\n")
    (root / "b-aist++_valid_dancer2_videos.yaml").write_text(f"- {videos[1]}\n")
    return root


def hypercut_entry(video: str, number: int, order: str, partition: str) -> dict[str, str]:
    frames = {f"frame{t:03d}_path": f"{video}/sharp/{number:04d}_{t}.png" for t in range(1, 8)}
    return {
        "id": f"{video}/{number:04d}",
        "order": order,
        "partition": partition,
        "blur_path": f"{video}/blur/{number:04d}.png",
        **frames,
    }


def hypercut(root: Path) -> Path:
    """Two videos with two blurry images each; the second image of each is turned round."""
    data = []
    for seed, (video, partition) in enumerate((("00000", "train"), ("00001", "val"))):
        frames = scene(seed, 14)
        for k, order in enumerate(("ignore", "reverse")):
            run = frames[7 * k : 7 * k + 7]
            save(root / video / "blur" / f"{k:04d}.png", mean(run))
            for t, frame in enumerate(run, 1):
                save(root / video / "sharp" / f"{k:04d}_{t}.png", frame)
            data.append(hypercut_entry(video, k, order, partition))
    said = {"name": "Street", "frame_per_seq": 7, "data": data}
    (root / "metadata.json").write_text(json.dumps(said))
    return root


def x4k(root: Path) -> Path:
    """X4K1000FPS, decoded."""
    for seed, name in enumerate(
        ("train/002/occ008.320", "train/002/occ008.322", "test/Type1/TEST01_003_f0433")
    ):
        for t, frame in enumerate(scene(seed, 9)):
            save(root / name / f"{t:04d}.png", frame)
    return root


def x4k_encoded(root: Path) -> Path:
    """X4K1000FPS as it is handed out."""
    for seed, name in enumerate(
        ("encoded_train/002/occ008.320.mp4", "encoded_test/Type1/TEST01_003_f0433.mp4")
    ):
        (root / name).parent.mkdir(parents=True)
        write_video(root / name, scene(seed, 9))
    return root


def pairs_in(root: Path, blurry: str, sharp: str, names: Sequence[str]) -> Path:
    """Flat folders `blurry` and `sharp` of images with these names."""
    for seed, name in enumerate(names):
        frames = scene(seed, 3)
        save(root / blurry / f"{name}.png", mean(frames))
        save(root / sharp / f"{name}.png", frames[1])
    return root


def named_pairs(root: Path) -> Path:
    """NAME_blur.png beside NAME_sharp.png."""
    for seed, name in enumerate(("istanbul", "flower")):
        frames = scene(seed, 3)
        save(root / f"{name}_blur.png", mean(frames))
        save(root / f"{name}_sharp.png", frames[1])
    return root


def plain_frames(root: Path) -> Path:
    """Two folders of images that are nobody's data set."""
    for seed, name in enumerate(("a", "b")):
        for t, frame in enumerate(scene(seed, 9)):
            save(root / name / f"{t:06d}.png", frame)
    return root


def plain_videos(root: Path) -> Path:
    """Videos as cameras name them."""
    root.mkdir(parents=True)
    for seed, name in enumerate(("IMG_0001.MOV", "GOPR0017.mp4")):
        write_video(root / name, scene(seed, 9))
    return root


MADE: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "gopro": ("gopro", gopro_all),
    "gopro pairs": ("pairs", gopro_pairs),
    "reds": ("reds", reds),
    "reds frames": ("reds", lambda root: reds(root, pairs=False)),
    "reds pairs": ("pairs", lambda root: reds(root, frames=False)),
    "adobe240": ("adobe240", adobe240),
    "b-aist++": ("b-aist++", b_aist),
    "hypercut": ("hypercut", hypercut),
    "x4k": ("x4k1000fps", x4k),
    "x4k encoded": ("x4k1000fps", x4k_encoded),
    "input target": (
        "pairs",
        lambda root: pairs_in(root, "input", "target", ("a-1", "a-2", "b-1")),
    ),
    "blurry sharp": ("pairs", lambda root: pairs_in(root, "blurry", "sharp", ("1", "2"))),
    "blur gt": ("pairs", lambda root: pairs_in(root / "scene001", "blur", "gt", ("1", "2")).parent),
    "named pairs": ("pairs", named_pairs),
    "frames": ("frames", plain_frames),
    "video": ("video", plain_videos),
}
"""Each with the dataset that it belongs to, and what makes it in a folder and gives its path."""
