"""What all tests share: no test touches the user's cache, and plugins can be made up."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import settings

from deblurkit.registry import get_registry

# A busy machine is no failure: speed is measured in benchmarks/, not in tests.
settings.register_profile("deblurkit", deadline=None)
settings.load_profile("deblurkit")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clips and trained phases of the tests stay among the tests' temporary files."""
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.delenv("DEBLURKIT_PLUGINS", raising=False)


@pytest.fixture(autouse=True)
def _no_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretrained weights are what is kept here, in this process and in those of the tests."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked `gpu` where there is none; torch is imported only if one is marked."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a GPU that torch can use"))


class Site:
    """A folder of installed distributions that this process and its children import from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def add(
        self,
        plugin: str,
        source: str,
        *,
        module: str | None = None,
        entry: str | None = None,
        distribution: str | None = None,
        version: str = "1.0",
    ) -> None:
        """Install a distribution with one plugin: its module's source and its entry point."""
        module = module or f"made_up_{plugin.replace('-', '_')}"
        distribution = distribution or f"dist-{plugin}"
        (self.folder / f"{module}.py").write_text(dedent(source), "utf-8")
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n", "utf-8"
        )
        (info / "entry_points.txt").write_text(
            f"[deblurkit]\n{plugin} = {entry or module}\n", "utf-8"
        )
        importlib.invalidate_caches()
        get_registry.cache_clear()

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python with arguments in a process of its own that sees these distributions."""
        path = os.pathsep.join(filter(None, [str(self.folder), os.environ.get("PYTHONPATH", "")]))
        return subprocess.run(
            [sys.executable, "-W", "error", *command],
            env={**os.environ, "PYTHONPATH": path, **environment},
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=60,
        )


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """An empty folder for made-up distributions, first on the import path."""
    made = Site(tmp_path / "site")
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(made.folder))
    get_registry.cache_clear()
    yield made
    for name in set(sys.modules) - before:
        if name.startswith("made_up_"):
            del sys.modules[name]
    get_registry.cache_clear()
