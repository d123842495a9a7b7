"""The page in a real browser: what moves, what sorts, and that nothing is asked of the network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_bench import MadeRow, made_bench, moving_disc
from PIL import Image

from deblurkit.evaluation.rows import NO_METHOD
from deblurkit.report.page.write import write_report

sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZE = 32
CLIPS = [moving_disc(0, 7, SIZE), moving_disc(1, 7, SIZE), moving_disc(2, 3, SIZE)]
ROWS = ("sequential", "independent", "wide")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        MadeRow("sequential", 0.4, "families", also=("true-middle",)),
        MadeRow("independent", 0.9, "families", recipe="independent"),
        MadeRow("wide", 0.2, "sizes", "<i>wider</i> & longer title of a row", reference="wide"),
    ]
    folder = made_bench(tmp_path_factory.mktemp("browser") / "bench", rows, CLIPS[:2])
    write_report([folder])
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any, bench: Path) -> Iterator[Any]:
    """Open the page; at the end nothing may have gone wrong or out."""
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def opened(width: int = 1200, height: int = 800, watch: str = "", **how: Any) -> Any:
        how = {"reduced_motion": "reduce", "color_scheme": "light", **how}
        context = chromium.new_context(viewport={"width": width, "height": height}, **how)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.add_init_script(watch or "0")
        page.goto((bench / "report.html").as_uri())
        page.wait_for_selector(".stagegrid[data-frame]")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert said == []
    outside = [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    assert asked and outside == []


def canvas(page: Any, row: str) -> np.ndarray:
    """What a tile's canvas holds, H×W×3."""
    script = """row => {
        const tiles = [...document.querySelectorAll('.tile')];
        const shown = tiles.find(tile => tile.dataset.row === row).querySelector('canvas');
        const {width, height} = shown;
        const copy = Object.assign(document.createElement('canvas'), {width, height});
        const context = copy.getContext('2d', {willReadFrequently: true});
        context.drawImage(shown, 0, 0);
        return [height, width, [...context.getImageData(0, 0, width, height).data]];
    }"""
    height, width, values = page.evaluate(script, row)
    return np.array(values, np.uint8).reshape(height, width, 4)[..., :3]


def frame(bench: Path, row: str, t: int, clip: int = 1) -> np.ndarray:
    """The file's picture of frame t, from 1."""
    run = "sequential" if row in ("true", "blurry") else row
    strip = row if row in ("true", "blurry") else "estimate"
    path = bench / f"runs/{run}-s0/samples/strips/clip-{clip:02d}.{strip}.png"
    pixels = np.asarray(Image.open(path))
    return pixels[:, SIZE * (t - 1) : SIZE * t] if row != "blurry" else pixels


def at_frame(page: Any, t: int) -> None:
    page.wait_for_selector(f".stagegrid[data-frame='{t}']")


def test_the_slider_moves_every_row_to_the_same_frame(open_page: Any, bench: Path) -> None:
    page = open_page()
    for t in (1, 5, 7):
        page.locator("#time").fill(str(t))
        at_frame(page, t)
        for row in (*ROWS, "true"):
            assert (canvas(page, row) == frame(bench, row, t)).all(), (row, t)
        assert (canvas(page, "blurry") == frame(bench, "blurry", 1)).all()
    assert page.locator(".now b").inner_text() == "Frame 7"
    assert "frame 7 of 7" in page.locator(".tile[data-row=wide] canvas").get_attribute("aria-label")


def test_play_goes_back_and_forth_or_round(open_page: Any) -> None:
    page = open_page()
    page.select_option("[data-rate]", "24")
    seen = """() => new Promise(done => {
        const grid = document.querySelector('.stagegrid'), seen = [];
        new MutationObserver((_, me) => {
            if (seen.at(-1) !== grid.dataset.frame) seen.push(grid.dataset.frame);
            if (seen.length === 14) { me.disconnect(); done(seen.map(Number)); }
        }).observe(grid, {attributes: true, attributeFilter: ['data-frame']});
        document.querySelector('.play').click();
    })"""
    swing = [2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1, 2, 3]
    assert page.evaluate(seen) == swing
    assert page.locator(".play").get_attribute("aria-label") == "Pause"
    page.click(".play")
    page.check("input[name=mode][value=loop]", force=True)
    page.locator("#time").fill("1")
    at_frame(page, 1)
    assert page.evaluate(seen) == [2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7, 1]
    page.keyboard.press("Space")
    assert page.locator(".play").get_attribute("aria-pressed") == "false"


