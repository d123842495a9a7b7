"""The page from what it is about: templates filled in, style and script put inside."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from deblurkit import __version__
from deblurkit.printable import writable
from deblurkit.recipe import dump_recipe
from deblurkit.report.page.curves import (
    Colour,
    Panel,
    families,
    frame_panels,
    row_colours,
    training_panels,
)
from deblurkit.report.page.differences import Difference, differences, settings
from deblurkit.report.page.pictures import EncodedClip
from deblurkit.report.page.sample_clips import frame_psnr
from deblurkit.report.page.score_table import ShownTable, shown_table
from deblurkit.report.page.subject import Method, Subject
from deblurkit.report.page.titles import row_titles, score_title
from deblurkit.study.table import TableRow

PACKAGE = "deblurkit.report.page"

MANY_TILES = 16
"""With more tiles than this, rows helped at test time are not shown at first."""


@dataclass(frozen=True)
class RecipeShown:
    """A row's recipe and what it changes.

    Attributes:
        method: The row.
        against: Title of the row that it is compared with.
        said: One line.
        differences: Keys with both values.
        text: The resolved recipe; empty where there is none.
    """

    method: Method
    against: str
    said: str
    differences: tuple[Difference, ...]
    text: str


def render_page(
    subject: Subject, clips: Sequence[EncodedClip], picture_notes: Sequence[str] = ()
) -> str:
    """The whole page as HTML.

    Args:
        subject: What it is about.
        clips: Its pictures.
        picture_notes: What a reader must know of them: what was left out.
    """
    table = subject.table
    colours = row_colours(table)
    frame_scores = [
        (f"{f.title}, {f.unit}" if f.unit else f.title, frame_panels(table, f, colours))
        for f in families(table)
    ]
    training = training_panels(subject.methods, colours)
    charts = {
        f"frames-{k}-{i}": panel.chart
        for k, (_, panels) in enumerate(frame_scores)
        for i, panel in enumerate(panels)
    } | {f"training-{i}": panel.chart for i, panel in enumerate(training)}
    tiles = _tiles(table.rows, clips)
    known = settings([(m.title, m.environment) for m in subject.methods if m.environment])
    scores = shown_table(table, colours)
    style, script = _joined("style", ".css"), _script()
    page = _templates().get_template("page.html.j2")
    text = page.render(
        subject=subject,
        version=__version__,
        colours=colours,
        titles=row_titles(table),
        places={method.key: k for k, method in enumerate(subject.methods)},
        clips=clips,
        lengths=len({len(clip.clip.true) for clip in clips}),
        tiles=tiles,
        helped=any(row.kind == "given" for _, rows in tiles for row in rows),
        many=sum(len(rows) for _, rows in tiles) > MANY_TILES,
        picture_notes=picture_notes,
        scores=scores,
        has_intervals=any(c.low is not None for row in table.rows for c in row.cells.values()),
        definitions=_definitions(scores),
        frame_scores=[(title, panels) for title, panels in frame_scores if panels],
        training=training,
        groups=list(dict.fromkeys(m.group for m in subject.methods if m.training)),
        recipes=_recipes(subject),
        settings=known,
        settings_differ=any(len(s.values) > 1 for s in known),
        style=Markup(style),  # noqa: S704 - of this package
        style_hash=_hash(style),
        script=Markup(script),  # noqa: S704 - of this package
        script_hash=_hash(script),
        data=_inside_script({"clips": [_clip(clip) for clip in clips], "charts": charts}),
    )
    return writable(text)


def _tiles(
    rows: Sequence[TableRow], clips: Sequence[EncodedClip]
) -> list[tuple[str, list[TableRow]]]:
    """Heading -> the rows that any clip has pictures of, in the table's order."""
    there = {key for clip in clips for key in clip.rows}
    groups: dict[str, list[TableRow]] = {}
    for row in rows:
        if row.key in there:
            groups.setdefault(row.group, []).append(row)
    return list(groups.items())


def _clip(encoded: EncodedClip) -> dict[str, Any]:
    """A clip as the script reads it."""
    clip = encoded.clip
    T, height, width, _ = clip.true.shape
    return {
        "name": clip.name,
        "source": clip.source,
        "frames": T,
        "width": width,
        "height": height,
        "across": encoded.across,
        "blurry": encoded.blurry,
        "true": encoded.true,
        "blurry_psnr": _rounded(frame_psnr(clip.blurry, clip.true)),
        "rows": {
            key: {"strip": strip, "psnr": _rounded(frame_psnr(clip.rows[key], clip.true))}
            for key, strip in encoded.rows.items()
        },
    }


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 3) for value in values]


def _recipes(subject: Subject) -> list[RecipeShown]:
    by_key = {method.key: method for method in subject.methods}
    return [_recipe(method, by_key) for method in subject.methods]


def _recipe(method: Method, by_key: Mapping[str, Method]) -> RecipeShown:
    if method.recipe is None:
        return RecipeShown(method, "", "Not run: there is no recipe to show.", (), "")
    said = method.recipe.summary or method.recipe.name
    text = dump_recipe(method.recipe)
    reference = by_key.get(method.reference.split("+", 1)[0])
    if reference is None or reference.recipe is None or reference is method:
        return RecipeShown(method, "", said, (), text)
    found = differences(method.recipe, reference.recipe)
    if not found:
        said += f". Resolved, it says the same as {reference.title}."
    return RecipeShown(method, reference.title, said, found, text)


def _definitions(scores: ShownTable) -> list[tuple[str, str, str]]:
    """Title, unit and definition of every column; a score that every frame has stands once."""
    once: dict[tuple[str, str], str] = {}
    for column, _, unit in scores.columns:
        title = column.title
        if column.frame is not None:
            title = f"{score_title(column)} of each frame"
        once.setdefault((title, unit), column.definition)
    return [(title, unit, definition) for (title, unit), definition in once.items()]


def sortable(value: float | None) -> str:
    """A number as the script reads it: empty for none, and without an end `Infinity`."""
    if value is None:
        return ""
    return f"{value:.17g}".replace("inf", "Infinity")


def colour_class(colour: Colour) -> str:
    """The style's class for a row's colour."""
    return f"c{colour}" if isinstance(colour, int) else colour


def chart_words(panel: Panel) -> str:
    """A chart in words, for those who do not see it."""
    names = ", ".join(line["title"] for line in panel.chart["series"])
    return f"{panel.title}: lines over the {panel.chart['x']} of {names}"


def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "colour_class": colour_class,
        "chart_words": chart_words,
        "sortable": sortable,
    }
    return made


def _inside_script(value: Any) -> Markup:
    """JSON that can stand in a script element: nothing in it ends that or begins a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped above


def _script() -> str:
    return f'"use strict";\n(() => {{\n{_joined("script", ".js")}}})();\n'


def _joined(folder: str, suffix: str) -> str:
    """The package's files of a folder, in the order of their names."""
    parts = [f for f in files(PACKAGE).joinpath(folder).iterdir() if f.name.endswith(suffix)]
    return "\n".join(f.read_text("utf-8") for f in sorted(parts, key=lambda f: f.name))


def _hash(text: str) -> str:
    """How a content security policy names an inline style or script."""
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
