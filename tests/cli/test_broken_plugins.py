"""Plugins that break their contract while a recipe runs: named, without a traceback."""

from __future__ import annotations

import pytest

LOSS = """
    import torch
    from deblurkit.hookspecs import hookimpl
    from deblurkit.specs import LossSpec

    DEBLURKIT_API = 1

    class Broken:
        def __call__(self, estimate, target):
            i = next(iter(estimate))
            error = estimate[i] - target[i]
            {body}

    @hookimpl
    def deblurkit_losses():
        return [LossSpec(name="broken", summary="breaks", build="{module}:Broken"{extra})]
"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise KeyError('x')", "KeyError"),
        ("return error", "not a scalar tensor"),
        ("return 1.0", "it gave 1.0"),
        ("return error.abs().mean().detach()", "no gradient leads"),
        ("return (error * float('nan')).mean()", "the loss is not finite in step 1"),
    ],
)
def test_a_broken_loss_is_named(site, body: str, said: str) -> None:
    site.add("odd", LOSS.format(body=body, module="made_up_odd", extra=""), distribution="odd-dist")
    done = site.run(
        "-m", "deblurkit", "run", "independent", "--scale", "smoke",
        "--set", "loss.middle.broken.weight=1", "--out", str(site.folder.parent / "run"),
    )  # fmt: skip
    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "this is a bug" not in done.stderr
    if "finite" not in said:
        assert "loss term 'broken' of plugin 'odd' (odd-dist 1.0)" in done.stderr


def test_a_loss_that_claims_to_train_itself_must(site) -> None:
    source = LOSS.format(
        body="return error.mean()", module="made_up_odd", extra=", trains_itself=True"
    )
    site.add("odd", source)
    done = site.run(
        "-m", "deblurkit", "run", "independent", "--scale", "smoke",
        "--set", "loss.middle.broken.weight=1", "--out", str(site.folder.parent / "run"),
    )  # fmt: skip
    assert done.returncode == 2
    assert "is no SelfTrainedTerm" in done.stderr


def test_a_network_that_changes_the_size_is_named(site) -> None:
    site.add(
        "odd",
        """
        from torch import nn
        from deblurkit.hookspecs import hookimpl
        from deblurkit.specs import ArchitectureSpec

        DEBLURKIT_API = 1

        class Shrinks(nn.Module):
            def __init__(self, inputs):
                super().__init__()
                self.conv = nn.Conv2d(3, 3, 3)

            def forward(self, images, base):
                return self.conv(base)

        @hookimpl
        def deblurkit_architectures():
            return [ArchitectureSpec(name="shrinks", summary="s", build="made_up_odd:Shrinks")]
        """,
    )
    done = site.run(
        "-m", "deblurkit", "run", "independent", "--scale", "smoke",
        "--set", "architecture.name=shrinks", "--out", str(site.folder.parent / "run"),
    )  # fmt: skip
    assert done.returncode == 2
    assert "network 'middle' gave (2, 3, 38, 38) for images of shape (2, 3, 40, 40)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_changed_loss_is_trained_again(site) -> None:
    words = [
        "-m", "deblurkit", "run", "independent", "--scale", "smoke", "--set", "frames=3",
        "--set", "loss.middle.broken.weight=1", "--set", "evaluation.samples=0",
        "--out", str(site.folder.parent / "run"),
    ]  # fmt: skip
    body = "return error.square().mean()"
    site.add("odd", LOSS.format(body=body, module="made_up_odd", extra=""))
    assert "reused" not in site.run(*words).stdout
    again = site.run(*words)
    assert again.stdout.count("reused") == 3, again.stderr
    (site.folder / "made_up_odd.py").write_text(
        (site.folder / "made_up_odd.py").read_text().replace("square()", "abs()")
    )
    changed = site.run(*words)
    assert changed.returncode == 0, changed.stderr
    assert changed.stdout.count("reused") == 2
