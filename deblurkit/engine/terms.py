"""The loss of a stage: its group's terms, weighted, each by name for the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deblurkit.errors import PluginError
from deblurkit.frames import FrameSet
from deblurkit.losses import LossTerm, SelfTrainedTerm
from deblurkit.randomness import seed_of
from deblurkit.recipe.schema import Recipe
from deblurkit.registry import Registered, Registry
from deblurkit.stages import Group, Stage


@dataclass(frozen=True)
class WeightedTerm:
    """A loss term as a stage uses it."""

    name: str
    weight: float
    term: LossTerm
    origin: Registered


class StageLoss:
    """The terms of one stage.

    Args:
        stage: The stage.
        terms: Its terms.
    """

    def __init__(self, stage: Stage, terms: tuple[WeightedTerm, ...]) -> None:
        self.stage, self.terms = stage, terms

    def __call__(
        self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum, and each term's own value, unweighted.

        Raises:
            PluginError: a term does not return a scalar tensor.
        """
        mine, true = estimate.only(self.stage.frames), target.only(self.stage.frames)
        values: dict[str, Tensor] = {}
        total: Tensor | None = None
        for weighted in self.terms:
            value = weighted.term(mine, true)
            if not isinstance(value, Tensor) or value.ndim != 0:
                got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
                raise PluginError(
                    f"it returned {got}, not a scalar tensor",
                    where=f"loss term '{weighted.name}' of plugin "
                    f"{weighted.origin.owner} {weighted.origin.version}",
                    hint="average over batch, channels and pixels",
                )
            values[weighted.name] = value.detach()
            total = weighted.weight * value + (0.0 if total is None else total)
        assert total is not None  # a resolved recipe has at least one term a group
        return total, values

    def self_trained(self) -> dict[str, SelfTrainedTerm]:
        """The terms that train something of their own, by name."""
        return {
            w.name: w.term
            for w in self.terms
            if w.origin.spec.trains_itself and isinstance(w.term, SelfTrainedTerm)  # type: ignore[attr-defined]
        }

    def modules(self) -> list[nn.Module]:
        """The terms that are modules and live on a device."""
        return [w.term for w in self.terms if isinstance(w.term, nn.Module)]


def build_terms(
    recipe: Recipe, registry: Registry, group: Group, seed_key: str
) -> tuple[WeightedTerm, ...]:
    """Make the terms of one group; what they draw at random depends on seed and key alone."""
    wanted: Mapping[str, object] = getattr(recipe.loss, group)
    terms = []
    for name, settings in getattr(recipe.loss, group).items():
        if settings is None or settings.weight == 0:
            continue
        origin = registry.resolve("loss", name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of(recipe.seed, "term", seed_key, name))
            terms.append(
                WeightedTerm(name, settings.weight, origin.build(**settings.params), origin)
            )
    assert terms, f"no loss terms among {sorted(wanted)}"  # the recipe's validation sees to it
    return tuple(terms)
