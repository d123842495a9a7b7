from __future__ import annotations

import base64
import html
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_bench import MadeRow, made_bench, made_run, moving_disc
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio

from deblurkit.errors import RunError
from deblurkit.evaluation.rows import NO_METHOD
from deblurkit.recipe import load_recipe
from deblurkit.report.page.differences import differences, settings
from deblurkit.report.page.pictures import encode_within, lossless, tiled
from deblurkit.report.page.render import _inside_script
from deblurkit.report.page.sample_clips import SampleClip, frame_psnr, sample_clips
from deblurkit.report.page.score_table import number, shown_table
from deblurkit.report.page.subject import duration, read_subject
from deblurkit.report.page.write import page_within, write_report
from deblurkit.report.table_view import Scale, shown_columns

CLIPS = [moving_disc(k, 7, 32) for k in range(3)]
ROWS = (
    MadeRow("sequential", 0.4, "families", also=("true-middle",)),
    MadeRow("independent", 0.9, "families", recipe="independent"),
    MadeRow("wide", 0.3, "sizes", "wider", overrides=("architecture.width=16",)),
    MadeRow("broken", 0.3, "sizes", failed="TrainingError: the loss is <b>nan</b>"),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_bench(tmp_path_factory.mktemp("bench") / "made", ROWS, CLIPS, seeds=(0, 1))


class Elements(HTMLParser):
    """Every element with its attributes; the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.open = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.open = ""

    def handle_data(self, data: str) -> None:
        if self.open == "script":
            self.scripts[-1] += data


def page_of(folder: Path, out: Path) -> tuple[str, dict[str, list[dict]]]:
    text = write_report([folder], out).path.read_text("utf-8")
    return text, json.loads(Elements(text).scripts[0])


def pixels(address: str) -> np.ndarray:
    kept = io.BytesIO(base64.b64decode(address.removeprefix("data:image/webp;base64,")))
    return np.asarray(Image.open(kept).convert("RGB"))


def test_a_page_holds_every_row_clip_and_number(bench: Path, tmp_path: Path) -> None:
    text, data = page_of(bench, tmp_path / "page.html")
    plain = html.unescape(text)
    for said in ("made-up", "what each part of the method is worth", "deblurkit/1", "wider"):
        assert said in plain
    assert [clip["name"] for clip in data["clips"]] == ["Clip 1", "Clip 2", "Clip 3"]
    expected = {"sequential", "sequential+true-middle", "independent", "wide"}
    assert all(set(clip["rows"]) == expected for clip in data["clips"])
    subject = read_subject([bench])
    for row in subject.table.rows:
        psnr = row.cells.get("psnr")
        if psnr is not None and psnr.value is not None and np.isfinite(psnr.value):
            assert f"{psnr.value:.2f}" in plain, row.key


def test_the_strips_of_the_page_are_the_files_bit_by_bit(bench: Path, tmp_path: Path) -> None:
    _, data = page_of(bench, tmp_path / "page.html")
    folder = bench / "runs/independent-s0/samples/strips"
    clip = data["clips"][1]
    assert (pixels(clip["true"]) == np.asarray(Image.open(folder / "clip-02.true.png"))).all()
    shown = pixels(clip["rows"]["independent"]["strip"])
    kept = np.asarray(Image.open(folder / "clip-02.estimate.png"))
    assert (shown == kept).all()
    true = np.asarray(Image.open(folder / "clip-02.true.png"))
    for t in range(7):
        part = slice(32 * t, 32 * t + 32)
        psnr = peak_signal_noise_ratio(true[:, part], kept[:, part])
        assert clip["rows"]["independent"]["psnr"][t] == pytest.approx(psnr, abs=1e-3)


def test_the_page_asks_for_nothing_outside_itself(bench: Path, tmp_path: Path) -> None:
    text, _ = page_of(bench, tmp_path / "page.html")
    elements = Elements(text)
    for tag, attributes in elements.found:
        assert tag not in ("link", "iframe", "object", "embed", "img"), tag
        assert "style" not in attributes and not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert (attributes.get(name) or "#").startswith("#"), attributes
    policy = next(a["content"] for _, a in elements.found if a.get("http-equiv"))
    assert policy is not None and policy.startswith("default-src 'none'; img-src data: blob:;")
    assert "unsafe" not in policy and len(re.findall("'sha256-", policy)) == 2
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("http-equiv", "")


def test_the_same_folder_gives_the_same_page(bench: Path, tmp_path: Path) -> None:
    pages = [write_report([bench], tmp_path / f"{k}.html").path.read_bytes() for k in range(2)]
    assert pages[0] == pages[1]


def test_a_failed_row_says_why(bench: Path, tmp_path: Path) -> None:
    text, _ = page_of(bench, tmp_path / "page.html")
    assert "the loss is &lt;b&gt;nan&lt;/b&gt;" in text
    assert "<b>nan" not in text


NASTY = "</script><script>alert(1)</script><!-- \" ' & \u2028 ]]>"


def test_nothing_that_a_run_says_becomes_markup(tmp_path: Path) -> None:
    title = NASTY.replace("\u2028", "")  # which a suite refuses
    row = MadeRow("x", 0.4, group=title, title=title, environment={"gpu": NASTY, NASTY: "a\nb"})
    other = MadeRow("y", 0.5, group=title, overrides=(f"summary={json.dumps(NASTY)}",))
    folder = made_bench(tmp_path / "b", [row, other], CLIPS[:1], summary=title)
    strips = folder / "runs/x-s0/samples/strips/clips.json"
    said = json.loads(strips.read_text())
    said["clips"][0]["source"] = NASTY
    strips.write_text(json.dumps(said))
    records = folder / "runs/x-s0/metrics.jsonl"
    record = {"phase": NASTY, "step": 1, "terms": {NASTY: 1.0, "inf": float("inf")}}
    records.write_text(json.dumps(record) + '\n{"phase": "cut sh')
    text, data = page_of(folder, tmp_path / "page.html")
    elements = Elements(text)
    assert len(elements.scripts) == 2  # the data, and the page's own
    assert "alert(1)" not in elements.scripts[1]
    assert data["clips"][0]["source"] == NASTY
    assert text.count("<!--") == 0
    assert text.count(html.escape("<script>alert(1)")) > 5  # shown, as text


@given(st.recursive(st.text() | st.floats(allow_nan=False, allow_infinity=False), st.lists))
def test_json_in_a_script_reads_back_and_cannot_end_it(value: object) -> None:
    text = str(_inside_script(value))
    assert json.loads(text) == value
    assert not set("<>&\u2028\u2029") & set(text)


def test_a_page_without_clips_says_how_to_get_them(tmp_path: Path) -> None:
    folder = made_run(tmp_path / "run", MadeRow("x", 0.4), 3, CLIPS, samples=0)
    written = write_report([folder])
    assert written.clips == 0 and written.path == folder / "report.html"
    text = written.path.read_text("utf-8")
    assert "evaluation.samples=6" in text and "<canvas" not in text


def test_a_run_alone_stands_beside_what_needs_no_method(tmp_path: Path) -> None:
    folder = made_run(tmp_path / "run", MadeRow("x", 0.4), 3, CLIPS)
    subject = read_subject([folder])
    assert subject.kind == "run" and subject.facts["Seed"] == "3"
    keys = [row.key for row in subject.table.rows]
    assert keys[:4] == [*NO_METHOD]
    method = "pairwise-middle"
    assert keys[4:] == [method, f"{method}+true-middle", f"{method}+reordered"]


def test_runs_are_compared_with_the_first_and_named_apart(tmp_path: Path) -> None:
    folders = [made_run(tmp_path / name, MadeRow(name, 0.4), 0, CLIPS) for name in ("a", "b")]
    subject = read_subject(folders)
    assert [method.key for method in subject.methods] == ["a", "b"]  # one recipe, two folders
    assert subject.table.row("b").reference == "a"
    assert subject.table.row("b").cells["difference"].value is not None


def test_clips_are_matched_by_their_pixels_and_not_by_their_names(tmp_path: Path) -> None:
    folders = [
        made_run(tmp_path / "a", MadeRow("a", 0.4), 0, CLIPS[:2]),
        made_run(tmp_path / "b", MadeRow("b", 0.5), 0, CLIPS[1:]),
        made_run(tmp_path / "c", MadeRow("c", 0.5), 0, [moving_disc(0, 3, 32)]),
    ]
    subject = read_subject(folders)
    clips, problems = sample_clips(subject.methods, [row.key for row in subject.table.rows])
    assert not problems
    methods = [{key for key in clip.rows if "+" not in key} for clip in clips]
    assert methods == [{"a"}, {"a", "b"}, {"b"}, {"c"}]
    assert [len(clip.true) for clip in clips] == [7, 7, 7, 3]
    few, _ = sample_clips(subject.methods, [row.key for row in subject.table.rows], 1)
    assert [len(clip.true) for clip in few] == [7, 7, 3]


def test_a_damaged_strip_is_left_out_and_said(tmp_path: Path) -> None:
    folder = made_run(tmp_path / "run", MadeRow("x", 0.4), 0, CLIPS)
    strips = folder / "samples/strips"
    (strips / "clip-01.estimate.png").write_bytes(b"\x89PNG")
    Image.new("RGB", (33, 32)).save(strips / "clip-02.estimate.png")
    (strips / "clip-03.true.png").unlink()
    written = write_report([folder])
    assert written.clips == 2 and len(written.notes) == 3
    text = written.path.read_text("utf-8")
    for said in ("clip-01", "33 pixels are not 7 frames", "clip-03.true.png"):
        assert any(said in note for note in written.notes) and said in text


def noisy_clip(name: str, rank: int, rows: int) -> SampleClip:
    rng = np.random.default_rng(rank)
    made = rng.integers(0, 256, (rows + 2, 5, 24, 24, 3), np.uint8)
    keys = {f"row {k}": made[k] for k in range(rows)}
    return SampleClip(name, "noise", made[-1][:1], made[-2], rank, keys)


def test_lossless_while_it_fits_then_compressed_then_fewer_clips_then_fewer_rows() -> None:
    clips = [noisy_clip(f"{test_set}{rank}", rank, 4) for test_set in "ab" for rank in range(3)]
    whole, notes = encode_within(clips, 10**9)
    assert len(whole) == 6 and not notes
    assert (pixels(whole[0].rows["row 2"]) == tiled(clips[0].rows["row 2"])[0]).all()
    size = sum(clip.size for clip in whole)
    assert encode_within(clips, size)[1] == ()

    packed, notes = encode_within(clips, size - 1)
    assert len(packed) == 6 and len(notes) == 1 and "quality 97" in notes[0]
    assert sum(clip.size for clip in packed) < size

    fewer, notes = encode_within(clips, size // 6)
    # The first of both test sets stay before the second of any.
    assert 1 < len(fewer) < 6
    assert {clip.clip.name for clip in fewer} >= {"a0", "b0"}
    assert len(notes) == 2 and "quality 75" in notes[0]
    assert f"{6 - len(fewer)} of 6 clips are left out" in notes[1]
    assert sum(clip.size for clip in fewer) <= size // 6

    single = size // 36
    one, notes = encode_within(clips, single)
    assert len(one) == 1 and len(one[0].rows) < 4 and len(notes) == 3
    assert f"{4 - len(one[0].rows)} of 4 rows" in notes[1]


def test_a_page_stays_within_its_size_and_says_what_is_missing(
    bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = read_subject([bench])
    whole, clips, notes = page_within(subject, 15_000_000)
    assert clips == 3 and not notes
    monkeypatch.setattr("deblurkit.report.page.write._LEAST_PICTURES", 0)
    for limit in (len(whole.encode()) - 50_000, len(whole.encode()) - 120_000):
        smaller, _, notes = page_within(subject, limit)
        assert len(smaller.encode()) <= limit
        assert notes and all(note in html.unescape(smaller) for note in notes)


@given(T=st.sampled_from([1, 3, 7, 15]), width=st.sampled_from([1, 3, 5000, 16_383]))
def test_strips_too_wide_for_webp_go_over_several_lines(T: int, width: int) -> None:
    frames = np.arange(T, dtype=np.uint8)[:, None, None, None] + np.zeros(
        (T, 2, width, 3), np.uint8
    )
    strip, across = tiled(frames)
    assert strip.shape[1] == across * width <= 16_383
    for t in range(T):
        line, column = divmod(t, across)
        part = strip[2 * line : 2 * line + 2, column * width : (column + 1) * width]
        assert (part == t).all() and part.shape == (2, width, 3)


def test_a_picture_goes_in_and_out_of_the_page_unchanged() -> None:
    image = np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8)
    assert (pixels(lossless(image)) == image).all()


def test_psnr_of_one_image_against_every_frame_and_of_no_error() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 256, (3, 8, 8, 3), np.uint8)
    blurry = rng.integers(0, 256, (1, 8, 8, 3), np.uint8)
    expected = [peak_signal_noise_ratio(frame, blurry[0]) for frame in true]
    assert frame_psnr(blurry, true) == pytest.approx(expected)
    assert frame_psnr(true, true) == [None] * 3


def test_recipes_differ_in_what_was_changed_and_nothing_else() -> None:
    plain = load_recipe("pairwise_middle", scale="smoke")
    changed = load_recipe(
        "pairwise_middle", scale="smoke", seed=5, overrides=("training.middle.steps=7",)
    )
    found = differences(changed, plain)
    assert [(d.key, d.after) for d in found] == [("training.middle.steps", "7")]
    assert differences(plain, plain) == ()
    other = load_recipe("independent", scale="smoke")
    gone = [d.key for d in differences(other, plain) if d.after is None]
    assert "loss.others.pairwise.weight" in gone
    back = {d.key: (d.after, d.before) for d in differences(plain, other)}
    assert back == {d.key: (d.before, d.after) for d in differences(other, plain)}


def test_environments_that_differ_come_first_with_their_rows() -> None:
    made = [(name, {"os": "x", "p": {"torch": version}}) for name, version in ("a1", "b2")]
    said = settings(made)
    assert [s.name for s in said] == ["p.torch", "os"]
    assert dict(said[0].values) == {"1": ("a",), "2": ("b",)}


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (None, False, "–"),
        (float("nan"), False, "–"),
        (float("inf"), False, "exact"),
        (25.126, False, "25.13"),
        (-0.5, True, "−0.50"),
        (0.5, True, "+0.50"),
        (-0.001, False, "0.00"),
    ],
)
def test_numbers_of_the_table(value: float | None, sign: bool, text: str) -> None:
    assert number(value, Scale(1.0, "dB", 2), sign=sign) == text


def test_the_page_marks_and_writes_numbers_as_the_other_tables_do(bench: Path) -> None:
    table = read_subject([bench]).table
    page = shown_table(table, {})
    cells = {(r.row.key, c.column.key): c for _, rows in page.groups for r in rows for c in r.cells}
    units = {column.key: unit for column, _, unit in page.columns}
    assert units["parameters"] == "M" and units["inference-memory"] == "MiB"
    for column in table.columns:
        (other,) = shown_columns(table, [column], "none")
        assert units[column.key] == other.unit
        for row in table.rows:
            cell = cells[row.key, column.key]
            assert cell.best == (row.key in other.best)
            if cell.value is not None:
                assert cell.text.replace("−", "-") == other.texts[row.key]
    # Each group has a best of its own.
    best = {key for (key, column), cell in cells.items() if column == "psnr" and cell.best}
    assert "sequential" in best and "independent" not in best


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "under 1 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (200, "3 min 20 s"),
        (7200, "2 h"),
        (7499, "2 h 5 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_what_is_neither_run_nor_bench_is_refused(bench: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run = bench / "runs/wide-s0"
    for folders, said in (
        ([tmp_path / "empty"], "neither a run directory nor a bench"),
        ([tmp_path / "not there"], "neither a run directory nor a bench"),
        ([bench, run], "stands for all its runs"),
        ([run, run], "named twice"),
    ):
        with pytest.raises(RunError, match=said):
            write_report(folders, tmp_path / "page.html")
    with pytest.raises(RunError, match="not scored under 'other'"):
        write_report([run], tmp_path / "page.html", protocol="other")
    assert not (tmp_path / "page.html").exists()
