"""Where recipe and scale files are: paths, files beside a recipe, and the bundled ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deblurkit.errors import RecipeError, nearest
from deblurkit.recipe.located import Leaf, Origin
from deblurkit.recipe.problems import Problems
from deblurkit.recipe.yaml_reader import read_yaml

SUFFIXES = (".yaml", ".yml")
NO_SCALE = "none"
SCALES = "scales"
"""The folder beside recipes that holds scale files and no recipes."""


@dataclass(frozen=True)
class Listed:
    """A recipe or scale file that can be named without its path.

    Attributes:
        name: What to call it by.
        path: The file.
        summary: Its own one-line summary; empty where it has none.
        problem: Why it cannot be read, None where it can.
    """

    name: str
    path: Path
    summary: str
    problem: str | None = None


def bundled_folder() -> Path:
    """The folder of the recipes that come with deblurkit: in a wheel, or in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_recipes"
    return installed if installed.is_dir() else package.parent / "recipes"


def shown(path: Path) -> str:
    """A path for people: relative where it lies in the working directory."""
    try:
        return str(Path(os.path.normpath(path.absolute())).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def file_origin(path: Path, order: int) -> Origin:
    """The origin of a file's values; its relative paths start from its own folder."""
    return Origin(shown(path), path.absolute().parent, order)


def find_recipe(source: str | Path, *, beside: Path | None = None) -> Path:
    """The file of a recipe given by path or by a bundled recipe's name.

    Args:
        source: What was asked for; a name (`independent`, `ablation/share_none`) may lack
            `.yaml` and use `-` for `_`.
        beside: The folder that a relative path starts from; the working directory by default.

    Raises:
        RecipeError: there is neither such a file nor such a bundled recipe.
    """
    path = _against(source, beside)
    if _is(Path.is_file, path):
        return path
    bundled = _bundled()
    asked = _key(_stem(str(source)))
    for name, listed in bundled.items():
        if _key(name) == asked:
            return listed
    if _is(Path.is_dir, path):
        raise RecipeError("this is a folder, not a recipe file", where=shown(path))
    if _is(Path.exists, path):
        return path  # a pipe, for instance
    raise RecipeError(
        "there is no such recipe file",
        where=shown(path),
        valid="a file, or a bundled recipe: " + _nearest(_stem(str(source)), bundled),
        hint="`deblurkit recipe list` shows the bundled recipes",
    )


def find_scale(scale: str, *, recipes: Sequence[Path], beside: Path, where: str) -> Path | None:
    """The file of a scale, None for the scale `none`.

    A name is looked up in `scales/` beside the recipe, beside its parents, then among the
    bundled ones. What has a slash or ends in .yaml is a path.

    Args:
        scale: Name or path.
        recipes: The recipe file, its parent, the parent's parent, ...
        beside: The folder that a relative path starts from.
        where: Where the scale was asked for, for messages.

    Raises:
        RecipeError: there is no such scale.
    """
    if scale == NO_SCALE:
        return None
    if _is_path(scale) or scale.endswith(SUFFIXES):
        path = _against(scale, beside)
        if not _is(Path.is_file, path):
            raise RecipeError(f"there is no scale file {shown(path)}", where=where)
        return path
    known = _scale_files(recipes)
    for name, path in known.items():
        if _key(name) == _key(scale):
            return path
    raise RecipeError(
        f"there is no scale '{scale}'",
        where=where,
        valid=nearest(scale, [*known, NO_SCALE]) + ", or the path of a scale file",
    )


def list_recipes() -> tuple[Listed, ...]:
    """The bundled recipes by name, each with its summary; those in a folder as `folder/name`."""
    return tuple(_listed(name, path) for name, path in _bundled().items())


def list_scales() -> tuple[Listed, ...]:
    """The bundled scales by name, each with its summary."""
    return tuple(_listed(path.stem, path) for path in _files(bundled_folder() / SCALES))


def _scale_files(recipes: Sequence[Path]) -> dict[str, Path]:
    folders = [bundled_folder(), *(recipe.parent for recipe in reversed(recipes))]
    return {path.stem: path for folder in folders for path in _files(folder / SCALES)}


def _bundled() -> dict[str, Path]:
    """Bundled recipes by name: those of the folder itself, then `folder/name`."""
    top = bundled_folder()
    found = {path.stem: path for path in _files(top)}
    folders = sorted(p for p in top.iterdir() if p.is_dir()) if top.is_dir() else ()
    for folder in folders:
        if folder.name != SCALES:
            found |= {f"{folder.name}/{path.stem}": path for path in _files(folder)}
    return found


def _nearest(asked: str, names: Iterable[str]) -> str:
    """The choices, the likeliest first: by the whole of what was asked for, or its last part."""
    names = list(names)
    last = Path(asked).name
    for name in names:
        if _key(Path(name).name) == _key(last):
            return f"did you mean '{name}'? choices: {', '.join(sorted(names))}"
    return nearest(asked if asked.count("/") == 1 else last, names)


def _listed(name: str, path: Path) -> Listed:
    try:
        summary = read_yaml(path, file_origin(path, 0), Problems()).get("summary")
    except RecipeError as error:
        return Listed(name, path, "", str(error))
    return Listed(name, path, str(summary.value) if isinstance(summary, Leaf) else "")


def _files(folder: Path) -> Iterable[Path]:
    return sorted(p for p in folder.glob("*.yaml") if p.is_file()) if folder.is_dir() else ()


def _against(source: str | Path, beside: Path | None) -> Path:
    try:
        path = Path(source).expanduser()
    except RuntimeError:
        path = Path(source)
    return path if beside is None else beside / path


def _is(test: Callable[[Path], bool], path: Path) -> bool:
    """A question about a path, answered no for what cannot be a path."""
    try:
        return test(path)
    except (OSError, ValueError):
        return False


def _is_path(source: str) -> bool:
    return "/" in source or os.sep in source or source.startswith("~")


def _stem(name: str) -> str:
    return name[: -len(Path(name).suffix)] if name.endswith(SUFFIXES) else name


def _key(name: str) -> str:
    return name.replace("_", "-").lower()
