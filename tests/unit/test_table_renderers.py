"""The table drawn: terminal, Markdown, CSV, JSON, LaTeX, and what all of them share."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_tables import made_run
from rich.cells import cell_len
from rich.console import Console

from deblurkit.errors import DeblurkitError
from deblurkit.report.table_csv import csv_text
from deblurkit.report.table_files import write_tables
from deblurkit.report.table_json import json_text, table_from_json
from deblurkit.report.table_latex import latex_text
from deblurkit.report.table_markdown import markdown_text
from deblurkit.report.table_terminal import plain_text, print_table
from deblurkit.report.table_view import Scale, choose_columns, number, scale_of, shown_columns
from deblurkit.study.entries import Entry
from deblurkit.study.table import Cell, RowKind, Table, TableColumn, TableRow
from deblurkit.study.table_build import build_table


@pytest.fixture(scope="module")
def study() -> Table:
    """A table with everything that a table can have."""
    entries = (
        Entry("a_b", "50 % of a_b & c", {0: made_run(24), 1: made_run(24.2, seed=1)}, "families",
              "seq", ("true-middle",)),
        Entry("seq", "sequential", {0: made_run(26), 1: made_run(26.1, seed=1)}, "families", "seq"),
        Entry("t3", "T = 3 | short", {0: made_run(28, T=3)}, "lengths", "seq"),
        Entry("bad", "failed one", {}, "lengths", "seq", failures={0: "no <finite> loss_x"}),
        Entry("later", "not yet", {}, "lengths", "seq", missing=(0,)),
    )  # fmt: skip
    return build_table(entries, title="A study", protocol="made")


def simple(
    *values: float | None, better: bool | None = True, digits: int = 2, kind: RowKind = "method"
) -> Table:
    """One column, a row for each value, one group."""
    rows = tuple(
        TableRow(f"r{k}", f"row {k}", kind, "g", "", "set", {"c": Cell(value)})
        for k, value in enumerate(values)
    )
    column = TableColumn("c", "column", "said", "", better, digits)
    return Table("t", "p/1", (column,), rows)


def shown(table: Table, row: str, column: str = "psnr") -> str:
    """One cell as it is drawn."""
    return shown_columns(table, choose_columns(table, [column]))[0].texts[row]


def best(table: Table) -> set[str]:
    return set(shown_columns(table, table.columns)[0].best)


# --- what all share


@pytest.mark.parametrize(
    ("values", "better", "expected"),
    [
        ((1.0, 3.0, 2.0), True, {"r1"}),
        ((1.0, 3.0, 2.0), False, {"r0"}),
        ((1.0, 3.0, 2.0), None, set()),
        ((3.0, 3.0, 2.0), True, {"r0", "r1"}),
        ((3.001, 3.0, 2.0), True, {"r0", "r1"}),  # look the same with two digits
        ((3.0, 3.0), True, set()),  # all are best: nobody is
        ((3.0,), True, set()),
        ((None, 3.0, 2.0), True, {"r1"}),
        ((None, 3.0), True, set()),
        ((math.inf, 3.0), True, {"r0"}),
        ((math.inf, 3.0), False, {"r1"}),
        ((-1.0, -2.0), True, {"r0"}),
        ((), True, set()),
    ],
)
def test_the_best_of_a_column(
    values: tuple[float | None, ...], better: bool | None, expected: set[str]
) -> None:
    assert best(simple(*values, better=better)) == expected


def test_the_best_is_among_methods_of_one_group_on_the_same_clips() -> None:
    table = simple(1.0, 2.0, 3.0, 4.0)
    a, b, c, d = table.rows
    helped, none = replace(c, kind="given"), replace(d, kind="reference")
    assert best(replace(table, rows=(a, b, helped, none))) == {"r1"}
    assert best(replace(table, rows=(a, b, replace(c, group="h"), replace(d, group="h")))) == {
        "r1", "r3",
    }  # fmt: skip
    others = (a, b, replace(c, test_set="other"), replace(d, test_set="other"))
    assert best(replace(table, rows=others)) == {"r1", "r3"}
    cost = replace(table.columns[0], source="cost", unit="s")
    assert best(replace(table, columns=(cost,), rows=others)) == {"r3"}


def test_a_cost_too_small_to_scale_is_drawn() -> None:
    table = simple(5e-324, 2.0**20)
    cost = replace(table.columns[0], source="cost", unit="B")
    assert scale_of(table, cost) == Scale(2.0**-20, "MiB", 2)


def test_no_difference_is_best_where_the_reference_is_better(study: Table) -> None:
    (column,) = choose_columns(study, ["difference"])
    assert shown_columns(study, [column])[0].best == frozenset()  # sequential wins, the others lose
    assert shown_columns(study, choose_columns(study, ["psnr"]))[0].best == {"seq"}


@pytest.mark.parametrize(
    ("value", "digits", "sign", "text"),
    [
        (25.314, 2, False, "25.31"),
        (25.314, 2, True, "+25.31"),
        (-0.001, 2, False, "0.00"),
        (-0.001, 2, True, "+0.00"),
        (0.5, 0, False, "0"),
        (math.inf, 2, False, "exact"),
        (-math.inf, 2, False, "-inf"),
        (123456.7, 1, False, "123456.7"),
        (1.23456e12, 2, False, "1.235e+12"),
    ],
)
def test_numbers(value: float, digits: int, sign: bool, text: str) -> None:
    assert number(value, digits, sign=sign) == text


@pytest.mark.parametrize(
    ("key", "unit", "values", "texts", "shown_unit"),
    [
        ("parameters", "", (4_972_032, 16_977_408), ["4.97", "16.98"], "M"),
        ("parameters", "", (66_912, 12_000), ["66.9", "12.0"], "k"),
        ("parameters", "", (912, 37), ["912", "37"], ""),
        ("training-seconds", "s", (36_000, 12_600), ["10.00", "3.50"], "h"),
        ("training-seconds", "s", (1_234, 600), ["20.6", "10.0"], "min"),
        ("training-seconds", "s", (9.5, 4.25), ["9.50", "4.25"], "s"),
        ("inference-seconds", "s", (0.61, 0.24), ["610", "240"], "ms"),
        ("inference-memory", "B", (3 * 2**30, 2**30), ["3.00", "1.00"], "GiB"),
        ("inference-memory", "B", (300 * 2**20, 150 * 2**20), ["300", "150"], "MiB"),
        ("parameters", "", (5_000_000, 100), ["5.000", "0.000"], "M"),
    ],
)
def test_costs_are_drawn_in_a_unit_that_suits_them(
    key: str, unit: str, values: tuple[float, ...], texts: list[str], shown_unit: str
) -> None:
    table = simple(*values)
    column = TableColumn("c", key, "said", unit, False, 0, "cost")
    (drawn,) = shown_columns(table, [column])
    assert list(drawn.texts.values()) == texts and drawn.unit == shown_unit


def test_columns_are_chosen_by_key(study: Table) -> None:
    def keys(*asked: str) -> list[str]:
        return [c.key for c in choose_columns(study, asked)]

    assert keys() == [
        "psnr", "difference", "flow-error", "recall", "psnr-pixel",
        "parameters", "training-seconds", "inference-seconds", "inference-memory",
    ]  # fmt: skip
    assert keys("recall", "psnr") == ["recall", "psnr"]
    assert keys("psnr-frame") == [f"psnr-frame:{i}" for i in range(1, 6)]
    assert keys("psnr-frame:2", "psnr-frame:2") == ["psnr-frame:2"]
    assert keys("all") == [c.key for c in study.columns]
    with pytest.raises(DeblurkitError, match="did you mean 'recall'") as found:
        keys("psnr", "recal")
    assert "psnr-frame" in str(found.value) and "psnr-frame:" not in str(found.value)


def test_intervals_are_drawn_as_asked(study: Table) -> None:
    columns = choose_columns(study, ["psnr", "difference"])

    def drawn(intervals: str) -> list[bool]:
        found = shown_columns(study, columns, intervals)  # type: ignore[arg-type]
        return ["[" in column.texts["a_b"] for column in found]

    assert drawn("difference") == [False, True]
    assert drawn("all") == [True, True]
    assert drawn("none") == [False, False]
    cell = study.row("a_b").cells["difference"]
    assert cell.low is not None and cell.high is not None
    text = shown_columns(study, columns)[1].texts["a_b"]
    assert text == f"{cell.value:+.2f} [{cell.low:+.2f}, {cell.high:+.2f}]"


# --- terminal


TITLES = st.text(
    st.characters(whitelist_categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=60
)
VALUES = st.none() | st.floats(-1e12, 1e12) | st.sampled_from([math.inf, 0.0, 1e-9, 25.3])


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = tuple(
        TableColumn(
            f"c{k}", draw(TITLES), "said", draw(st.sampled_from(["", "dB", "px", "s", "B"])),
            draw(st.sampled_from([True, False, None])), draw(st.integers(0, 4)),
            draw(st.sampled_from(["protocol", "difference", "cost"])),
        )
        for k in range(draw(st.integers(0, 12)))
    )  # fmt: skip

    def cell() -> Cell:
        value = draw(VALUES)
        if value is None or math.isinf(value):
            return Cell(value, note=draw(st.sampled_from(["", "the reference", "other clips"])))
        spread = draw(st.sampled_from([None, 0.0, abs(value), 1.0]))
        return Cell(value) if spread is None else Cell(value, value - spread, value + spread)

    rows = tuple(
        TableRow(
            f"r{k}", draw(TITLES), draw(st.sampled_from(["method", "given", "reference"])),
            draw(st.sampled_from(["", "one group", "another"])), "", "set",
            {c.key: cell() for c in columns if draw(st.booleans())},
            note=draw(st.sampled_from(["", "failed: no", "not run yet"])),
        )
        for k in range(draw(st.integers(0, 5)))
    )  # fmt: skip
    return Table(draw(TITLES), "made/1", columns, rows, tuple(draw(st.lists(TITLES, max_size=2))))


@settings(max_examples=120)
@given(tables(), st.integers(80, 160), st.booleans(), st.sampled_from(["difference", "all"]))
def test_the_terminal_never_exceeds_its_width_nor_cuts_a_number(
    table: Table, width: int, everything: bool, intervals: str
) -> None:
    asked = ["all"] if everything and table.columns else []
    text = plain_text(table, asked, intervals, width=width)  # type: ignore[arg-type]
    assert all(cell_len(line) <= width for line in text.splitlines())
    (*_, last) = ["", *re.findall(r"Not shown: ((?:.|\n)*) \(--columns", text)]
    hidden = set() if asked else {key.strip() for key in last.replace("\n", " ").split(",")}
    visible = [
        column
        for column in shown_columns(table, choose_columns(table, asked), intervals)  # type: ignore[arg-type]
        if column.column.key not in hidden
    ]
    expected = Counter(t for c in visible for said in c.texts.values() for t in said.split())
    there = Counter(text.split())
    assert not expected - there, f"cut or missing: {expected - there}"


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_the_terminal_leaves_out_what_does_not_fit_and_says_how_to_see_it(
    study: Table, width: int
) -> None:
    text = plain_text(study, width=width)
    assert re.search(r"PSNR +Δ PSNR", text)
    assert re.search(rf"{shown(study, 'seq')} +reference", text)
    hidden = text[text.index("Not shown: ") :].replace("\n", " ")
    assert "psnr-frame" in hidden and "psnr-frame:1" not in hidden
    assert "--columns KEY,KEY or --columns all" in hidden
    assert "lpips" not in hidden  # there is nothing to see
    if width == 80:
        assert "inference-memory" in hidden and "memory" not in text.split("Not shown")[0]
    if width == 160:
        assert "inference-memory" not in hidden and "memory" in text


def test_columns_that_were_asked_for_are_all_there(study: Table) -> None:
    text = plain_text(study, ["psnr-frame", "psnr"], "all", width=80)
    assert text.count("sequential") >= 3  # several tables with the same rows
    for i in range(1, 6):
        assert f"x[{i}]" in text
    assert max(map(cell_len, text.splitlines())) <= 80


def test_the_terminal_shows_groups_failures_and_notes(study: Table) -> None:
    text = plain_text(study)
    lines = [line.rstrip() for line in text.splitlines()]
    assert lines.index("families") < lines.index("lengths")
    assert re.search(r"^failed one +failed *$", text, re.MULTILINE)
    assert re.search(r"^not yet +not run *$", text, re.MULTILINE)
    assert "failed one: failed: no <finite> loss_x" in text
    assert text.count("not available") == 1
    assert re.search(r"^truth +exact", text, re.MULTILINE)


def test_colours_say_better_worse_and_best(study: Table) -> None:
    out = io.StringIO()
    console = Console(file=out, width=160, force_terminal=True, color_system="standard")
    print_table(console, study)
    text = out.getvalue()
    difference = shown(study, "a_b", "difference")
    # Worse than the reference, and surely so; the best of its group.
    assert re.search(rf"\x1b\[31m *{re.escape(difference)}", text)
    assert re.search(rf"\x1b\[1m *{shown(study, 'seq')}", text)


def test_a_table_of_failures_is_drawn() -> None:
    rows = (TableRow("a", "a", "method", "", "", "", {}, note="failed: no"),)
    table = Table("t", "p", (), rows, ("a: failed: no",))
    for draw in (plain_text, markdown_text, latex_text, csv_text):
        assert "a" in draw(table)
    assert table_from_json(json_text(table)) == table
    assert plain_text(Table("t", "p", (), ()))


# --- Markdown


def markdown_rows(text: str) -> list[list[str]]:
    """Cells of all table lines, split as Markdown does: at bars that are not escaped."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_markdown_has_one_line_a_row_and_bold_bests(study: Table) -> None:
    text = markdown_text(study)
    rows = markdown_rows(text)
    by_title = {row[0]: row for row in rows[: 2 + 3 + len(study.rows)]}
    assert by_title["sequential"][1] == f"**{shown(study, 'seq')}**"
    assert by_title["sequential"][2] == "reference"
    assert by_title["failed one"][1] == "failed"
    assert by_title["*families*"][1:] == [""] * (len(rows[0]) - 1)
    assert rows[0][1:3] == ["PSNR (dB)", "Δ PSNR (dB)"]
    assert rows[1] == [":---", *["---:"] * (len(rows[0]) - 1)]
    assert r"T = 3 \| short" in by_title
    assert r"no \<finite\> loss\_x" in text
    frames = next(row for row in rows if row[1:2] == [r"PSNR x\[1\] (dB)"])
    assert len(frames) == 6  # scores of single frames stand in a table of their own
    assert all(len(row) in (len(rows[0]), 6) for row in rows)


