"""The loss of a stage: its group's terms, weighted, each by name for the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deblurkit.errors import DeblurkitError, PluginError
from deblurkit.frames import FrameSet
from deblurkit.losses import LossTerm, SelfTrainedTerm
from deblurkit.randomness import seed_of
from deblurkit.recipe.schema import Recipe, Term
from deblurkit.registry import Registered, Registry
from deblurkit.specs import LossSpec
from deblurkit.stages import Group, Stage


@dataclass(frozen=True)
class WeightedTerm:
    """A loss term as a stage uses it."""

    name: str
    weight: float
    term: LossTerm
    origin: Registered

    def __call__(self, estimate: FrameSet[Tensor], target: FrameSet[Tensor]) -> Tensor:
        """The term's value, checked.

        Raises:
            PluginError: the term fails, or gives no scalar that a gradient can be taken of.
        """
        try:
            value = self.term(estimate, target)
        except DeblurkitError:
            raise
        except Exception as error:
            raise self.broken(f"{type(error).__name__}: {error}") from error
        if not isinstance(value, Tensor) or value.ndim != 0 or not value.is_floating_point():
            got = (
                f"a tensor of shape {tuple(value.shape)}, {value.dtype}"
                if isinstance(value, Tensor)
                else repr(value)
            )
            raise self.broken(f"it gave {got}, not a scalar tensor of floats")
        if not value.requires_grad:
            raise self.broken("no gradient leads from its value back to the estimate")
        return value

    def broken(self, what: str) -> PluginError:
        """What to say when the term breaks its contract."""
        origin = self.origin
        return PluginError(
            what,
            where=f"loss term '{self.name}' of plugin '{origin.owner}' "
            f"({origin.distribution} {origin.version})",
            valid="see deblurkit.losses; deblurkit.testing.check_loss finds such mistakes",
            hint="mend the term, or take it out of the recipe",
        )


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
        """The weighted sum, and each term's own value, unweighted; raises as the terms do."""
        mine, true = estimate.only(self.stage.frames), target.only(self.stage.frames)
        values: dict[str, Tensor] = {}
        total: Tensor | None = None
        for weighted in self.terms:
            value = weighted(mine, true)
            values[weighted.name] = value.detach()
            total = weighted.weight * value + (0.0 if total is None else total)
        assert total is not None  # a resolved recipe has at least one term a group
        return total, values

    def self_trained(self) -> dict[str, SelfTrainedTerm]:
        """The terms that train something of their own, by name; PluginError for a false claim."""
        found = {}
        for weighted in self.terms:
            spec = weighted.origin.spec
            if not isinstance(spec, LossSpec) or not spec.trains_itself:
                continue
            if not isinstance(weighted.term, SelfTrainedTerm):
                raise weighted.broken("it says that it trains itself, but is no SelfTrainedTerm")
            found[weighted.name] = weighted.term
        return found

    def modules(self) -> list[nn.Module]:
        """The terms that are modules and live on a device."""
        return [w.term for w in self.terms if isinstance(w.term, nn.Module)]


def build_terms(
    recipe: Recipe, registry: Registry, group: Group, seed_key: str
) -> tuple[WeightedTerm, ...]:
    """Make the terms of one group; what they draw at random depends on seed and key alone."""
    wanted: Mapping[str, Term | None] = getattr(recipe.loss, group)
    terms = []
    for name, settings in sorted(wanted.items()):  # the order of a sum of floats matters
        if settings is None or settings.weight == 0:
            continue
        origin = registry.resolve("loss", name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed_of(recipe.seed, "term", seed_key, origin.qualified))
            terms.append(
                WeightedTerm(name, settings.weight, origin.build(**settings.params), origin)
            )
    assert terms, f"no loss terms among {sorted(wanted)}"  # the recipe's validation sees to it
    return tuple(terms)
