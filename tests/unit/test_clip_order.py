"""An ordering in training: what it turns, when it is trained, what it costs to be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from deblurkit import load_recipe, run
from deblurkit.engine import tasks, train
from deblurkit.engine.clip_order import ORDERING, ClipOrder, as_set, build_order
from deblurkit.engine.phase_store import PhaseStore
from deblurkit.engine.plan import make_plan
from deblurkit.errors import FrameError, PluginError, RecipeError
from deblurkit.frames import FrameSet
from deblurkit.hookspecs import hookimpl
from deblurkit.recipe import Recipe, dump_recipe
from deblurkit.registry import Registry, get_registry
from deblurkit.specs import OrderingSpec, Params
from deblurkit.storage import content_hash

PLAIN = ("loss.others.pairwise-windowed=null", "loss.others.mse={}")
SMALL = (
    "evaluation.samples=0", "evaluation.metrics=[psnr]", "training.log_every=1", "frames=5",
)  # fmt: skip


class Brightness(nn.Module):
    """Clips run from dark to bright in the mean of a learnt mix of colours."""

    def __init__(self, *, size: float) -> None:
        super().__init__()
        self.colours = nn.Parameter(size * torch.ones(3) + 0.01 * torch.randn(3))

    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        pairs = [(frames[j] - frames[i]).mean((2, 3)) @ self.colours for i, j in frames.pairs()]
        return torch.stack(pairs, dim=1)

    def own_loss(self, frames: FrameSet[Tensor]) -> Tensor:
        return -self(frames).abs().mean()


class Silent(Brightness):
    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        return super().forward(frames)[:, :0].sum()


class Cut(Brightness):
    def own_loss(self, frames: FrameSet[Tensor]) -> Tensor:
        return super().own_loss(frames).detach()


class Raises(Brightness):
    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        raise IndexError("no such frame")


class Infinite(Brightness):
    def forward(self, frames: FrameSet[Tensor]) -> Tensor:
        return super().forward(frames) / 0

    def own_loss(self, frames: FrameSet[Tensor]) -> Tensor:
        return self.colours.square().sum()


class BrightnessParams(Params):
    size: float = 1.0


def plain_function(*, size: float) -> object:
    return lambda frames: size * torch.ones(len(frames[1]), 1)


def registry(build: str = "Brightness", *, learns: bool = True) -> Registry:
    plugin = ModuleType("orders")
    plugin.DEBLURKIT_API = 1  # type: ignore[attr-defined]
    spec = OrderingSpec(
        name="brightness",
        summary="s",
        build=f"{__name__}:{build}",
        params=BrightnessParams,
        learns=learns,
    )
    plugin.deblurkit_orderings = hookimpl(lambda: [spec])  # type: ignore[attr-defined]
    return Registry.from_modules(
        {"orders": plugin, "jin2018": "deblurkit_jin2018.plugin",
         "standard": "deblurkit_standard.plugin"}
    )  # fmt: skip


def recipe(*overrides: str, of: Registry, ordering: bool = True) -> Recipe:
    more = ("ordering.name=brightness",) if ordering else ()
    return load_recipe(
        "sequential_windowed",
        scale="smoke",
        overrides=[*SMALL, *PLAIN, *more, *overrides],
        registry=of,
    )


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "cache"))


def keys(said: Recipe, of: Registry) -> dict[str, str]:
    return dict(make_plan(said, of, device="cpu", precision="fp32", data={}).keys)


# --- recipes ---------------------------------------------------------------------------------


def test_a_recipe_without_an_ordering_says_nothing_of_one() -> None:
    found = registry()
    without = recipe(of=found, ordering=False)
    assert "ordering" not in dump_recipe(without)
    assert content_hash(without.model_dump(mode="json")) == content_hash(
        recipe("training.ordering.steps=77", of=found, ordering=False).model_dump(mode="json")
    )
    own = recipe("training.ordering.steps=77", of=found)
    assert "ordering:\n  name: brightness\n  size: 1.0" in dump_recipe(own)
    assert own.training.ordering.steps == 77


def test_a_resolved_recipe_reads_back(tmp_path: Path) -> None:
    found = registry()
    for ordering in (True, False):
        said = recipe(of=found, ordering=ordering)
        path = tmp_path / "r.yaml"
        path.write_text(dump_recipe(said), "utf-8")
        assert load_recipe(path, registry=found) == said


def test_a_child_takes_the_ordering_away(tmp_path: Path) -> None:
    found = registry()
    (tmp_path / "parent.yaml").write_text(
        "extends: sequential_windowed\nname: parent\nordering: {name: brightness}\n", "utf-8"
    )
    child = tmp_path / "child.yaml"
    child.write_text("extends: parent.yaml\nname: child\nordering: null\n", "utf-8")
    assert load_recipe(child, registry=found).ordering is None


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("ordering.name=brigthness", "did you mean 'brightness'"),
        ("ordering.size=big", "ordering.size: must be a number"),
        ("ordering.hue=3", "ordering.hue: there is no such key"),
        ("training.ordering.batch=0", "training.ordering.batch"),
        ("training.ordering.accumulate=3", "training.ordering.accumulate: a batch of 2"),
    ],
)
def test_mistakes_are_named(override: str, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(override, of=registry())
    assert words in str(caught.value)


# --- phases ----------------------------------------------------------------------------------


def test_what_sees_a_direction_depends_on_the_ordering_and_the_middle_does_not() -> None:
    found = registry()
    without, with_one = keys(recipe(of=found, ordering=False), found), keys(recipe(of=found), found)
    other = keys(recipe("ordering.size=2.0", of=found), found)
    longer = keys(recipe("training.ordering.steps=9", of=found), found)
    assert next(iter(with_one)) == ORDERING and ORDERING not in without
    assert without["middle"] == with_one["middle"] == other["middle"] == longer["middle"]
    for name in ("core", "outer", ORDERING):
        distinct = {k[name] for k in (without, with_one, other, longer) if name in k}
        assert len(distinct) == (3 if name == ORDERING else 4)
    wide = keys(recipe("architecture.width=16", of=found), found)
    assert wide[ORDERING] == with_one[ORDERING] and wide["core"] != with_one["core"]


def test_an_ordering_without_parameters_has_no_phase() -> None:
    found = registry("plain_function", learns=False)
    with_one = keys(recipe(of=found), found)
    assert ORDERING not in with_one
    assert with_one["core"] != keys(recipe(of=found, ordering=False), found)["core"]


def test_clips_are_turned_before_frames_are_given_and_compared(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An ordering that turns every clip trains what clips turned by hand train."""
    found = registry("plain_function", learns=False)
    losses = {}
    for name, size, by_hand in (
        ("as-is", 1.0, False),
        ("turned", -1.0, False),
        ("hand", 1.0, True),
    ):
        real = tasks.FramesTask.loss

        def loss(self, module, batch, real=real, by_hand=by_hand):  # type: ignore[no-untyped-def]
            frames = batch["frames"].flip(1) if by_hand else batch["frames"]
            return real(self, module, {**batch, "frames": frames})

        with monkeypatch.context() as patched:
            patched.setattr(tasks.FramesTask, "loss", loss)
            said = recipe(f"ordering.size={size}", of=found)
            result = run(said, out=tmp_path / name, registry=found, fresh=True)
        lines = (result.folder / "metrics.jsonl").read_text("utf-8").splitlines()
        losses[name] = [json.loads(line)["terms"] for line in lines]
    assert losses["turned"] == losses["hand"] != losses["as-is"]
    assert losses["turned"][:3] == losses["as-is"][:3]  # the middle has no direction


