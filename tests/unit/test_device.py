from __future__ import annotations

import pytest
import torch

from deblurkit.engine import device as engine_device
from deblurkit.errors import UnavailableError
from deblurkit.inference import device


def test_a_gpu_that_is_not_there_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        UnavailableError, match=r"no CUDA device can be used here\n  next: --device"
    ):
        device.choose_device("cuda")
    assert device.choose_device("auto") == "cpu"
    with pytest.raises(UnavailableError, match="unknown device 'tpu'"):
        device.choose_device("tpu")


@pytest.mark.parametrize(("fast", "expected"), [(True, "bf16"), (False, "fp32")])
def test_auto_takes_bf16_where_the_processor_computes_it(
    monkeypatch: pytest.MonkeyPatch, fast: bool, expected: str
) -> None:
    monkeypatch.setattr(engine_device, "cpu_computes_bf16", lambda: fast)
    assert engine_device.choose_precision("auto", "cpu") == expected
    assert engine_device.choose_precision("bf16", "cpu") == "bf16"
    with pytest.raises(UnavailableError, match="fp16 is not computed on the CPU"):
        engine_device.choose_precision("fp16", "cpu")


def test_a_second_run_may_want_another_precision() -> None:
    assert engine_device.make_accelerator("cpu", "bf16").mixed_precision == "bf16"
    assert engine_device.make_accelerator("cpu", "fp32").mixed_precision == "no"
