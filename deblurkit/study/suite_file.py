"""Suite files: found by path or name, read with a place for every mistake, written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deblurkit.errors import RecipeError, nearest
from deblurkit.evaluation.rows import NO_METHOD
from deblurkit.printable import readable
from deblurkit.recipe.dump import flow
from deblurkit.recipe.located import KeyPath, Leaf, Node, Place, Row, Table, plain
from deblurkit.recipe.problems import Problems
from deblurkit.recipe.sources import SUFFIXES, file_origin, shown
from deblurkit.recipe.validation import validate
from deblurkit.recipe.yaml_reader import read_yaml
from deblurkit.study.suite import Suite

_ORDER = 900
"""Problems of a suite come behind those of the recipes it names, before the command line's."""
OWN_KEYS = {
    "seed": "seeds: of the suite or the row",
    "evaluation.protocol": "protocol: of the suite",
}
"""Keys of recipes that a suite says in a place of its own."""


@dataclass(frozen=True)
class SuiteFile:
    """A suite with what its file knows beyond the values.

    Attributes:
        path: The file; recipes named by a path start from its folder.
        suite: What it says.
        common: Its `set`, with places; None where it has none.
        sets: Row name -> the row's `set`, with places, for rows that have one.
    """

    path: Path
    suite: Suite
    common: Table | None
    sets: dict[str, Table]

    def settings_of(self, row: str) -> tuple[Table, ...]:
        """What goes over a row's recipe, lowest first: the suite's `set`, then the row's."""
        return tuple(t for t in (self.common, self.sets.get(row)) if t is not None)


def read_suite(source: str | Path) -> Suite:
    """Read a suite; see `open_suite`."""
    return open_suite(source).suite


def open_suite(source: str | Path) -> SuiteFile:
    """Read a suite and check all that can be checked without its recipes.

    Args:
        source: A file, or the name of a suite that comes with deblurkit.

    Raises:
        RecipeError: there is no such suite, or anything in it is wrong; `problems` has a line
            for each mistake, with its place.
    """
    path, problems = find_suite(source), Problems()
    tree = read_yaml(path, file_origin(path, _ORDER), problems)
    found = Problems()
    suite = validate(Suite, plain(tree), tree, found, settable=False)
    _check_names(tree, problems)
    _check_sets(tree, problems)
    known = list(problems)
    for problem in found:
        if problem.path or not known:  # of the whole suite: names, which have places here
            problems.add(problem.place, problem.path, problem.text)
    problems.raise_any(shown(path))
    assert suite is not None
    rows = dict(zip((row.name for row in suite.rows), _rows(tree), strict=True))
    sets = {name: row.get("set") for name, row in rows.items()}
    common = tree.get("set")
    return SuiteFile(
        path,
        suite,
        common if isinstance(common, Table) else None,
        {name: table for name, table in sets.items() if isinstance(table, Table)},
    )


def find_suite(source: str | Path) -> Path:
    """The file of a suite given by path or by name.

    Raises:
        RecipeError: there is no such suite.
    """
    if source == "":
        raise RecipeError(
            "the suite's name is empty",
            valid="a file, or a suite that comes with deblurkit: " + nearest("", _bundled()),
        )
    try:
        path = Path(source).expanduser()
    except RuntimeError:  # the home folder of nobody
        path = Path(source)
    if _is(path, Path.is_file):
        return path
    known = _bundled()
    name = str(source).removesuffix(SUFFIXES[0])
    if name in known:
        return known[name]
    if _is(path, Path.is_dir):
        raise RecipeError(
            "this is a folder, not a suite file",
            where=shown(path),
            hint="`deblurkit report` shows a bench folder; its rows run from the suite's own file",
        )
    raise RecipeError(
        "there is no such suite file",
        where=shown(path),
        valid="a file, or a suite that comes with deblurkit: " + nearest(Path(name).name, known),
    )


def _bundled() -> dict[str, Path]:
    return {path.stem: path for path in sorted(bundled_suites().glob("*.yaml"))}