def test_markdown_shows_chosen_columns_alone(study: Table) -> None:
    rows = markdown_rows(markdown_text(study, ["recall"], "none"))
    assert all(len(row) == 2 for row in rows)
    assert not any("[" in cell for row in rows for cell in row)


# --- CSV


def test_csv_has_every_number_in_full_precision(study: Table) -> None:
    read = list(csv.DictReader(io.StringIO(csv_text(study))))
    assert [line["row"] for line in read] == [row.key for row in study.rows]
    for line, row in zip(read, study.rows, strict=True):
        for column in study.columns:
            cell = row.cells.get(column.key, Cell(None))
            ends = {"": cell.value}
            if column.source != "cost":
                ends |= {":low": cell.low, ":high": cell.high}
            for end, value in ends.items():
                text = line[f"{column.key}{end}"]
                assert (float(text) if text else None) == value
        assert line["note"] == row.note and line["clips"] == str(row.clips)
        assert line["seeds"] == " ".join(map(str, row.seeds))
    assert next(line for line in read if line["row"] == "truth")["psnr"] == "inf"
    assert "parameters:low" not in read[0]


# --- JSON


def test_json_reads_back_whole(study: Table) -> None:
    text = json_text(study)
    assert table_from_json(text) == study
    (truth,) = (row for row in json.loads(text)["rows"] if row["key"] == "truth")
    assert truth["cells"]["psnr"]["value"] == "inf"


