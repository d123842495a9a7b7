from __future__ import annotations

import os
import resource
import struct
import wave
from itertools import pairwise
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.stream import Disposition
from made_videos import Pixels, decoded_by_av, moving_frames, write_video
from PIL import Image, ImageSequence, UnidentifiedImageError
from real_data import real_data

from deblurkit.errors import DataError, UnavailableError
from deblurkit.media import video_writing as movie
from deblurkit.media.video_reading import probe, read_frames, write_gif, write_mp4

FRAMES = moving_frames(32)

# Container, encoder and its settings; and how many frames reading may leave out at the end of an
# intact file, because it cannot be told from a broken one.
KINDS: dict[str, tuple[str, str, dict[str, object], int]] = {
    "faststart mp4": ("a.mp4", "libx264", {"movflags": "+faststart"}, 0),
    "mp4": ("a.mp4", "libx264", {}, 0),
    "mp4 without B-frames": ("a.mp4", "libx264", {"b_frames": 0}, 0),
    "10 bits": ("a.mkv", "libx264", {"pixels": "yuv420p10le"}, 0),
    "fragmented mp4": ("a.mp4", "libx264", {"movflags": "frag_keyframe+empty_moov"}, 0),
    "mov": ("a.mov", "mjpeg", {"pixels": "yuvj420p"}, 0),
    "mkv": ("a.mkv", "libx264", {}, 0),
    "lossless mkv": ("a.mkv", "ffv1", {"pixels": "yuv444p"}, 0),
    "webm": ("a.webm", "libvpx", {}, 0),
    "ts": ("a.ts", "libx264", {}, 3),
    "ts without B-frames": ("a.ts", "libx264", {"b_frames": 0}, 1),
    "mpg": ("a.mpg", "mpeg2video", {}, 3),
    "avi": ("a.avi", "mpeg4", {"b_frames": 0}, 0),
    "avi with B-frames": ("a.avi", "mpeg4", {}, 0),
    "h264 avi with B-frames": ("a.avi", "libx264", {}, 0),
    "wrong times": ("a.mp4", "libx264", {"in_stored_order": True}, 16),
    "uneven times": ("a.mkv", "libx264", {"times": [k + k * k // 9 for k in range(32)]}, 16),
}


def made(folder: Path, kind: str) -> Path:
    name, codec, options, _ = KINDS[kind]
    try:
        return write_video(folder / name, FRAMES, codec, **options)  # type: ignore[arg-type]
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this PyAV has no {codec}")


def same(found: list[Pixels], wanted: list[Pixels]) -> bool:
    return len(found) == len(wanted) and all(map(np.array_equal, found, wanted))


def likeness(found: Pixels, wanted: Pixels) -> float:
    """PSNR in dB."""
    return float(-10 * np.log10(np.mean((found / 255.0 - wanted / 255.0) ** 2) + 1e-12))


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_exactly_those_asked_for(tmp_path: Path, kind: str) -> None:
    path, missing = made(tmp_path, kind), KINDS[kind][3]
    every = decoded_by_av(path)
    info = probe(path)
    assert len(every) - missing <= info.frames <= len(every)
    assert (info.width, info.height) == (64, 48)
    if kind != "uneven times":
        assert info.fps == pytest.approx(25, rel=0.05)
        assert info.duration == pytest.approx(info.frames / 25, rel=0.05)
    for start, count, stride in [(0, 3, 1), (1, 2, 1), (9, 3, 1), (11, 3, 1), (2, 3, 5)]:
        wanted = every[start : start + count * stride : stride]
        assert same(list(read_frames(path, start, count, stride)), wanted)
    last = info.frames
    assert same(list(read_frames(path, 0, last)), every[:last])
    assert same(list(read_frames(path, last - 1, 1)), every[last - 1 : last])
    assert list(read_frames(path, 5, 0)) == []
    with pytest.raises(DataError, match=f"{last} frames can be read, {last + 1} are needed"):
        read_frames(path, last, 1)


def readable_or_refuse(path: Path) -> list[Pixels]:
    """All frames that `probe` promises, or none where it refuses the file, by name."""
    try:
        promised = probe(path).frames
    except DataError as error:
        if str(path) not in str(error):
            raise AssertionError(f"the message does not name the file: {error}") from error
        return []
    return list(read_frames(path, 0, promised))


@pytest.mark.parametrize("kind", KINDS)
def test_a_video_that_breaks_off_gives_what_is_there_or_an_error(tmp_path: Path, kind: str) -> None:
    path = made(tmp_path, kind)
    every, data = decoded_by_av(path), path.read_bytes()
    cut = tmp_path / f"cut{path.suffix}"
    found = []
    for size in np.linspace(1, len(data) - 1, 36).astype(int).tolist():
        cut.write_bytes(data[:size])
        frames = readable_or_refuse(cut)
        assert same(frames, every[: len(frames)]), f"{size} of {len(data)} bytes"
        found.append(len(frames))
    # All that does not need an index at the end is used as far as it goes.
    if kind not in {"mp4", "mp4 without B-frames", "mov", "wrong times"}:
        assert len({n for n in found if n > 0}) >= 3


def test_a_video_that_breaks_off_says_how_much_is_missing(tmp_path: Path) -> None:
    path = made(tmp_path, "faststart mp4")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    readable = probe(path).frames
    assert 3 < readable < 25
    with pytest.raises(DataError) as caught:
        read_frames(path, 20, 8)
    message = str(caught.value)
    assert f"{readable} frames can be read, 28 are needed; the file says it has 32" in message
    assert "cut short" in message and str(path) in message


def test_damage_within_is_named_and_what_is_sound_can_be_read(tmp_path: Path) -> None:
    path = made(tmp_path, "faststart mp4")
    every, data = decoded_by_av(path), bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size and p.is_keyframe]
        begin, size = packets[1].pos, packets[1].size  # shown as frame 11, counted from 1
    assert begin is not None
    data[begin + 8 : begin + size] = bytes(size - 8)
    path.write_bytes(data)
    assert probe(path).frames == 32
    assert same(list(read_frames(path, 0, 5)), every[:5])
    assert same(list(read_frames(path, 21, 5)), every[21:26])  # behind the next key frame
    for start in (10, 12, 15):
        with pytest.raises(DataError, match=rf"frame {start + 1} of 32 is damaged or missing"):
            list(read_frames(path, start, 2))
    reader = read_frames(path, 3, 20)
    good = []
    with pytest.raises(DataError, match="frames up to 23 are needed"):
        good.extend(reader)


def test_what_was_predicted_from_a_damaged_frame_is_damaged(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", FRAMES, b_frames=0)
    every, data = decoded_by_av(path), path.read_bytes()
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        begin, size = packets[13].pos, packets[13].size
    assert begin is not None
    rng = np.random.default_rng(3)
    noticed = 0
    for _ in range(20):
        changed = bytearray(data)
        for place in rng.integers(begin + 12, begin + size, 3).tolist():
            changed[place] ^= int(rng.integers(1, 256))
        path.write_bytes(changed)
        with av.open(str(path)) as container:
            if not any(frame.is_corrupt for frame in container.decode(video=0)):
                continue  # without check sums, some damage looks like a picture
        noticed += 1
        assert same(list(read_frames(path, 10, 3)), every[10:13])
        assert same(list(read_frames(path, 20, 3)), every[20:23])
        for start in (13, 17):
            with pytest.raises(DataError, match=f"frame {start + 1} of 32 is damaged"):
                list(read_frames(path, start, 1))
    assert noticed >= 3


def test_a_file_that_changed_is_looked_at_again(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", FRAMES[:5])
    os.utime(path, (1, 1))
    assert probe(path).frames == 5
    write_video(path, FRAMES[:9])
    assert probe(path).frames == 9


@pytest.mark.parametrize(
    ("matrix", "turned"),
    [
        # ISO/IEC 14496-12, 6.2.2: (p, q) = (a x + c y, b x + d y), y downwards.
        ((0, 1, -1, 0), lambda x: np.rot90(x, -1)),  # a quarter turn clockwise: phones, upright
        ((-1, 0, 0, -1), lambda x: np.rot90(x, 2)),
        ((0, -1, 1, 0), lambda x: np.rot90(x, 1)),
    ],
    ids=["clockwise", "half", "counter-clockwise"],
)
def test_rotation_is_honoured(
    tmp_path: Path, matrix: tuple[int, int, int, int], turned: object
) -> None:
    path = write_video(tmp_path / "a.mp4", FRAMES[:4])
    every, data = decoded_by_av(path), bytearray(path.read_bytes())
    a, b, c, d = (value << 16 for value in matrix)
    place = data.index(b"tkhd") + 4 + 40  # behind version, times, layer and volume
    assert data[place : place + 4] == struct.pack(">i", 1 << 16)
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    wanted = [turned(image) for image in every]  # type: ignore[operator]
    assert same(list(read_frames(path, 0, 4)), wanted)
    assert (probe(path).height, probe(path).width) == wanted[0].shape[:2]


@pytest.mark.parametrize("height", [47, 33])
def test_odd_sizes(tmp_path: Path, height: int) -> None:
    frames = moving_frames(5, height, 35)
    path = write_video(tmp_path / "a.mkv", frames, "ffv1", pixels="bgr0")
    assert same(list(read_frames(path, 0, 5)), list(frames))


def test_without_its_index_an_mp4_is_no_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", FRAMES[:8])
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"moov") - 4])
    with pytest.raises(DataError, match="damaged or cut short"):
        probe(path)


def sound(path: Path) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    return path


def music_with_cover(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        music = container.add_stream("aac", rate=44100)
        cover = cast(av.VideoStream, container.add_stream("mjpeg", rate=1))
        cover.height, cover.width, cover.pix_fmt = 48, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic.value
        picture = av.VideoFrame.from_ndarray(FRAMES[0], format="rgb24")
        silence = np.zeros((1, 44100), np.float32)
        second = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        second.sample_rate = 44100
        picture.pts = second.pts = 0
        for packet in cover.encode(picture) + cover.encode(None):
            container.mux(packet)
        for packet in music.encode(second) + music.encode(None):
            container.mux(packet)
    return path


def test_what_is_no_video_is_named_with_the_reason(tmp_path: Path) -> None:
    Image.fromarray(FRAMES[0]).save(tmp_path / "still.png")
    Image.fromarray(FRAMES[0]).save(tmp_path / "still.jpg")
    (tmp_path / "text.txt").write_text("not a video\n" * 100)
    (tmp_path / "text.mp4").write_text("not a video\n" * 100)
    (tmp_path / "zeros.mp4").write_bytes(bytes(5000))
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "header.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\2\0isomiso2mp41")
    write_video(tmp_path / "whole.mp4", FRAMES[:4])
    os.mkfifo(tmp_path / "pipe.mp4")
    sound(tmp_path / "sound.wav")
    music_with_cover(tmp_path / "music.mp4")
    for name, said in {
        "still.png": "no moving picture",
        "still.jpg": "no moving picture",
        "text.txt": "no moving picture",
        "text.mp4": "not a video",
        "zeros.mp4": "not a video",
        "empty.mp4": "empty",
        "header.mp4": "not a video",
        "sound.wav": "only sound",
        "music.mp4": "no moving picture",
        "missing.mp4": "no such file",
        "pipe.mp4": "pipe",
        "": "folder",
    }.items():
        path = tmp_path / name
        for read in (probe, lambda path: read_frames(path, 0, 1)):
            with pytest.raises(DataError, match=said) as caught:
                read(path)
            assert str(path) in str(caught.value)


def test_odd_names_are_files_all_the_same(tmp_path: Path) -> None:
    for name in ("http:take 1.mp4", "concat:a|b.mp4", "-", "é%03d.mp4"):
        path = tmp_path / name
        path.write_bytes(write_video(tmp_path / "plain.mp4", FRAMES[:3]).read_bytes())
        assert probe(path).frames == 3


@pytest.mark.parametrize("numbers", [(-1, 1, 1), (0, -1, 1), (0, 1, 0)])
def test_numbers_out_of_range(tmp_path: Path, numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="start="):
        read_frames(tmp_path, *numbers)


# Writing


@pytest.mark.parametrize(("height", "width", "scale"), [(48, 64, 1), (33, 47, 1), (21, 16, 3)])
def test_an_mp4_that_plays_everywhere(tmp_path: Path, height: int, width: int, scale: int) -> None:
    frames, path = moving_frames(7, height + 3, width)[:, :height], tmp_path / "a.mp4"
    write_mp4(path, frames, 8, scale=scale)
    tall, wide = height * scale + height * scale % 2, width * scale + width * scale % 2
    with av.open(str(path)) as container:
        (stream,) = container.streams
        assert isinstance(stream, av.VideoStream)
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.height, stream.width, stream.average_rate) == (tall, wide, 8)
        assert (stream.color_range, stream.colorspace) == (1, 1)
        packets = [packet for packet in container.demux() if packet.size]
        assert [p.pts for p in packets] == [p.dts for p in packets]  # no B-frames
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    found = np.stack(list(read_frames(path, 0, 7)))
    assert probe(path).frames == 7
    large = frames.repeat(scale, axis=1).repeat(scale, axis=2)
    padding = ((0, 0), (0, tall - height * scale), (0, wide - width * scale), (0, 0))
    # Colour has half the resolution, so only brightness can be compared closely.
    assert likeness(found.mean(-1), np.pad(large, padding, mode="edge").mean(-1)) > 28