def test_it_is_trained_first_kept_and_reused(tmp_path: Path) -> None:
    found = registry()
    said = recipe("training.ordering.steps=5", of=found)
    result = run(said, out=tmp_path / "run", registry=found)
    assert [p.name for p in result.phases] == [ORDERING, "middle", "core", "outer"]
    records = [
        json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    ]
    own = [r for r in records if r["phase"] == ORDERING]
    assert len(own) == 5 and set(own[0]["terms"]) == {ORDERING}
    # Brightness is antisymmetric: no clip can be ordered otherwise when it is turned.
    assert result.scores["ordering"]["pairs"] == 1.0
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["ordering"]["pairs"] == 1.0
    again = run(recipe("training.ordering.steps=5", "training.others.steps=2", of=found),
                out=tmp_path / "again", registry=found)  # fmt: skip
    assert {p.name for p in again.phases if p.reused} == {ORDERING, "middle"}
    kept = PhaseStore().get(result.phases[0].key, [ORDERING])
    first = build_order(said, found)
    assert kept is not None and first is not None and first.module is not None
    moved = kept.weights[ORDERING]["colours"] - first.module.state_dict()["colours"]
    assert float(moved.abs().min()) > 0


def test_stopped_in_its_phase_it_goes_on_to_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = registry()
    said = recipe("training.ordering.steps=5", of=found)
    whole = run(said, out=tmp_path / "whole", registry=found)
    wanted = PhaseStore().get(whole.phases[0].key, [ORDERING])
    monkeypatch.setenv("DEBLURKIT_CACHE", str(tmp_path / "other"))
    real, count = train.PhaseTrainer._one_step, [0]

    class Killed(Exception):
        pass

    def step(self, batches):  # type: ignore[no-untyped-def]
        if count[0] == 3:
            raise Killed
        count[0] += 1
        return real(self, batches)

    with monkeypatch.context() as patched:
        patched.setattr(train.PhaseTrainer, "_one_step", step)
        with pytest.raises(Killed):
            run(said, out=tmp_path / "stopped", registry=found)
    run(said, out=tmp_path / "stopped", registry=found)
    again = PhaseStore().get(whole.phases[0].key, [ORDERING])
    assert wanted is not None and again is not None
    assert torch.equal(wanted.weights[ORDERING]["colours"], again.weights[ORDERING]["colours"])


