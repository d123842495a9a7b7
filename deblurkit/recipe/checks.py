"""What must fit together across the sections of a recipe."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from deblurkit.errors import PluginError, nearest
from deblurkit.evaluation.protocols.lookup import PROTOCOLS
from deblurkit.recipe.components import GROUPS
from deblurkit.recipe.located import KeyPath, Row, Table, find
from deblurkit.recipe.problems import Problems, plugin_text
from deblurkit.recipe.schema import Recipe, Trainings
from deblurkit.recipe.wording import show_value
from deblurkit.registry import Registry


class Checks:
    """Runs all checks on creation.

    Each looks only at values that nothing else was found wrong with, so that one mistake is
    reported once.

    Args:
        values: The recipe as plain values, defaults not necessarily filled in.
        tree: The same with places.
        registry: Knows the metrics.
        problems: Receives what is wrong.
    """

    def __init__(
        self, values: dict[str, Any], tree: Table, registry: Registry, problems: Problems
    ) -> None:
        self._values, self._tree = values, tree
        self._registry, self._problems = registry, problems
        self._frames()
        self._losses()
        self._data()
        self._training()
        self._evaluation()

    def _get(self, *path: str) -> Any:
        """A value or its default; None where it is missing or known to be wrong."""
        if self._problems.concern(path):
            return None
        value: Any = self._values
        model: type[BaseModel] | None = Recipe
        for part in path:
            field = model.model_fields.get(part) if model else None
            default = field.get_default() if field and not field.is_required() else None
            value = (
                value.get(part, default) if isinstance(value, dict) else getattr(value, part, None)
            )
            kind = field.annotation if field else None
            model = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        return value

    def _wrong(self, path: KeyPath, text: str) -> None:
        self._problems.add(find(self._tree, path)[0].place, path, text)

    def _frames(self) -> None:
        T = self._get("frames")
        if T is None:
            return
        if T < 1:
            self._wrong(("frames",), f"there is at least 1 frame, got {T}")
        elif T % 2 == 0:
            self._wrong(
                ("frames",),
                f"an even number of frames has no middle frame, got {T}; "
                f"valid: an odd number, such as {T - 1} or {T + 1}",
            )

    def _losses(self) -> None:
        for group in GROUPS:
            terms = self._get("loss", group)
            if terms is None:
                continue
            left = [t for t in terms.values() if t is not None and t.get("weight", 1) != 0]
            if not left:
                self._wrong(
                    ("loss", group),
                    "no loss term is left; valid: at least one with a weight above 0, such as "
                    "`mse: {}` (`mse:` alone is null, which takes the term away)",
                )

    def _data(self) -> None:
        crop, size = self._get("data", "crop"), self._get("data", "clip_size")
        if crop is not None and size is not None and crop > size:
            self._wrong(
                ("data", "crop"),
                f"the crop does not fit into the clips, whose side data.clip_size is {size}, "
                f"got {crop}; valid: at most {size}, or larger clips",
            )
        train, test = self._get("data", "train"), self._get("data", "test")
        if test is not None and test == train:
            self._wrong(
                ("data", "test"),
                "this is the training data once more, and training and test clips never share "
                "a source; valid: null, which holds out some of its sources, or other data",
            )

    def _training(self) -> None:
        for group in Trainings.GROUPS:
            batch = self._get("training", group, "batch")
            parts = self._get("training", group, "accumulate")
            if batch is not None and parts is not None and batch % parts:
                self._wrong(
                    ("training", group, "accumulate"),
                    f"a batch of {batch} cannot be split into equal parts, got {parts}; "
                    f"valid: {', '.join(str(n) for n in range(1, batch + 1) if batch % n == 0)}",
                )

    def _evaluation(self) -> None:
        clips, samples = self._get("evaluation", "clips"), self._get("evaluation", "samples")
        if clips is not None and samples is not None and samples > clips:
            self._wrong(
                ("evaluation", "samples"),
                f"more clips are to be shown than scored, got {samples}; "
                f"valid: at most evaluation.clips, {clips}",
            )
        protocol = self._get("evaluation", "protocol")
        if protocol is not None and protocol.partition("/")[0] not in PROTOCOLS:
            text = f"there is no protocol {show_value(protocol)}; {nearest(protocol, PROTOCOLS)}"
            self._wrong(("evaluation", "protocol"), text)
        metrics = self._get("evaluation", "metrics") or ()
        where, _ = find(self._tree, ("evaluation", "metrics"))
        for i, name in enumerate(metrics):
            path: KeyPath = ("evaluation", "metrics", i)
            if not isinstance(where, Row):
                path = path[:2]
            if name in metrics[:i]:
                self._wrong(path, f"the metric is there twice, got {show_value(name)}")
            else:
                self._metric(path, name)

    def _metric(self, path: KeyPath, name: str) -> None:
        try:
            spec = self._registry.resolve("metric", name).spec
        except PluginError as error:
            self._wrong(path, plugin_text(error))
            return
        try:
            spec.params()
        except ValidationError as error:
            keys = ", ".join(str(e["loc"][0]) for e in error.errors() if e["loc"])
            others = {r.spec.name for r in self._registry.specs("metric")} - {spec.name}
            self._wrong(
                path,
                f"the metric '{name}' needs parameters ({keys}), which a recipe cannot give; "
                f"{nearest(name, others)}",
            )
