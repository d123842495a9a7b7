"""`deblurkit plugins`: which components there are, and packages for new ones."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import click

from deblurkit.cli import component_text
from deblurkit.cli.paths import NamedPath
from deblurkit.discovery import PluginInfo
from deblurkit.errors import ContractError, PluginError, nearest
from deblurkit.registry import Registered, Registry, get_registry
from deblurkit.specs import KINDS, Kind

NARROWEST = 60
"""Columns below which a table is no longer squeezed: the terminal breaks its lines instead."""

UNBOUNDED = 10_000
"""Columns of a file or a pipe."""

MADE: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "importer")
"""The kinds of components that `plugins new` has templates for."""

kind_option = click.option("--kind", type=click.Choice(KINDS), help="Only components of this kind.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.group()
def plugins() -> None:
    """List and explain the components that recipes can name; make and check new plugins."""


@plugins.command("list")
@kind_option
@json_option
def list_(kind: str | None, as_json: bool) -> None:
    """List components and the plugins they come from.

    A plugin that failed is listed with the reason; nothing of it can be used. The environment
    variable DEBLURKIT_PLUGINS=a,b leaves all plugins out but those named; with
    DEBLURKIT_STRICT=1 a plugin that failed is an error, whatever is done.
    """
    registry = get_registry()
    components = registry.specs(cast("Kind | None", kind))
    if as_json:
        _print_json(
            [_summary(component) for component in components],
            [component_text.plugin_data(info) for info in registry.plugins()],
        )
        return
    _print_table(
        ("kind", "name", "plugin", "summary"),
        [(r.spec.kind, r.spec.name, r.owner, r.spec.summary) for r in components],
    )
    click.echo()
    _print_table(
        ("plugin", "distribution", "version", "status"),
        [(i.name, i.distribution, i.version, component_text.status(i)) for i in registry.plugins()],
    )


@plugins.command()
@click.argument("name")
@kind_option
@json_option
def show(name: str, kind: str | None, as_json: bool) -> None:
    """Explain NAME: a component, owner:name, or a plugin.

    Shows parameters with types, limits and defaults, the reference, and where it comes from.
    """
    registry = get_registry()
    components = _find(registry, name, cast("Kind | None", kind))
    infos = [i for i in registry.plugins() if i.name == name and kind is None]
    if not components and not infos:
        raise _unknown(registry, name, cast("Kind | None", kind))
    if as_json:
        _print_json(
            [{**_summary(r), **component_text.component_data(r)} for r in components],
            [{**component_text.plugin_data(i), "components": _names(registry, i)} for i in infos],
        )
        return
    texts = [component_text.component_text(r) for r in components]
    texts += [component_text.plugin_text(i, _names(registry, i)) for i in infos]
    click.echo("\n\n".join(texts))


@plugins.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(MADE), required=True, help="What it offers.")
@click.option(
    "--into", type=NamedPath(path_type=Path, file_okay=False), default=Path(), metavar="FOLDER",
    help="Where its folder goes [default: here].",
)  # fmt: skip
def new(name: str, kind: str, into: Path) -> None:
    """Write a package NAME with a plugin that offers one component; it works as it is.

    It holds the component, its spec, tests, an example recipe and a README.
    """
    from deblurkit.scaffold.create import create_package

    root = create_package(name, cast("Kind", kind), into, get_registry())
    shown = shlex.quote(str(root))
    click.echo(f"written: {root}")
    click.echo(f"  next     pip install -e {shlex.quote(f'{root}[test]')} && pytest {shown}")
    click.echo(f"  start at {root / 'src' / name.replace('-', '_') / f'{kind}.py'}")


@plugins.command()
@click.argument("package")
@click.option(
    "--set", "overrides", multiple=True, metavar="[KIND:]COMPONENT.PARAMETER=VALUE",
    help="Where a component cannot do with its defaults, or a large one is to be small. "
    "May be repeated.",
)  # fmt: skip
def check(package: str, overrides: Sequence[str]) -> None:
    """Run the conformance suites of all components of a plugin.

    PACKAGE is the plugin's name or that of the distribution it came with. What is wrong is said
    in plain words, with how to mend it; the exit code is then 1.
    """
    from deblurkit.testing.plugins import findings

    registry = get_registry()
    name = _plugin_called(registry, package)
    components = [r for r in registry.specs() if r.owner == name]
    if not components:
        raise PluginError(f"plugin '{name}' offers nothing", hint="implement one of its hooks")
    failed = 0
    for finding in findings(components, registry, _parameters(overrides, components)):
        spec = finding.component.spec
        failed += finding.problem is not None
        said = "ok    " if finding.problem is None else "wrong "
        click.echo(f"{said} {spec.kind} '{spec.name}'  {finding.seconds:.1f} s")
        if finding.problem is not None:
            click.echo(textwrap.indent(finding.problem, "       "))
        if finding.remark is not None:
            click.echo(textwrap.indent(finding.remark, "       "))
    if failed:
        raise ContractError(
            f"{failed} of {len(components)} components of plugin '{name}' break the contract"
        )
    click.echo(f"plugin '{name}' keeps the contract; components checked: {len(components)}")


def _plugin_called(registry: Registry, name: str) -> str:
    """The plugin with this name or of this distribution; its failure is an error here."""
    infos = registry.plugins()
    found = [i for i in infos if i.name == name] or [i for i in infos if i.distribution == name]
    if not found:
        raise PluginError(
            f"there is no plugin '{name}'",
            valid=nearest(name, {i.name for i in infos}),
            hint="install its package first: pip install -e FOLDER",
        )
    for info in found:
        if info.status == "failed":
            raise PluginError(
                f"plugin '{info.name}' ({info.distribution} {info.version}) failed to load: "
                f"{info.reason}",
                hint="mend that first",
            )
    if len(found) > 1:
        raise PluginError(
            f"{name} has more than one plugin",
            valid=", ".join(i.name for i in found),
            hint="name one of them",
        )
    return found[0].name


def _parameters(
    overrides: Sequence[str], components: Sequence[Registered]
) -> dict[tuple[Kind, str], dict[str, Any]]:
    """`--set` values by component and parameter."""
    import yaml

    found: dict[tuple[Kind, str], dict[str, Any]] = {}
    for text in overrides:
        key, equals, value = text.partition("=")
        component, dot, parameter = key.partition(".")
        if not (equals and dot and parameter):
            raise PluginError(
                f"'{text}' sets nothing", where="--set", valid="[KIND:]COMPONENT.PARAMETER=VALUE"
            )
        kind, _, bare = component.rpartition(":")
        matches = [r.spec for r in components if r.spec.name == bare and kind in ("", r.spec.kind)]
        if len(matches) != 1:
            raise PluginError(
                f"this plugin has {'more than one' if matches else 'no'} component '{component}'",
                where="--set",
                valid=" or ".join(f"{spec.kind}:{spec.name}" for spec in matches)
                or nearest(bare, {r.spec.name for r in components}),
            )
        try:
            given = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise PluginError(f"'{value}' is no value", where=f"--set {key}") from error
        found.setdefault((matches[0].kind, bare), {})[parameter] = given
    return found


def _find(registry: Registry, name: str, kind: Kind | None) -> list[Registered]:
    """The components called so, of any plugin and kind unless the name or `kind` says which."""
    owner, colon, bare = name.rpartition(":")
    return [
        r for r in registry.specs(kind) if r.spec.name == bare and (not colon or r.owner == owner)
    ]


def _unknown(registry: Registry, name: str, kind: Kind | None) -> PluginError:
    if kind is not None:
        try:
            registry.resolve(kind, name)
        except PluginError as error:
            return error
    owner, colon, _ = name.rpartition(":")
    failed = [
        i for i in registry.plugins() if i.status == "failed" and (not colon or i.name == owner)
    ]
    known = {r.qualified if colon else r.spec.name for r in registry.specs()}
    return PluginError(
        f"there is no component or plugin '{name}'",
        valid=nearest(name, known | {i.name for i in registry.plugins()}),
        hint="\n        ".join(
            f"it may be of plugin '{i.name}', which failed to load: {i.reason}" for i in failed
        )
        or None,
    )


def _names(registry: Registry, info: PluginInfo) -> dict[str, list[str]]:
    """The names of a plugin's components by kind."""
    own = [r.spec for r in registry.specs() if r.owner == info.name and info.status == "ok"]
    return {k: names for k in KINDS if (names := [s.name for s in own if s.kind == k])}


def _summary(component: Registered) -> dict[str, Any]:
    return {
        "kind": component.spec.kind,
        "name": component.spec.name,
        "summary": component.spec.summary,
        "plugin": component.owner,
    }


def _print_json(components: list[dict[str, Any]], infos: list[dict[str, Any]]) -> None:
    click.echo(json.dumps({"components": components, "plugins": infos}, indent=2))


def _print_table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Print a table whose last column is wrapped at words to fit a terminal.

    Where the output is not a terminal every row stays on one line, for grep and the like.
    """
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in header:
        table.add_column(title, no_wrap=title != header[-1], overflow="fold")
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, highlight=False, emoji=False)
    console.width = max(console.width, NARROWEST) if console.is_terminal else UNBOUNDED
    with console.capture() as printed:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))