MOVED = """
window.played = [];
new MutationObserver(list => list.forEach(({target}) => {
    const now = target.getAttribute('aria-pressed'), before = window.played.at(-1) ?? 'false';
    if (target.matches('.play') && now !== before) window.played.push(now);
})).observe(document, {subtree: true, attributes: true, attributeFilter: ['aria-pressed']});
"""


def test_it_opens_moving_and_comes_to_rest_unless_stillness_is_asked_for(open_page: Any) -> None:
    still = open_page()
    assert still.locator(".play").get_attribute("aria-pressed") == "false"
    page = open_page(reduced_motion="no-preference", watch=MOVED)
    page.wait_for_function("() => window.played && window.played.at(-1) === 'false'")
    assert page.evaluate("window.played") == ["true", "false"]
    at_frame(page, 1)


def centre(element: Any) -> None:
    """Scroll an element clear of the bars above and below."""
    element.evaluate("e => e.scrollIntoView({block: 'center', behavior: 'instant'})")


def transforms(page: Any) -> set[str]:
    """Where every picture is, in shares of its tile."""
    script = """() => [...document.querySelectorAll('.tile:not([hidden])')].map(t => {
        const s = t.querySelector('.stage').getBoundingClientRect();
        const c = t.querySelector('canvas').getBoundingClientRect();
        return [(c.left - s.left) / s.width, (c.top - s.top) / s.height, c.width / s.width]
            .map(v => v.toFixed(2)).join(' ');
    })"""
    return set(page.evaluate(script))


def test_zoom_and_pan_keep_all_rows_aligned(open_page: Any) -> None:
    page = open_page()
    assert transforms(page) == {"0.00 0.00 1.00"}
    stage = page.locator(".tile[data-row=independent] .stage")
    centre(stage)
    box = stage.bounding_box()
    top = page.evaluate("scrollY")
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"])
    page.mouse.wheel(0, -20)  # the page's own, until the pictures were clicked
    page.wait_for_timeout(100)
    assert transforms(page) == {"0.00 0.00 1.00"} and page.evaluate("scrollY") <= top
    page.evaluate("document.querySelector('.stagegrid').focus({preventScroll: true})")
    box = stage.bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.25 * box["height"])
    for _ in range(5):
        page.mouse.wheel(0, -100)
    page.wait_for_selector(".zoomed")
    page.wait_for_timeout(100)
    (placed,) = transforms(page)
    x, _, zoom = map(float, placed.split())
    assert zoom > 3
    assert x + 0.25 * zoom == pytest.approx(0.25, abs=0.05)  # what was under the pointer still is
    page.mouse.down()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    page.mouse.up()
    (moved,) = transforms(page)
    assert moved != placed and page.locator(".stagegrid").get_attribute("data-frame") == "1"
    page.click("[data-zoom=reset]")
    assert transforms(page) == {"0.00 0.00 1.00"}
    stage.dblclick()
    (placed,) = transforms(page)
    assert placed.endswith("3.00")


def test_two_fingers_zoom_all_rows(open_page: Any) -> None:
    page = open_page(420, 800, has_touch=True, is_mobile=True)
    stage = page.locator(".tile[data-row=independent] .stage")
    centre(stage)
    box = stage.bounding_box()
    y = box["y"] + box["height"] / 2

    def touch(kind: str, apart: float | None) -> None:
        middle = box["x"] + box["width"] / 2
        points = [] if apart is None else [{"x": middle + s * apart, "y": y} for s in (-1, 1)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    session = page.context.new_cdp_session(page)
    touch("touchStart", 15)
    for apart in (20, 25, 30, 35, 40, 45):
        touch("touchMove", apart)
    touch("touchEnd", None)
    page.wait_for_selector(".zoomed")
    (placed,) = transforms(page)
    assert 2 < float(placed.split()[2]) < 4


def test_dragging_over_a_picture_scrubs(open_page: Any) -> None:
    page = open_page()
    stage = page.locator(".tile[data-row=true] .stage")
    centre(stage)
    box = stage.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.1 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], y, steps=4)
    page.mouse.up()
    at_frame(page, 4)


