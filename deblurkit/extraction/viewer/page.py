"""One HTML file with the frames inside: a slider for time, the photograph to compare."""

from __future__ import annotations

import base64
import hashlib
import io
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from deblurkit.printable import readable

if TYPE_CHECKING:
    from deblurkit.extraction.outputs import Style
    from deblurkit.extraction.result import Extraction

PACKAGE = "deblurkit.extraction.viewer"
QUALITY = 92
"""Of the pictures, JPEG."""


def viewer_page(result: Extraction, style: Style, title: str) -> str:
    """The page's text; it opens from disk and asks for nothing else.

    Args:
        result: What to show.
        style: `fps`, `loop`, and `side`, the longest side of the pictures.
        title: Of the page.
    """
    environment = Environment(
        loader=PackageLoader(PACKAGE, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script, css = _text("viewer.js"), _text("viewer.css")
    height, width = result.photo.size
    facts = [f"{width}×{height} pixels", f"{len(result.rows)} frames"]
    if result.reblur_psnr is not None:
        facts.append(f"the frames average to the photo within {result.reblur_psnr:.1f} dB")
    return environment.get_template("viewer.html.j2").render(
        title=readable(title),
        facts=facts,
        warnings=result.warnings(),
        frames=[_data(result.picture(i, side=style.side)) for i in result.indices],
        photo=_data(result.blurry(style.side)),
        fps=style.fps,
        loop=style.loop,
        script=script,
        script_hash=_hash(script),
        css=css,
        css_hash=_hash(css),
    )


def _text(name: str) -> str:
    return files(PACKAGE).joinpath(name).read_text("utf-8")


def _data(image: Any) -> str:
    held = io.BytesIO()
    Image.fromarray(image).save(held, format="JPEG", quality=QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(held.getvalue()).decode("ascii")


def _hash(text: str) -> str:
    """How a content security policy names an inline style or script."""
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
