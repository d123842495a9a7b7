from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_videos import Pixels, moving_frames
from PIL import Image, ImageSequence

from deblurkit.errors import UnavailableError
from deblurkit.media import video_writing as movie
from deblurkit.media.image import read_image
from deblurkit.media.video_reading import probe, read_frames
from deblurkit.report.contact_sheet import contact_sheet, to_uint8
from deblurkit.report.samples import sample_sheet, write_samples

TILES = moving_frames(7, 16, 20)


def places(sheet: Pixels, tile: Pixels, scale: int = 1) -> list[tuple[int, int]]:
    """All places (y, x) where the enlarged tile is found, exactly."""
    large = tile.repeat(scale, axis=0).repeat(scale, axis=1)
    height, width = large.shape[:2]
    corner = np.all(sheet == large[0, 0], axis=-1)[: -height + 1, : -width + 1]
    return [
        (int(y), int(x))
        for y, x in zip(*np.nonzero(corner), strict=True)
        if np.array_equal(sheet[y : y + height, x : x + width], large)
    ]


def runs(ink: npt.NDArray[np.bool_], gap: int) -> list[tuple[int, int]]:
    """Begin and end of each stretch of ink, stretches closer than `gap` taken together."""
    found: list[tuple[int, int]] = []
    for place in np.nonzero(ink)[0].tolist():
        if found and place - found[-1][1] < gap:
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found


@pytest.mark.parametrize("scale", [1, 3])
def test_every_tile_is_there_once_and_in_its_place(scale: int) -> None:
    rows = [("true", [TILES[0], TILES[1], TILES[2]]), ("estimate", [None, TILES[3], TILES[4]])]
    labels = ["blurry", "1", "2"]
    sheet = contact_sheet(rows, column_labels=labels, title="A title", scale=scale)
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
    found = {k: places(sheet, TILES[k], scale) for k in range(5)}
    assert all(len(place) == 1 for place in found.values())
    (top, left), (_, second), (_, third) = (found[k][0] for k in (0, 1, 2))
    assert [found[k][0][0] for k in range(5)] == [top, top, top, found[3][0][0], found[3][0][0]]
    assert found[3][0][0] >= top + 16 * scale
    assert second >= left + 20 * scale and third >= second + 20 * scale
    assert (found[3][0][1], found[4][0][1]) == (second, third)
    # The empty place and the rim are white.
    below = sheet[found[3][0][0] : found[3][0][0] + 16 * scale, left : left + 20 * scale]
    assert np.all(below == 255)
    rim = np.concatenate([side.reshape(-1, 3) for side in (sheet[0], sheet[-1], sheet[:, 0])])
    assert np.all(rim == 255) and np.all(sheet[:, -1] == 255)


@settings(max_examples=30, deadline=None)
@given(
    labels=st.lists(st.integers(0, 30), min_size=1, max_size=6),
    width=st.integers(1, 60),
)
def test_column_labels_never_touch(labels: list[int], width: int) -> None:
    tile = np.full((8, width, 3), 255, np.uint8)
    texts = ["H" * length for length in labels]
    sheet = contact_sheet([("", [tile] * len(labels))], column_labels=texts)
    ink = np.any(sheet < 200, axis=(0, 2))
    assert len(runs(ink, gap=5)) == sum(length > 0 for length in labels)


def test_row_labels_never_touch_tiles_nor_each_other() -> None:
    tile = np.zeros((4, 9, 3), np.uint8)  # lower than a line of text
    rows = [(label, [tile]) for label in ("a very long label of a row", "Ägjpq", "x")]
    sheet = contact_sheet(rows)
    tiles = [place for place in places(sheet, tile) if place]
    left = min(x for _, x in tiles)
    text = np.any(sheet[:, :left] < 200, axis=(1, 2))
    assert len(runs(text, gap=3)) == 3
    assert np.all(sheet[:, left - 4 : left] == 255)


def test_long_titles_are_wrapped_inside_the_sheet() -> None:
    title = "held-out clip 12, box.mp4 frames 61-120; " * 6
    rows = [("true", list(TILES))]
    plain, titled = contact_sheet(rows), contact_sheet(rows, title=title)
    assert titled.shape[1] == plain.shape[1]
    assert titled.shape[0] > plain.shape[0] + 60
    lines = runs(np.any(titled[: titled.shape[0] - plain.shape[0] + 5] < 200, axis=(1, 2)), gap=1)
    assert len(lines) >= 5
    assert np.all(titled[:, -8:] == 255)
    one_word = contact_sheet(rows, title="x" * 200)
    assert one_word.shape[1] > plain.shape[1] and np.all(one_word[:, -8:] == 255)


