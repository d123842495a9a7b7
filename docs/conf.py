"""How the documentation site is built: `make docs`. Pages under `_generated` come from the code."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from generate import write_all

from deblurkit import __version__

project = "deblurkit"
author = "the deblurkit authors"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.mathjax"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"deblurkit {release}"
html_static_path: list[str] = []
nitpicky = True

write_all(Path(__file__).parent / "_generated")