@settings(max_examples=50)
@given(tables())
def test_any_table_reads_back_from_json(table: Table) -> None:
    assert table_from_json(json_text(table)) == table


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1, "title": "t"}'])
def test_json_that_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        table_from_json(text)


# --- LaTeX


def test_latex_is_one_tabular_with_balanced_cells(study: Table) -> None:
    text = latex_text(study)
    lines = text.splitlines()
    (begin,) = (line for line in lines if line.startswith(r"\begin{tabular}"))
    columns = len(re.fullmatch(r"\\begin\{tabular\}\{(lr+)\}", begin).group(1))
    body = [line for line in lines if line.endswith(r"\\") and "multicolumn" not in line]
    assert len(body) == len(study.rows) + 2
    for line in body:
        assert len(re.findall(r"(?<!\\)&", line)) == columns - 1, line
    for line in lines:
        if not line.startswith("%"):
            assert line.isascii()
            assert line.count("{") - line.count(r"\{") == line.count("}") - line.count(r"\}")
            assert not re.search(r"(?<!\\)[%#_]", line)
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    assert r"50 \% of a\_b \& c" in text
    assert rf"\textbf{{{shown(study, 'seq')}}}" in text
    assert (
        shown(study, "a_b", "difference").split()[0].replace("-", "$-$") in text
        and "{[}$-$" in text
    )
    assert r"\multicolumn{10}{l}{\textit{families}} \\" in text


