"""From a photograph to its sequence: Python's side."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from made_bundle import made_bundle, networks
from PIL import ExifTags, Image

import deblurkit
from deblurkit.errors import DataError, DeblurkitError, FailedError, FrameError, WeightsError
from deblurkit.extraction.extract import open_weights
from deblurkit.extraction.honesty import WARN_BELOW, Formation, check, consistent, error_map
from deblurkit.extraction.longer import lengths, with_length
from deblurkit.extraction.outputs import FORMATS
from deblurkit.formation import form
from deblurkit.frames import BLURRY
from deblurkit.inference.memory import available, default_limit, parse_size, resident, size_text
from deblurkit.inference.rows import Whole
from deblurkit.inference.workspace import Workspace

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (45, 61, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_bundle(tmp_path_factory.mktemp("weights") / "small.safetensors")


@pytest.fixture(scope="module")
def result(weights: Path) -> deblurkit.Extraction:
    return deblurkit.extract(PHOTO, weights)


def test_frames_are_the_networks(weights: Path, result: deblurkit.Extraction) -> None:
    y = torch.from_numpy(PHOTO).permute(2, 0, 1)[None] / 255
    with torch.no_grad():
        expected = open_weights(weights).graph(y)
    assert result.frames.shape == (7, 45, 61, 3) and result.frames.dtype == np.float32
    for k, i in enumerate(range(1, 8)):
        found = expected[i][0].permute(1, 2, 0).clamp(0, 1).numpy()
        np.testing.assert_allclose(result.frames[k], found, atol=1e-4)
    np.testing.assert_array_equal(result.middle, result.frames[3])
    assert result.exact and result.precision == "fp32"
    mean = result.frames.astype(np.float64).mean(0)
    psnr = -10 * np.log10(np.mean((mean - PHOTO / 255) ** 2))
    assert result.reblur_psnr == pytest.approx(psnr, abs=1e-3)


@pytest.mark.parametrize(
    "image",
    [
        PHOTO.astype(np.float32) / 255,
        PHOTO.astype(np.uint16) * 257,
        Image.fromarray(PHOTO),
    ],
    ids=["floats", "uint16", "pillow"],
)
def test_any_kind_of_image_is_the_same_image(
    image: Any, weights: Path, result: deblurkit.Extraction
) -> None:
    again = deblurkit.extract(image, weights, middle_only=True)
    np.testing.assert_allclose(again.middle, result.middle, atol=1e-4)
    assert again.reblur_psnr is None and again.indices == (4,)


def test_little_memory_gives_the_same_frames(weights: Path, result: deblurkit.Extraction) -> None:
    least = deblurkit.extract(PHOTO, weights, memory=resident() + (400 << 20))
    np.testing.assert_allclose(least.frames, result.frames, atol=1e-5)
    with pytest.raises(DeblurkitError, match="too little") as caught:
        deblurkit.extract(PHOTO, weights, memory=1 << 20)
    assert "or more" in str(caught.value)


def test_backwards_is_the_same_frames_in_the_other_order(
    weights: Path, result: deblurkit.Extraction
) -> None:
    back = deblurkit.extract(PHOTO, weights, reverse=True)
    assert back.indices == (7, 6, 5, 4, 3, 2, 1)
    np.testing.assert_array_equal(back.frames, result.frames[::-1])


def test_a_middle_frame_from_elsewhere(weights: Path, result: deblurkit.Extraction) -> None:
    middle = RNG.integers(0, 256, PHOTO.shape, dtype=np.uint8)
    found = deblurkit.extract(PHOTO, weights, middle=middle)
    np.testing.assert_allclose(found.middle, middle / 255, atol=1e-6)
    assert np.abs(found.frames[0] - result.frames[0]).max() > 0.01
    with pytest.raises(DataError, match="60×45"):
        deblurkit.extract(PHOTO, weights, middle=middle[:, 1:])


def test_more_and_fewer_frames(weights: Path, result: deblurkit.Extraction) -> None:
    more = deblurkit.extract(PHOTO, weights, frames=11)
    assert len(more.frames) == 11 and len(more.exposure) == 7
    np.testing.assert_allclose(more.frames[2:9], result.frames, atol=1e-6)
    assert more.reblur_psnr == pytest.approx(result.reblur_psnr)
    assert np.abs(more.frames[0] - more.frames[1]).max() > 0
    fewer = deblurkit.extract(PHOTO, weights, frames=3)
    np.testing.assert_allclose(fewer.frames, result.frames[2:5], atol=1e-6)
    # All seven are the exposure: fewer shown is no other check.
    assert fewer.indices == (1, 2, 3) and fewer.reblur_psnr == result.reblur_psnr
    np.testing.assert_array_equal(fewer.error_map(), result.error_map())
    one = deblurkit.extract(PHOTO, weights, frames=1)
    np.testing.assert_allclose(one.frames[0], result.middle, atol=1e-6)
    assert one.reblur_psnr == result.reblur_psnr
    with pytest.raises(FrameError, match="no middle"):
        deblurkit.extract(PHOTO, weights, frames=8)


def test_going_on_outwards_needs_one_network_for_several_distances() -> None:
    shared, pairs = networks("outer", 7), networks("pair", 7)
    longer = with_length(shared, 9)
    by_frame = {node.frame: node for node in longer.nodes}
    assert by_frame[1].inputs == (BLURRY, 3, 2) and by_frame[1].base == 2
    assert by_frame[9].inputs == (BLURRY, 7, 8) and by_frame[9].base == 8
    assert by_frame[1].network == by_frame[2].network
    assert "9" in lengths(shared) and "9" not in lengths(pairs)
    with pytest.raises(FrameError, match="share=outer"):
        with_length(pairs, 9)
    assert with_length(pairs, 5).T == 5
    family_nodes = networks("outer", 9).nodes
    assert {n.frame: n for n in longer.nodes} == {n.frame: n for n in family_nodes}


@pytest.mark.parametrize(
    "formation",
    [Formation(), Formation("gamma", 2.2), Formation("srgb"), Formation((0.0, 0.5, 0.8, 1.0))],
    ids=["identity", "gamma", "srgb", "table"],
)
def test_the_check_is_eq_1(formation: Formation) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(5, 3, 37, 21, generator=generator)
    y = form(x, response=formation.response, gamma=formation.gamma, bits=0)[None]
    frames = [Whole(frame[None]) for frame in x]
    exact = check(frames, Whole(y), formation)
    assert exact.psnr > 100 and exact.explains and exact.moves
    far = max(float((x[0] - frame).square().mean().sqrt()) for frame in x)
    assert exact.motion == pytest.approx(far, rel=1e-5)
    darker = check(frames, Whole(y - 0.1), formation)
    assert darker.psnr == pytest.approx(20.0, abs=1e-3) and not darker.explains
    shown = error_map(frames, Whole(y - 0.05), formation)
    assert shown.shape == (37, 21) and set(np.unique(shown)) <= {127, 128}
    still = check([Whole(y)] * 5, Whole(y), formation)
    assert still.explains and not still.moves


@pytest.mark.parametrize(
    "formation", [Formation(), Formation("gamma", 2.2), Formation((0.0, 0.5, 0.8, 1.0))]
)
def test_corrected_frames_average_to_the_photograph(formation: Formation) -> None:
    generator = torch.Generator().manual_seed(1)
    frames = [Whole(torch.rand(1, 3, 16, 18, generator=generator)) for _ in range(5)]
    y = Whole(torch.rand(1, 3, 16, 18, generator=generator))
    made = consistent(frames, y, formation, Workspace(1 << 30))
    assert check(frames, y, formation).psnr < 20
    found = check(made, y, formation)
    assert found.psnr > 60
    for frame in made:
        rows = frame.rows(0, 16)
        assert float(rows.min()) >= 0 and float(rows.max()) <= 1
    # What averages to the photograph already is left alone.
    again = consistent(made, y, formation, Workspace(1 << 30))
    for one, other in zip(made, again, strict=True):
        torch.testing.assert_close(one.rows(0, 16), other.rows(0, 16), rtol=0, atol=3e-3)


def test_consistent_through_the_interface(weights: Path, result: deblurkit.Extraction) -> None:
    found = deblurkit.extract(PHOTO, weights, consistent=True)
    mean = found.frames.astype(np.float64).mean(0)
    assert -10 * np.log10(np.mean((mean - PHOTO / 255) ** 2)) > 55
    # What is said of the networks' own frames is not silenced by the correction.
    assert found.corrected and found.reblur_psnr == pytest.approx(result.reblur_psnr)
    short = deblurkit.extract(PHOTO, weights, consistent=True, frames=3)
    np.testing.assert_allclose(short.frames, found.frames[2:5], atol=1e-6)


def test_there_and_back_is_motion() -> None:
    generator = torch.Generator().manual_seed(0)
    still, moved = torch.rand(2, 1, 3, 20, 20, generator=generator)
    frames = [Whole(still), Whole(moved), Whole(still)]
    y = Whole((2 * still + moved) / 3)
    assert check(frames, y, Formation()).moves


def test_values_that_are_not_finite_are_an_error(tmp_path: Path) -> None:
    bundle = open_weights(made_bundle(tmp_path / "s.safetensors"))
    with torch.no_grad():
        next(bundle.graph.networks["middle"].parameters()).fill_(float("nan"))
    for middle_only in (False, True):
        with pytest.raises(WeightsError, match="not finite"):
            deblurkit.extract(PHOTO, bundle, middle_only=middle_only)


@pytest.mark.parametrize(
    "said",
    [
        "identity",
        {"response": "linear"},
        {"response": [0, 0.5, 0.4, 1]},
        {"gamma": 0},
        {"gamma": "x"},
        {"gamma": None},
    ],
)
def test_a_formation_that_is_none_is_found_before_anything_is_computed(
    said: Any, tmp_path: Path
) -> None:
    weights = made_bundle(tmp_path / "s.safetensors", formation=said)
    with pytest.raises(WeightsError, match="frames become a photo"):
        deblurkit.extract(PHOTO, weights, progress=lambda share: pytest.fail("it computes"))


def test_a_bundle_may_say_a_table() -> None:
    said = {"response": [0, 0.5, 0.8, 1], "gamma": 2.2, "headroom": [1.0, 4.0]}
    assert Formation.of(said) == Formation((0.0, 0.5, 0.8, 1.0))


def test_pillow_images_are_photographs_like_files(weights: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(PHOTO).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        found = deblurkit.extract(image, weights, middle_only=True)
        image.paste((255, 0, 0), (0, 0, 20, 20))
        other = deblurkit.extract(image, weights, middle_only=True)
    np.testing.assert_array_equal(found.photo.pixels, np.rot90(PHOTO, -1))
    assert other.photo.pixels[0, -1].tolist() == [255, 0, 0]  # what is handed over, not its file
    half = deblurkit.extract(np.full((20, 20, 3), 1.0, np.float16), weights, middle_only=True)
    assert half.photo.pixels.min() == 65535


@pytest.mark.parametrize(
    "style", [{"fps": float("nan")}, {"fps": 0}, {"loop": "x"}, {"side": -5}, {"side": 20_000}]
)
def test_styles_out_of_range(
    style: dict[str, Any], result: deblurkit.Extraction, tmp_path: Path
) -> None:
    with pytest.raises(DeblurkitError):
        result.save(tmp_path / "a.html", **style)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("fps", "loop"), [(12, "forward"), (5, "boomerang"), (13, "boomerang")])
def test_a_movie_lasts_three_seconds(
    fps: float, loop: str, result: deblurkit.Extraction, tmp_path: Path
) -> None:
    result.save(tmp_path / "a.mp4", fps=fps, loop=loop)
    with av.open(str(tmp_path / "a.mp4")) as movie:
        assert len(list(movie.decode(video=0))) >= 3 * fps


def test_a_place_that_is_taken_by_something_else(
    result: deblurkit.Extraction, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.gif").mkdir()
    (tmp_path / "link.gif").symlink_to(tmp_path / "nothing")
    for name, said in (("file", "no folder"), ("folder.gif", "is a folder")):
        with pytest.raises(DataError, match=said):
            result.save(tmp_path / name, force=True)
    with pytest.raises(DataError, match="there already"):
        result.save(tmp_path / "link.gif")
    for name in ("file/x.html", "file/x.mp4"):
        with pytest.raises(DataError, match="a file, not a folder"):
            result.save(tmp_path / name)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.gif", "link.gif"]


def test_doubtful_results_say_so(tmp_path: Path) -> None:
    still = deblurkit.extract(PHOTO, made_bundle(tmp_path / "s.safetensors", awake=0.0))
    assert "no motion blur" in still.warnings()[0]
    wild = deblurkit.extract(PHOTO, made_bundle(tmp_path / "w.safetensors", awake=0.3))
    assert wild.reblur_psnr is not None and wild.reblur_psnr < WARN_BELOW
    assert "do not trust" in wild.warnings()[0]


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((15, 40, 3), np.uint8), "40×15"),
        (np.zeros((40, 40, 4), np.uint8), "no image"),
        (np.full((40, 40, 3), 2.0), "from 2.0 to 2.0"),
        (np.full((40, 40), np.nan), "nan"),
        (np.zeros((40, 40, 3), np.int64), "int64"),
    ],
)
def test_what_is_no_image_is_said(image: Any, said: str, weights: Path) -> None:
    with pytest.raises(DataError, match=said):
        deblurkit.extract(image, weights)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_and_can_be_read(
    name: str, result: deblurkit.Extraction, tmp_path: Path
) -> None:
    from deblurkit.extraction.outputs import save

    path = tmp_path / f"a{FORMATS[name].ending}"
    save(result, path, kind=name)
    with pytest.raises(DataError, match="there already"):
        save(result, path, kind=name)
    save(result, path, kind=name, force=True)
    assert [p.name for p in tmp_path.iterdir()] == [path.name], "nothing else is left"
    if name == "mp4":
        with av.open(str(path)) as movie:
            shown = list(movie.decode(video=0))
            assert (shown[0].width, shown[0].height) == (62, 46)
            assert shown[0].format.name == "yuv420p" and len(shown) % 12 == 0
    elif name in ("gif", "webp"):
        with Image.open(path) as movie:
            assert movie.size == (61, 45)
            assert movie.n_frames == 12  # type: ignore[attr-defined]
    elif name == "frames":
        for k, file in enumerate(sorted(path.iterdir())):
            np.testing.assert_array_equal(
                np.asarray(Image.open(file)), np.rint(result.frames[k] * 255).astype(np.uint8)
            )
    elif name == "middle":
        assert np.asarray(Image.open(path)).shape == PHOTO.shape
    elif name == "error":
        assert np.asarray(Image.open(path)).shape == PHOTO.shape[:2]
    elif name == "html":
        text = path.read_text("utf-8")
        assert text.count("data:image/jpeg") == 8 and "http" not in text.replace("http-equiv", "")


def test_save_goes_by_the_name(result: deblurkit.Extraction, tmp_path: Path) -> None:
    for name in ("a.mp4", "a.gif", "a.webp", "a.html", "a.png", "folder"):
        assert result.save(tmp_path / name) == (tmp_path / name,)
    assert len(list((tmp_path / "folder").iterdir())) == 7
    (tmp_path / "folder" / "mine.txt").write_text("keep me")
    with pytest.raises(DataError, match="other files"):
        result.save(tmp_path / "folder", force=True)
    with pytest.raises(DataError, match=r"\.avi"):
        result.save(tmp_path / "a.avi")
    small = result.save(tmp_path / "b.gif", side=30, loop="forward", fps=20)
    with Image.open(small[0]) as movie:
        assert max(movie.size) == 30 and movie.n_frames == 7  # type: ignore[attr-defined]


def test_sixteen_bits_stay(weights: Path, tmp_path: Path) -> None:
    deep = deblurkit.extract(PHOTO.astype(np.uint16) * 257, weights)
    deep.save(tmp_path / "f")
    from deblurkit.media.photo import read_photo

    first = read_photo(tmp_path / "f" / "1.png")
    assert first.bits == 16
    np.testing.assert_allclose(first.pixels / 65535, deep.frames[0], atol=1e-5)


def test_sizes_of_memory() -> None:
    assert parse_size("4GiB") == 4 << 30 and parse_size(" 1.5 gb ") == 1_500_000_000
    assert parse_size("800M") == 800_000_000 and parse_size("64") == 64
    for wrong in ("", "much", "4Q", "-1", "iB"):
        with pytest.raises(ValueError, match="no size"):
            parse_size(wrong)
    assert size_text(512) == "512 bytes" and size_text(3.5 * 2**30) == "3.5 GiB"
    assert 0 < resident() < default_limit() <= resident() + available()


def test_gray_photographs_have_gray_frames(weights: Path) -> None:
    gray = PHOTO[..., :1].repeat(3, axis=2)
    found = deblurkit.extract(gray, weights, consistent=True)
    assert np.ptp(found.frames, axis=-1).max() < 1e-6
    assert np.ptp(deblurkit.extract(PHOTO, weights).frames, axis=-1).max() > 0.01


@pytest.mark.parametrize("frames", [1_000_001, "7", 7.0])
def test_numbers_of_frames_that_cannot_be(frames: Any, weights: Path) -> None:
    with pytest.raises(FrameError, match="1 to 999"):
        deblurkit.extract(PHOTO, weights, frames=frames)


def test_a_size_of_memory_that_is_none(weights: Path) -> None:
    with pytest.raises(DeblurkitError, match="no size of memory"):
        deblurkit.extract(PHOTO, weights, memory="10%")


def test_a_link_stays_one(result: deblurkit.Extraction, tmp_path: Path) -> None:
    (tmp_path / "link.gif").symlink_to("target.gif")
    result.save(tmp_path / "link.gif", force=True)
    assert (tmp_path / "link.gif").is_symlink() and (tmp_path / "target.gif").stat().st_size > 100


def test_names_may_be_as_long_as_the_system_allows(
    result: deblurkit.Extraction, tmp_path: Path
) -> None:
    name = "ü" * 125 + ".gif"  # 254 bytes
    assert result.save(tmp_path / name) == (tmp_path / name,)


def test_a_folder_of_other_people_s_pictures_is_not_replaced(
    result: deblurkit.Extraction, tmp_path: Path
) -> None:
    result.save(tmp_path / "frames")
    result.save(tmp_path / "frames", force=True)
    for name in ("2024.png", "0001.png"):
        Image.fromarray(PHOTO).save(tmp_path / "frames" / name)
        with pytest.raises(DataError, match="other files than frames"):
            result.save(tmp_path / "frames", force=True)
        (tmp_path / "frames" / name).unlink()


def test_a_full_disk_is_no_mistake_of_the_user(
    result: deblurkit.Extraction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Path, "write_text", full)
    for name in ("frames", "page.html"):
        with pytest.raises(FailedError, match="No space left") as caught:
            result.save(tmp_path / name)
        assert caught.value.exit_code == 1 and caught.value.where == str(tmp_path / name)
    assert not list(tmp_path.iterdir())