def test_error_maps_show_the_error_times_the_gain(open_page: Any, bench: Path) -> None:
    page = open_page()
    page.locator("#time").fill("2")
    at_frame(page, 2)
    page.check("input[name=show][value=error]", force=True)
    page.wait_for_selector(".scale:not([hidden])")
    assert page.locator(".scale-end").inner_text() == "0.25"
    true = frame(bench, "true", 2).astype(int)
    lightness = {}
    for gain in (4, 16):
        page.select_option("[data-gain]", str(gain))
        page.wait_for_timeout(100)
        for row in ROWS:
            error = np.abs(frame(bench, row, 2).astype(int) - true).mean(-1) / 255
            shown = canvas(page, row).astype(int)
            assert (shown[error == 0] == 0).all()
            # The same error has the same colour, a larger one no darker colour.
            order = np.argsort(error, axis=None, kind="stable")
            light = (shown @ [0.3, 0.59, 0.11]).ravel()[order]
            assert (np.diff(light) > -1.5).all(), row
            if gain == 16:
                assert (shown[error >= 1 / 16] == [253, 251, 214]).all()
            lightness[row, gain] = light.mean()
    assert all(lightness[row, 16] > lightness[row, 4] for row in ROWS)
    assert lightness["independent", 4] > lightness["wide", 4]
    assert (canvas(page, "true") == true).all()
    assert page.locator(".scale-end").inner_text() == "0.0625"


def test_the_keyboard_does_it_all(open_page: Any, bench: Path) -> None:
    page = open_page()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    at_frame(page, 3)
    page.keyboard.press("ArrowLeft")
    at_frame(page, 2)
    page.keyboard.press("End")
    at_frame(page, 7)
    page.keyboard.press("e")
    assert page.locator("input[name=show][value=error]").is_checked()
    page.keyboard.press("e")
    assert page.locator("input[name=show][value=picture]").is_checked()
    page.keyboard.press("+")
    assert transforms(page) != {"0.00 0.00 1.00"} and len(transforms(page)) == 1
    page.keyboard.press("0")
    assert transforms(page) == {"0.00 0.00 1.00"}
    page.keyboard.down("t")
    page.wait_for_timeout(100)
    assert (canvas(page, "independent") == frame(bench, "true", 7)).all()
    page.keyboard.up("t")
    page.wait_for_timeout(100)
    assert (canvas(page, "independent") == frame(bench, "independent", 7)).all()
    page.keyboard.press("n")
    page.wait_for_timeout(100)
    assert (canvas(page, "wide") == frame(bench, "wide", 7, clip=2)).all()
    page.keyboard.press("Space")
    assert page.locator(".play").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Space")
    # A field with the focus keeps its keys: the arrows of a select choose in it.
    page.focus("[data-rate]")
    before = page.locator(".stagegrid").get_attribute("data-frame")
    page.keyboard.press("ArrowRight")
    assert page.locator(".stagegrid").get_attribute("data-frame") == before


def test_everything_is_reached_by_tab_with_a_visible_focus(open_page: Any) -> None:
    page = open_page()
    seen = []
    for _ in range(45):
        page.keyboard.press("Tab")
        script = """() => {
            const e = document.activeElement;
            const ringed = [e, e.closest('label')].filter(Boolean)
                .some(each => getComputedStyle(each).outlineStyle !== 'none');
            return [e.id || e.className || e.name || e.tagName, ringed];
        }"""
        name, ring = page.evaluate(script)
        seen.append(name)
        assert ring or name == "BODY", name
    joined = " ".join(map(str, seen))
    for wanted in ("stagegrid", "play", "time", "show", "sort", "scroller"):
        assert wanted in joined, wanted
    assert joined.index("stagegrid") < joined.index("play") < joined.index("sort")


def test_rows_are_chosen(open_page: Any) -> None:
    page = open_page()
    page.click("summary:has-text('Rows')")
    page.uncheck(".menu-body [data-row=independent]")
    assert page.locator(".tile[data-row=independent]").is_hidden()
    assert "3 of 4" in page.locator("[data-rows-shown]").inner_text()
    page.click("[data-rows=methods]")
    assert page.locator(".tile[data-row=independent]").is_visible()
    assert page.locator(".tile[data-row='sequential+true-middle']").is_hidden()
    page.click("[data-rows=none]")
    assert page.locator(".nothing-shown").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("[data-rows=none]").is_hidden()


def column(page: Any, key: str) -> list[float]:
    script = """key => [...document.querySelectorAll(`.scores td[data-key="${key}"]`)]
        .map(cell => cell.dataset.value === '' ? null : Number(cell.dataset.value))"""
    return [v for v in page.evaluate(script, key) if v is not None]