# --- what a broken one says ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "words"),
    [
        ("Silent", "not B×P scores"),
        ("Cut", "not a scalar with a gradient"),
        ("Raises", "raises IndexError: no such frame"),
        ("Infinite", "its scores are not finite"),
        ("plain_function", "no module with an own_loss"),
    ],
)
def test_a_broken_ordering_is_named(build: str, words: str, tmp_path: Path) -> None:
    found = registry(build)
    with pytest.raises(PluginError) as caught:
        run(recipe(of=found), out=tmp_path / "run", registry=found)
    assert words in str(caught.value)
    assert "ordering 'brightness' of plugin 'orders'" in str(caught.value)


def test_a_network_cannot_have_its_name() -> None:
    found, said = registry(), None
    family = found.resolve("family", "sequential").load()
    real = family.graph

    def renamed(self, T):  # type: ignore[no-untyped-def]
        from dataclasses import replace

        return tuple(replace(n, network=ORDERING) if n.frame == T else n for n in real(self, T))

    said = recipe("family.share=none", of=found)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(family, "graph", renamed)
        with pytest.raises(PluginError, match="a network is called 'ordering'"):
            keys(said, found)


def test_turning_is_by_clip() -> None:
    frames = torch.rand(3, 5, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    origin = get_registry().resolve("ordering", "motion-direction")
    signs = torch.tensor([[1.0], [-1.0], [0.0]])
    turned = ClipOrder(lambda clips: signs[: len(clips[1])], origin)(frames)
    assert torch.equal(turned[0], frames[0]) and torch.equal(turned[2], frames[2])
    assert torch.equal(turned[1], frames[1].flip(0))
    assert as_set(frames).T == 5


def test_terms_that_cannot_work_are_found_before_anything_is_trained(tmp_path: Path) -> None:
    said = load_recipe(
        "independent", scale="smoke",
        overrides=["loss.others.pairwise.weight=1", "loss.others.mse=null"],
    )  # fmt: skip
    with pytest.raises(FrameError, match="a family that trains both frames of a pair"):
        run(said, out=tmp_path / "run")
    assert not list(PhaseStore().root.glob("*"))