@settings(max_examples=50)
@given(tables())
def test_latex_of_any_table_is_ascii_without_loose_commands(table: Table) -> None:
    body = [line for line in latex_text(table).splitlines() if not line.startswith("%")]
    width = 1 + len(choose_columns(table))
    for line in body:
        assert line.isascii()
        if line.endswith(r"\\") and "multicolumn" not in line:
            assert len(re.findall(r"(?<!\\)&", line)) == width - 1


def latex_with_booktabs() -> bool:
    if not (shutil.which("pdflatex") and shutil.which("kpsewhich")):
        return False
    found = subprocess.run(["kpsewhich", "booktabs.sty"], capture_output=True, check=False)
    return found.returncode == 0


@pytest.mark.skipif(not latex_with_booktabs(), reason="needs pdflatex with booktabs")
def test_latex_compiles(study: Table, tmp_path) -> None:
    title = replace(study.rows[-1], key="odd", title=r"é ß Δ \ { } $ ^ ~ < > | é “q” – × ‖")
    table = replace(study, rows=(*study.rows, title))
    (tmp_path / "table.tex").write_text(latex_text(table), "utf-8")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}"
        "\\input{table}\\end{document}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


# --- all


def test_all_formats_are_written_beside_each_other(study: Table, tmp_path) -> None:
    paths = write_tables(study, tmp_path / "new")
    assert [path.name for path in paths] == ["table.md", "table.csv", "table.json", "table.tex"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(
        path.name for path in paths
    )
    assert table_from_json((tmp_path / "new" / "table.json").read_text("utf-8")) == study


def test_a_table_that_cannot_be_drawn_leaves_the_files_as_they_were(study: Table, tmp_path) -> None:
    paths = write_tables(study, tmp_path)
    before = {path: path.read_bytes() for path in paths}
    broken = replace(study, rows=(replace(study.rows[0], cells={"psnr": Cell(math.nan)}),))
    with pytest.raises(ValueError):  # JSON has no such number, and a table neither
        write_tables(broken, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