def test_sorting_sorts_and_the_third_click_restores(open_page: Any) -> None:
    page = open_page()
    first = column(page, "psnr")
    assert len(first) == len(NO_METHOD) + 4 and first != sorted(first)
    head = page.locator(".sort[data-key=psnr]")
    head.click()
    assert column(page, "psnr") == sorted(first, reverse=True)
    assert page.locator("th[aria-sort=descending]").count() == 1
    assert page.locator(".group-head").count() == 0
    head.click()
    assert column(page, "psnr") == sorted(first)
    page.locator(".sort[data-key=parameters]").click()  # fewer are better: the least first
    assert column(page, "parameters") == sorted(column(page, "parameters"))
    for _ in range(2):
        page.locator(".sort[data-key=parameters]").click()
    assert column(page, "psnr") == first and page.locator(".group-head").count() == 3
    titles = (
        "() => [...document.querySelectorAll('.scores tr[data-row]')].map(r => r.dataset.title)"
    )
    page.locator(".sort[data-key='']").click()
    assert page.evaluate(titles) == sorted(page.evaluate(titles), key=str.lower)


def test_columns_are_shown_on_demand_and_defined(open_page: Any) -> None:
    page = open_page()
    assert page.locator("td[data-set=psnr-frame]").first.is_hidden()
    page.check("[data-columns=psnr-frame]")
    assert page.locator("td[data-set=psnr-frame]").first.is_visible()
    page.uncheck("[data-columns=cost]")
    assert page.locator("td[data-set=cost]").first.is_hidden()
    page.hover(".sort[data-key=ssim]")
    assert page.locator(".tip").inner_text() == "mean of SSIM over frames, best direction"
    page.click("summary:has-text('What the columns mean')")
    assert page.locator(".definitions dd:has-text('mean of SSIM')").is_visible()


def test_curves_are_drawn_marked_and_scaled(open_page: Any) -> None:
    page = open_page()
    frames = page.locator("#frames .chart svg").first
    frames.scroll_into_view_if_needed()
    assert frames.locator(".series").count() >= 3
    place = "e => Number(e.querySelector('.cursor').getAttribute('x1'))"
    before = frames.evaluate(place)
    page.locator("#time").fill("7")
    at_frame(page, 7)
    assert frames.evaluate(place) > before
    loss = page.locator("#training .chart svg").nth(1)
    path = "e => e.querySelector('.series path').getAttribute('d')"
    log = loss.evaluate(path)
    page.check("input[name=log][value=linear]", force=True)
    assert loss.evaluate(path) != log
    box = frames.bounding_box()
    frames.scroll_into_view_if_needed()
    circle = frames.locator(".series circle").nth(3).bounding_box()
    assert box and circle
    page.mouse.move(circle["x"] + 3, circle["y"] + 3)
    readout = page.locator("#frames .readout").first
    assert "frame 4" in readout.inner_text() and "95 % interval" in readout.inner_text()


def background(page: Any) -> int:
    said = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    return sum(map(int, said.removeprefix("rgb(").removesuffix(")").split(",")))


def test_light_and_dark_follow_the_system_and_the_button(open_page: Any) -> None:
    light, dark = open_page(), open_page(color_scheme="dark")
    assert background(light) > 700 and background(dark) < 100
    light.click("[data-theme-toggle]")
    assert background(light) < 100
    dark.click("[data-theme-toggle]")
    assert background(dark) > 700
    dark.reload()
    assert background(dark) > 700  # the choice is kept


@pytest.mark.parametrize("width", [360, 768, 1600])
def test_no_width_makes_the_page_scroll_sideways(open_page: Any, width: int) -> None:
    page = open_page(width, 760)
    for box in page.locator("[data-columns]").all():
        box.check()
    for details in page.locator("main > section details:not(.menu)").all():
        details.evaluate("e => { e.open = true; }")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # Nothing sticks out unless something around it scrolls.
    script = """() => [...document.querySelectorAll('main *, header *, footer *')].filter(e => {
        const scrolls = '.scroller, .transport-more, .clip-picker, pre, svg, .stage, .contents ul';
        if (e.closest(scrolls)) return false;
        const box = e.getBoundingClientRect();
        return box.width && box.right > innerWidth + 1;
    }).map(e => e.tagName + '.' + e.className)"""
    assert page.evaluate(script) == []


def test_titles_are_text_and_headings_are_in_order(open_page: Any) -> None:
    page = open_page()
    name = page.locator(".tile[data-row=wide] .name")
    assert name.inner_text() == "<i>wider</i> & longer title of a row"
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(h => +h.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    unnamed = """() => [...document.querySelectorAll('button, select, input, [role=img]')]
        .filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')))
        .map(e => e.outerHTML)"""
    assert page.evaluate(unnamed) == []
