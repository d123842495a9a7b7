"""Names to components."""

from __future__ import annotations

import dataclasses
import sys
import types

import pytest

from deblurkit.errors import DataError, PluginError
from deblurkit.hookspecs import hookimpl
from deblurkit.registry import Registered, Registry, get_registry
from deblurkit.specs import KINDS, FamilySpec, LossSpec, MetricSpec


def plugin(*specs, api=1):
    """A plugin module with these losses, families and metrics."""
    module = types.ModuleType("made_up_plugin")
    module.DEBLURKIT_API = api
    for kind, hook in [
        (LossSpec, "deblurkit_losses"),
        (FamilySpec, "deblurkit_families"),
        (MetricSpec, "deblurkit_metrics"),
    ]:

        def give(kind=kind):
            return [s for s in specs if type(s) is kind]

        # pluggy leaves arguments that have a default value alone.
        give.__name__ = hook
        setattr(module, hook, hookimpl(give))
    return module


def loss(name, build="made_up_code:Thing"):
    return LossSpec(name=name, summary="a loss", build=build)


def family(name):
    return FamilySpec(name=name, summary="a family", build="made_up_code:Thing")


def registered(build):
    return Registered(loss("my-loss", build), "mine", "dist-mine", "1.2")


@pytest.fixture
def registry():
    return Registry.from_modules(
        {
            "a": plugin(loss("shared"), loss("only-a"), family("shared")),
            "b": plugin(loss("shared"), family("only-b")),
            "broken": plugin(loss("lost"), api=99),
        }
    )


def test_components_are_listed_by_kind_and_name(registry):
    assert [(r.spec.kind, r.qualified) for r in registry.specs()] == [
        ("loss", "a:only-a"),
        ("loss", "a:shared"),
        ("loss", "b:shared"),
        ("family", "b:only-b"),
        ("family", "a:shared"),
    ]
    assert [r.qualified for r in registry.specs("family")] == ["b:only-b", "a:shared"]
    assert registry.specs("dataset") == ()


def test_plugins_are_listed_by_name_with_their_status(registry):
    assert [(i.name, i.status) for i in registry.plugins()] == [
        ("a", "ok"),
        ("b", "ok"),
        ("broken", "failed"),
    ]


def test_results_are_frozen(registry):
    for value, field in [(registry.plugins()[0], "status"), (registry.specs()[0], "owner")]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, "x")


@pytest.mark.parametrize(
    ("kind", "name", "found"),
    [
        ("loss", "only-a", "a:only-a"),
        ("loss", "a:only-a", "a:only-a"),
        ("loss", "a:shared", "a:shared"),
        ("loss", "b:shared", "b:shared"),
        ("family", "shared", "a:shared"),
    ],
)
def test_a_name_resolves(registry, kind, name, found):
    assert registry.resolve(kind, name).qualified == found


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("loss", "shared", ["in more than one plugin", "valid: a:shared or b:shared"]),
        ("loss", "only-b", ["there is no loss 'only-b'", "'only-b' is a family of plugin 'b'"]),
        ("loss", "onlya", ["did you mean 'only-a'? choices: only-a, shared"]),
        ("loss", "lost", ["may be of plugin 'broken', which failed to load: DEBLURKIT_API is 99"]),
        ("loss", "b:only-a", ["there is no loss 'only-a' in plugin 'b'", "choices: shared"]),
        ("loss", "c:shared", ["there is no plugin 'c'", "choices: a, b, broken"]),
        ("loss", "broken:lost", ["plugin 'broken'", "failed to load: DEBLURKIT_API is 99"]),
        ("dataset", "shared", ["there is no dataset 'shared'", "choices: none"]),
        ("loss", "", ["there is no loss ''"]),
    ],
)
def test_a_name_that_does_not_resolve_says_why(registry, kind, name, said):
    with pytest.raises(PluginError) as caught:
        registry.resolve(kind, name)
    for text in said:
        assert text in str(caught.value)


def test_a_qualified_name_does_not_blame_other_plugins(registry):
    with pytest.raises(PluginError) as caught:
        registry.resolve("loss", "b:lost")
    assert "broken" not in str(caught.value)


