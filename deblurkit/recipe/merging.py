"""How one layer of a recipe goes over another."""

from __future__ import annotations

from deblurkit.recipe.located import Entry, KeyPath, Leaf, Node, Place, Table

ROLES = ("middle", "core", "outer")
COMPONENTS: tuple[KeyPath, ...] = (
    ("family",),
    ("architecture",),
    ("schedule",),
    ("ordering",),
    ("data", "train"),
    ("data", "test"),
)
"""Mappings that name a component, its parameters beside the name."""
TERMS: tuple[KeyPath, ...] = (("loss", "middle"), ("loss", "others"))
"""Mappings whose keys are names of components."""


def merge(lower: Node | None, upper: Node, path: KeyPath = ()) -> Node:
    """Lay `upper` over `lower`: mappings key by key, all else replaces.

    A component mapping that names another component than the lower one replaces it whole:
    the parameters of one component mean nothing to another.
    """
    if not isinstance(lower, Table) or not isinstance(upper, Table):
        return upper
    if path in COMPONENTS and not _same_component(lower.get("name"), upper.get("name")):
        return upper
    entries = dict(lower.entries)
    for key, entry in upper.entries.items():
        below = lower.get(key)
        if below is None and path in TERMS:
            for name in [n for n in entries if n not in upper.entries and same_name(n, key)]:
                below = entries.pop(name).value
        entries[key] = Entry(entry.key, merge(below, entry.value, (*path, key)))
    # A mapping stands where a file has it, not where an override reaches into it.
    return Table(entries, lower.place if upper.place.origin.command else upper.place)


def merge_tables(lower: Table, upper: Table, path: KeyPath = ()) -> Table:
    """`merge` of two mappings, which is a mapping."""
    merged = merge(lower, upper, path)
    assert isinstance(merged, Table)
    return merged


def same_name(a: str, b: str) -> bool:
    """Whether two names mean one component; `owner:name` and `name` do."""
    owner_a, _, bare_a = a.rpartition(":")
    owner_b, _, bare_b = b.rpartition(":")
    return bare_a == bare_b and (owner_a == owner_b or not owner_a or not owner_b)


def _same_component(lower: Node | None, upper: Node | None) -> bool:
    if lower is None or upper is None:
        return True
    if not isinstance(lower, Leaf) or not isinstance(upper, Leaf):
        return False
    if isinstance(lower.value, str) and isinstance(upper.value, str):
        return same_name(lower.value, upper.value)
    return lower.value == upper.value


def spread_roles(architecture: Table) -> Table:
    """Write an architecture's parameters out for each role.

    Those beside the name hold for all three roles; those of a role win over them. Done to
    every layer before merging, so that a later layer always wins over an earlier one.
    """
    shared = architecture.without("name", *ROLES)
    spread = Table(
        {k: e for k, e in architecture.entries.items() if k not in shared.entries},
        architecture.place,
    )
    for role in ROLES:
        own = spread.get(role)
        if own is None and shared.entries:
            first: Place = next(iter(shared.entries.values())).key
            spread = spread.with_value(role, Table(shared.entries, first), first)
        elif isinstance(own, Table):
            entries = merge_tables(shared, own).entries
            spread = spread.with_value(role, Table(entries, own.place))
    return spread


def normalised(layer: Table) -> Table:
    """A layer with its architecture's parameters written out for each role."""
    architecture = layer.get("architecture")
    if not isinstance(architecture, Table):
        return layer
    return layer.with_value("architecture", spread_roles(architecture))
