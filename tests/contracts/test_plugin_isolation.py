"""One plugin's failure is its own: the reason is said, nothing of it counts, the rest goes on."""

from __future__ import annotations

from importlib import metadata

import pytest

import deblurkit
from deblurkit import discovery
from deblurkit.registry import PluginInfo, Registry

GOOD = """
from deblurkit.hookspecs import hookimpl
from deblurkit.specs import ArchitectureSpec, FamilySpec, LossSpec, MetricSpec, NoParams, Params
DEBLURKIT_API = 1

@hookimpl
def deblurkit_metrics():
    return [MetricSpec(name="sound", summary="it is there", build="made_up_x:Sound")]
"""


def loss_plugin(spec: str, more: str = "") -> str:
    return f"{GOOD}\n{more}\n@hookimpl\ndef deblurkit_losses():\n    return [{spec}]\n"


def spec(**changes: str) -> str:
    fields = {"name": "'odd'", "summary": "'a line'", "build": "'made_up_x:Odd'"} | changes
    return f"LossSpec({', '.join(f'{key}={value}' for key, value in fields.items())})"


def info_of(name: str) -> PluginInfo:
    registry = Registry.installed()
    (info,) = (i for i in registry.plugins() if i.name == name)
    assert {i.status for i in registry.plugins() if i.name in ("jin2018", "standard")} == {"ok"}
    assert registry.resolve("loss", "pairwise").owner == "jin2018"
    if info.status == "failed":
        assert not [r for r in registry.specs() if r.owner == name]
    return info


def test_a_sound_plugin_is_ok(site):
    site.add("odd", loss_plugin(spec(invariance="'reversal'")), version="2.5")
    assert info_of("odd") == PluginInfo("odd", "made_up_odd", "dist-odd", "2.5", "ok", None)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "import nowhere_to_be_found",
            "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        ),
        ("from deblurkit import hook_no_such", "ImportError: cannot import name 'hook_no_such'"),
        ("def broken(:\n    pass", "SyntaxError: invalid syntax (made_up_odd.py, line 1)"),
        ("raise RuntimeError('no licence\\nfound')", "RuntimeError: no licence found"),
        ("raise ValueError", "ValueError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        (GOOD.replace("DEBLURKIT_API = 1", ""), "it does not say DEBLURKIT_API; valid: DEBLURKIT"),
        (GOOD.replace("API = 1", "API = 2"), "DEBLURKIT_API is 2; valid: DEBLURKIT_API = 1"),
        (GOOD.replace("API = 1", "API = 2"), "next: update deblurkit"),
        (GOOD.replace("API = 1", "API = 0"), "next: update the plugin"),
        (GOOD.replace("API = 1", "API = True"), "DEBLURKIT_API is True"),
        (GOOD.replace("API = 1", "API = '1'"), "DEBLURKIT_API is '1'"),
        (
            GOOD + "@hookimpl\ndef deblurkit_loses(): return []",
            "there is no hook 'deblurkit_loses'; valid: did you mean 'deblurkit_losses'?",
        ),
        (GOOD + "def deblurkit_losses(): return []", "deblurkit_losses is not marked as a hook"),
        (
            GOOD + "@hookimpl\ndef deblurkit_losses(context): return []",
            "Argument(s) {'context'} are declared in the hookimpl",
        ),
        (
            GOOD + "@hookimpl\ndef deblurkit_losses(): return {}['my-loss']",
            "KeyError: 'my-loss'; raised by deblurkit_losses()",
        ),
        (
            GOOD + "@hookimpl\ndef deblurkit_losses(): pass",
            "deblurkit_losses() returned None; valid: a list of LossSpec",
        ),
        (
            GOOD + "@hookimpl\ndef deblurkit_losses(): return " + spec(),
            "deblurkit_losses() returned a value of type LossSpec; valid: a list",
        ),
        (
            GOOD + "@hookimpl\ndef deblurkit_losses():\n    yield " + spec(),
            "deblurkit_losses() returned a value of type generator",
        ),
        (loss_plugin("'mse'"), "returned a value of type str in its list; valid: LossSpec"),
        (
            loss_plugin("FamilySpec(name='a', summary='b', build='c:d')"),
            "returned a value of type FamilySpec in its list; valid: LossSpec",
        ),
        (loss_plugin("LossSpec(name='a')"), "TypeError: LossSpec.__init__() missing 2 required"),
        (loss_plugin(spec(name="'My_Loss'")), "loss 'My_Loss': the name is not one that recipes"),
        (loss_plugin(spec(name="'a--b'")), "loss 'a--b': the name"),
        (loss_plugin(spec(name="'a\\n'")), "loss 'a\\n': the name"),
        (loss_plugin(spec(name="7")), "loss 7: name: Input should be a valid string, not 7"),
        (loss_plugin(spec(summary="' '")), "loss 'odd': the summary is empty"),
        (loss_plugin(spec(summary="'a\\nb'")), "has several lines"),
        (loss_plugin(spec(build="'made_up_x.Odd'")), "build: 'made_up_x.Odd'; valid: 'package."),
        (loss_plugin(spec(build="'made_up-x:Odd'")), "build: 'made_up-x:Odd'"),
        (loss_plugin(spec(build="'x:Odd '")), "build: 'x:Odd '"),
        (loss_plugin(spec(params="dict")), "params: Input should be a subclass of Params"),
        (loss_plugin(spec(params="NoParams()")), "params: "),
        (loss_plugin(spec(invariance="'swap'")), "invariance: Input should be 'none', 'reversal'"),
        (loss_plugin(spec(trains_itself="'yes'")), "trains_itself: Input should be a valid bool"),
        (
            loss_plugin(spec(params="P"), "class P(Params):\n    weight: float = 1.0"),
            "no parameter can be called 'weight'",
        ),
        (loss_plugin(f"{spec()}, {spec()}"), "two components are called loss 'odd'"),
    ],
)
def test_a_bad_plugin_fails_alone_with_its_reason(site, source, reason):
    site.add("odd", source)
    site.add("fine", GOOD)
    info = info_of("odd")
    assert info.status == "failed"
    assert info.reason is not None
    assert reason in info.reason
    assert "\n" not in info.reason
    assert "Traceback" not in info.reason
    assert info_of("fine").status == "ok"


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        ("{'middle': {'width': 8}, 'core': {}}", None),
        ("{'middle': {'width': 0}}", "roles, middle: width: Input should be greater than 0, not 0"),
        ("{'outer': {'wide': 8}}", "roles, outer: wide: Extra inputs are not permitted, not 8"),
        ("{'inner': {'width': 8}}", "Input should be 'middle', 'core' or 'outer'"),
        ("['middle']", "roles: Input should be a valid dictionary"),
        ("__import__('types').MappingProxyType({'middle': {'width': 8}})", None),
    ],
)
def test_roles_must_fit_the_parameters(site, roles, reason):
    source = f"""{GOOD}
from pydantic import Field
class P(Params):
    width: int = Field(gt=0)

@hookimpl
def deblurkit_architectures():
    return [ArchitectureSpec(
        name="net", summary="a net", build="made_up_x:Net", params=P, roles={roles})]
"""
    site.add("odd", source)
    info = info_of("odd")
    if reason is None:
        assert info.status == "ok", info.reason
    else:
        assert info.reason is not None
        assert reason in info.reason


