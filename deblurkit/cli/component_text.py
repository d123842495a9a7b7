"""A component or a plugin in full, as text and as data."""

from __future__ import annotations

import re
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import click

from deblurkit.discovery import ALLOW, PluginInfo
from deblurkit.parameters import Parameter, as_text, describe, plain
from deblurkit.registry import Registered
from deblurkit.specs import ArchitectureSpec, Spec

ROLES = {
    "middle": "the middle frame's network",
    "core": "its two neighbours' networks",
    "outer": "the networks of the frames beyond",
}

SHORT_LIST = re.compile(r"\[[-\d.e, ]{1,24}\]")
HELD = "\x1f"
"""Stands for a space at which a line must not be broken."""


def status(info: PluginInfo) -> str:
    """`ok`, or `failed` with the reason."""
    return info.status if info.reason is None else f"{info.status}: {info.reason}"


def plugin_data(info: PluginInfo) -> dict[str, Any]:
    """A plugin as data."""
    return asdict(info)


def component_data(component: Registered) -> dict[str, Any]:
    """A component as data: everything but kind, name, summary and plugin."""
    spec = component.spec
    return {
        "distribution": component.distribution,
        "version": component.version,
        "build": spec.build,
        "reference": spec.reference,
        **{key: plain(value) for key, value in _extras(spec).items()},
        "parameters": [asdict(parameter) for parameter in describe(spec.params)],
    } | ({"roles": plain(_roles(spec))} if isinstance(spec, ArchitectureSpec) else {})


def component_text(component: Registered) -> str:
    """A component as text, wrapped to the terminal."""
    spec = component.spec
    origin = f"{component.owner} ({component.distribution} {component.version})"
    facts = {"plugin": origin, "code": spec.build, "reference": spec.reference}
    facts |= {key.replace("_", " "): _plain_text(v) for key, v in _extras(spec).items()}
    lines = [_heading(f"{spec.kind} {spec.name}"), *_wrap(spec.summary, "  "), ""]
    lines += _facts({key: text for key, text in facts.items() if text})
    parameters = describe(spec.params)
    lines += ["", _heading("parameters"), *_parameters(parameters)]
    if isinstance(spec, ArchitectureSpec):
        for role, values in _roles(spec).items():
            lines += ["", _heading(f"{role}: {ROLES[role]}")]
            texts = {key: as_text(plain(value)) for key, value in values.items()}
            lines += _facts(texts) if texts else ["  the defaults"]
    return "\n".join(lines)


def plugin_text(info: PluginInfo, components: Mapping[str, Sequence[str]]) -> str:
    """A plugin as text, with the names of its components by kind."""
    facts = {
        "status": status(info),
        "distribution": info.distribution,
        "version": info.version,
        "module": info.module,
    }
    if info.status == "failed":
        facts["next"] = (
            f"mend it, or update or uninstall {info.distribution}; "
            f"until then {ALLOW} can leave it out, by naming the others"
        )
    facts |= {kind: ", ".join(names) for kind, names in components.items()}
    return "\n".join([_heading(f"plugin {info.name}"), *_facts(facts)])


def _extras(spec: Spec) -> dict[str, Any]:
    """What a spec of this kind says beyond what all specs say."""
    common = {field.name for field in fields(Spec)} | {"roles"}
    return {f.name: getattr(spec, f.name) for f in fields(spec) if f.name not in common}


def _roles(spec: ArchitectureSpec) -> dict[str, Mapping[str, Any]]:
    return {role: spec.roles.get(role, {}) for role in ("middle", "core", "outer")}


def _plain_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value == {}:
        return ""
    return value if isinstance(value, str) else as_text(plain(value))


def _heading(text: str) -> str:
    return click.style(text, bold=True)


def _parameters(parameters: Iterable[Parameter]) -> list[str]:
    lines: list[str] = []
    for p in parameters:
        first, *more = _wrap(f"{p.name}: {p.type}", "  ", "      ")
        lines += [first.replace(p.name, click.style(p.name, bold=True), 1), *more]
        lines += _wrap(p.help, "      ")
        lines += _wrap("required" if p.required else f"default: {as_text(p.default)}", "      ")
    return lines or ["  none"]


def _facts(facts: Mapping[str, str]) -> list[str]:
    width = max(map(len, facts)) + 4
    return [
        line
        for key, text in facts.items()
        for line in _wrap(text, f"  {key}".ljust(width), " " * width)
    ]


def _wrap(text: str, first: str, rest: str | None = None) -> list[str]:
    """Lines that fit the terminal, broken between words only and not within a short list."""
    lines = textwrap.wrap(
        SHORT_LIST.sub(lambda found: found[0].replace(" ", HELD), text),
        width=min(max(shutil.get_terminal_size().columns, 40), 100),
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(HELD, " ") for line in lines]