@pytest.mark.parametrize(
    "colour", [(200, 30, 60), (10, 240, 20), (255, 255, 255), (0, 0, 0), (30, 60, 220)]
)
def test_colours_are_those_of_bt709(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    frames = np.full((3, 32, 32, 3), colour, np.uint8)
    write_mp4(tmp_path / "a.mp4", frames, 5, quality=1)
    with av.open(str(tmp_path / "a.mp4")) as container:
        frame = next(container.decode(video=0))
        y, u, v = (float(np.asarray(plane)[5]) for plane in frame.planes)
    luma, blue, red = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
    r, b = luma + 1.5748 * red, luma + 1.8556 * blue  # Rec. ITU-R BT.709-6, 3.2 and 3.3
    g = (luma - 0.2126 * r - 0.0722 * b) / 0.7152
    assert np.allclose(np.array([r, g, b]) * 255, colour, atol=4)


def test_repeats(tmp_path: Path) -> None:
    write_mp4(tmp_path / "a.mp4", FRAMES[:4], 8, repeats=3)
    found = list(read_frames(tmp_path / "a.mp4", 0, 12))
    assert probe(tmp_path / "a.mp4").frames == 12
    assert all(likeness(found[k], found[k % 4]) > 30 for k in range(12))


def test_one_frame_is_a_movie_too(tmp_path: Path) -> None:
    write_mp4(tmp_path / "a.mp4", FRAMES[:1], 8)
    write_gif(tmp_path / "a.gif", FRAMES[:1], 8)
    assert probe(tmp_path / "a.mp4").frames == 1
    assert len(gif_frames(tmp_path / "a.gif")[0]) == 1


def test_no_encoder_is_said_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movie, "ENCODERS", ("no-such-encoder",))
    with pytest.raises(UnavailableError, match=r"no H\.264 encoder"):
        write_mp4(tmp_path / "a.mp4", FRAMES, 8)
    assert not list(tmp_path.iterdir())


