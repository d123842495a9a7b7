"""What others build on is what `api_surface.txt` says: a break is a decision, never an accident.

    python tests/contracts/test_api_surface.py      writes the file anew

`docs/stability.md` says what a change of each line means.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from pydantic import BaseModel

from deblurkit.recipe import schema

FILE = Path(__file__).with_name("api_surface.txt")
DOCUMENT = Path(__file__).parents[2] / "docs" / "stability.md"

MODULES = (
    "deblurkit",
    "deblurkit.hookspecs",
    "deblurkit.specs",
    "deblurkit.frames",
    "deblurkit.graph",
    "deblurkit.stages",
    "deblurkit.losses",
    "deblurkit.ordering",
    "deblurkit.norms",
    "deblurkit.formation",
    "deblurkit.errors",
    "deblurkit.registry",
    "deblurkit.data.clip",
    "deblurkit.footage.recording",
    "deblurkit.footage.layout",
    "deblurkit.footage.dataset",
    "deblurkit.inference.in_strips",
    "deblurkit.inference.rows",
    "deblurkit.inference.workspace",
    "deblurkit.testing",
)
"""What plugins and programs may import from."""


def surface() -> Iterator[str]:
    """One line a name: what it is and how it is called."""
    for name in MODULES:
        module = importlib.import_module(name)
        for public in sorted(public_names(module)):
            yield from lines(f"{name}.{public}", getattr(module, public))
    yield from recipe_keys(schema.Recipe, "recipe")


def public_names(module: ModuleType) -> set[str]:
    """`__all__`, or what a module defines or assigns itself without a leading underscore."""
    if hasattr(module, "__all__"):
        return set(module.__all__) - {"__version__"}
    found = set[str]()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in found if not name.startswith("_")}


def lines(path: str, thing: Any) -> Iterator[str]:
    """What a name stands for; classes with their members."""
    if inspect.isclass(thing):
        bases = ", ".join(b.__name__ for b in thing.__bases__ if b is not object)
        yield f"{path}: class({bases})"
        yield from fields(path, thing)
        yield from methods(path, thing)
    elif inspect.isfunction(inspect.unwrap(thing)):
        yield f"{path}{inspect.signature(thing)}"
    elif get_args(thing) or isinstance(thing, str | int | float | tuple):
        yield f"{path} = {thing}"
    else:
        yield f"{path}: {type(thing).__name__}"


def fields(path: str, thing: type) -> Iterator[str]:
    """The attributes that a class declares."""
    if dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            empty = field.default is field.default_factory is dataclasses.MISSING
            yield f"{path}.{field.name}: {field.type}{'' if empty else ' = ...'}"
    elif not issubclass(thing, BaseException | BaseModel):
        for name, kind in vars(thing).get("__annotations__", {}).items():
            if not name.startswith("_"):
                yield f"{path}.{name}: {kind}"


def methods(path: str, thing: type) -> Iterator[str]:
    """How a class is made and what can be called."""
    for name, member in sorted(vars(thing).items()):
        function = getattr(member, "__func__", member)
        if name.startswith("model_"):  # pydantic's own
            continue
        made = name == "__init__" and not dataclasses.is_dataclass(thing)
        if inspect.isfunction(function) and (made or not name.startswith("_")):
            yield f"{path}.{name}{inspect.signature(function)}"
        elif isinstance(member, property):
            yield f"{path}.{name}: property"


def recipe_keys(model: type[BaseModel], path: str) -> Iterator[str]:
    """The keys that a recipe may say, and whether they must be there."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        needed = " (required)" if field.is_required() else ""
        if inspect.isclass(inner) and issubclass(inner, BaseModel):
            yield f"{path}.{name}: section{needed}"
            yield from recipe_keys(inner, f"{path}.{name}")
        else:
            shown = next(
                k.__annotations__[name] for k in model.__mro__ if name in k.__annotations__
            )
            yield f"{path}.{name}: {shown}{needed}"


def text() -> str:
    return "\n".join(surface()) + "\n"


def test_the_surface_is_the_one_that_was_decided() -> None:
    now, then = text().splitlines(), FILE.read_text("utf-8").splitlines()
    gone = [line for line in then if line not in now]
    new = [line for line in now if line not in then]
    assert not gone and not new, (
        "gone or changed: others' plugins may break; see docs/stability.md\n  "
        + "\n  ".join(gone)
        + "\nnew:\n  "
        + "\n  ".join(new)
        + f"\nif that is meant: python {Path(__file__).name}, and a line in CHANGELOG.md"
    )


def test_the_document_names_the_modules() -> None:
    said = set(re.findall(r"^\| `(deblurkit[\w.]*)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE))
    assert said == set(MODULES)


if __name__ == "__main__":
    sys.exit(FILE.write_text(text(), "utf-8") and 0)
