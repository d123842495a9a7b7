"""The page that plays one extraction, in a real browser."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_bundle import made_bundle

import deblurkit

sync_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright for Python")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("viewer")
    photo = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    found = deblurkit.extract(photo, made_bundle(folder / "small.safetensors", awake=0.3))
    found.save(folder / "<b>holiday & sea.html", fps=50)
    return folder / "<b>holiday & sea.html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--no-first-run"]
        )
        yield browser
        browser.close()


@pytest.fixture
def opened(chromium: Any, page_file: Path) -> Iterator[Any]:
    """Open the page; at the end nothing may have gone wrong or out."""
    said: list[str] = []
    asked: list[str] = []
    pages = []

    def go(**how: Any) -> Any:
        page = chromium.new_page(**{"reduced_motion": "reduce", **how})
        pages.append(page)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(page_file.as_uri())
        return page

    yield go
    for page in pages:
        page.close()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def shown(page: Any) -> str:
    """What the one visible picture is."""
    visible = [image for image in page.query_selector_all("#stage img") if image.is_visible()]
    assert len(visible) == 1
    return str(visible[0].get_attribute("alt"))


def test_slider_keys_and_buttons(opened: Any) -> None:
    page = opened()
    assert shown(page) == "frame 1 of 7"
    page.fill("#time", "5")
    assert shown(page) == "frame 5 of 7" and page.text_content("#count") == "5 / 7"
    page.click("h1")
    page.keyboard.press("ArrowRight")
    assert shown(page) == "frame 6 of 7"
    page.keyboard.press("b")
    assert shown(page) == "the photograph"
    page.click("#compare")
    assert shown(page) == "frame 6 of 7"
    assert page.text_content("h1") == "<b>holiday & sea"
    assert "do not trust" in page.text_content(".warning")


def test_it_plays_there_and_back(opened: Any) -> None:
    page = opened(reduced_motion="no-preference")
    seen = page.evaluate(
        """() => new Promise((done) => {
            const seen = [];
            const timer = setInterval(() => {
                seen.push(Number(document.getElementById("time").value));
                if (seen.length === 60) { clearInterval(timer); done(seen); }
            }, 10);
        })"""
    )
    steps = {b - a for a, b in itertools.pairwise(seen)}
    assert max(seen) == 7 and min(steps) < 0 < max(steps)
    page.click("#play")
    held = shown(page)
    page.wait_for_timeout(200)
    assert shown(page) == held


@pytest.mark.parametrize("width", [320, 390, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_phones_and_both_colour_schemes(opened: Any, width: int, scheme: str) -> None:
    page = opened(viewport={"width": width, "height": 700}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ink, paper = page.evaluate(
        "() => { const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]; }"
    )
    bright = [sum(map(int, c[c.index("(") + 1 : -1].split(",")[:3])) for c in (ink, paper)]
    assert (bright[0] < bright[1]) == (scheme == "light")