def test_the_second_encoder_is_used_where_the_first_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movie, "ENCODERS", ("no-such-encoder", "mpeg4"))
    write_mp4(tmp_path / "a.mp4", FRAMES, 8)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "mpeg4"
    assert probe(tmp_path / "a.mp4").frames == len(FRAMES)


def gif_frames(path: Path) -> tuple[list[Pixels], list[int], int]:
    """Frames, milliseconds each, and how often it is played (0: for ever)."""
    with Image.open(path) as image:
        found = [
            (np.array(frame.convert("RGB")), frame.info["duration"] if image.n_frames > 1 else 0)
            for frame in ImageSequence.Iterator(image)
        ]
        return [f for f, _ in found], [d for _, d in found], image.info.get("loop", 0)


@pytest.mark.parametrize("loop", ["boomerang", "forward"])
def test_gif_order_speed_and_size(tmp_path: Path, loop: movie.Loop) -> None:
    frames = moving_frames(5, 20, 24)
    write_gif(tmp_path / "a.gif", frames, 10, loop=loop, scale=3)
    found, durations, played = gif_frames(tmp_path / "a.gif")
    order = [0, 1, 2, 3, 4, 3, 2, 1] if loop == "boomerang" else [0, 1, 2, 3, 4]
    assert len(found) == len(order)
    assert set(durations) == {100} and played == 0
    for shown, k in zip(found, order, strict=True):
        assert shown.shape == (60, 72, 3)
        assert np.array_equal(shown, shown[::3, ::3].repeat(3, 0).repeat(3, 1))
        assert likeness(shown[::3, ::3], frames[k]) > 30
        best = max(range(5), key=lambda other: likeness(shown[::3, ::3], frames[other]))
        assert best == k


