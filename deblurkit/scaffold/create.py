"""A package with a plugin in it, made from templates: small, real, and tested."""

from __future__ import annotations

import keyword
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from deblurkit import API_VERSION
from deblurkit.errors import DataError, PluginError
from deblurkit.registry import Registry
from deblurkit.specs import SPECS, Kind
from deblurkit.storage import atomic_folder
from deblurkit.vetting import NAME


@dataclass(frozen=True)
class Template:
    """What is said about the component that a kind's templates make.

    Attributes:
        summary: One line, for the spec and the package.
        pydantic: What its parameter model is written with.
    """

    summary: str
    pydantic: str = "Field"


TEMPLATES: Mapping[Kind, Template] = {
    "loss": Template("error of the gradients of each frame"),
    "family": Template("every other frame from the blurry image and the middle frame"),
    "architecture": Template("a plain residual network at full size"),
    "schedule": Template("the middle frame first, then all other stages at once"),
    "ordering": Template("a learnt plane through the coarse differences of each pair"),
    "dataset": Template("random textures that drift", "Field, field_validator"),
    "metric": Template("mean absolute error in grey levels"),
}
"""The kinds of components that a package can be made for."""


def create_package(name: str, kind: Kind, folder: Path, registry: Registry) -> Path:
    """Write a package with a plugin that offers one component; both are called `name`.

    It holds the component, its spec, tests that run the conformance suite, an example recipe
    and a README, and works as it is. It appears whole or not at all.

    Args:
        name: Lower case letters, digits and hyphens.
        kind: One of `TEMPLATES`.
        folder: Where the folder `name` is made.
        registry: What is installed: the name must be free.

    Returns:
        The package's folder.

    Raises:
        PluginError: the name is none, or taken.
        DataError: the folder is there already or cannot be written.
    """
    package = _checked(name, kind, registry)
    root = folder / name
    if root.exists() or root.is_symlink():
        raise DataError("it is there already", where=str(root), hint="take another name or --into")
    words = {
        "name": name,
        "package": package,
        "cls": _class_name(name, kind),
        "kind": kind,
        "article": "an" if kind[0] in "aeiou" else "a",
        "summary": TEMPLATES[kind].summary,
        "pydantic": TEMPLATES[kind].pydantic,
        "spec": SPECS[kind].__name__,
        "api": API_VERSION,
    }
    try:
        with atomic_folder(root) as temporary:
            for path, text in _files(kind, words).items():
                (temporary / path).parent.mkdir(parents=True, exist_ok=True)
                (temporary / path).write_text(text, "utf-8")
    except OSError as error:
        raise DataError(
            f"the package cannot be written: {error.strerror}",
            where=str(root),
            hint="--into names another folder",
        ) from error
    return root


def _checked(name: str, kind: Kind, registry: Registry) -> str:
    """The package's name in Python, if nothing is called so yet."""
    if not NAME.fullmatch(name) or name[0].isdigit() or name.endswith("+"):
        raise PluginError(
            f"'{name}' is no name for a plugin",
            valid="lower case letters, digits and single hyphens, a letter first: edge-loss",
        )
    package = name.replace("-", "_")
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or _is_installed(package):
        raise PluginError(
            f"a module called '{package}' is there already, and would be hidden",
            hint=f"take another name, for instance deblurkit-{name}",
        )
    if name in {info.name for info in registry.plugins()}:
        raise PluginError(
            f"there is a plugin '{name}' already",
            hint="take another name: of two plugins with one name neither can be used",
        )
    rivals = [r for r in registry.specs(kind) if r.spec.name == name]
    if rivals:
        raise PluginError(
            f"plugin '{rivals[0].owner}' has {kind} '{name}' already",
            hint="take another name: recipes could not tell them apart",
        )
    return package


def _class_name(name: str, kind: Kind) -> str:
    """`edge-loss` as EdgeLoss, `clip` as ClipDataset: never what the templates import."""
    parts = name.split("-")
    return "".join(p.capitalize() for p in (parts if parts[-1] == kind else [*parts, kind]))


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _files(kind: Kind, words: Mapping[str, object]) -> dict[str, str]:
    """Path in the package -> its text."""
    # Python and YAML, no page: nothing is to be escaped.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("deblurkit.scaffold"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )

    def text(name: str) -> str:
        return environment.get_template(f"{name}.j2").render(words)

    source = f"src/{words['package']}"
    return {
        "pyproject.toml": text("common/pyproject.toml"),
        "README.md": text("common/README.md"),
        ".gitignore": text("common/gitignore"),
        f"{source}/__init__.py": text("common/__init__.py"),
        f"{source}/plugin.py": text("common/plugin.py") + text(f"{kind}/spec"),
        f"{source}/{kind}.py": text(f"{kind}/component.py"),
        f"{source}/py.typed": "",
        f"tests/test_{kind}.py": text(f"{kind}/test.py"),
        "recipes/example.yaml": text(f"{kind}/recipe.yaml"),
    }