@pytest.mark.parametrize("key", ["name", "inputs", "middle", "core", "outer"])
def test_no_parameter_hides_behind_a_recipe_key(site, key):
    source = f"""{GOOD}
class P(Params):
    {key}: int = 1

@hookimpl
def deblurkit_architectures():
    return [ArchitectureSpec(name="net", summary="a net", build="made_up_x:Net", params=P)]
"""
    site.add("odd", source)
    assert f"no parameter can be called '{key}'" in (info_of("odd").reason or "")


def test_one_name_for_two_kinds_is_no_duplicate(site):
    family = "\n@hookimpl\ndef deblurkit_families():\n    return [FamilySpec(**FIELDS)]\n"
    fields = "FIELDS = dict(name='odd', summary='a line', build='made_up_x:Odd')"
    site.add("odd", loss_plugin("LossSpec(**FIELDS)", fields) + family)
    assert info_of("odd").status == "ok"


def test_hooks_may_carry_another_function_name_and_be_optional(site):
    source = (
        GOOD
        + "@hookimpl(specname='deblurkit_losses')\ndef mine():\n    return ["
        + spec()
        + "]\n@hookimpl(optionalhook=True)\ndef deblurkit_later(): return 3\n"
    )
    site.add("odd", source)
    assert info_of("odd").status == "ok"
    assert Registry.installed().resolve("loss", "odd:odd").spec.name == "odd"


def test_two_plugins_of_one_name_both_fail_and_name_each_other(site):
    site.add("odd", GOOD, module="made_up_one", distribution="dist-one", version="1.1")
    site.add("odd", GOOD, module="made_up_two", distribution="dist-two", version="2.2")
    infos = [i for i in Registry.installed().plugins() if i.name == "odd"]
    reasons = {i.distribution: i.reason or "" for i in infos}
    assert {i.status for i in infos} == {"failed"}
    assert "dist-two 2.2 (made_up_two)" in reasons["dist-one"]
    assert "dist-one 1.1 (made_up_one)" in reasons["dist-two"]
    assert not [r for r in Registry.installed().specs() if r.owner == "odd"]


def test_entry_point_that_names_no_module(site):
    site.add("odd", GOOD, entry="no such: thing!")
    assert "its entry point is" in (info_of("odd").reason or "")


def test_what_a_plugin_prints_at_import_stays_out_of_the_output(site, capsys):
    site.add("odd", GOOD + "print('hello')")
    assert info_of("odd").status == "ok"
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello" in captured.err


def test_an_interrupt_at_import_is_not_a_plugins_failure(site):
    site.add("odd", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        Registry.installed()


def test_the_shipped_plugins_are_ok_and_come_by_their_entry_points():
    infos = {i.name: i for i in Registry.installed().plugins()}
    for name in ("jin2018", "standard"):
        assert infos[name].status == "ok", infos[name].reason
        assert infos[name].distribution == "deblurkit"
        assert infos[name].version == metadata.version("deblurkit")
    assert deblurkit.API_VERSION == 1


def test_the_reason_of_an_exception_is_one_line():
    error = ValueError("first\n\n  second")
    error.add_note("seen in a hook")
    assert discovery.plain_reason(error) == "ValueError: first second; seen in a hook"
