"""Components of a recipe: found by name, their parameters filled in and validated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from deblurkit.errors import PluginError, nearest
from deblurkit.recipe.located import Entry, KeyPath, Leaf, Node, Origin, Place, Table, locate, plain
from deblurkit.recipe.merging import ROLES, merge_tables, same_name, spread_roles
from deblurkit.recipe.problems import Problem, Problems, plugin_text
from deblurkit.recipe.validation import dumped, validate
from deblurkit.registry import Registered, Registry
from deblurkit.specs import ArchitectureSpec, Kind

GROUPS = ("middle", "others")
"""Of loss terms."""
_DEFAULTS_ORDER = 10_000
_SINGLE: tuple[tuple[Kind, KeyPath], ...] = (
    ("family", ("family",)),
    ("schedule", ("schedule",)),
    ("ordering", ("ordering",)),
    ("dataset", ("data", "train")),
    ("dataset", ("data", "test")),
)


class Components:
    """Resolves every component that a recipe uses.

    Args:
        tree: The merged recipe, its architecture written out for each role.
        scale: Parameters of components by name, beneath what the recipe says.
        registry: Where components are found.
        problems: Receives what is wrong.

    Attributes:
        tree: The recipe with those parameters laid beneath, for the places of values.
        values: The recipe as plain values, parameters resolved where they are right.
    """

    def __init__(
        self, tree: Table, scale: Table | None, registry: Registry, problems: Problems
    ) -> None:
        self.tree, self.values = tree, plain(tree)
        self._scale, self._registry, self._problems = scale, registry, problems
        self._used: dict[str, list[Registered]] = {}
        for kind, path in _SINGLE:
            self._single(kind, path)
        for group in GROUPS:
            self._terms(("loss", group))
        self._architecture()
        self._check_scale()

    def _single(self, kind: Kind, path: KeyPath) -> None:
        node = _at(self.tree, path)
        found = self._named(kind, node, path)
        if found is None or not isinstance(node, Table):
            return
        params = self._over_scale(found, node.without("name"))
        name = Table({"name": node.entries["name"]}, node.place)
        self._store(path, merge_tables(name, params))
        values = self._validate(found, params, path)
        if values is not None:
            _put(self.values, path, {"name": plain(name)["name"], **values})

    def _terms(self, path: KeyPath) -> None:
        group = _at(self.tree, path)
        if not isinstance(group, Table):
            return
        seen: dict[str, str] = {}
        for name, entry in group.entries.items():
            here = (*path, name)
            if isinstance(entry.value, Leaf) and entry.value.value is None:
                self._check_known(("loss",), name, entry.key, here)
                continue
            found = self._resolve("loss", name, entry.key, here)
            if found is None or not isinstance(entry.value, Table):
                continue
            if (first := seen.setdefault(found.qualified, name)) != name:
                text = f"this is the term '{first}' once more; valid: one of the two"
                self._problems.add(entry.key, here, text)
            params = self._over_scale(found, entry.value.without("weight"))
            weight = Table(
                {k: e for k, e in entry.value.entries.items() if k == "weight"}, entry.value.place
            )
            self._store(here, merge_tables(weight, params))
            values = self._validate(found, params, here)
            if values is not None:
                _put(self.values, here, {**plain(weight), **values})

    def _architecture(self) -> None:
        node = self.tree.get("architecture")
        found = self._named("architecture", node, ("architecture",))
        if found is None or not isinstance(node, Table):
            return
        assert isinstance(found.spec, ArchitectureSpec)
        by_role: dict[str, Problems] = {role: Problems() for role in ROLES}
        for role in ROLES:
            own = node.get(role) or Table({}, node.place)
            if not isinstance(own, Table):
                continue
            origin = Origin(f"default of {found.spec.name} for {role}", Path.cwd(), _DEFAULTS_ORDER)
            defaults = {str(r): values for r, values in found.spec.roles.items()}.get(role, {})
            role_defaults = locate(to_jsonable_python(dict(defaults)), Place(origin))
            assert isinstance(role_defaults, Table)
            params = merge_tables(role_defaults, self._over_scale(found, own, role))
            params = Table(params.entries, own.place)
            path = ("architecture", role)
            self._store(path, params)
            values = self._validate(found, params, path, by_role[role])
            if values is not None:
                _put(self.values, path, values)
        for problem in _once(by_role):
            self._problems.add(problem.place, problem.path, problem.text)

    def _named(self, kind: Kind, node: Node | None, path: KeyPath) -> Registered | None:
        """The component that a mapping names; without a proper name the schema complains."""
        name = node.get("name") if isinstance(node, Table) else None
        if not isinstance(name, Leaf) or not isinstance(name.value, str):
            return None
        return self._resolve(kind, name.value, name.place, (*path, "name"))

    def _resolve(self, kind: Kind, name: str, place: Place, path: KeyPath) -> Registered | None:
        try:
            found = self._registry.resolve(kind, name)
        except PluginError as error:
            self._problems.add(place, path, plugin_text(error))
            return None
        self._used.setdefault(found.spec.name, []).append(found)
        return found

    def _validate(
        self, found: Registered, params: Table, path: KeyPath, problems: Problems | None = None
    ) -> dict[str, Any] | None:
        problems = self._problems if problems is None else problems
        try:
            model = validate(found.spec.params, plain(params), params, problems, path)
            return None if model is None else dumped(model, params)
        except Exception as error:  # noqa: BLE001 - a plugin's own check may fail in any way
            text = f"plugin '{found.owner}' could not check this: {type(error).__name__}: {error}"
            problems.add(params.place, path, " ".join(text.split()))
            return None

    def _over_scale(self, found: Registered, params: Table, role: str | None = None) -> Table:
        """A recipe's parameters over those that the scale has for this component."""
        for name, entry in self._scale_entries():
            if same_name(name, found.qualified):
                layer: Node = entry
                if role is not None:
                    layer = spread_roles(entry).get(role) or Table({}, entry.place)
                if isinstance(layer, Table):
                    # Components of other kinds may have this name, with other parameters.
                    known = found.spec.params.model_fields
                    entries = {k: e for k, e in layer.entries.items() if k in known}
                    place = params.place
                    merged = merge_tables(Table(entries, place), params)
                    params = Table(merged.entries, place)
        return params

    def _scale_entries(self) -> Iterator[tuple[str, Table]]:
        for name, entry in self._scale.entries.items() if self._scale else ():
            if isinstance(entry.value, Table):
                yield name, entry.value

    def _check_scale(self) -> None:
        """Find names that no component has, and parameters that no component of the name has."""
        kinds: tuple[Kind, ...] = ("loss", "architecture", *(kind for kind, _ in _SINGLE))
        for name, layer in self._scale_entries():
            assert self._scale is not None
            here = ("components", name)
            self._check_known(kinds, name, self._scale.entries[name].key, here)
            if not any(same_name(name, f.qualified) for fs in self._used.values() for f in fs):
                continue
            known: set[str] = set()
            for found in self._registry.specs():
                if same_name(name, found.qualified):
                    known |= set(found.spec.params.model_fields)
            spread = spread_roles(layer)
            roles = [table for role in ROLES if isinstance(table := spread.get(role), Table)]
            if not any(f.spec.kind == "architecture" for f in self._used.get(_bare(name), ())):
                roles = [layer]
            for key, entry in ((k, e) for table in roles for k, e in table.entries.items()):
                if key not in known:
                    text = f"no '{name}' has this parameter; {nearest(key, known)}"
                    self._problems.add(entry.key, (*here, key), text)

    def _check_known(self, kinds: Iterable[Kind], name: str, place: Place, path: KeyPath) -> None:
        """Find a name that no component has; where a plugin failed it may be one of its."""
        known = {f.qualified for kind in kinds for f in self._registry.specs(kind)}
        failed = any(info.status == "failed" for info in self._registry.plugins())
        if failed or any(same_name(name, qualified) for qualified in known):
            return
        text = f"there is no component '{name}'; {nearest(name, map(_bare, known))}"
        self._problems.add(place, path, text)

    def _store(self, path: KeyPath, value: Table) -> None:
        self.tree = _replaced(self.tree, path, value)