def test_gif_keeps_still_parts_still_and_smooth_parts_smooth(tmp_path: Path) -> None:
    ramp = np.linspace(30, 220, 96).astype(np.uint8)
    frames = np.broadcast_to(ramp[None, None, :, None], (6, 64, 96, 3)).copy()
    for t in range(6):
        frames[t, 20:30, 10 * t : 10 * t + 12] = (250, 40, 40)
    write_gif(tmp_path / "a.gif", frames, 8, loop="forward")
    found, _, _ = gif_frames(tmp_path / "a.gif")
    still = [frame[40:] for frame in found]
    assert all(np.array_equal(a, b) for a, b in pairwise(still))
    assert np.abs(still[0].astype(int) - frames[0, 40:]).max() <= 6
    assert np.all(still[0] == still[0][:1])  # dithering would make rows differ


@pytest.mark.parametrize(("fps", "milliseconds"), [(8, 120), (25, 40), (240, 20), (0.5, 2000)])
def test_gif_speeds_are_those_that_viewers_play(
    tmp_path: Path, fps: float, milliseconds: int
) -> None:
    write_gif(tmp_path / "a.gif", FRAMES[:3], fps)
    assert set(gif_frames(tmp_path / "a.gif")[1]) == {milliseconds}


@pytest.mark.parametrize("write", [write_mp4, write_gif])
def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path, write: object) -> None:
    assert callable(write)
    path = tmp_path / ("a.mp4" if write is write_mp4 else "a.gif")
    noise = np.random.default_rng(0).integers(0, 256, (6, 96, 96, 3), dtype=np.uint8)
    path.write_bytes(b"before")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, limits[1]))  # as on a full disk
    try:
        with pytest.raises(DataError, match="cannot be written"):
            write(path, noise, 8)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(DataError, match="cannot be written"):
        write(path / f"below{path.suffix}", noise, 8)