def bundled_suites() -> Path:
    """The folder of the suites that come with deblurkit: in a wheel, or in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_suites"
    return installed if installed.is_dir() else package.parent / "benchmarks"


def dump_suite(suite: Suite, about: str = "") -> str:
    """Write a suite as YAML that reads back as the same suite.

    Args:
        suite: The suite.
        about: Comment of one line at the top.
    """
    values = suite.model_dump(mode="json", exclude={"rows"})
    lines = [f"# {readable(' '.join(about.split()))}"] if about else []
    lines += [f"{key}: {flow(value)}" for key, value in values.items()]
    lines.append("rows:")
    for row in suite.rows:
        said = row.model_dump(mode="json", exclude_defaults=True)
        lines += [
            f"  {'  ' if i else '- '}{key}: {flow(value)}"
            for i, (key, value) in enumerate(said.items())
        ]
    return "\n".join(lines) + "\n"


def _check_names(tree: Table, problems: Problems) -> None:
    """What `Suite` checks about names as a whole, here with the place of each."""
    seen: dict[str, int] = {}
    rows = list(enumerate(_rows(tree)))
    for i, row in rows:
        for name, node in _texts(row, "name"):
            path: KeyPath = ("rows", i, "name")
            if name in seen:
                problems.add(node.place, path, f"row {seen[name] + 1} has the same name, '{name}'")
            elif name in NO_METHOD:
                text = f"'{name}' stands in every table by itself; valid: another name"
                problems.add(node.place, path, text)
            seen.setdefault(name, i)
    asked: list[tuple[Table, KeyPath]] = [(tree, ("reference",))]
    asked += [(row, ("rows", i, "reference")) for i, row in rows]
    for table, at in asked:
        for name, node in _texts(table, "reference"):
            if name not in seen:
                problems.add(node.place, at, f"'{name}' is no row; {nearest(name, seen)}")


def _check_sets(tree: Table, problems: Problems) -> None:
    """Keys that may not be set, because the suite says them itself."""
    places: list[tuple[Table, KeyPath]] = [(tree, ("set",))]
    places += [(row, ("rows", i, "set")) for i, row in enumerate(_rows(tree))]
    for table, path in places:
        settings = table.get("set")
        for at, place, own in _own_keys(settings, ()) if isinstance(settings, Table) else ():
            problems.add(place, (*path, *at), f"it cannot be set here; say {own}")


def _own_keys(table: Table, above: tuple[str, ...]) -> Iterator[tuple[KeyPath, Place, str]]:
    """As `own_keys`, of all keys of a mapping and of the mappings in it, with their places."""
    for key, entry in table.entries.items():
        at = (*above, key)
        if own := own_place(".".join(at)):
            yield at, entry.key, own
        elif isinstance(entry.value, Table):
            yield from _own_keys(entry.value, at)


def own_place(key: str) -> str | None:
    """Where a suite says a key of recipes itself; None for a key that can be set."""
    asked = ".".join(part.strip() for part in key.split("."))
    return next((v for k, v in OWN_KEYS.items() if asked == k or asked.startswith(f"{k}.")), None)


def own_keys(key: str, value: object) -> Iterator[tuple[str, str]]:
    """The keys at or below one that a suite says itself, each with where it says them."""
    if own := own_place(key):
        yield key, own
    elif isinstance(value, Mapping):
        for below, inner in value.items():
            yield from own_keys(f"{key}.{below}", inner)


def _rows(tree: Table) -> Iterator[Table]:
    """The rows that are mappings."""
    rows: Node | None = tree.get("rows")
    for item in rows.items if isinstance(rows, Row) else ():
        if isinstance(item, Table):
            yield item


def _texts(table: Table, key: str) -> Iterator[tuple[str, Leaf]]:
    """The value of a key, if it is text."""
    node = table.get(key)
    if isinstance(node, Leaf) and isinstance(node.value, str):
        yield node.value, node


def _is(path: Path, test: Callable[[Path], bool]) -> bool:
    """A question about a path, answered no for what cannot be a path."""
    try:
        return test(path)
    except (OSError, ValueError):
        return False