def _once(by_role: dict[str, Problems]) -> Iterator[Problem]:
    """Problems of the three roles; one said beside the name, for all of them, only once."""
    found = {role: list(problems) for role, problems in by_role.items()}
    shared = [{(p.place, p.path[2:], p.text) for p in problems} for problems in found.values()]
    everywhere = set.intersection(*shared)
    for role, problems in found.items():
        for problem in problems:
            if (problem.place, problem.path[2:], problem.text) not in everywhere:
                yield problem
            elif role == ROLES[0]:
                yield Problem(problem.place, ("architecture", *problem.path[2:]), problem.text)


def _bare(name: str) -> str:
    return name.rpartition(":")[2]


def _at(tree: Table, path: KeyPath) -> Node | None:
    node: Node | None = tree
    for part in path:
        node = node.get(str(part)) if isinstance(node, Table) else None
    return node


def _replaced(tree: Table, path: KeyPath, value: Node) -> Table:
    key = str(path[0])
    if len(path) > 1:
        below = tree.get(key)
        assert isinstance(below, Table)
        value = _replaced(below, path[1:], value)
    entry = tree.entries.get(key)
    return Table(
        {**tree.entries, key: Entry(entry.key if entry else value.place, value)}, tree.place
    )


def _put(values: dict[str, Any], path: KeyPath, value: Any) -> None:
    for part in path[:-1]:
        values = values[str(part)]
    values[str(path[-1])] = value