def test_any_text_can_be_drawn() -> None:
    tile = TILES[0]
    for text in (
        "",
        " ",
        "a\nb",
        "\t",
        "tab\there",
        "\u0000",
        "日本語",
        "été × 4 – 5 → 6",
        "🙂",
        "ﬁ",
    ):
        sheet = contact_sheet([(text, [tile])], column_labels=[text], title=text)
        assert len(places(sheet, tile)) == 1
    accents, none = (contact_sheet([(text, [tile])]) for text in ("été", "ete"))
    assert np.array_equal(accents, none)


def test_what_cannot_be_laid_out_is_refused() -> None:
    for rows, labels, scale in (
        ([], [], 1),
        ([("a", [])], [], 1),
        ([("a", [None])], [], 1),
        ([("a", [TILES[0], TILES[0][1:]])], [], 1),
        ([("a", [TILES[0][..., 0]])], [], 1),
        ([("a", [TILES[0]])], ["1", "2"], 1),
        ([("a", [TILES[0]])], [], 0),
    ):
        with pytest.raises(ValueError, match="tiles"):
            contact_sheet(rows, column_labels=labels, scale=scale)  # type: ignore[arg-type]


@settings(max_examples=50, deadline=None)
@given(arrays(np.float64, (3, 2, 3), elements=st.floats(-1e300, 1e300) | st.just(np.nan)))
def test_floats_become_bytes(image: npt.NDArray[np.float64]) -> None:
    found = to_uint8(image)
    for value, byte in zip(image.flat, found.flat, strict=True):
        clipped = 0.0 if np.isnan(value) else min(max(value, 0.0), 1.0)
        assert abs(clipped * 255 - byte) <= 0.5
    assert to_uint8(found) is found
    assert to_uint8(np.array([np.inf, -np.inf])).tolist() == [255, 0]


def sample(T: int = 5, side: int = 24) -> tuple[npt.NDArray[np.float64], ...]:
    true = moving_frames(T, side, side) / 255.0
    return true.mean(0), true, np.clip(0.8 * true + 0.1, 0, 1)


def test_the_sheet_of_a_sample_shows_truth_estimate_and_error() -> None:
    blurry, true, estimate = sample()
    sheet = sample_sheet(blurry, true, estimate, "a caption")
    scale = next(s for s in range(1, 20) if places(sheet, to_uint8(blurry), s))
    assert scale * 24 >= 96
    assert len(places(sheet, to_uint8(blurry), scale)) == 1
    for k in range(5):
        (at_true,) = places(sheet, to_uint8(true[k]), scale)
        (at_estimate,) = places(sheet, to_uint8(estimate[k]), scale)
        (at_error,) = places(sheet, to_uint8(4 * abs(estimate[k] - true[k])), scale)
        assert at_true[1] == at_estimate[1] == at_error[1]  # one column a frame
        assert at_true[0] < at_estimate[0] < at_error[0]


def test_samples_are_written(tmp_path: Path) -> None:
    blurry, true, estimate = sample()
    written = write_samples(tmp_path / "samples", "clip-01", blurry, true, estimate, "caption")
    assert [path.name for path in written] == ["clip-01.png", "clip-01.gif", "clip-01.mp4"]
    assert sorted((tmp_path / "samples").iterdir()) == sorted(written)
    png, gif, mp4 = written
    assert np.array_equal(read_image(png), sample_sheet(blurry, true, estimate, "caption"))
    with Image.open(gif) as image:
        shown = [np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
    assert len(shown) == 8  # there and back
    info = probe(mp4)
    assert info.frames % 8 == 0 and 5 <= info.duration <= 7
    assert min(info.height, info.width) >= 200
    # Blurry image and labels stand still; the estimate and the truth move.
    first, third = (frame.astype(int) for frame in (shown[0], shown[2]))
    panel = first.shape[1] // 3
    moved = [
        np.abs(first - third)[:, k * panel + 15 : (k + 1) * panel - 15].mean() for k in range(3)
    ]
    assert moved[0] == 0 and min(moved[1:]) > 5
    film = next(read_frames(mp4, 0, 1)).astype(int)
    height, width = first.shape[:2]
    assert np.abs(film[:height, :width] - first).mean() < 8


def test_an_estimate_out_of_range_is_shown_all_the_same(tmp_path: Path) -> None:
    blurry, true, _ = sample(3)
    wild = np.where(true > 0.5, np.inf, np.nan)
    assert len(write_samples(tmp_path, "wild", blurry, true, wild, "")) == 3


def test_without_an_encoder_the_rest_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(movie, "ENCODERS", ())
    with pytest.raises(UnavailableError):
        write_samples(tmp_path, "a", *sample(3), "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "a.png"]


def test_samples_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    blurry, true, estimate = sample(3)
    for images in (
        (blurry[1:], true, estimate),
        (blurry, true, estimate[1:]),
        (blurry, true[0], estimate[0]),
        (to_uint8(blurry), to_uint8(true), to_uint8(estimate)),
    ):
        with pytest.raises(ValueError, match=r"shapes|floats"):
            write_samples(tmp_path, "a", *images, "")
    assert not list(tmp_path.iterdir())
