"""A bench folder as pages that can be committed: table, verdicts, pictures, how they were made.

    python benchmarks/publish.py BENCH docs/results [--clip 1] [--no-timing]

writes into the folder `<suite>.md` (command, machine, time, table), `<suite>.csv` (every number in
full precision), `claims.md` (from `claims.py`) and `<suite>-clip-01.png`, a picture of a held-out
clip as every method of one group shows it. Pages that people have written stay as they are.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import claims
import numpy as np
from paper_claims.claim_list import CLAIMS
from paper_claims.rendering import as_markdown
from PIL import Image
from rich.console import Console

from deblurkit.errors import DeblurkitError
from deblurkit.frames import indices
from deblurkit.media.image import write_png
from deblurkit.report.contact_sheet import Picture, Row, contact_sheet
from deblurkit.report.frame_strips import BLURRY, TRUE, StripClip, read_strips
from deblurkit.storage import atomic_file
from deblurkit.study.bench_folder import Bench, BenchRow, read_bench

_MINUTE = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path, metavar="BENCH", help="a bench folder")
    parser.add_argument("out", type=Path, metavar="FOLDER", help="where the pages go")
    parser.add_argument("--clip", type=int, default=1, help="number of the clip that is pictured")
    parser.add_argument("--no-timing", action="store_true", help="time no networks (C8, C10)")
    said = parser.parse_args()
    try:
        bench = read_bench(said.bench)
        said.out.mkdir(parents=True, exist_ok=True)
        pictures = list(write_pictures(bench, said.out, said.clip))
        _write(said.out / f"{bench.suite.name}.md", page(bench, pictures))
        shutil.copyfile(bench.folder / "table.csv", said.out / f"{bench.suite.name}.csv")
        timing = None if said.no_timing else claims.timing("auto")
        found = claims.tested(bench, [claim.key for claim in CLAIMS], timing, Console())
        _write(said.out / "claims.md", as_markdown(bench, found))
    except (DeblurkitError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)


def page(bench: Bench, pictures: Sequence[Path]) -> str:
    """The table with all that is needed to get it again."""
    state, suite = bench.state, bench.suite
    said = state.environment
    machine = said.get("gpu") or f"{said.get('processor')}, {said.get('cores')} cores"
    lines = [
        f"# Results: {suite.name}",
        "",
        _sentence(suite.summary),
        "",
        "```",
        state.command,
        "```",
        "",
        (
            f"- Scale `{suite.scale}`, protocol `{suite.protocol}`, {len(state.runs)} runs of "
            f"{len(bench.rows)} rows; deblurkit {state.deblurkit}."
        ),
        f"- Hardware: {machine}; {said.get('precision')}.",
        (
            f"- Time: {_time(state.seconds)}; the rows' training alone, each as if no other had "
            f"run, {_time(state.training_seconds)}."
        ),
        "",
        (
            "Every number in full precision is in "
            f"[{suite.name}.csv]({suite.name}.csv); what the columns mean in "
            "[tables](../tables.md) and [protocols](../protocols.md), what the rows are for in "
            "[ablation](../ablation.md)."
        ),
        "",
        (bench.folder / "table.md").read_text("utf-8").strip(),
        "",
    ]
    for path in pictures:
        lines += [f"![{path.stem}]({path.name})", ""]
    return "\n".join(lines)


def write_pictures(bench: Bench, out: Path, number: int) -> Iterator[Path]:
    """One picture for each group of rows on the same clips: what each method shows."""
    groups: dict[str, list[BenchRow]] = {}
    for row in bench.rows:
        groups.setdefault(row.row.group or bench.suite.name, []).append(row)
    for group, rows in groups.items():
        tiles = _tiles(rows, number)
        if len(tiles) < 3:
            continue
        T = max(len(row) for _, row in tiles) - 1
        slug = "-".join("".join(c if c.isalnum() else " " for c in group.lower()).split())
        path = out / f"{bench.suite.name}-{slug}.png"
        labels = ["blurry", *(f"x[{i}]" for i in indices(T))]
        write_png(path, contact_sheet(tiles, column_labels=labels, title=group, scale=1))
        yield path


def _tiles(rows: Sequence[BenchRow], number: int) -> list[Row]:
    """Truth first, then the estimates of the rows that show the same clip."""
    found: list[Row] = []
    blurry: Picture | None = None
    for row in rows:
        clip = next((c for run in row.runs.values() if (c := _clip(run, number))), None)
        if clip is None:
            continue
        image = _read(clip.files[BLURRY])
        if blurry is None:
            blurry = image
            found.append(("truth", [image, *_frames(clip, TRUE)]))
        elif image.shape != blurry.shape or (image != blurry).any():
            continue  # of other clips
        found.append((row.row.title or row.key, [None, *_frames(clip, "estimate")]))
    return found


def _clip(run: Path, number: int) -> StripClip | None:
    clips = read_strips(run)
    return clips[number - 1] if 0 < number <= len(clips) else None


def _frames(clip: StripClip, row: str) -> list[Picture]:
    return np.split(_read(clip.files[row]), clip.frames, axis=1)


def _read(path: Path) -> Picture:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(("?", ".", "!")) else ".")


def _time(seconds: float) -> str:
    minutes = round(seconds / _MINUTE)
    return f"{minutes // 60} h {minutes % 60} min"


def _write(path: Path, text: str) -> None:
    with atomic_file(path) as temporary:
        temporary.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