def test_load_imports_what_build_names(site):
    (site.folder / "made_up_code.py").write_text("class Thing:\n    class Inner: pass\n")
    thing = registered("made_up_code:Thing")
    assert "made_up_code" not in sys.modules
    assert thing.load() is sys.modules["made_up_code"].Thing
    assert registered("made_up_code:Thing.Inner").load() is thing.load().Inner


@pytest.mark.parametrize(
    ("source", "build", "said", "unsaid"),
    [
        (
            "import lib_nowhere",
            "made_up_code:A",
            "install the library that has the module 'lib_n",
            "",
        ),
        ("", "made_up_gone:A", "No module named 'made_up_gone'", "install the library"),
        ("", "made_up_code:Gone", "AttributeError: module 'made_up_code' has no attribute", ""),
        ("A = 3", "made_up_code:A", "its type is int, not a class or function", ""),
        ("def (", "made_up_code:A", "SyntaxError: invalid syntax (made_up_code.py, line 1)", ""),
        ("raise OSError('no GL')", "made_up_code:A", "OSError: no GL", ""),
    ],
)
def test_load_that_fails_names_plugin_version_and_remedy(site, source, build, said, unsaid):
    (site.folder / "made_up_code.py").write_text(source)
    with pytest.raises(PluginError) as caught:
        registered(build).load()
    text = str(caught.value)
    assert "loss 'my-loss' of plugin 'mine' (dist-mine 1.2) does not work" in text
    assert said in text
    assert "update dist-mine or tell its authors" in text
    if unsaid:
        assert unsaid not in text


def test_build_passes_plain_keywords(site):
    (site.folder / "made_up_code.py").write_text("def make(**given): return given")
    assert registered("made_up_code:make").build(power=2, name="x") == {"power": 2, "name": "x"}


def test_build_lets_a_component_speak_for_itself(site):
    (site.folder / "made_up_code.py").write_text(
        "from deblurkit.errors import DataError\ndef make(): raise DataError('folder is empty')"
    )
    with pytest.raises(DataError, match="folder is empty"):
        registered("made_up_code:make").build()


@pytest.mark.parametrize("error", ["TypeError", "ValueError", "RuntimeError"])
def test_build_that_fails_names_plugin_and_parameters(site, error):
    (site.folder / "made_up_code.py").write_text(f"def make(width): raise {error}('too wide')")
    with pytest.raises(PluginError, match=f"mine.*{error}: too wide\n.*width=7") as caught:
        registered("made_up_code:make").build(width=7)
    assert type(caught.value.__cause__).__name__ == error


def test_from_modules_takes_names_and_keeps_failures_apart(site):
    site.add("good", "DEBLURKIT_API = 1")
    registry = Registry.from_modules({"good": "made_up_good", "gone": "made_up_gone"})
    assert [(i.name, i.module, i.status) for i in registry.plugins()] == [
        ("gone", "made_up_gone", "failed"),
        ("good", "made_up_good", "ok"),
    ]


def test_the_allow_list_leaves_the_others_out(site, monkeypatch):
    site.add("noisy", "raise RuntimeError('imported')")
    monkeypatch.setenv("DEBLURKIT_PLUGINS", " jin2018 ,")
    assert [i.name for i in Registry.installed().plugins()] == ["jin2018"]
    assert {r.owner for r in Registry.installed().specs()} == {"jin2018"}


def test_the_allow_list_refuses_what_is_not_installed(monkeypatch):
    monkeypatch.setenv("DEBLURKIT_PLUGINS", "jin2018,standart")
    with pytest.raises(PluginError, match="DEBLURKIT_PLUGINS: no plugin 'standart'") as caught:
        Registry.installed()
    assert "did you mean 'standard'" in str(caught.value)


def test_an_empty_allow_list_allows_all(monkeypatch):
    everything = Registry.installed().plugins()
    monkeypatch.setenv("DEBLURKIT_PLUGINS", " ")
    assert Registry.installed().plugins() == everything


def test_get_registry_is_found_once(site):
    assert get_registry() is get_registry()
    before = get_registry()
    get_registry.cache_clear()
    assert get_registry() is not before


def test_every_kind_has_a_hook():
    from deblurkit.vetting import HOOKS, RESERVED

    assert sorted(HOOKS.values()) == sorted(KINDS)
    assert set(RESERVED) == set(KINDS)
