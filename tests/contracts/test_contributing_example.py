"""The worked example of CONTRIBUTING.md, done to the letter, gives a loss that works."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import Field

from deblurkit.registry import Registry
from deblurkit.specs import LossSpec, Params
from deblurkit.testing import check_loss

TEXT = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_the_example_loss_works(monkeypatch: pytest.MonkeyPatch) -> None:
    code, announcement = blocks("python")
    module = ModuleType("deblurkit_standard.losses.edges")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, "edges.py", "exec"), module.__dict__)
    names: dict[str, object] = {"Field": Field, "LossSpec": LossSpec, "Params": Params}
    announcement = announcement.replace("\nLossSpec(", "\nspec = LossSpec(")
    exec(compile(announcement, "plugin.py", "exec"), names)
    spec = names["spec"]
    assert isinstance(spec, LossSpec)
    assert spec.build == f"{module.__name__}:Edges"
    check_loss(spec)
    check_loss(spec, vertical=0.0)


def test_steps_are_numbered_and_name_files_that_exist() -> None:
    steps = [int(n) for n in re.findall(r"^\*\*(\d+)\.", TEXT, re.MULTILINE)]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= 6
    root = Path(__file__).parents[2]
    named = re.findall(r"`((?:plugins|tests|docs)/[\w/.]+\.(?:py|md))`", TEXT)
    assert len(named) > 2
    for name in named:
        assert (root / name).exists() or name.endswith("edges.py"), name


def test_the_readmes_plugin_works(monkeypatch: pytest.MonkeyPatch) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    code = re.findall(r"^```python\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    plugin, loss = (
        next(c for c in code if f"my_package/{n}.py" in c) for n in ("plugin", "my_loss")
    )
    made = ModuleType("my_package.my_loss")
    monkeypatch.setitem(sys.modules, "my_package", ModuleType("my_package"))
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(loss, "my_loss.py", "exec"), made.__dict__)
    module = ModuleType("my_package.plugin")
    exec(compile(plugin, "plugin.py", "exec"), module.__dict__)
    registry = Registry.from_modules({"my-plugin": module})
    assert [(p.status, p.reason) for p in registry.plugins()] == [("ok", None)]
    check_loss(registry.resolve("loss", "my-loss"))
