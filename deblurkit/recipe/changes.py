"""Whether a recipe changes only what it declares: its `changes` against its parent.

An ablation row is worth what its difference to another row is: one thing. `changes` names
that thing, and the resolved recipe is compared with its resolved parent, so that nothing
comes along unseen, such as a default of another component.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from deblurkit.errors import nearest
from deblurkit.recipe.dump import flow
from deblurkit.recipe.layers import Layers
from deblurkit.recipe.located import KeyPath, Leaf, Place, Row, find, path_text
from deblurkit.recipe.merging import COMPONENTS
from deblurkit.recipe.problems import Problems
from deblurkit.recipe.resolving import resolve
from deblurkit.recipe.schema import Recipe
from deblurkit.recipe.wording import show_value
from deblurkit.registry import Registry

FREE = ("name", "summary")
"""What every recipe says for itself."""
NOTHING = object()
"""In the place of a value that one of two recipes lacks."""
_KEY = "changes"
_LONGEST = 60


def check_changes(layers: Layers, registry: Registry, problems: Problems) -> None:
    """Check a recipe file that declares what it changes against its parent.

    Both are taken at the same scale and without the command line's values. A declared key
    that does not differ is right: it may differ at another scale.

    Args:
        layers: Of the recipe.
        registry: Where components are found.
        problems: Receives what is wrong with `changes`, and each difference that it does not
            cover. Where anything else is wrong already, differences would mislead and are not
            looked for.
    """
    if layers.changes is None:
        return
    place = layers.changes.key
    declared = _declared(layers, problems)
    if layers.parent is None:
        text = "there is nothing to compare with; valid: only beside `extends`"
        problems.add(place, (_KEY,), text)
    if tuple(problems) or layers.parent is None:
        return
    dumps = []
    for source, tree in ((layers.source, layers.own), (layers.parent_source, layers.parent)):
        # A component's missing parameter, such as the paper scale's folder of frames, is missing
        # on both sides and no difference.
        found = Problems()
        recipe, _ = resolve(tree, layers.components, registry, found)
        if recipe is None:
            first = found.lines()[0]
            text = f"this needs two whole recipes, and {source} is none by itself: {first}"
            problems.add(place, (_KEY,), text)
            return
        dumps.append(recipe.model_dump(mode="json"))
    for path, own, parent in differences(dumps[0], dumps[1]):
        if path[0] not in FREE and not any(path[: len(key)] == key for key in declared):
            problems.add(
                _place(layers, path, place),
                path,
                f"{_said(own)} here, {_said(parent)} in {layers.parent_source}, and `{_KEY}` does "
                f"not name it; valid: {path_text(path)} in `{_KEY}`, or the parent's value",
            )


def differences(
    a: Mapping[str, Any], b: Mapping[str, Any], above: KeyPath = ()
) -> Iterator[tuple[KeyPath, Any, Any]]:
    """The keys in which two dumped recipes differ, with both values.

    Args:
        a: `recipe.model_dump(mode="json")`.
        b: Another one.
        above: Keys above both.

    Yields:
        Path, value in `a`, value in `b`; `NOTHING` where there is none. A mapping that only one
        of them has is one difference, and so is another component in the place of one, its
        parameters with it; within mappings of both, keys are compared one by one.
    """
    for key in dict.fromkeys((*a, *b)):
        path = (*above, key)
        left, right = a.get(key, NOTHING), b.get(key, NOTHING)
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            if path in COMPONENTS and left["name"] != right["name"]:
                yield path, left["name"], right["name"]
                continue
            yield from differences(left, right, path)
        elif left != right:
            yield path, left, right


def _declared(layers: Layers, problems: Problems) -> tuple[KeyPath, ...]:
    """The keys that a file declares, each noted where it cannot be one."""
    assert layers.changes is not None
    node = layers.changes.value
    if not isinstance(node, Row):
        if not (isinstance(node, Leaf) and node.broken):
            text = "must be a list of keys, such as [family.share, loss.others]"
            problems.add(node.place, (_KEY,), text)
        return ()
    declared: list[tuple[str, ...]] = []
    for i, item in enumerate(node.items):
        if isinstance(item, Leaf) and item.broken:
            continue
        if not isinstance(item, Leaf) or not isinstance(item.value, str):
            text = "must be a key, such as family.share"
            problems.add(item.place, (_KEY, i), text)
            continue
        path = tuple(item.value.split("."))
        text = _unfit(path, declared)
        if text:
            problems.add(item.place, (_KEY, i), f"{text}, got {show_value(item.value)}")
        declared.append(path)
    return tuple(declared)


def _unfit(path: tuple[str, ...], before: list[tuple[str, ...]]) -> str:
    """Why a key cannot be declared; empty where it can."""
    if path[0] in FREE:
        return f"{path_text(path)} is always free to differ and is not declared"
    for other in before:
        if path[: len(other)] == other or other[: len(path)] == path:
            return f"{path_text(path)} and {path_text(other)} overlap; valid: one of the two"
    model: type[BaseModel] | None = Recipe
    for depth, key in enumerate(path):
        if model is None or model.model_config.get("extra") == "allow":
            return ""  # a component's parameters are its own
        if key not in model.model_fields:
            above = path_text(path[:depth])
            known = [k for k in model.model_fields if k not in FREE or depth]
            return f"there is no such key{f' in {above}' if above else ''}; {nearest(key, known)}"
        kind = model.model_fields[key].annotation
        model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return ""


def _place(layers: Layers, path: KeyPath, otherwise: Place) -> Place:
    """Where the recipe file says a value; `otherwise` where another layer does, or a default."""
    place = find(layers.own, path)[0].place
    return place if place.origin.label == otherwise.origin.label else otherwise


def _said(value: Any) -> str:
    """A value as a recipe would say it, shortened."""
    text = "nothing" if value is NOTHING else flow(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
