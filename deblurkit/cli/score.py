"""`deblurkit score`: score anyone's sequences against true ones."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from deblurkit.cli.paths import NamedPath

if TYPE_CHECKING:
    from rich.console import Console

    from deblurkit.camera import Response
    from deblurkit.evaluation.measures import ScoreSheet
    from deblurkit.evaluation.protocol import ScoringProtocol
    from deblurkit.evaluation.score_folders import SequencePairs

_GAMMA = 2.2


def _list(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    """Print all protocols and end."""
    if not asked or ctx.resilient_parsing:
        return
    from deblurkit.evaluation.protocol import full_name
    from deblurkit.evaluation.protocols.lookup import PROTOCOLS, get_protocol

    for name in PROTOCOLS:
        protocol = get_protocol(name)
        click.echo(click.style(full_name(protocol), bold=True))
        columns = ", ".join(c.key for c in protocol.columns(7))
        for text in (f"{protocol.summary}.", f"Columns: {columns}.", f"From: {protocol.reference}"):
            click.echo(click.wrap_text(text, 80, "  ", "    "))
    ctx.exit()


@click.command()
@click.argument("predictions", type=NamedPath(path_type=Path))
@click.argument("truth", type=NamedPath(path_type=Path))
@click.option(
    "--protocol", "name", metavar="NAME", default="deblurkit", show_default=True,
    help="How to score; with a version, deblurkit/1, that one or an error.",
)  # fmt: skip
@click.option(
    "--blurry", type=NamedPath(path_type=Path), metavar="FOLDER",
    help="The blurry images, CLIP.png [default: formed from the true frames].",
)  # fmt: skip
@click.option(
    "--response", metavar="NAME|FILE",
    help="Camera response of re-blurring, for protocol deblurkit, as a recipe's "
    "data.formation.response: identity, gamma, srgb, or a file with a table of numbers, one a "
    "line [default: identity].",
)  # fmt: skip
@click.option(
    "--gamma", type=click.FloatRange(0, 100, min_open=True), metavar="NUMBER",
    help="Exponent of --response gamma, as a recipe's data.formation.gamma [default: 2.2].",
)  # fmt: skip
@click.option("--samples", is_flag=True, help="Predictions are CLIP/SAMPLE; the best counts.")
@click.option("--allow-missing", is_flag=True, help="Score the clips that both sides have.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N clips.")
@click.option(
    "--json", "json_file", type=NamedPath(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write the scores, clip by clip, so that a table can take them in.",
)  # fmt: skip
@click.option(
    "--csv", "csv_file", type=NamedPath(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write the scores of each clip as CSV.",
)  # fmt: skip
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_list,
    help="List the protocols with their columns and exit.",
)  # fmt: skip
def score(
    predictions: Path,
    truth: Path,
    name: str,
    blurry: Path | None,
    response: str | None,
    gamma: float | None,
    samples: bool,
    allow_missing: bool,
    limit: int | None,
    json_file: Path | None,
    csv_file: Path | None,
) -> None:
    """Score PREDICTIONS against TRUTH, whoever made them.

    Each is one clip, or a folder of clips that are matched by name. A clip is a folder of images
    in the order of their numbers, a video, or an animated GIF; PNG images keep every value.
    All mistakes in names, sizes and numbers of frames are reported before anything is scored.
    """
    from rich.console import Console

    from deblurkit.errors import DeblurkitError
    from deblurkit.evaluation.protocols.lookup import DEFAULT, get_protocol
    from deblurkit.evaluation.reblur import reblur_settings
    from deblurkit.evaluation.score_folders import find_pairs
    from deblurkit.report.score_summary import per_clip_csv

    curve = _curve(response)
    protocol = get_protocol(name, response=curve, gamma=_GAMMA if gamma is None else gamma)
    if response is not None and protocol.name != DEFAULT:
        raise DeblurkitError(
            f"--response changes nothing under protocol '{protocol.name}'",
            hint=f"leave it out, or use protocol '{DEFAULT}'",
        )
    if gamma is not None and math.isnan(gamma):  # no range refuses that
        raise click.BadParameter("nan is no number above 0", param_hint="--gamma")
    if gamma is not None and response != "gamma":
        raise DeblurkitError(
            "--gamma changes nothing without --response gamma",
            hint="leave it out, or say --response gamma",
        )
    if samples and not protocol.takes_samples:
        raise DeblurkitError(
            f"protocol '{protocol.name}' scores one prediction a clip, not samples",
            hint="leave --samples out, or use --protocol animation-from-blur",
        )
    pairs = find_pairs(
        predictions, truth, blurry=blurry, samples=samples, allow_missing=allow_missing, limit=limit
    )
    if json_file is not None and json_file == csv_file:
        raise DeblurkitError("--json and --csv name the same file", where=str(json_file))
    sheet = _score(pairs, protocol)
    if protocol.name == DEFAULT:
        sheet.settings = reblur_settings(curve, _GAMMA if gamma is None else gamma)
    _print(Console(), pairs, sheet)  # first: a file that cannot be written costs no scores
    if json_file is not None:
        import json

        _write(json_file, json.dumps(sheet.to_json(), indent=1, allow_nan=False) + "\n")
    if csv_file is not None:
        _write(csv_file, per_clip_csv(sheet))


def _curve(said: str | None) -> Response:
    """The camera response that --response names, or that the file holds which it names."""
    from deblurkit.camera import RESPONSES
    from deblurkit.evaluation.response_file import read_response

    for name in RESPONSES:
        if said is None or said == name:
            return name
    assert said is not None
    if not Path(said).exists():
        raise click.BadParameter(
            f"'{said}' is neither a response nor a file; valid: {', '.join(RESPONSES)}, or a file "
            "with a table of numbers, one a line",
            param_hint="--response",
        )
    return read_response(Path(said))


def _score(pairs: SequencePairs, protocol: ScoringProtocol) -> ScoreSheet:
    """Score all pairs, with a progress bar on a terminal."""
    from rich.console import Console

    from deblurkit.engine.progress import Bars
    from deblurkit.evaluation.score_folders import score_pairs

    console = Console(stderr=True)
    if not console.is_terminal:
        return score_pairs(pairs, protocol)
    with Bars(console) as bars:
        bars.start("scoring", len(pairs.clips))
        return score_pairs(pairs, protocol, bars.advance)


def _write(path: Path, text: str) -> None:
    from deblurkit.media.files import writing

    with writing(path) as temporary:
        temporary.write_text(text, "utf-8")


def _print(console: Console, pairs: SequencePairs, sheet: ScoreSheet) -> None:
    from deblurkit.evaluation.sequence_checks import listed
    from deblurkit.plurals import counted
    from deblurkit.report.score_summary import sheet_tables

    count = counted(len(sheet.clips), "clip")
    lines = [f"protocol {sheet.protocol}, {count} of {counted(sheet.frames, 'frame')}"]
    if pairs.no_prediction:
        without = f"{len(pairs.no_prediction)} without prediction: {listed(pairs.no_prediction)}"
        lines.append(f"left out: {without}")
    if pairs.no_truth:
        lines.append(f"left out: {len(pairs.no_truth)} without truth: {listed(pairs.no_truth)}")
    lines += [f"note: {note}" for note in pairs.notes]
    for line in lines:
        console.print(line, markup=False, highlight=False)
    for table in sheet_tables(sheet):
        console.print()
        console.print(table, highlight=False)
