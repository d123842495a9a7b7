"""The settings of a camera: what they may be, alone and in a recipe, and tabulated responses."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deblurkit.camera import response_text
from deblurkit.errors import DeblurkitError, RecipeError
from deblurkit.evaluation.protocols.deblurkit import Deblurkit
from deblurkit.evaluation.reblur import reblur, reblur_settings
from deblurkit.evaluation.response_file import read_response, write_response
from deblurkit.formation import Camera, form, inverse_response, response
from deblurkit.recipe import dump_recipe, load_recipe
from deblurkit.recipe.schema import Formation

LIGHT = np.linspace(0, 1, 4096)
GAMMA = tuple((LIGHT ** (1 / 2.2)).tolist())
SHORT = (0.0, 0.5, 0.8, 1.0)


@st.composite
def tables(draw) -> tuple[float, ...]:
    steps = draw(st.lists(st.floats(0.01, 1), min_size=1, max_size=40))
    heights = np.cumsum([0, *steps])
    return tuple((heights / heights[-1]).tolist())


# --- tabulated responses ----------------------------------------------------------------------


def test_a_fine_table_is_the_curve_that_it_samples():
    rng = np.random.default_rng(0)
    stored = rng.random((7, 3, 8, 8))
    light = 0.002 + 0.998 * rng.random((3, 8, 8))  # below, the curve bends within one step
    for kind in (GAMMA, list(GAMMA)):
        np.testing.assert_allclose(response(light, kind), response(light, "gamma"), atol=1e-4)
    np.testing.assert_allclose(
        inverse_response(stored, GAMMA), inverse_response(stored, "gamma"), atol=1e-4
    )
    ours, curve = (form(stored, response=kind, bits=0) for kind in (GAMMA, "gamma"))
    np.testing.assert_allclose(ours, curve, atol=1e-4)


def test_a_table_is_straight_between_its_values_and_ends_at_its_ends():
    light = np.array([-0.5, 0, 1 / 6, 1 / 3, 0.5, 1, 1.5])
    expected = [0, 0, 0.25, 0.5, 0.65, 1, 1]
    np.testing.assert_allclose(response(light, SHORT), expected, atol=1e-12)
    back = inverse_response(np.array([-1, 0.25, 0.65, 2.0]), SHORT)
    np.testing.assert_allclose(back, [0, 1 / 6, 0.5, 1], atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(table=tables(), seed=st.integers(0, 1000), dtype=st.sampled_from([np.float32, np.float64]))
def test_tables_turn_back_and_numpy_agrees_with_torch(table, seed, dtype):
    x = np.random.default_rng(seed).random((3, 3, 4, 5)).astype(dtype)
    tensor = torch.from_numpy(x)
    for function in (response, inverse_response):
        ours, theirs = function(x, table), function(tensor, table)
        assert ours.dtype == dtype and theirs.dtype == tensor.dtype
        np.testing.assert_allclose(theirs.numpy(), ours, atol=1e-6)
    np.testing.assert_allclose(response(inverse_response(x, table), table), x, atol=1e-5)
    y = form(x, response=table, bits=0)
    np.testing.assert_allclose(form(tensor, response=table, bits=0).numpy(), y, atol=1e-6)


def test_gradients_flow_through_tables():
    x = torch.rand(3, 3, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: form(v, response=SHORT, bits=0), (x,))
    edge = torch.tensor([0.0, 1.0, -0.1, 1.1]).repeat(3, 1).requires_grad_()
    form(edge, response=SHORT, bits=0).sum().backward()
    assert edge.grad is not None and torch.isfinite(edge.grad).all()


WRONG_TABLES = [
    ((0, 0.5, 0.4, 1), "entry 3 of the table is 0.4, which is not above entry 2"),
    ((0, 0.5, 0.5, 1), "entry 3 of the table is 0.5, which is not above entry 2"),
    ((0.1, 1), "entry 1 of the table is 0.1 and not 0"),
    ((0, 0.5, 0.9), "entry 3 of the table, the last, is 0.9 and not 1"),
    ((0, float("nan"), 1), "entry 2 of the table is no finite number"),
    ((0, "x", 1), "entry 2 of the table is no finite number"),
    ((0,), "the table has 1 entry"),
    (tuple(range(5000)), "the table has 5000 entries"),
]


@pytest.mark.parametrize(("table", "said"), WRONG_TABLES, ids=[s[:30] for _, s in WRONG_TABLES])
def test_a_wrong_table_says_which_entry(table: Any, said: str, tmp_path: Path):
    with pytest.raises(ValueError, match=said):
        response(np.zeros(3), table)
    with pytest.raises(ValueError, match=f"response: {said}"):
        Camera(response=table)
    file = tmp_path / "g.txt"
    file.write_text("\n".join(map(str, table)))
    with pytest.raises(DeblurkitError, match="no camera response") as caught:
        read_response(file)
    assert str(file) in str(caught.value) and "entr" in str(caught.value)


def test_tables_pass_through_scores():
    frames = np.random.default_rng(2).random((3, 12, 12, 3))
    np.testing.assert_allclose(
        reblur(frames, SHORT), form(frames, response=SHORT, bits=0), atol=1e-12
    )
    assert json.loads(json.dumps(reblur_settings(SHORT))) == reblur_settings(SHORT)
    protocol = Deblurkit(response=SHORT)
    exact = protocol.score(frames, frames, form(frames, response=SHORT, bits=0))["reblur-psnr"]
    assert exact.total == 0
    said = next(c for c in protocol.columns(3) if c.key == "reblur-psnr").definition
    assert "table of 4 values" in said
    names = {response_text(kind, 2.2) for kind in (SHORT, list(SHORT), GAMMA, "gamma", "srgb")}
    assert len(names) == 4 and {"gamma 2.2", "srgb"} < names


def test_files_of_tables(tmp_path: Path):
    file = tmp_path / "g.txt"
    write_response(file, GAMMA)
    assert read_response(file) == GAMMA
    for text in ("0,0.5,0.8,1", "# g\n0\n\n0.5,\n0.8, 1.0\n", "\ufeff0, 0.5,\r\n0.8,\r\n1"):
        file.write_text(text, "utf-8")
        assert read_response(file) == SHORT
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DeblurkitError, match="it is no text"):
        read_response(file)
    with pytest.raises(DeblurkitError, match="cannot be read"):
        read_response(tmp_path)
    file.write_text("0\n" * (1 << 20))
    with pytest.raises(DeblurkitError, match="0 entries"):
        read_response(file)


# --- what settings may be ---------------------------------------------------------------------

WRONG = {
    "response": ["linear", None, 2.2],
    "gamma": [0, -1, float("inf"), True, "2.2"],
    "noise": [-0.1, 1.1, (0.2, 0.1), (0.1,), (0, 2), None],
    "bits": [-1, 17, 8.0, True],
    "subframes": [0, 2, 1001, 3.0, True],
    "duty": [0, -0.5, 1.5, float("nan")],
    "headroom": [0.9, 1001, (0.5, 2)],
    "shot_noise": [-1, 1.1, 1e-13, (1e-13, 1)],
    "read_noise": [-1, 2, ("a", "b")],
    "white_balance": [-1, 5, (0, 1)],
    "mosaic": [1, None],
    "jpeg": [-1, 101, 50.0, (0, 50), (60, 50), (50, 101)],
}


@pytest.mark.parametrize(("name", "values"), WRONG.items(), ids=list(WRONG))
def test_settings_out_of_range_are_named(name: str, values: list[Any]):
    for value in values:
        with pytest.raises(ValueError, match=f"^{name}: must be "):
            Camera(**{name: value})


def test_a_shutter_that_closes_needs_sub_frames():
    with pytest.raises(ValueError, match="valid: subframes of 3 or more"):
        Camera(duty=0.5)
    assert Camera(duty=0.5, subframes=3).duty == 0.5


def test_only_eq_1_is_plain():
    for plain in (Camera(), Camera("gamma", noise=0.1, bits=16), Camera("srgb")):
        assert plain.only_averages
    for how in (
        {"noise": (0.0, 0.1)}, {"response": SHORT}, {"subframes": 3}, {"headroom": 2.0},
        {"shot_noise": 0.1}, {"read_noise": 0.1}, {"white_balance": 0.1}, {"mosaic": True},
        {"jpeg": 90},
    ):  # fmt: skip
        assert not Camera(**how).only_averages


# --- in recipes -------------------------------------------------------------------------------

REALISTIC = {
    "response": "[0, 0.5, 0.8, 1]",
    "subframes": "3",
    "duty": "0.8",
    "headroom": "[1, 4]",
    "shot_noise": "[1e-4, 1e-2]",
    "read_noise": "0.01",
    "white_balance": "0.3",
    "mosaic": "true",
    "noise": "[0, 0.01]",
    "jpeg": "[70, 95]",
}


def formation(**said: str) -> Formation:
    overrides = [f"data.formation.{key}={value}" for key, value in said.items()]
    return load_recipe("pairwise", overrides=overrides).data.formation


def test_a_recipe_describes_a_camera(tmp_path: Path):
    expected = Camera(
        response=SHORT, noise=(0.0, 0.01), subframes=3, duty=0.8, headroom=(1.0, 4.0),
        shot_noise=(1e-4, 1e-2), read_noise=0.01, white_balance=0.3, mosaic=True, jpeg=(70, 95),
    )  # fmt: skip
    found = formation(**REALISTIC).camera()
    assert found == expected and hash(found) == hash(expected)
    assert pickle.loads(pickle.dumps(found)) == found
    assert Formation().camera() == Camera()
    overrides = [f"data.formation.{key}={value}" for key, value in REALISTIC.items()]
    recipe = load_recipe("pairwise", overrides=overrides)
    (tmp_path / "r.yaml").write_text(dump_recipe(recipe))
    assert load_recipe(tmp_path / "r.yaml") == recipe


def test_what_changes_nothing_is_not_said_so_that_older_recipes_keep_their_hashes():
    plain = {"response": "identity", "gamma": 2.2, "noise": 0.0, "bits": 8}
    assert Formation().model_dump(mode="json") == plain
    said = formation(duty="1", headroom="1", jpeg="0", mosaic="false", shot_noise="0")
    assert said.model_dump(mode="json") == plain and said == Formation()
    assert Formation(headroom=2.0).model_dump(mode="json") == {**plain, "headroom": 2.0}
    assert set(plain) | set(Formation.LATER) == set(Formation.model_fields)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("response=[0, 0.5, 0.4, 1]", "response: entry 3 of the table is 0.4, which is not above"),
        ("response=linear", "response: must be identity, gamma, srgb, or a table"),
        ("duty=0.5", "formation: a shutter that closes between frames, duty 0.5, needs several"),
        ("subframes=4", "subframes: must be an odd number, 1 to 999"),
        ("jpeg=[0, 50]", "jpeg: must be 0 for none, or a quality of 1 to 100"),
        ("noise=[0.2, 0.1]", "noise: must be 0 to 1, or two such values, [least, greatest], got"),
        ("mosaic=1", "mosaic: must be true or false, got 1"),
    ],
)
def test_mistakes_in_recipes_are_at_their_place(said: str, message: str):
    with pytest.raises(RecipeError) as caught:
        load_recipe("pairwise", overrides=[f"data.formation.{said}"])
    (line,) = caught.value.problems
    assert message in line
