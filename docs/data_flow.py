"""The figure of `concepts.md`: one clip's way from a file to a report.

python docs/data_flow.py            writes docs/images/data_flow.svg
"""

from __future__ import annotations

from html import escape
from pathlib import Path

ROWS = (
    (
        ("file", "media/", ""),
        ("sources", "data/", "dataset"),
        ("clips", "data/ cache", ""),
        ("samples", "formation/", "ordering"),
        ("estimates", "graph.py", "family, architecture"),
        ("loss", "losses.py", "loss"),
    ),
    (
        ("phases", "engine/", "schedule"),
        ("run", "engine/", ""),
        ("scores", "evaluation/", "metric"),
        ("bench", "study/", ""),
        ("table", "study/", ""),
        ("report", "report/", ""),
    ),
)
"""What a clip becomes, the folder or file that makes it, the plugin components that decide it."""

WIDTH, HEIGHT, GAP, TOP = 118, 56, 34, 46


def box(x: int, y: int, title: str, place: str, decides: str) -> str:
    """A box with what decides it above."""
    middle = x + WIDTH / 2
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#eef3fb" '
        f'stroke="#4a6fa5"/>'
        f'<text x="{middle}" y="{y + 24}" font-weight="600">{escape(title)}</text>'
        f'<text x="{middle}" y="{y + 43}" fill="#555" font-size="12">{escape(place)}</text>'
        f'<text x="{middle}" y="{y - 10}" fill="#a0522d" font-size="12">{escape(decides)}</text>'
    )


def arrow(points: str) -> str:
    """A line with a head."""
    return f'<polyline points="{points}" fill="none" stroke="#4a6fa5" marker-end="url(#head)"/>'


def figure() -> str:
    """The whole picture as SVG."""
    step, parts = WIDTH + GAP, list[str]()
    tops = [TOP, TOP + HEIGHT + 76]
    for row, y in zip(ROWS, tops, strict=True):
        for k, (title, place, decides) in enumerate(row):
            x = 10 + k * step
            parts.append(box(x, y, title, place, decides))
            if k:
                parts.append(arrow(f"{x - GAP + 2},{y + HEIGHT / 2} {x - 3},{y + HEIGHT / 2}"))
    right, left = 10 + 5 * step + WIDTH / 2, 10 + WIDTH / 2
    between = tops[0] + HEIGHT + 26
    parts.append(
        arrow(
            f"{right},{tops[0] + HEIGHT} {right},{between} {left - 46},{between} "
            f"{left - 46},{tops[1] - 3}"
        )
    )
    width, height = 20 + 6 * WIDTH + 5 * GAP, tops[1] + HEIGHT + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="15" '
        'text-anchor="middle"><defs><marker id="head" markerWidth="8" markerHeight="8" refX="6" '
        'refY="3" orient="auto"><path d="M0,0 L7,3 L0,6 z" fill="#4a6fa5"/></marker></defs>'
        f'<rect width="{width}" height="{height}" fill="white"/>' + "".join(parts) + "</svg>\n"
    )


if __name__ == "__main__":
    (Path(__file__).parent / "images" / "data_flow.svg").write_text(figure(), "utf-8")
