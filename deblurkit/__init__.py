"""deblurkit: one motion-blurred photograph in, the short sharp video that the shutter saw out.

The public Python interface. Nothing here imports torch until it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

API_VERSION = 1
"""Version of the plugin contract (hooks, specs, protocols). A plugin names the one it is for."""

if TYPE_CHECKING:
    from deblurkit.engine.run import RunResult, run
    from deblurkit.extraction.extract import extract
    from deblurkit.extraction.result import Extraction
    from deblurkit.recipe import Recipe, load_recipe

__all__ = [
    "API_VERSION",
    "Extraction",
    "Recipe",
    "RunResult",
    "__version__",
    "extract",
    "load_recipe",
    "run",
]

_LAZY = {
    "Recipe": "deblurkit.recipe",
    "load_recipe": "deblurkit.recipe",
    "RunResult": "deblurkit.engine.run",
    "run": "deblurkit.engine.run",
    "Extraction": "deblurkit.extraction.result",
    "extract": "deblurkit.extraction.extract",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'deblurkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
