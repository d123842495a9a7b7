"""Pages of the site that are made from the code: commands, recipe keys, components, hooks.

python docs/generate.py FOLDER
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from deblurkit import hookspecs
from deblurkit.cli import COMMANDS, main
from deblurkit.parameters import as_text, describe, plain
from deblurkit.recipe.schema import Recipe
from deblurkit.registry import Registered, get_registry
from deblurkit.specs import KINDS, SPECS, ArchitectureSpec, LossSpec, Spec
from deblurkit.vetting import HOOKS

OURS = ("jin2018", "standard")
"""The plugins that come with deblurkit; others that are installed have docs of their own."""


def commands() -> Iterator[str]:
    """Every command's help, as `--help` prints it."""
    yield "# Commands\n"
    yield "What each prints with `--help`.\n"
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        yield from _command(command, f"deblurkit {name}")


def _command(command: click.Command, title: str) -> Iterator[str]:
    context = click.Context(command, info_name=title, max_content_width=100, terminal_width=100)
    yield f"\n## {title}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _command(below, f"{title} {name}")


def recipe_keys() -> Iterator[str]:
    """Every key of recipes, from the models that validate them."""
    yield "# Every key of recipes\n"
    yield (
        "[recipes.md](../recipes.md) says how recipes are made; here is all that one may say, "
        "with types and defaults. Parameters of components stand beside their names: "
        "[components](components.md).\n"
    )
    yield "| key | type | default | meaning |\n|---|---|---|---|"
    yield from _keys(Recipe, "")


def _keys(model: type[BaseModel], above: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        key, kind = f"{above}{name}", field.annotation
        inner = [kind, *get_args(kind)]
        models = [t for t in inner if isinstance(t, type) and issubclass(t, BaseModel)]
        own = [t for t in models if t.model_config.get("extra") != "allow"]
        default = field.get_default(call_default_factory=True)
        shown = (
            ""
            if own
            else "required"
            if default is PydanticUndefined
            else _code(as_text(plain(default)))
        )
        type_ = _type(kind)
        yield f"| `{key}` | {_cell(type_)} | {shown} | {_cell(field.description or '')} |"
        for found in own:
            yield from _keys(found, f"{key}.")


def _type(kind: Any) -> str:
    text = inspect.formatannotation(kind)
    for drop in ("typing.", "deblurkit.recipe.schema.", "Annotated"):
        text = text.replace(drop, "")
    return text.split(", Field", maxsplit=1)[0].split(", FieldInfo", maxsplit=1)[0].lstrip("[")


def components() -> Iterator[str]:
    """Every component that comes with deblurkit, with its parameters."""
    yield "# Components\n"
    yield "What recipes can name; `deblurkit plugins show NAME` prints the same.\n"
    for kind in KINDS:
        found = [r for r in get_registry().specs(kind) if r.owner in OURS]
        if found:
            yield f"\n## {kind}\n"
        for component in found:
            yield from _component(component)


def _component(component: Registered) -> Iterator[str]:
    spec = component.spec
    yield f"\n### {spec.kind} `{spec.name}`\n"
    said = f"{spec.summary}; plugin `{component.owner}`"
    if spec.reference:
        said += f"; {spec.reference}"
    if isinstance(spec, LossSpec):
        said += f"; invariance: {spec.invariance}"
    yield f"{_cell(said)}.\n"
    parameters = list(describe(spec.params))
    if parameters:
        yield "| parameter | type | default | meaning |\n|---|---|---|---|"
    for p in parameters:
        default = "required" if p.required else _code(as_text(p.default))
        yield f"| `{p.name}` | {_cell(p.type)} | {default} | {_cell(p.help)} |"
    if isinstance(spec, ArchitectureSpec) and spec.roles:
        yield "\n| role | differs in |\n|---|---|"
        for role, values in spec.roles.items():
            text = ", ".join(f"{k}: {as_text(plain(v))}" for k, v in values.items())
            yield f"| {role} | {_code(text) if text else 'nothing'} |"


def hooks() -> Iterator[str]:
    """Every hook with what it returns, from `hookspecs` and `specs`."""
    yield "# Hooks\n"
    yield (
        "What a plugin implements; [plugins.md](../plugins.md) makes one step by step. A plugin "
        "says `DEBLURKIT_API = 1` and implements any of these; all are called without "
        "arguments, and nothing that they name is imported until it is used.\n"
    )
    for hook, kind in HOOKS.items():
        spec = SPECS[kind]
        about = inspect.getdoc(getattr(hookspecs, hook))
        yield f"\n## {hook}\n\n{about} Returns a list of `{spec.__name__}`.\n"
        yield f"```text\n{inspect.getdoc(spec)}\n```\n"
        yield "| field | type | default |\n|---|---|---|"
        for field in fields(spec):
            required = repr(field.default) if _has_default(field) else "required"
            yield f"| `{field.name}` | {_cell(str(field.type))} | {_code(required)} |"
    yield "\n## All specs\n\n```text\n" + (inspect.getdoc(Spec) or "") + "\n```\n"


def _has_default(field: Any) -> bool:
    return type(field.default).__name__ != "_MISSING_TYPE"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""


PAGES = {
    "commands": commands,
    "recipe-keys": recipe_keys,
    "components": components,
    "hooks": hooks,
}
"""Name of a page -> what makes it."""


def write_all(folder: Path) -> None:
    """Write all pages; one that has not changed keeps its time, so that builds stay short."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in PAGES.items():
        text = "\n".join(make()) + "\n"
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
