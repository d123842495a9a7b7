"""The documentation site: it builds without a warning, and nothing that is offered is left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deblurkit.cli import COMMANDS
from deblurkit.registry import get_registry
from deblurkit.vetting import HOOKS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The generated pages by name."""
    folder = tmp_path_factory.mktemp("pages")
    subprocess.run(
        [sys.executable, "-W", "error", DOCS / "generate.py", folder], check=True, timeout=120
    )
    return {path.stem: path.read_text("utf-8") for path in folder.iterdir()}


def test_every_hook_command_and_component_is_documented(pages: dict[str, str]) -> None:
    for hook in HOOKS:
        assert f"## {hook}\n" in pages["hooks"], hook
    for command in COMMANDS:
        assert f"## deblurkit {command}\n" in pages["commands"], command
    for found in get_registry().specs():
        if found.owner in ("jin2018", "standard"):
            title = f"### {found.spec.kind} `{found.spec.name}`\n"
            assert title in pages["components"], found.qualified
            for parameter in found.spec.params.model_fields.values():
                assert parameter.description, f"{found.qualified}: {parameter}"
    assert "`training.ordering.steps`" in pages["recipe-keys"]


def test_every_document_is_on_the_site() -> None:
    index = (DOCS / "index.md").read_text("utf-8")
    for document in DOCS.rglob("*.md"):
        name = document.relative_to(DOCS).with_suffix("").as_posix()
        if not name.startswith(("_build", "_generated")) and name != "index":
            assert f"\n{name}\n" in index, name


def test_the_figure_is_the_one_that_its_script_draws() -> None:
    sys.path.insert(0, str(DOCS))
    try:
        from data_flow import ROWS, figure
    finally:
        sys.path.remove(str(DOCS))
    assert (DOCS / "images" / "data_flow.svg").read_text("utf-8") == figure()
    places = [place.split()[0] for row in ROWS for _, place, _ in row]
    for place in places:
        assert (DOCS.parent / "deblurkit" / place).exists(), place
    kinds = {kind for row in ROWS for _, _, said in row for kind in said.split(", ") if kind}
    assert kinds == {found.spec.kind for found in get_registry().specs()} - {"importer"}


def test_it_builds_without_a_warning(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q",
         "-d", tmp_path / "doctrees", DOCS, tmp_path / "html"],
        capture_output=True, encoding="utf-8", check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "html" / "plugins.html").exists()
