"""What the project says about itself agrees with itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

import yaml

import deblurkit

ROOT = Path(__file__).parents[2]


def test_citation_names_this_version_and_licence_and_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert citation["version"] == deblurkit.__version__
    assert citation["license"] == project["license"]
    (paper,) = citation["references"]
    assert [author["family-names"] for author in paper["authors"]] == ["Jin", "Meishvili", "Favaro"]


def test_changelog_has_a_section_for_what_is_not_released():
    headings = [
        line
        for line in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
        if line.startswith("## ")
    ]
    assert headings[0] == "## [Unreleased]"


def test_every_shipped_package_is_typed_and_layered():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    points = settings["project"]["entry-points"]["deblurkit"]
    packages = {
        Path(p).name for p in settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    }
    assert {value.partition(".")[0] for value in points.values()} == packages - {"deblurkit"}
    apart = {folder.name for folder in (ROOT / "plugins").glob("*/src/*") if folder.is_dir()}
    apart = {name for name in apart if not name.endswith(".egg-info") and name != "__pycache__"}
    assert set(settings["tool"]["mypy"]["packages"]) == packages | apart
    assert set(settings["tool"]["importlinter"]["root_packages"]) == packages
