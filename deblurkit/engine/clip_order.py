"""A recipe's ordering as the engine uses it: built, checked, and turning clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from deblurkit.errors import DeblurkitError, PluginError
from deblurkit.frames import FrameSet
from deblurkit.ordering import LearnedOrdering, Ordering, consistency, runs_backwards
from deblurkit.randomness import seed_of
from deblurkit.recipe.schema import Recipe
from deblurkit.registry import Registered, Registry
from deblurkit.specs import OrderingSpec

ORDERING = "ordering"
"""Name of the phase that trains an ordering, and of its weights beside the networks'."""


class ClipOrder:
    """Turns clips the way an ordering says.

    Args:
        ordering: What its component built.
        origin: The component.

    Raises:
        PluginError: it says that it learns, and is no `LearnedOrdering`.
    """

    def __init__(self, ordering: Ordering, origin: Registered) -> None:
        self.ordering, self.origin = ordering, origin
        spec = origin.spec
        self.learns = isinstance(spec, OrderingSpec) and spec.learns
        if self.learns and not (
            isinstance(ordering, nn.Module) and isinstance(ordering, LearnedOrdering)
        ):
            raise self._broken("it says that it learns, and is no module with an own_loss")

    @property
    def module(self) -> nn.Module | None:
        """What lives on a device; None for a plain function."""
        return self.ordering if isinstance(self.ordering, nn.Module) else None

    def freeze(self, device: torch.device) -> None:
        """Make it ready to turn clips there; nothing of it learns any more."""
        if self.module is not None:
            self.module.to(device).eval().requires_grad_(False)

    def __call__(self, frames: Tensor) -> Tensor:
        """Clips, B×T×C×H×W, each as it is or backwards.

        Raises:
            PluginError: the ordering fails, or gives no scores.
        """
        with torch.no_grad(), torch.autocast(frames.device.type, enabled=False):
            turned = runs_backwards(self._scores(as_set(frames)))
        return torch.where(turned[:, None, None, None, None], frames.flip(1), frames)

    def own_loss(self, frames: Tensor) -> Tensor:
        """What its own phase minimises, of clips B×T×C×H×W.

        Raises:
            PluginError: it fails, or gives no scalar that a gradient can be taken of.
        """
        assert isinstance(self.ordering, LearnedOrdering)
        clips = as_set(frames)
        value = self._called("own_loss", lambda: self.ordering.own_loss(clips))  # type: ignore[attr-defined]
        if not isinstance(value, Tensor) or value.ndim != 0 or not value.requires_grad:
            raise self._broken(f"own_loss gave {_said(value)}, not a scalar with a gradient")
        return value

    def consistency(self, batches: Iterable[Mapping[str, Tensor]]) -> dict[str, float]:
        """Shares of pairs and of clips that are ordered consistently, see `ordering`.

        Args:
            batches: Mappings with "frames", B×T×C×H×W.

        Returns:
            `pairs` and `clips`, in [0, 1].

        Raises:
            PluginError: as calling it.
        """
        found = []
        for batch in batches:
            clips = as_set(batch["frames"])
            with torch.autocast(batch["frames"].device.type, enabled=False):
                found.append(consistency(self._scores, clips))
        return {
            name: float(torch.cat([getattr(one, name) for one in found]).float().mean())
            for name in ("pairs", "clips")
        }

    def _scores(self, clips: FrameSet[Tensor]) -> Tensor:
        scores = self._called("it", lambda: self.ordering(clips))
        batch = len(next(clips[i] for i in clips))
        if not isinstance(scores, Tensor) or scores.ndim != 2 or len(scores) != batch:
            raise self._broken(f"it gave {_said(scores)} for {batch} clips, not B×P scores")
        if not bool(scores.isfinite().all()):
            raise self._broken("its scores are not finite")
        return scores

    def _called(self, what: str, call: Callable[[], object]) -> object:
        try:
            return call()
        except DeblurkitError:
            raise
        except Exception as error:
            raise self._broken(f"{what} raises {type(error).__name__}: {error}") from error

    def _broken(self, what: str) -> PluginError:
        origin = self.origin
        return PluginError(
            what,
            where=f"ordering '{origin.spec.name}' of plugin '{origin.owner}' "
            f"({origin.distribution} {origin.version})",
            valid="see deblurkit.ordering; deblurkit.testing.check_ordering finds such mistakes",
            hint="mend the ordering, or take it out of the recipe",
        )


def build_order(recipe: Recipe, registry: Registry) -> ClipOrder | None:
    """Build a recipe's ordering, if it has one; its first weights depend on the seed alone.

    Raises:
        PluginError, UnavailableError: it cannot be built.
    """
    if recipe.ordering is None:
        return None
    origin = registry.resolve("ordering", recipe.ordering.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_of(recipe.seed, ORDERING))
        return ClipOrder(origin.build(**recipe.ordering.params), origin)


def as_set(frames: Tensor) -> FrameSet[Tensor]:
    """Clips B×T×C×H×W as a frame set."""
    return FrameSet(frames.shape[1], dict(enumerate(frames.unbind(1), start=1)))


def _said(value: object) -> str:
    return f"a tensor {tuple(value.shape)}" if isinstance(value, Tensor) else repr(value)
