"""Building the benchmark table: rows, columns, numbers, differences, and what it says of gaps."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_tables import LPIPS_WHY, MADE_COLUMNS, MADE_COST, made_run, made_sheet

from deblurkit.errors import DataError, DeblurkitError, RunError
from deblurkit.evaluation.measures import Column, Measure, ScoreSheet, merged
from deblurkit.report.page.score_table import shown_table
from deblurkit.report.table_view import shown_columns
from deblurkit.study.bootstrap import difference, estimate
from deblurkit.study.entries import Entry, SheetRecord
from deblurkit.study.other_systems import as_record, read_sheet
from deblurkit.study.table import Table
from deblurkit.study.table_build import build_table


def table_of(*entries: Entry) -> Table:
    return build_table(entries, title="made", protocol="made")


PAIRWISE = Entry(
    "pairwise",
    "pairwise, without middle",
    {0: made_run(24), 1: made_run(24.3, seed=1)},
    reference="sequential",
    also=("true-middle", "reordered"),
)
SEQUENTIAL = Entry(
    "sequential", runs={0: made_run(26), 1: made_run(26.2, seed=1)}, reference="sequential"
)


def test_rows_stand_group_by_group_behind_what_needs_no_method() -> None:
    far = Entry("far", runs={0: made_run(20)}, group="others")
    table = table_of(
        replace(PAIRWISE, group="families"), far, replace(SEQUENTIAL, group="families")
    )
    assert [(row.key, row.kind, row.group) for row in table.rows] == [
        ("blurry", "reference", "for comparison"),
        ("frozen-middle", "reference", "for comparison"),
        ("mean-of-both", "reference", "for comparison"),
        ("truth", "reference", "for comparison"),
        ("pairwise", "method", "families"),
        ("pairwise+true-middle", "given", "families"),
        ("pairwise+reordered", "given", "families"),
        ("sequential", "method", "families"),
        ("far", "method", "others"),
    ]
    assert table.row("pairwise+true-middle").title == "pairwise, without middle, true middle given"
    assert table.row("pairwise+reordered").title.endswith(", pairs reordered by hand")
    assert table.row("far").title == "far"
    assert table.protocol == "made/1"


def test_a_network_that_adds_nothing_is_said_once() -> None:
    sizes = (0.01, 0.0, 0.01, 0.01, 0.0)
    dead = Entry(
        "dead", runs={0: made_run(25), 1: made_run(25, seed=1, residuals=sizes)},
        also=("true-middle",),
    )  # fmt: skip
    table = table_of(dead, SEQUENTIAL)
    said = [note for note in table.notes if "adds nothing" in note]
    assert len(said) == 1 and said[0].startswith("dead: frames 2, 5:")
    assert not table.row("sequential").note


def test_columns_are_the_protocols_then_the_difference_then_costs() -> None:
    table = table_of(PAIRWISE, SEQUENTIAL)
    frames = [f"psnr-frame:{i}" for i in range(1, 6)]
    assert [c.key for c in table.columns] == [
        "psnr", "difference", *frames, "lpips", "flow-error", "recall", "psnr-pixel",
        "parameters", "training-seconds", "inference-seconds", "inference-memory",
    ]  # fmt: skip
    columns = {c.key: c for c in table.columns}
    assert columns["psnr-frame:3"].frame == 3 and columns["psnr"].frame is None
    assert columns["difference"].unit == "dB" and columns["difference"].higher_is_better
    assert columns["parameters"].higher_is_better is False


def test_a_row_is_pooled_over_seeds_with_the_interval_over_both() -> None:
    row = table_of(PAIRWISE, SEQUENTIAL).row("pairwise")
    sheets = {seed: run.sheets["estimate"] for seed, run in PAIRWISE.runs.items()}
    for key in ("psnr", "recall"):
        (said,) = estimate(sheets, key)
        cell = row.cells[key]
        assert (cell.value, cell.low, cell.high) == (said.value, said.low, said.high)
        assert cell.value == pytest.approx(merged(list(sheets.values())).values(key)[0])
    assert row.cells["psnr-frame:2"].value == pytest.approx(
        merged(list(sheets.values())).values("psnr-frame")[1]
    )
    assert row.seeds == (0, 1) and row.clips == 8


def test_differences_are_paired_with_the_reference_row() -> None:
    table = table_of(PAIRWISE, SEQUENTIAL)
    ours, theirs = (
        {seed: run.sheets["estimate"] for seed, run in entry.runs.items()}
        for entry in (PAIRWISE, SEQUENTIAL)
    )
    (said,) = difference(ours, theirs, "psnr")
    cell = table.row("pairwise").cells["difference"]
    assert (cell.value, cell.low, cell.high) == (said.value, said.low, said.high)
    assert cell.high is not None and cell.high < 0
    own = table.row("sequential").cells["difference"]
    assert own.value is None and own.note == "the reference"
    helped = table.row("pairwise+true-middle").cells["difference"].value
    assert helped is not None and cell.value is not None and helped > cell.value
    # The blurry image has no seed: it is compared with all seeds of the reference.
    blurry = table.row("blurry")
    assert blurry.reference == "sequential" and blurry.seeds == ()
    expected = blurry.cells["psnr"].value - table.row("sequential").cells["psnr"].value
    assert blurry.cells["difference"].value == pytest.approx(expected)
    assert "Δ PSNR is the difference to 'sequential'." in table.notes


def test_a_row_may_be_compared_with_any_other() -> None:
    entries = [replace(PAIRWISE, reference=ref) for ref in ("blurry", "sequential+true-middle")]
    for entry in entries:
        table = table_of(entry, replace(SEQUENTIAL, also=("true-middle",)))
        row, other = table.row("pairwise"), table.row(entry.reference)
        expected = row.cells["psnr"].value - other.cells["psnr"].value
        assert row.cells["difference"].value == pytest.approx(expected)
    assert "difference" not in table_of(replace(PAIRWISE, reference="")).row("pairwise").cells


def test_the_truth_is_without_error_and_without_difference() -> None:
    truth = table_of(PAIRWISE, SEQUENTIAL).row("truth")
    assert truth.cells["psnr"].value == math.inf and truth.cells["psnr"].low is None
    assert truth.cells["difference"].value is None


def test_other_clips_and_other_lengths_stand_in_the_table_without_difference() -> None:
    short = Entry("t3", "T = 3", {0: made_run(28, T=3)}, reference="sequential")
    table = table_of(SEQUENTIAL, short)
    row = table.row("t3")
    assert row.cells["difference"].value is None
    assert row.cells["difference"].note == "other clips"
    assert "psnr-frame:3" in row.cells and "psnr-frame:4" not in row.cells
    assert row.cells["psnr"].value == pytest.approx(28, abs=1)
    references = [r.key for r in table.rows if r.kind == "reference"]
    assert references == [
        "blurry", "frozen-middle", "mean-of-both", "truth",
        "blurry@t3", "frozen-middle@t3", "mean-of-both@t3", "truth@t3",
    ]  # fmt: skip
    assert table.row("blurry").title.endswith("T = 5")
    assert table.row("blurry@t3").title.endswith("T = 3")
    assert table.row("blurry@t3").test_set == row.test_set
    assert "difference" not in table.row("blurry@t3").cells
    assert any("other clips" in note for note in table.notes)


def test_reference_rows_of_a_second_test_set_are_compared_within_it() -> None:
    a, b = (
        Entry(name, runs={0: made_run(q, T=3)}, reference="short")
        for name, q in (("short", 28), ("shorter", 27))
    )
    table = table_of(SEQUENTIAL, a, b)
    assert table.row("blurry@short").reference == "short"
    assert table.row("blurry@short").cells["difference"].value is not None


def test_the_same_length_on_other_clips_is_told_apart() -> None:
    other = Entry("other", runs={0: made_run(25, test_set="mine")}, reference="sequential")
    table = table_of(SEQUENTIAL, other)
    assert table.row("other").cells["difference"].note == "other clips"
    assert table.row("blurry").title.endswith("clips of sequential")
    assert table.row("blurry@other").title.endswith("clips of other")


def test_seeds_that_only_one_has_are_left_out_of_the_difference_and_it_says_so() -> None:
    one = replace(PAIRWISE, runs={0: PAIRWISE.runs[0]}, missing=(1,))
    table = table_of(one, SEQUENTIAL)
    cell = table.row("pairwise").cells["difference"]
    (said,) = difference(
        {0: PAIRWISE.runs[0].sheets["estimate"]}, {0: SEQUENTIAL.runs[0].sheets["estimate"]}, "psnr"
    )
    assert cell.value == said.value and cell.note == "the seeds that both have, 0"
    assert table.row("pairwise").note == "seed 1 not run yet"
    assert any(note.endswith("over the seeds that both have, 0") for note in table.notes)


def test_what_is_not_available_is_said_once() -> None:
    table = table_of(PAIRWISE, SEQUENTIAL)
    assert table.row("pairwise").cells["lpips"].value is None
    assert table.row("pairwise").cells["lpips"].note == f"not available: {LPIPS_WHY}"
    assert [note for note in table.notes if "LPIPS" in note] == [
        f"LPIPS: not available: {LPIPS_WHY}"
    ]


def test_what_only_some_rows_have_names_those_without() -> None:
    there = Entry("there", runs={0: made_run(25, lpips="")}, reference="sequential")
    table = table_of(SEQUENTIAL, there)
    assert table.row("there").cells["lpips"].value is not None
    (note,) = (note for note in table.notes if "LPIPS" in note)
    assert "'sequential'" in note and "'there'" not in note


def test_costs_are_of_one_training_and_the_same_weights_cost_once() -> None:
    slow = replace(MADE_COST, training_seconds=1100.0, inference_seconds=0.71)
    entry = Entry(
        "m", runs={0: made_run(24), 1: made_run(24, seed=1, cost=slow)}, also=("reordered",)
    )
    table = table_of(entry)
    cells = table.row("m").cells
    assert cells["parameters"].value == MADE_COST.parameters
    assert cells["training-seconds"].value == pytest.approx(1000)
    assert cells["inference-seconds"].value == pytest.approx(0.66)
    assert cells["inference-memory"].value == MADE_COST.inference_memory
    assert "parameters" not in table.row("m+reordered").cells
    assert "parameters" not in table.row("blurry").cells
    assert f"Inference was measured on {MADE_COST.measured_on}." in table.notes


def test_times_of_different_machines_are_not_silently_put_side_by_side() -> None:
    other = replace(MADE_COST, measured_on="a GPU")
    table = table_of(SEQUENTIAL, Entry("fast", runs={0: made_run(24, cost=other)}))
    (note,) = (note for note in table.notes if "Inference" in note)
    assert "cannot be compared" in note and "a GPU: 'fast'" in note
    unmeasured = replace(MADE_COST, inference_seconds=None, inference_memory=None)
    table = table_of(Entry("m", runs={0: made_run(24, cost=unmeasured)}))
    assert table.row("m").cells["inference-seconds"].note == "not measured"


def test_failed_and_missing_rows_stand_in_the_table() -> None:
    failed = Entry("failed", failures={0: "the loss is\nnot finite"}, reference="sequential",
                   also=("reordered",))  # fmt: skip
    half = replace(PAIRWISE, runs={0: made_run(24)}, failures={1: "no room"}, missing=(2,))
    missing = Entry("missing", missing=(0, 1), reference="sequential")
    table = table_of(SEQUENTIAL, failed, half, missing)
    assert table.row("failed").cells == {} and table.row("failed").clips == 0
    assert table.row("failed").note == "failed: the loss is not finite"
    assert table.row("pairwise").note == "seed 1 failed: no room; seed 2 not run yet"
    assert table.row("missing").note == "not run yet"
    said = [note for note in table.notes if note.startswith(("failed", "pairwise, w", "missing"))]
    assert said[-3:] == [
        "failed: failed: the loss is not finite",
        "pairwise, without middle: seed 1 failed: no room; seed 2 not run yet",
        "missing: not run yet",
    ]


def test_a_failed_reference_leaves_numbers_without_difference() -> None:
    table = table_of(PAIRWISE, Entry("sequential", failures={0: "no"}, reference="sequential"))
    cell = table.row("pairwise").cells["difference"]
    assert cell.value is None and cell.note == "the reference has no numbers"
    assert table.row("pairwise").cells["psnr"].value is not None


def test_a_table_of_nothing_but_failures_is_a_table() -> None:
    failed = [Entry(name, failures={0: "no"}, reference="blurry") for name in ("a", "b")]
    table = table_of(*failed)
    assert (table.protocol, table.columns) == ("made", ())
    assert [row.key for row in table.rows] == ["a", "b"]


def test_rows_without_the_scores_of_also_say_so() -> None:
    run = made_run(24)
    sheets = {name: sheet for name, sheet in run.sheets.items() if name != "reordered"}
    table = table_of(Entry("m", runs={0: replace(run, sheets=sheets)}, also=("reordered",)))
    assert table.row("m+reordered").note == "not scored: pairs reordered by hand"


def test_a_clip_without_weight_leaves_an_empty_cell_with_a_note() -> None:
    sheet = made_sheet(24)
    said = sheet.to_json()
    said["totals"]["recall"] = said["weights"]["recall"] = [[0.0]] * 8
    still = type(sheet).from_json(said)
    run = made_run(24, sheets={"estimate": still})
    cell = table_of(Entry("m", runs={0: run})).row("m").cells["recall"]
    assert cell.value is None and "no clip" in cell.note


def test_a_method_may_be_called_like_a_reference_row() -> None:
    table = table_of(Entry("blurry", runs={0: made_run(24)}))
    assert [row.key for row in table.rows] == [
        "blurry@blurry", "frozen-middle", "mean-of-both", "truth", "blurry"
    ]  # fmt: skip


def test_different_protocols_or_versions_are_refused() -> None:
    other = Entry("other", runs={0: made_run(24, protocol="made/2")})
    with pytest.raises(RunError, match="different protocols or versions") as found:
        table_of(SEQUENTIAL, other)
    assert "made/1: sequential" in str(found.value) and "made/2: other" in str(found.value)


def test_one_key_with_two_meanings_is_refused() -> None:
    columns = tuple(replace(c, unit="m") if c.key == "flow-error" else c for c in MADE_COLUMNS)
    with pytest.raises(RunError, match="'flow-error'"):
        table_of(SEQUENTIAL, Entry("other", runs={0: made_run(24, columns=columns)}))


@pytest.mark.parametrize(
    "how", [{"test_set": "other"}, {"clips": 7, "test_set": "clips of 5 frames"}]
)
def test_seeds_on_different_clips_are_no_row(how: dict[str, object]) -> None:
    entry = Entry("m", runs={0: made_run(24), 1: made_run(24, seed=1, **how)})  # type: ignore[arg-type]
    with pytest.raises(RunError, match="seeds 0, 1 were scored on different clips"):
        table_of(entry)


def test_a_reference_that_is_no_row_names_the_rows() -> None:
    with pytest.raises(DeblurkitError, match="did you mean 'sequential'"):
        table_of(replace(PAIRWISE, reference="sequentail"), SEQUENTIAL)
    with pytest.raises(ValueError, match="same key"):
        table_of(PAIRWISE, PAIRWISE)


def test_another_system_is_paired_where_clips_and_weights_are_the_same() -> None:
    run = made_run(26)
    same = as_record(made_sheet(27), [Entry("ours", runs={0: run})])
    assert same.test_set == run.test_set
    # Names and weights agree, but neither side says what its true frames are.
    assert "not known to be the same as those of 'ours'" in same.note
    table = table_of(
        Entry("ours", runs={0: run, 1: made_run(26, seed=1)}, reference="ours"),
        Entry("theirs", runs={0: same}, reference="ours", seedless=True),
    )
    row = table.row("theirs")
    assert row.seeds == () and row.kind == "method" and "parameters" not in row.cells
    expected = row.cells["psnr"].value - table.row("ours").cells["psnr"].value
    assert row.cells["difference"].value == pytest.approx(expected)
    assert row.cells["difference"].note == ""
    assert row.note == same.note and f"theirs: {same.note}" in table.notes


def marked(sheet: ScoreSheet, mark: str) -> ScoreSheet:
    """The same scores, of clips with these true frames."""
    sheet.true_frames = [f"{mark}{k}" for k in range(len(sheet.clips))]
    return sheet


def test_true_frames_say_whether_another_system_was_scored_on_the_same_clips() -> None:
    plain = tuple(c for c in MADE_COLUMNS if c.key != "recall")  # nothing else says it
    run = made_run(26, columns=plain)
    for sheet in run.sheets.values():
        marked(sheet, "a")
    ours = Entry("ours", runs={0: run}, reference="ours")
    known = as_record(marked(made_sheet(27, columns=plain), "a"), [ours])
    assert (known.test_set, known.note) == (run.test_set, "")
    other = as_record(marked(made_sheet(27, columns=plain), "b"), [ours])
    assert other.test_set != run.test_set
    table = table_of(ours, *(
        Entry(name, runs={0: record}, reference="ours", seedless=True)
        for name, record in (("known", known), ("other", other))
    ))  # fmt: skip
    assert table.row("known").cells["difference"].value is not None
    assert table.row("other").cells["difference"].note == "other clips"
    said = "its clips are called as those of 'ours', but their true frames are others"
    assert table.row("other").note == said and f"other: {said}" in table.notes
    # A sheet that does not say so is not taken for one of either.
    unsaid = as_record(made_sheet(27, columns=plain), [ours, Entry("known", runs={0: known})])
    assert unsaid.test_set == run.test_set or "no difference" in unsaid.note
    assert "not known to be the same" in unsaid.note


def test_rows_that_were_reblurred_differently_say_so() -> None:
    column = Column("reblur-psnr", "re-blur PSNR", "made", unit="dB", scale="psnr")
    sheets = []
    for settings in ({"response": "identity"}, {"response": "gamma", "gamma": 2.4}, {}):
        sheet = ScoreSheet("made/1", 3, (column,), settings=settings)
        for k in range(2):
            sheet.add(str(k), {"reblur-psnr": Measure(0.1)}, f"mark {k}")
        sheets.append(sheet)
    entries = [Entry("first", runs={0: SheetRecord({"estimate": sheets[0]}, "one")})]
    for name, sheet in zip(("again", "curved", "old"), [sheets[0], *sheets[1:]], strict=True):
        entries.append(Entry(name, runs={0: as_record(sheet, entries)}, seedless=True))
    (note,) = (n for n in table_of(*entries).notes if n.startswith("Re-blur PSNR"))
    assert "most were re-blurred with response identity" in note
    assert "response gamma 2.4: 'curved'" in note and "not known: 'old'" in note
    assert not any(n.startswith("Re-blur") for n in table_of(*entries[:2]).notes)


def test_a_frame_that_was_given_is_told_from_one_without_error() -> None:
    run = made_run(26)
    for row in ("true-middle", "frozen-middle"):
        for measures in run.sheets[row]._totals["psnr-frame"]:
            measures[2] = 0.0
    table = table_of(Entry("m", runs={0: run}, also=("true-middle", "reordered")))
    middle, first = (next(c for c in table.columns if c.key == f"psnr-frame:{i}") for i in (3, 1))
    assert {row.key for row in table.rows if row.is_given(middle)} == {
        "m+true-middle", "frozen-middle",
    }  # fmt: skip
    assert not any(row.is_given(first) for row in table.rows)
    shown, page = shown_columns(table, [middle])[0], shown_table(table, {})
    on_page = {
        r.row.key: {c.column.key: c.text for c in r.cells} for _, g in page.groups for r in g
    }
    for key, said in {"m+true-middle": "true", "frozen-middle": "true", "truth": "exact"}.items():
        assert shown.texts[key] == on_page[key][middle.key] == said
    assert "'exact' stands where there is no error at all." in table.notes
    assert "In columns of single frames, 'true' marks a frame that was given." in table.notes


def test_another_system_on_clips_with_the_same_names_alone_is_not_paired_with_a_run() -> None:
    run = made_run(26)
    sheet = made_sheet(27)
    for k, weight in enumerate(sheet.sums("recall")[1]):  # other true motion: other clips
        sheet._weights["recall"][k] = (1.5 * weight).tolist()
    found = as_record(sheet, [Entry("ours", runs={0: run})])
    assert found.test_set != run.test_set and "true frames are others" in found.note
    plain = tuple(c for c in MADE_COLUMNS if c.key != "recall")
    unknown = Entry("ours", runs={0: made_run(26, columns=plain)})
    found = as_record(made_sheet(27, columns=plain), [unknown])
    assert found.test_set != run.test_set and "so there is no difference" in found.note
    # Among other systems, scored against the same folder of truth, names are what there is.
    first = SheetRecord({"estimate": made_sheet(27, columns=plain)}, "theirs")
    found = as_record(made_sheet(25, columns=plain), [Entry("first", runs={0: first})])
    assert found.test_set == "theirs" and "not known" in found.note


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clips": [1, 2]}, "no score sheet"),
        ({"protocol": 3}, "no score sheet"),
        ({"protocol": "made/1\x1b[31m"}, "has the control character U\\+001B"),
        ({"unavailable": {"lpips": "two\nlines"}}, "has a line break"),
        ({"true_frames": ["a"]}, "1 marks of true frames"),
    ],
)
def test_a_score_sheet_with_other_things_in_it_is_a_message(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    path = tmp_path / "sheet.json"
    path.write_text(json.dumps(made_sheet(25, clips=2).to_json() | change))
    with pytest.raises(DataError, match=said):
        read_sheet(path)


def test_names_in_a_score_sheet_match_however_accents_are_stored(tmp_path: Path) -> None:
    said = made_sheet(25, clips=2).to_json() | {"clips": ["cafe\u0301", "b"]}
    (tmp_path / "sheet.json").write_text(json.dumps(said))
    assert read_sheet(tmp_path / "sheet.json").clips == ["caf\xe9", "b"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"protocol": 3}', "no json"])
def test_a_file_that_is_no_score_sheet_is_a_message(tmp_path, text: str) -> None:
    path = tmp_path / "sheet.json"
    with pytest.raises(DataError, match="cannot be read"):
        read_sheet(path)
    path.write_text(text)
    with pytest.raises(DataError, match="no score sheet"):
        read_sheet(path)


def test_more_clips_make_narrower_intervals() -> None:
    def width(clips: int) -> float:
        cell = table_of(Entry("m", runs={0: made_run(24, clips=clips)})).row("m").cells["psnr"]
        assert cell.low is not None and cell.high is not None
        return cell.high - cell.low

    assert width(128) < 0.5 * width(8)
    assert not np.isnan(width(2))


def test_what_is_helped_is_compared_with_its_reference_helped_alike() -> None:
    both = [replace(entry, also=("true-middle",)) for entry in (PAIRWISE, SEQUENTIAL)]
    table = table_of(*both)
    assert table.row("pairwise").reference == "sequential"
    helped = table.row("pairwise+true-middle")
    assert helped.reference == "sequential+true-middle"
    psnr = [
        table.row(f"{key}+true-middle").cells["psnr"].value for key in ("pairwise", "sequential")
    ]
    assert helped.cells["difference"].value == pytest.approx(psnr[0] - psnr[1])
    # The reference's own is compared with the reference: what the help is worth.
    assert table.row("sequential+true-middle").reference == "sequential"
    # Where the reference has no such row, with the reference itself.
    alone = table_of(both[0], replace(SEQUENTIAL, also=()))
    assert alone.row("pairwise+true-middle").reference == "sequential"