@pytest.mark.parametrize("write", [write_mp4, write_gif])
@pytest.mark.parametrize(
    ("frames", "fps", "scale"),
    [
        (FRAMES[0], 8, 1),
        (FRAMES[..., :1], 8, 1),
        (FRAMES / 255, 8, 1),
        (FRAMES[:0], 8, 1),
        (FRAMES, 0, 1),
        (FRAMES, float("nan"), 1),
        (FRAMES, 8, 0),
    ],
)
def test_what_is_no_movie_is_refused(
    tmp_path: Path, write: object, frames: Pixels, fps: float, scale: int
) -> None:
    assert callable(write)
    with pytest.raises(ValueError, match=r"must be|uint8"):
        write(tmp_path / "a.mp4", frames, fps, scale=scale)
    assert not list(tmp_path.iterdir())


def test_other_mistakes_of_writers(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="repeats"):
        write_mp4(tmp_path / "a.mp4", FRAMES, 8, repeats=0)
    with pytest.raises(ValueError, match="boomerang"):
        write_gif(tmp_path / "a.gif", FRAMES, 8, loop="ping-pong")  # type: ignore[arg-type]
    with pytest.raises(UnidentifiedImageError):  # the test's own reader refuses what is no GIF
        gif_frames(write_video(tmp_path / "b.gif.mp4", FRAMES[:2]))


@pytest.mark.parametrize(
    ("name", "frames", "width", "height"),
    [("karma", 362, 854, 480), ("box", 453, 640, 480), ("dog", 289, 1280, 720)],
)
def test_real_videos(name: str, frames: int, width: int, height: int) -> None:
    path = real_data(f"video/{name}.mp4")
    info = probe(path)
    assert (info.width, info.height) == (width, height)
    # The header of box.mp4 promises one frame more than there is, and its times are wrong, so
    # its last frames cannot be told from those before a gap.
    assert frames - (16 if name == "box" else 0) <= info.frames <= frames
    assert info.fps == pytest.approx(30, rel=0.01)
    every = decoded_by_av(path)
    assert same(list(read_frames(path, 61, 3, 2)), every[61:67:2])
    assert same(list(read_frames(path, 250, 3)), every[250:253])
