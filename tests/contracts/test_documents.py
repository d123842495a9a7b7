"""What is registered is documented: losses in docs/losses.md, recipe keys in docs/recipes.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deblurkit import recipe as recipes
from deblurkit.cli import COMMANDS
from deblurkit.recipe import schema
from deblurkit.registry import get_registry
from deblurkit.study.jobs import Asked, resolve_rows
from deblurkit.study.suite import Suite, SuiteRow
from deblurkit.study.suite_file import open_suite

ROOT = Path(__file__).parents[2]


def test_every_loss_has_a_row_with_its_invariance() -> None:
    text = (ROOT / "docs" / "losses.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \|.*\| ([\w ]+) \|[^|]*\|$", text, re.MULTILINE))
    words = {
        "none": "none",
        "pair-swap": "swap of any pair",
        "permutation": "permutation of the others",
    }
    for found in get_registry().specs("loss"):
        spec = found.spec
        assert rows.get(spec.name) == words[spec.invariance], spec.name  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "section",
    [schema.Data, schema.Training, schema.Trainings, schema.Formation, schema.Augmentation],
)
def test_every_key_of_recipes_is_explained(section: type[schema.Section]) -> None:
    text = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    for key in section.model_fields:
        assert re.search(rf"\b{key}`|`{key}\b|\.{key}\b", text), key


@pytest.mark.parametrize("section", [Suite, SuiteRow])
def test_every_key_of_suites_is_explained(section: type[Suite | SuiteRow]) -> None:
    text = (ROOT / "docs" / "suites.md").read_text("utf-8")
    for key in section.model_fields:
        assert re.search(rf"^\|[^|]*`{key}`", text, re.MULTILINE), key


def test_the_suite_in_the_document_resolves(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "suites.md").read_text("utf-8")
    (shown,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    path = tmp_path / "sharing.yaml"
    path.write_text(shown, "utf-8")
    _, jobs = resolve_rows(open_suite(path), Asked(), get_registry())
    assert [job.seed for job in jobs] == [0, 1, 0, 1]


def test_every_bundled_recipe_and_every_command_is_in_the_docs() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    study = (ROOT / "docs" / "ablation.md").read_text("utf-8")
    for listed in recipes.list_recipes():
        document = study if listed.name.startswith("ablation/") else readme
        assert f"`{listed.name}`" in document, listed.name
    texts = readme + (ROOT / "docs" / "recipes.md").read_text("utf-8")
    for command in COMMANDS:
        assert f"deblurkit {command}" in texts, command


def test_paths_that_the_documents_name_exist() -> None:
    for document in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = document.read_text("utf-8")
        for link in re.findall(r"\]\(([^)#]+)", text):
            if not link.startswith(("http", "_generated/")):
                assert (document.parent / link).exists(), f"{document.name}: {link}"
    architecture = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    for name in re.findall(r"`((?:\w+/)+\w+\.py|\w+\.py)`", architecture):
        places = (ROOT / "deblurkit", ROOT, ROOT / "plugins" / "deblurkit_standard")
        assert any((place / name).exists() for place in places), name
